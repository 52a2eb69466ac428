"""How the fate of a camera's minutes is shown: one line for each stretch of time.

Must not know where the proof comes from.
"""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any

from kuramori.cli.times import format_time
from kuramori.texts import tr


def proof_lines(proof: Mapping[str, Any], zone: tzinfo) -> Iterator[str]:
    """Yield a line for each stretch of time of a proof."""
    for span in proof["spans"]:
        begin, end = format_time(span["from_utc_ms"], zone), format_time(span["to_utc_ms"], zone)
        yield f"{begin} - {end}  {fate_text(span, zone)}"


def fate_text(span: Mapping[str, Any], zone: tzinfo) -> str:
    """Return what became of a stretch of time."""
    until = format_time(span["until_utc_ms"], zone) if span["until_utc_ms"] is not None else ""
    match span["fate"]:
        case "kept":
            return tr(f"kept, until {until} at the latest", f"保存中（遅くとも {until} までに消去）")
        case "held":
            return tr(f"held, until {until} at the latest", f"保存期間延長中（遅くとも {until} までに消去）")
        case "overwritten":
            return tr(
                f"overwritten in the ring; its key goes by {until} at the latest",
                f"上書き済み（鍵は遅くとも {until} までに破棄）",
            )
        case "overdue":
            return tr("overdue: refused, and its key waits to be destroyed", "期限超過（開封不可、鍵の破棄待ち）")
        case "destroyed":
            return _destroyed(span, zone)
        case "never-recorded":
            return tr(f"never recorded: {span['reason']}", f"録画なし: {span['reason']}")
        case _:
            return tr("not known", "不明")


def _destroyed(span: Mapping[str, Any], zone: tzinfo) -> str:
    from kuramori.cli.erasures import rule_text

    when, rule = format_time(span["erased_utc_ms"], zone), rule_text(span["rule"])
    return tr(
        f"destroyed {when}: {rule}, tier {span['tier']}, receipt {span['receipt']}",
        f"消去済み {when}: {rule}、消去保証区分 {span['tier']}、受領番号 {span['receipt']}",
    )
