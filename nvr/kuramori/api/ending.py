"""Backups, disposal records and permits over HTTP (K6, K7).

Must not know how anything is copied, destroyed or looked for.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from kuramori.api.context import Here, TheDesk
from kuramori.api.identity import BackupMaker, KeepingReader, MediaManager
from kuramori.api.paging import ThePage, page_of
from kuramori.api.requests import Body, Line, UtcMs
from kuramori.desk.account_fault import LocalOnly
from kuramori.desk.media_book import Disposal, Permit
from kuramori.desk.recorder import asking
from kuramori.ending_messages import MediumStatus

PATH_LENGTH_MOST = 4096

router = APIRouter(tags=["media"])
Volume = Annotated[str, Field(min_length=1, max_length=PATH_LENGTH_MOST)]


class BackupBody(Body):
    """What a backup is to hold."""

    with_secrets: bool = False


class RetirementBody(Body):
    """Which volume is taken out of use, and why."""

    volume: Volume
    reason: Line


class CompletionBody(Body):
    """How a medium was destroyed."""

    method: Line
    date: Line
    person: Line
    witness: Line


class PermitBody(Body):
    """Which volume may leave, with whom, until when, and why."""

    volume: Volume
    carrier: Line
    until_utc_ms: UtcMs
    reason: Line


@dataclass(frozen=True, slots=True)
class BackupCopies:
    """Where the copies for a backup lie; whoever asked reads them and removes the folder."""

    folder: str


@dataclass(frozen=True, slots=True)
class DisposalView:
    """One disposal record."""

    record: int
    site: str
    recorder_id: str
    volume: str
    volume_id: str
    size_bytes: int
    reason: str
    ordered_by: str
    ordered_utc_ms: int
    retired_utc_ms: int
    epochs: int
    segment_keys: int
    erasure_number: int
    tier: str
    open: bool
    method: str
    date: str
    carried_out_by: str
    witness: str
    completed_by: str

    @classmethod
    def of(cls, disposal: Disposal, site: str, recorder_id: bytes) -> "DisposalView":
        """Return what is shown of a record."""
        retired, completed = disposal.retired, disposal.completed
        return cls(
            disposal.record,
            site,
            recorder_id.hex(),
            disposal.volume,
            retired.volume_id if retired else "",
            retired.size_bytes if retired else 0,
            disposal.reason,
            disposal.ordered_by,
            disposal.ordered_utc_ms,
            disposal.retired_utc_ms,
            retired.epochs if retired else 0,
            retired.segment_keys if retired else 0,
            retired.erasure_number if retired else 0,
            retired.tier if retired else "",
            disposal.is_open,
            completed.method if completed else "",
            completed.date if completed else "",
            completed.carried_out_by if completed else "",
            completed.witness if completed else "",
            disposal.completed_by,
        )


@dataclass(frozen=True, slots=True)
class DisposalList:
    """A page of the disposal records, the oldest first. `next` is null on the last page."""

    disposals: tuple[DisposalView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class MediaView:
    """Every medium as the recorder sees it, and the permits that are in force."""

    media: tuple[MediumStatus, ...]
    permits: tuple[Permit, ...]


@router.post("/v1/backup-copies", status_code=201)
async def backup_copies(body: BackupBody, here: Here, desk: TheDesk, caller: BackupMaker) -> BackupCopies:
    """Register a backup and copy what changes, at one moment: on the recorder itself, whose account alone reads it."""
    if here.sign_in and caller.place.uid is None:  # without sign-in there is the socket only
        raise LocalOnly
    folder = await desk.backing_up.copy(body.with_secrets, caller.actor)
    return BackupCopies(str(folder))


@router.get("/v1/disposals")
async def disposals(desk: TheDesk, caller: KeepingReader, asked: ThePage) -> DisposalList:
    """Return the disposal records (K6)."""
    page = page_of("disposals", desk.media.book.disposals.values(), lambda one: (one.record,), asked)
    return DisposalList(tuple(_view(desk, disposal) for disposal in page.rows), page.next)


@router.post("/v1/disposals", status_code=201)
async def retire(body: RetirementBody, desk: TheDesk, caller: MediaManager) -> DisposalView:
    """Destroy the keys of all that lies on a volume, use it no more, and open its disposal record (K6)."""
    return _view(desk, await desk.media.retire(body.volume, body.reason, caller.actor))


@router.post("/v1/disposals/{record}/completion", status_code=201)
async def complete(
    record: Annotated[int, Path(ge=1)], body: CompletionBody, desk: TheDesk, caller: MediaManager
) -> DisposalView:
    """Fill a disposal record in; it is closed for good (K6)."""
    done = await desk.media.complete(record, body.method, body.date, body.person, body.witness, caller.actor)
    return _view(desk, done)


@router.get("/v1/media")
async def media(desk: TheDesk, caller: KeepingReader) -> MediaView:
    """Return which media are in their places, and which may be away."""
    async with asking():
        found = (await desk.recorder.media()).media
    now = desk.clock.utc_ms()
    permits = sorted(desk.media.book.permits.items())
    return MediaView(found, tuple(permit for _, permit in permits if now < permit.until_utc_ms))


@router.post("/v1/medium-permits", status_code=201)
async def permit(body: PermitBody, desk: TheDesk, caller: MediaManager) -> Permit:
    """Let a medium leave its place until then (K7)."""
    return await desk.media.permit(body.volume, body.carrier, body.until_utc_ms, body.reason, caller.actor)


def _view(desk: TheDesk, disposal: Disposal) -> DisposalView:
    return DisposalView.of(disposal, desk.site.name, desk.site.recorder_id)
