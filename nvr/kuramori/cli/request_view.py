"""How a request is shown to a person in the terminal: one place for all commands that show one.

Must not know the desk; it gets the JSON that the API returns.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

import typer

from kuramori.cli.times import format_time
from kuramori.texts import japanese_wanted, tr

STATES = {
    "filed": ("filed: waits for the manager's decision", "受付済み(決裁待ち)"),
    "granted": ("granted: waits for custodians", "決裁済み(鍵管理者の承認待ち)"),
    "approved": ("approved: the handler may open it", "承認済み(開封可)"),
    "opened": ("opened", "開封済み"),
    "viewed": ("viewed on the desk's screen", "閲覧済み"),
    "released": ("released: the recipient has to report its end", "提供済み(消去・返却の報告待ち)"),
    "returned": ("finished: erased, returned or destroyed", "終了(消去・返却済み)"),
    "refused": ("refused", "不許可"),
}


def state_text(state: str) -> str:
    """Return a state in words."""
    english, japanese = STATES.get(state, (state, state))
    return tr(english, japanese)


def range_text(found: Mapping[str, Any], zone: tzinfo) -> str:
    """Return from and to in local time."""
    return f"{format_time(found['from_utc_ms'], zone)} - {format_time(found['to_utc_ms'], zone)}"


def tell(rows: Sequence[tuple[str, str]]) -> None:
    """Print label and text, one a line; empty texts are left out."""
    for label, text in rows:
        if text:
            typer.echo(f"  {label}: {text}")


def request_rows(found: Mapping[str, Any], zone: tzinfo) -> list[tuple[str, str]]:
    """Return a request as rows in the order of the register's form (H5)."""
    recipient = found["recipient"]
    decided = ""
    if found["decided_by"]:
        decided = f"{found['outcome']} ({found['decided_by']}, {found['decision_reason']})"
    return [
        (tr("state", "状態"), state_text(found["state"])),
        (tr("place", "提供・閲覧場所"), found["place"]),
        (tr("recipient: organisation", "提供先・閲覧者 所属機関"), recipient["organisation"]),
        (tr("recipient: title, name", "職・氏名"), f"{recipient['title']} {recipient['name']}".strip()),
        (tr("contact", "連絡先"), recipient["contact"]),
        (tr("identity checked by", "身分の確認方法"), found["identity_check"]),
        (tr("received in person by", "受領者"), found["receiver"]),
        (tr("purpose", "目的"), found["purpose"]),
        (tr("ground, document", "根拠法令等・文書番号"), _ground_text(found, zone)),
        (tr("wanted", "請求の内容"), outputs_text(found["outputs"])),
        (tr("cameras", "撮影場所(カメラ)"), ", ".join(found["cameras"])),
        (tr("period", "撮影期間"), range_text(found, zone)),
        (tr("conditions", "提供・閲覧の条件"), found["conditions"]),
        (tr("filed by", "受付者"), found["requester"]),
        (tr("staff present", "立会職員"), ", ".join(found["witnesses"])),
        (tr("decision", "決裁"), decided),
        (tr("granted", "許可の内容"), _granted_text(found, zone)),
        (tr("refusal", "不許可の理由"), tr(found["refusal_english"], found["refusal_japanese"])),
        (tr("approved by", "承認した鍵管理者"), ", ".join(done["name"] for done in found["approvals"])),
        (tr("handed over", "提供"), ", ".join(format_time(done["utc_ms"], zone) for done in found["handovers"])),
        (tr("other", "その他"), found["other"]),
    ]


OUTPUTS = {
    "viewing": ("looking at the desk", "閲覧"),
    "copy": ("a copy", "複製の提供"),
    "masked-copy": ("a masked copy", "マスキングした複製の提供"),
}


def outputs_text(outputs: Sequence[str]) -> str:
    """Return what may be made, in words."""
    return tr(", ", "、").join(tr(*OUTPUTS.get(output, (output, output))) for output in outputs)


def document_mark(found: Mapping[str, Any], now_utc_ms: int, zone: tzinfo) -> str:
    """Return what has to be said of the document that an urgent request owes; red once it is late."""
    if not found["owes_document"]:
        return ""
    due = format_time(found["document_due_utc_ms"], zone)
    if now_utc_ms > found["document_due_utc_ms"]:
        return tr(f"RED: no document, due {due}", f"【赤】文書未受領(期限 {due} 超過)")
    return tr(f"AMBER: document due {due}", f"【黄】文書の提出待ち(期限 {due})")


def _ground_text(found: Mapping[str, Any], zone: tzinfo) -> str:
    number = found["document_number"] or found["documented_number"]
    late = found["owes_document"] and format_time(found["document_due_utc_ms"], zone)
    owed = tr(f"(urgent; document due {late})", f"(緊急、文書の期限 {late})") if late else ""
    return " ".join(part for part in (found["ground"], number, owed) if part)


def _granted_text(found: Mapping[str, Any], zone: tzinfo) -> str:
    if not found["granted_cameras"]:
        return ""
    begin, end = format_time(found["granted_from_utc_ms"], zone), format_time(found["granted_to_utc_ms"], zone)
    return f"{', '.join(found['granted_cameras'])}  {begin} - {end}  {outputs_text(found['granted_outputs'])}".strip()


def tell_filed(found: Mapping[str, Any], out_key: Path, zone: tzinfo) -> None:
    """Say that a request was filed, and what comes next."""
    number = found["request_id"]
    typer.echo(tr(f"Filed as {number}.", f"請求を受け付けました。番号: {number}"))
    tell(
        [
            (tr("cameras", "カメラ"), ", ".join(found["cameras"])),
            (tr("period", "撮影期間"), range_text(found, zone)),
            (tr("extraction key", "抽出鍵"), str(out_key)),
        ]
    )
    if found["hold_trouble"]:
        typer.echo(
            tr(
                f"Its minutes are not held: {found['hold_trouble']}",
                f"該当時間の保存期間は延長されていません。{found['hold_trouble']}",
            )
        )
    else:
        typer.echo(tr("Its minutes are held.", "該当時間の保存期間を延長しました。"))
    typer.echo(
        tr(
            f"Next: the manager decides with: kuramori decide {number}",
            f"次の手続: 管理責任者が kuramori decide {number} で決裁します。",
        )
    )


def tell_grounds(found: Sequence[Mapping[str, Any]]) -> None:
    """Print the grounds of the site's rule set."""
    language = "japanese" if japanese_wanted() else "english"
    for ground in found:
        typer.echo(f"{ground['code']}: {ground[language]}")
        tell(
            [
                (tr("source", "根拠規定"), ground[f"source_{language}"]),
                (tr("document", "必要な文書"), ground[f"document_{language}"] or tr("none", "なし")),
                (tr("for", "提供先"), ", ".join(ground["recipients"])),
                (tr("gives", "認められるもの"), outputs_text(ground["outputs"])),
            ]
        )
