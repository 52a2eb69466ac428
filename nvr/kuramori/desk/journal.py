"""The register and what follows from it: no state of the desk changes but by an entry that is durable first.

`write` judges a step, writes it, and only then applies it to the requests and holds in memory. Opening reads the
register from its first entry and applies it again, so a stop between an entry and its effect loses nothing. Must
not know HTTP or the recorder.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kuramori.desk.account_book import AccountBook
from kuramori.desk.attempt_book import AttemptBook
from kuramori.desk.camera_book import CameraBook
from kuramori.desk.camera_steps import CAMERA_STEPS
from kuramori.desk.complaint_book import ComplaintBook
from kuramori.desk.complaint_steps import COMPLAINT_STEPS
from kuramori.desk.custody_book import CustodyBook
from kuramori.desk.custody_steps import RecoveryOpened
from kuramori.desk.effect import mark_effect
from kuramori.desk.ending_steps import ENDING_STEPS
from kuramori.desk.fault import DeskFault, RegisterAway, RequestUnknown
from kuramori.desk.hold_book import HoldBook
from kuramori.desk.masking_steps import MaskedCopyBegun, MaskedCopyConfirmed, MaskedCopyRejected
from kuramori.desk.media_book import MediaBook
from kuramori.desk.register import Record, Register, RegisterDamaged, RegisterUnwritable
from kuramori.desk.register_entry import EntryKind
from kuramori.desk.request import Request, apply
from kuramori.desk.request_steps import Documented, IdentityChecked
from kuramori.desk.steps import (
    KINDS,
    STEP_OF_KIND,
    Amended,
    Approved,
    BundleWritten,
    Decided,
    Filed,
    Opened,
    Refused,
    Released,
    Returned,
    Step,
    Taken,
)
from kuramori.desk.viewing_steps import ViewingBegun, ViewingEnded
from kuramori.wire import from_plain, to_plain

REQUEST_STEPS = (
    ViewingBegun,
    ViewingEnded,
    Filed,
    Amended,
    Decided,
    Approved,
    RecoveryOpened,
    Opened,
    Released,
    BundleWritten,
    Returned,
    Refused,
    Documented,
    IdentityChecked,
    MaskedCopyBegun,
    MaskedCopyConfirmed,
    MaskedCopyRejected,
)
IDENTIFIED_BY = "identified_by"
DESK_ITSELF = "the desk itself"
PAGE_ENTRIES = 1000  # at a time while the register is replayed


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and how the desk knows."""

    person: str
    identified_by: str


