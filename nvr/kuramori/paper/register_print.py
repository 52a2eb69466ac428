"""The sheets of the register as the form on paper and as a table; and the page of a checkpoint to be sealed.

The layout is that of the published form (H5): the same rows in the same order, one sheet a page. Pure but for the
font. Must not know the register's entries.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from kuramori.paper.japanese_dates import japanese_time
from kuramori.paper.pdf import FormRow, PdfDocument
from kuramori.paper.register_form import FormSheet

TITLE = "防犯カメラ画像閲覧等記録簿"
RECIPIENT = "提供先・閲覧者"
BYTE_ORDER_MARK = "\ufeff"  # spreadsheets take the file for UTF-8 by it
_ASKED_OF_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")
HASH_GROUP = 8


@dataclass(frozen=True, slots=True)
class SealedPage:
    """What a checkpoint page shows. `note` is the signed note as it stands, `verifier` whose signature it bears."""

    site: str
    recorder_id: str
    entries: int
    root: bytes
    note: str
    verifier: str


def form_rows(sheet: FormSheet, zone: tzinfo) -> list[FormRow]:
    """Return the form's rows, in the form's order."""
    purpose = [sheet.purpose, f"(根拠)\u3000{sheet.ground}"]
    if sheet.document_number:
        purpose.append(f"(文書番号)\u3000{sheet.document_number}")
    which = f"閲覧{sheet.viewing}回目" if sheet.viewing else f"提供{sheet.opening}回目"
    other = [
        f"申請番号\u3000{sheet.request}\u3000({which}、記録簿第{sheet.entry}項)",
        f"決裁\u3000{sheet.decided_by}",
        f"本人確認\u3000{sheet.identity_check or '記載なし'}",
        *([] if sheet.viewing else _handed(sheet)),
        *([sheet.other] if sheet.other else []),
    ]
    return [
        FormRow("提供・閲覧日時", japanese_time(sheet.handed_utc_ms, zone)),
        FormRow("提供・閲覧場所", sheet.place),
        FormRow("所属機関", sheet.organisation, RECIPIENT),
        FormRow("職・氏名", sheet.recipient, RECIPIENT),
        FormRow("連絡先", sheet.contact, RECIPIENT),
        FormRow("目的(根拠法令等)", "\n".join(purpose)),
        FormRow("撮影場所", "\n".join(sheet.cameras)),
        FormRow(
            "撮影期間",
            f"{japanese_time(sheet.from_utc_ms, zone)} から\n{japanese_time(sheet.to_utc_ms, zone)} まで",
        ),
        FormRow("提供・閲覧の条件", sheet.conditions, least_lines=2),
        FormRow("立会職員", "、".join(sheet.present), least_lines=2),
        FormRow("提供画像の消去", _ended(sheet, zone)),
        FormRow("その他事項", "\n".join(other)),
    ]


def _handed(sheet: FormSheet) -> list[str]:
    return [f"記録媒体\u3000{sheet.medium or '未記入'}", f"目録のSHA-256\u3000{sheet.manifest_digest}"]


def _ended(sheet: FormSheet, zone: tzinfo) -> str:
    if sheet.viewing:
        return "閲覧のみ(提供なし)"
    if sheet.ended_utc_ms is None:
        return "未報告"
    return f"{japanese_time(sheet.ended_utc_ms, zone)}\u3000{sheet.ended_how}(報告者\u3000{sheet.told_by})"


def sheets_pdf(sheets: Sequence[FormSheet], site: str, zone: tzinfo, printed_utc_ms: int) -> bytes:
    """Return the form, one page for each sheet; without any, a page that says so."""
    created = datetime.fromtimestamp(printed_utc_ms / 1000, UTC)
    footer = f"{site}\u3000{japanese_time(printed_utc_ms, zone)} 出力"
    pages = PdfDocument(TITLE, created=created, footer=footer)
    for number, sheet in enumerate(sheets):
        if number:
            pages.new_page()
        pages.paragraph("別記様式(第6条関係)")
        pages.heading(TITLE, centred=True)
        pages.form(form_rows(sheet, zone))
    if not sheets:
        pages.heading(TITLE, centred=True)
        pages.paragraph("該当する提供・閲覧の記録はありません。")
    return pages.to_bytes()


def sheets_csv(sheets: Sequence[FormSheet], zone: tzinfo) -> bytes:
    """Return one line for each sheet under the form's labels, for spreadsheets (UTF-8 with mark, CRLF)."""
    labels = [f"{row.group}\u3000{row.label}".strip() for row in form_rows(_EMPTY, zone)]
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(labels)
    for sheet in sheets:
        table.writerow([safe_cell(row.value) for row in form_rows(sheet, zone)])
    return (BYTE_ORDER_MARK + text.getvalue()).encode("utf-8")


def safe_cell(value: str) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(_ASKED_OF_SPREADSHEETS) else value


def checkpoint_pdf(page: SealedPage, zone: tzinfo, printed_utc_ms: int) -> bytes:
    """Return the page that is printed each month, sealed and locked away: what the register was on that day."""
    pages = PdfDocument("記録簿検証値", created=datetime.fromtimestamp(printed_utc_ms / 1000, UTC), footer=page.site)
    pages.heading("記録簿検証値(月次封印用)", centred=True)
    pages.paragraph(japanese_time(printed_utc_ms, zone), right=True)
    pages.form(
        [
            FormRow("設置者", page.site),
            FormRow("録画機識別番号", page.recorder_id),
            FormRow("記録件数", f"{page.entries} 件"),
            FormRow("検証値(ルートハッシュ)", grouped(page.root.hex())),
            FormRow("署名付き検証値", page.note.rstrip("\n")),
            FormRow("検証用公開鍵", page.verifier),
            FormRow("封印年月日", "", least_lines=2),
            FormRow("管理責任者\u3000署名", "", least_lines=2),
            FormRow("立会職員\u3000署名", "", least_lines=2),
        ]
    )
    pages.space(4)
    pages.paragraph(
        "この用紙を封筒に入れて封印し、録画機とは別の場所に5年間保管してください。"
        "後日、記録簿の先頭からこの件数までの検証値がこの値と一致すれば、その間の記録に改変も削除もありません。"
        "確認の方法: kuramori register --verify --sealed 件数:検証値"
    )
    return pages.to_bytes()


def grouped(digits: str) -> str:
    """Return hexadecimal digits in groups that can be compared by eye."""
    return " ".join(digits[start : start + HASH_GROUP] for start in range(0, len(digits), HASH_GROUP))


_EMPTY = FormSheet("", 0, 0, 0, "", "", "", "", "", "", "", (), 0, 0, "", (), None, "", "", "", "", "", "", "")
