"""The auditor's view over HTTP (H5): what happened in a period, entry by entry, with the erasures summed up.

Must not know what entries mean.
"""

import asyncio
import csv
import io
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from kuramori.api.context import TheDesk
from kuramori.api.identity import Auditor
from kuramori.api.paging import Paging, ThePage, make_cursor, read_cursor
from kuramori.api.problems import japanese
from kuramori.api.register_papers import LATEST_UTC_MS, UtcMs
from kuramori.desk.audit import USUAL, AuditClass, AuditFilter, ErasureSummary, class_of, erasures_in, events
from kuramori.desk.call_fault import CursorInvalid
from kuramori.desk.desk import Desk
from kuramori.desk.fault import RegisterAway, RequestInvalid
from kuramori.desk.journal import IDENTIFIED_BY
from kuramori.desk.register import Record, RegisterDamaged
from kuramori.paper.event_texts import detail_of, what_happened
from kuramori.paper.language import Language
from kuramori.paper.register_print import BYTE_ORDER_MARK, safe_cell

LISTING = "audit"
KINDS_MOST = 32

router = APIRouter(tags=["register"])


class AuditFormat(StrEnum):
    """As what it is wanted."""

    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One entry. `what` and `detail` are in the caller's language, `about` and `kind` for programs."""

    entry: int
    utc_ms: int
    about: str
    kind: str
    request: str | None
    person: str | None
    identified_by: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class ErasureView:
    """What was destroyed in the period. Keys by cause and by camera."""

    receipts: int
    keys: int
    kept_for_holds: int
    first_utc_ms: int
    last_utc_ms: int
    tiers: tuple[str, ...]
    by_cause: dict[str, int]
    by_camera: dict[str, int]

    @classmethod
    def of(cls, summary: ErasureSummary) -> "ErasureView":
        """Return the view of a summary."""
        return cls(
            summary.receipts,
            summary.keys,
            summary.kept_for_holds,
            summary.first_utc_ms,
            summary.last_utc_ms,
            tuple(summary.tiers),
            summary.by_cause,
            summary.by_camera,
        )


@dataclass(frozen=True, slots=True)
class AuditView:
    """A page of the period. `erasures` stands on the first page only; `next` is null on the last."""

    events: tuple[AuditEvent, ...]
    erasures: ErasureView | None
    next: str | None


_OF_AUDIT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
Text = Annotated[str, Query(max_length=200)]


@router.get("/v1/audit", responses=_OF_AUDIT, response_model=AuditView)
async def audit(
    desk: TheDesk,
    http: Request,
    caller: Auditor,
    asked: ThePage,
    from_utc_ms: UtcMs = 0,
    to_utc_ms: UtcMs = LATEST_UTC_MS,
    about: Annotated[tuple[AuditClass, ...], Query(max_length=KINDS_MOST)] = (),
    kind: Annotated[tuple[Annotated[str, Query(max_length=64)], ...], Query(max_length=KINDS_MOST)] = (),
    by: Text = "",
    request: Text = "",
    shape: Annotated[AuditFormat, Query(alias="format")] = AuditFormat.JSON,
) -> AuditView | Response:
    """Return viewings, hand-overs, holds, custodian changes, refused attempts and the rest, oldest first.

    The recorder's hourly receipts of erasure are summed up; `about=receipt` lists them. As a table: the page alone.
    """
    if from_utc_ms >= to_utc_ms:
        raise RequestInvalid("to_utc_ms", "the range has to end after it begins.", "終了は開始より後にしてください。")
    wanted = AuditFilter(from_utc_ms, to_utc_ms, frozenset(about) or USUAL, frozenset(kind), by, request)
    say = Language.JAPANESE if japanese(http) else Language.ENGLISH
    try:
        view = await asyncio.to_thread(_view, desk, wanted, asked, say)
    except RegisterDamaged as damage:
        raise RegisterAway(str(damage)) from damage
    if shape is AuditFormat.JSON:
        return view
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="audit.csv"'}
    zone = ZoneInfo(desk.site.time_zone)
    return Response(_table(view, say, zone), media_type="text/csv; charset=utf-8", headers=headers)


def _view(desk: Desk, wanted: AuditFilter, asked: Paging, say: Language) -> AuditView:
    register, zone = desk.journal.register, ZoneInfo(desk.site.time_zone)
    after = _after(asked)
    found = list(islice(events(register.each(after + 1), wanted), asked.limit + 1))
    shown = found[: asked.limit]
    following = make_cursor(LISTING, (shown[-1].entry.index,)) if len(found) > len(shown) else None
    erasures = None
    if after < 0:
        erasures = ErasureView.of(erasures_in(register.each(), wanted.from_utc_ms, wanted.to_utc_ms))
    return AuditView(tuple(_event(record, say, zone) for record in shown), erasures, following)


def _after(asked: Paging) -> int:
    if not asked.cursor:
        return -1
    index, *more = read_cursor(LISTING, asked.cursor)
    if more or not isinstance(index, int):
        raise CursorInvalid
    return index


def _event(record: Record, say: Language, zone: ZoneInfo) -> AuditEvent:
    entry = record.entry
    return AuditEvent(
        entry.index,
        entry.utc_ms,
        class_of(record).value,
        entry.kind,
        entry.request,
        entry.person,
        str((record.content or {}).get(IDENTIFIED_BY, "")),
        what_happened(record, say),
        detail_of(record, say, zone),
    )


def _table(view: AuditView, say: Language, zone: ZoneInfo) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(
        (
            say("entry", "項番"),
            say("time", "日時"),
            say("what", "事項"),
            say("request", "受付番号"),
            say("person", "操作者"),
            say("identified by", "本人確認"),
            say("facts", "内容"),
        )
    )
    for one in view.events:
        cells = (one.what, one.request or "", one.person or "", one.identified_by, one.detail)
        table.writerow((one.entry, say.time(one.utc_ms, zone), *map(safe_cell, cells)))
    return (BYTE_ORDER_MARK + text.getvalue()).encode("utf-8")
