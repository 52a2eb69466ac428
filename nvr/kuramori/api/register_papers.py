"""The register to take away over HTTP: the form as PDF, CSV and JSON, and the page of the newest checkpoint.

Must not know how pages are drawn.
"""

from enum import StrEnum
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response

from kuramori.api.context import TheDesk
from kuramori.api.identity import Anybody, RegisterReader
from kuramori.api.printing import PDF, file_answer, printed
from kuramori.desk.desk import Desk
from kuramori.desk.fault import RequestInvalid
from kuramori.desk.signed_note import open_checkpoint
from kuramori.paper.register_form import FormSheet, sheets_json, sheets_of
from kuramori.paper.register_print import SealedPage, checkpoint_pdf, sheets_csv, sheets_pdf

SHEETS_MOST = 1000  # in one file
LATEST_UTC_MS = 253_402_300_800_000  # the year 10000

router = APIRouter()  # part of that of the register

UtcMs = Annotated[int, Query(ge=0, le=LATEST_UTC_MS)]


class FormFormat(StrEnum):
    """As what the form is wanted."""

    PDF = "pdf"
    CSV = "csv"
    JSON = "json"


_MEDIA_TYPES = {FormFormat.PDF: PDF, FormFormat.CSV: "text/csv; charset=utf-8", FormFormat.JSON: "application/json"}
_OF_FORM: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {}, "text/csv": {}, "application/json": {}}}}
_OF_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {}}}}


@router.get("/form", response_class=Response, responses=_OF_FORM)
async def form(
    desk: TheDesk,
    caller: RegisterReader,
    shape: Annotated[FormFormat, Query(alias="format")] = FormFormat.PDF,
    from_utc_ms: UtcMs = 0,
    to_utc_ms: UtcMs = LATEST_UTC_MS,
) -> Response:
    """Return the form of every hand-over in a time: pages to print, a table, or JSON."""
    content = await printed(partial(_form, desk, shape, from_utc_ms, to_utc_ms))
    return file_answer(content, _MEDIA_TYPES[shape], f"register.{shape.value}")


@router.get("/checkpoint-page", response_class=Response, responses=_OF_PAGE)
async def checkpoint_page(desk: TheDesk, caller: Anybody) -> Response:
    """Return the newest checkpoint as a page to print, sign and seal. It names nobody."""
    content = await printed(partial(_checkpoint_page, desk))
    return file_answer(content, PDF, "checkpoint.pdf")


def _form(desk: Desk, shape: FormFormat, from_utc_ms: int, to_utc_ms: int) -> bytes:
    zone = ZoneInfo(desk.site.time_zone)
    sheets = _within(sheets_of(desk.journal.register.each()), from_utc_ms, to_utc_ms)
    if len(sheets) > SHEETS_MOST:
        raise RequestInvalid(
            "to_utc_ms",
            f"{len(sheets)} hand-overs in this time; at most {SHEETS_MOST} in one file.",
            f"この期間の提供は{len(sheets)}件です。{SHEETS_MOST}件以下になるよう期間を分けてください。",
        )
    if shape is FormFormat.JSON:
        return sheets_json(sheets)
    if shape is FormFormat.CSV:
        return sheets_csv(sheets, zone)
    return sheets_pdf(sheets, desk.site.name, zone, desk.clock.utc_ms())


def _within(sheets: list[FormSheet], from_utc_ms: int, to_utc_ms: int) -> list[FormSheet]:
    return [sheet for sheet in sheets if from_utc_ms <= sheet.handed_utc_ms < to_utc_ms]


def _checkpoint_page(desk: Desk) -> bytes:
    register = desk.journal.register
    note = register.checkpoint
    checkpoint = open_checkpoint(note, register.verifier)
    page = SealedPage(
        desk.site.name,
        desk.site.recorder_id.hex(),
        checkpoint.size,
        checkpoint.root,
        note,
        register.verifier.encode(),
    )
    return checkpoint_pdf(page, ZoneInfo(desk.site.time_zone), desk.clock.utc_ms())