class Journal:
    """Requests and holds as the register has them. Use from one event loop."""

    def __init__(self, register: Register, time_zone: str) -> None:
        """Replay the register. Raises RegisterDamaged where its history cannot have happened."""
        self.register = register
        self.requests: dict[str, Request] = {}
        self.holds = HoldBook()
        self.cameras = CameraBook()
        self.media = MediaBook()
        self.custody = CustodyBook()
        self.accounts = AccountBook()
        self.attempts = AttemptBook()
        self.complaints = ComplaintBook()
        self.decided_at: dict[str, int] = {}  # index of the newest decision of each request
        self.approved_at: dict[tuple[str, bytes], int] = {}  # of each custodian's newest approval of a request
        self._zone = ZoneInfo(time_zone)
        self._numbers: dict[str, int] = {}
        self._forgotten: set[str] = set()  # requests whose bodies are deleted
        self._lock = asyncio.Lock()
        self._writing: set[asyncio.Task[Record]] = set()
        self._replay()

    def request(self, request_id: str) -> Request:
        """Return a request. Raises RequestUnknown."""
        request = self.requests.get(request_id)
        if request is None:
            raise RequestUnknown(request_id)
        return request

    def next_request_id(self, utc_ms: int, series: str = "") -> str:
        """Return a new request number: the site's date and a running number. Never given twice in its series.

        A series' own letter is not part of what is returned.
        """
        day = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(self._zone).strftime("%Y%m%d")
        number = self._numbers.get(series + day, 0) + 1
        self._numbers[series + day] = number
        return f"{day}-{number}"

    async def write(self, step: Step, actor: Actor | None, utc_ms: int, request_id: str = "") -> Record:
        """Write a step and return its record once it is durable and applied. Raises DeskFault; then nothing is.

        `actor` is None where the recorder or the desk acted by itself.
        """
        taken = Taken(step, request_id, actor.person if actor else "", utc_ms)
        body = {**to_plain(step), IDENTIFIED_BY: actor.identified_by if actor else DESK_ITSELF}
        writing = asyncio.create_task(self._write(taken, body))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        return await asyncio.shield(writing)  # a caller that goes away does not tear entry and effect apart

    async def forget(self, requests: Sequence[str], indices: Sequence[int], actor: Actor, utc_ms: int) -> Record:
        """Delete these bodies, all of these requests', and write who confirmed it, as one step. Raises DeskFault."""
        writing = asyncio.create_task(self._forget(requests, indices, actor, utc_ms))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        return await asyncio.shield(writing)

    async def _forget(self, requests: Sequence[str], indices: Sequence[int], actor: Actor, utc_ms: int) -> Record:
        async with self._lock:
            try:
                record = await asyncio.to_thread(
                    self.register.delete_bodies,
                    indices,
                    utc_ms=utc_ms,
                    person=actor.person,
                    body={IDENTIFIED_BY: actor.identified_by},
                )
            except RegisterUnwritable as error:
                raise RegisterAway(str(error)) from error
            mark_effect()
            for number in requests:  # as the next start would find it
                self._forgotten.add(number)
                self.requests.pop(number, None)
                self.decided_at.pop(number, None)
                self.complaints.complaints.pop(number, None)
            self.holds.forget(set(requests))
            self.attempts.forget(set(requests))
            return record

    async def close(self) -> None:
        """Finish what is being written, then close the register."""
        if self._writing:
            await asyncio.wait(self._writing)
        self.register.close()

    async def _write(self, taken: Taken, body: dict[str, Any]) -> Record:
        async with self._lock:
            self._judge(taken)
            try:
                record = await asyncio.to_thread(
                    self.register.append,
                    KINDS[type(taken.step)],
                    utc_ms=taken.utc_ms,
                    request=taken.request_id or None,
                    person=taken.person or None,
                    body=body,
                )
            except RegisterUnwritable as error:
                raise RegisterAway(str(error)) from error
            mark_effect()
            self._apply(taken, record.entry.index)
            return record

    def _judge(self, taken: Taken) -> None:
        if isinstance(taken.step, REQUEST_STEPS):
            apply(self.requests.get(taken.request_id), taken)
        if isinstance(taken.step, CAMERA_STEPS):
            self.cameras.judge(taken.step)
        if isinstance(taken.step, ENDING_STEPS):
            self.media.judge(taken.step)
        if isinstance(taken.step, COMPLAINT_STEPS):
            self.complaints.judge(taken.step, taken.request_id)

    def _apply(self, taken: Taken, index: int) -> None:
        if isinstance(taken.step, REQUEST_STEPS):
            self.requests[taken.request_id] = apply(self.requests.get(taken.request_id), taken)
        if isinstance(taken.step, Decided):
            self.decided_at[taken.request_id] = index
        if isinstance(taken.step, Approved):
            self.approved_at[taken.request_id, taken.step.custodian_id] = index
        self.custody.apply(taken.step, taken.utc_ms)
        self.accounts.apply(taken.step, taken.utc_ms)
        self.attempts.apply(taken.step, taken.request_id)
        if isinstance(taken.step, CAMERA_STEPS):
            self.cameras.apply(taken.step, taken.person, taken.utc_ms)
        if isinstance(taken.step, ENDING_STEPS):
            self.media.apply(taken.step, taken.person, taken.utc_ms)
        if isinstance(taken.step, COMPLAINT_STEPS):
            self.complaints.apply(taken.step, taken.request_id, taken.person, taken.utc_ms)
        self.holds.apply(taken)

    def _replay(self) -> None:
        """Apply the register from its first entry on, a page at a time: bodies need not all stand in memory."""
        for start in range(0, self.register.size, PAGE_ENTRIES):
            for record in self.register.records(start, PAGE_ENTRIES):
                try:
                    self._replay_one(record)
                except (KeyError, TypeError, ValueError, DeskFault) as error:
                    raise RegisterDamaged(f"it cannot have happened ({error})", record.entry.index) from error

    def _replay_one(self, record: Record) -> None:
        entry = record.entry
        self._count(entry.request)
        content = None if entry.kind == EntryKind.BODIES_DELETED else record.content
        if content is None and entry.request:
            self._forgotten.add(entry.request)
        if content is None or entry.request in self._forgotten:
            return
        if entry.kind == EntryKind.ERASED:  # one an hour for years: only these two members matter here
            receipt = content["receipt"]
            self.holds.note_receipt(int(receipt["number"]), str(receipt["erasure_id"]))
            return
        step = from_plain(STEP_OF_KIND[entry.kind], content)
        self._apply(Taken(step, entry.request or "", entry.person or "", entry.utc_ms), entry.index)

    def _count(self, request_id: str | None) -> None:
        day, separator, number = (request_id or "").partition("-")
        if separator and number.isdecimal():
            self._numbers[day] = max(self._numbers.get(day, 0), int(number))
