"""A disposal record as it is printed (K6): what was on the medium, what was destroyed, and what is to be filled in.

Markdown that reads as text too, in the reader's language. Pure. Must not know the desk.
"""

from datetime import tzinfo
from typing import Any

from kuramori.cli.times import format_time
from kuramori.texts import tr
from kuramori_config.quantities import Size

BLANK = "______________________"


def disposal_record(record: dict[str, Any], zone: tzinfo) -> str:
    """Return the record, open fields blank."""
    title = tr(f"# Disposal record {record['record']}", f"# 記録媒体廃棄記録 第{record['record']}号")
    retired = format_time(record["retired_utc_ms"], zone) if record["retired_utc_ms"] else BLANK
    size = str(Size(record["size_bytes"])) if record["size_bytes"] else tr("not readable", "読取不可")
    keys = tr(
        f"{record['epochs']} keys of hours, {record['segment_keys']} of single segments; receipt "
        f"{record['erasure_number']}, tier {record['tier']}",
        f"時間単位の鍵 {record['epochs']} 件、個別の鍵 {record['segment_keys']} 件（消去記録 "
        f"{record['erasure_number']}、消去保証区分 {record['tier']}）",
    )
    facts = [
        (tr("site", "設置場所"), record["site"]),
        (tr("recorder", "録画機ID"), record["recorder_id"]),
        (tr("medium", "記録媒体"), f"{record['volume']} ({size})"),
        (tr("medium's id", "媒体ID"), record["volume_id"] or tr("not readable", "読取不可")),
        (tr("reason", "廃棄の理由"), record["reason"]),
        (tr("ordered by", "指示者（管理責任者）"), record["ordered_by"]),
        (tr("keys destroyed at", "鍵の破棄日時"), retired),
        (tr("keys destroyed", "破棄した鍵"), keys),
    ]
    to_fill = [
        (tr("method (crushing, shredding, ...)", "廃棄方法（破砕・裁断等）"), record["method"]),
        (tr("date", "廃棄日"), record["date"]),
        (tr("carried out by", "実施者"), record["carried_out_by"]),
        (tr("witness", "立会人"), record["witness"]),
    ]
    lines = [title, "", tr("| | |", "| 項目 | 内容 |"), "|---|---|"]
    lines += [f"| {name} | {_cell(text)} |" for name, text in facts]
    lines += [f"| {name} | {_cell(text or BLANK)} |" for name, text in to_fill]
    lines += ["", _closing(record)]
    return "\n".join(lines)


def _closing(record: dict[str, Any]) -> str:
    if not record["open"]:
        return tr(f"Completed by {record['completed_by']}.", f"完了登録者: {record['completed_by']}")
    number = record["record"]
    return tr(
        "Destroying the keys does not replace destroying the medium. This record stays open until it is filled in:\n"
        f"kuramori retire --complete {number} --method crushing --date YYYY-MM-DD --person NAME --witness NAME",
        "鍵の破棄は媒体の物理的な破壊に代わるものではありません。次の登録まで、この記録は未完了です:\n"
        f"kuramori retire --complete {number} --method 破砕 --date 年-月-日 --person 実施者 --witness 立会人",
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
