"""Masked copies at the desk (H9): register, keys, worker, another person's eyes, register, bundle; in this order only.

*opened* and *masked_copy_begun* are durable before the recorder is asked for its half of the keys,
*masked_copy_confirmed* before papers are signed, *released* before the copy can be taken. Until then it lies in its
worker, sealed under a key that only that worker's memory holds, and is gone with it: rejected, stopped, after a day,
with the desk. Must not know HTTP or media.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kuramori import log
from kuramori.clips.job import BundleStream, ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.desk.fault import (
    DeskBusy,
    ExtractionRefused,
    KeysDoNotFit,
    NotTheRequester,
    RecordingErased,
    RequestInvalid,
)
from kuramori.desk.granted import GrantedCamera, GrantedRequest, one_line
from kuramori.desk.granted_recording import GrantedRecording, check_keys, find_granted, k_segs_of
from kuramori.desk.grounds import Output
from kuramori.desk.jobs import JobKind, Jobs, Progress
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.masked_copy_note import (
    COPIES_MOST,
    MaskedCopyNote,
    copy_numbered,
)
from kuramori.desk.masking_fault import (
    BoxesUnusable,
    MaskedCopiesUsedUp,
    MaskedCopyDiffers,
    MaskedCopyNotWaiting,
    MaskedCopyOwn,
)
from kuramori.desk.masking_steps import MaskedCopyBegun, MaskedCopyConfirmed, MaskedCopyRejected
from kuramori.desk.opening import OpeningPlaces
from kuramori.desk.output_rule import require_output
from kuramori.desk.presence import Act, Presence
from kuramori.desk.recorder import Recorder
from kuramori.desk.request import Request, require_openable
from kuramori.desk.site import Site
from kuramori.desk.steps import Opened, Released
from kuramori.desk.waiting_bundles import Bundle, WaitingBundles
from kuramori.masking.boxes import BoxesRefused, Drawing, read_drawing
from kuramori.masking.masking_job import Confirmation, MadeCopy, MaskingOrder, RunMasking, WaitingCopy
from kuramori.timebase import Clock

MASKINGS_MOST = 4  # being made or waiting, each a process; they work at the lowest priority
WAITING_MS_MOST = 24 * 3600 * 1000


class CopyState(StrEnum):
    """Where a masked copy stands."""

    MAKING = "making"
    WAITING = "waiting"  # for another person to look through its strips
    CONFIRMED = "confirmed"  # the handler may take it
    RELEASED = "released"
    REJECTED = "rejected"
    GONE = "gone"  # it failed, was stopped, waited for too long, or the desk was restarted


@dataclass(frozen=True, slots=True)
class MaskedCopy:
    """A masked copy as it stands: what the register has, and what waits. `made` is None where nothing waits."""

    request_id: str
    note: MaskedCopyNote
    state: CopyState
    made: MadeCopy | None
    job_id: str


@dataclass(slots=True)
class _Under:
    """A masked copy that is being made or waits."""

    opened_utc_ms: int
    job_id: str = ""
    waiting: WaitingCopy | None = None
    stream: BundleStream | None = None  # once confirmed


class Maskings:
    """The masked copies of the desk. Use from one event loop; `close` ends them."""

    def __init__(
        self,
        *,
        site: Site,
        journal: Journal,
        recorder: Recorder,
        presence: Presence,
        jobs: Jobs,
        bundles: WaitingBundles,
        run_masking: RunMasking,
        places: OpeningPlaces,
        clock: Clock,
    ) -> None:
        self._site = site
        self._journal = journal
        self._recorder = recorder
        self._presence = presence
        self._jobs = jobs
        self._bundles = bundles
        self._run_masking = run_masking
        self._places = places
        self._clock = clock
        self._under: dict[tuple[str, int], _Under] = {}
        self._judging = asyncio.Lock()  # nothing is confirmed, released or forgotten twice, or in between
        self._beginning = 0

    async def begin(
        self,
        request_id: str,
        deks: Mapping[bytes, bytes],
        boxes: bytes,
        present: Sequence[str],
        actor: Actor,
        *,
        look_for_faces: bool = False,
    ) -> MaskedCopy:
        """Have the next masked copy of a request made; return it while that goes on. Raises DeskFault."""
        request = self._journal.request(request_id)
        require_openable(request, actor.person, self._clock.utc_ms())
        require_output(request, self._site.rules, Output.MASKED_COPY)
        drawing = await asyncio.to_thread(_drawing, boxes)  # a large file takes a second
        granted, camera = _granted_camera(request, drawing)
        self._presence.staff(request, Act.RELEASE, actor, present)
        if len(request.masked_copies) >= COPIES_MOST:
            raise MaskedCopiesUsedUp(COPIES_MOST)
        if len(self._under) + self._beginning >= MASKINGS_MOST:
            raise DeskBusy
        self._beginning += 1
        try:
            recording = await find_granted(self._recorder, granted, camera)
            job, note = await self._open(request, granted, recording, deks, boxes, present, actor)
        finally:
            self._beginning -= 1
        order = MaskingOrder(job, note.number, boxes, look_for_faces)
        place = (request_id, note.number)
        self._under[place] = under = _Under(job.opened_utc_ms)
        try:
            under.job_id = self._jobs.start(
                JobKind.MASKED_COPY, actor.person, lambda progress: self._make(place, order, progress)
            )
        except BaseException:
            self._under.pop(place, None)
            raise
        return self.one(request_id, note.number)

    def all_of(self, request_id: str) -> tuple[MaskedCopy, ...]:
        """Return the masked copies of a request, the first first. Raises RequestUnknown."""
        copies = self._journal.request(request_id).masked_copies
        return tuple(self.one(request_id, note.number) for note in copies)

    def one(self, request_id: str, number: int) -> MaskedCopy:
        """Return one. Raises RequestUnknown, MaskedCopyUnknown."""
        request = self._journal.request(request_id)
        note = copy_numbered(request.masked_copies, number, request_id)
        under = self._under.get((request_id, number))
        made = under.waiting.made if under is not None and under.waiting is not None else None
        return MaskedCopy(request_id, note, self._state(request, note, under), made, under.job_id if under else "")

    def sheet(self, request_id: str, number: int, sheet: int) -> bytes:
        """Return a sheet of the strips (JPEG), counted from 1. Raises DeskFault."""
        waiting = self._waiting(request_id, number)
        if not 1 <= sheet <= len(waiting.sheets):
            raise RequestInvalid("sheet", f"1 to {len(waiting.sheets)}.", f"1から{len(waiting.sheets)}までです。")
        return waiting.sheets[sheet - 1]

    async def confirm(self, request_id: str, number: int, file: bytes, strips: bytes, actor: Actor) -> MaskedCopy:
        """Take the confirmation of another person, once it stands in the register. Raises DeskFault."""
        async with self._judging:
            waiting = self._judged(request_id, number, file, strips, actor)
            now = self._clock.utc_ms()
            record = await self._journal.write(MaskedCopyConfirmed(number, file, strips), actor, now, request_id)
            under = self._under[request_id, number]
            try:
                under.stream = await waiting.confirm(Confirmation(record.entry.index, record.checkpoint, now))
            except ExtractionFailed as failed:
                await self._drop((request_id, number), "its worker has ended")
                raise ExtractionRefused(failed.fault.value, failed.detail) from failed
        return self.one(request_id, number)

    async def reject(
        self, request_id: str, number: int, file: bytes, strips: bytes, reason: str, actor: Actor
    ) -> MaskedCopy:
        """Take another person's no: the copy is destroyed. Raises DeskFault."""
        if not reason or not one_line(reason):
            raise RequestInvalid("reason", "one line of visible characters.", "1行で入力してください。")
        async with self._judging:
            self._judged(request_id, number, file, strips, actor)
            step = MaskedCopyRejected(number, file, strips, reason)
            await self._journal.write(step, actor, self._clock.utc_ms(), request_id)
            await self._drop((request_id, number), "it was rejected")
        return self.one(request_id, number)

    async def release(self, request_id: str, number: int, actor: Actor) -> Bundle:
        """Let the handler take a confirmed copy: it waits like any opened bundle. Raises DeskFault."""
        request = self._journal.request(request_id)
        if actor.person != request.document.requester:
            raise NotTheRequester(request_id, request.document.requester)
        async with self._judging:
            copy = self.one(request_id, number)
            under = self._under.get((request_id, number))
            if copy.state is not CopyState.CONFIRMED or under is None or under.stream is None:
                raise MaskedCopyNotWaiting(number, copy.state.value)
            await self._bundles.make_room(request_id)
            step = Released(copy.note.opening, under.stream.manifest_digest)
            await self._journal.write(step, actor, self._clock.utc_ms(), request_id)
            self._under.pop((request_id, number), None)
            bundle = Bundle(under.stream, request_id, copy.note.opening, under.opened_utc_ms)
            await self._bundles.keep(bundle)
        return bundle

    async def forget_old(self) -> None:
        """End what nobody confirmed or took within a day."""
        before = self._clock.utc_ms() - WAITING_MS_MOST
        async with self._judging:
            for place, under in list(self._under.items()):
                if under.opened_utc_ms <= before and under.waiting is not None:
                    await self._drop(place, "it waited for a day")

    async def close(self) -> None:
        """End all of them; those being made are stopped with their jobs. May be called twice."""
        for place in list(self._under):
            await self._drop(place, "the desk ends")

    async def _open(
        self,
        request: Request,
        granted: GrantedRequest,
        recording: GrantedRecording,
        deks: Mapping[bytes, bytes],
        boxes: bytes,
        present: Sequence[str],
        actor: Actor,
    ) -> tuple[ExtractionJob, MaskedCopyBegun]:
        """Register it, then have the recorder release its half of the keys."""
        camera = recording.camera
        uids = tuple(extent.segment_uid for extent in recording.extents)
        if not uids:
            raise RecordingErased(camera.name)
        check_keys(deks, uids, granted)
        now, request_id = self._clock.utc_ms(), request.request_id
        asked = sum(segment.camera_number == camera.number for segment in granted.segments)
        staff = self._presence.use(request, Act.RELEASE, actor, present)
        step = Opened(request.openings + 1, staff, len(uids), asked - len(uids))
        record = await self._journal.write(step, actor, now, request_id)
        number = len(self._journal.request(request_id).masked_copies) + 1
        note = MaskedCopyBegun(number, step.opening, camera.name, hashlib.sha256(boxes).digest())
        await self._journal.write(note, actor, now, request_id)
        k_segs = await k_segs_of(self._recorder, request_id, granted, uids)
        job = ExtractionJob(
            request_id=request_id,
            opening=step.opening,
            cameras=(recording.extraction(deks, k_segs),),
            from_utc_ms=granted.from_utc_ms,
            to_utc_ms=granted.to_utc_ms,
            granted_document=granted.to_bytes(),
            granted_signature=request.granted_signature,
            conditions=granted.conditions,
            opened_index=record.entry.index,
            register_checkpoint=record.checkpoint,
            opened_utc_ms=now,
            recorder_id=self._site.recorder_id,
            site_name=self._site.name,
            time_zone=self._site.time_zone,
            device_key_path=self._places.device_key,
            device_certificate_path=self._places.device_certificate,
            spool_directory=self._places.spool,
        )
        return job, note

    async def _make(self, place: tuple[str, int], order: MaskingOrder, progress: Progress) -> str:
        try:
            waiting = await self._run_masking(order, progress.at)
        except ExtractionFailed as failed:
            self._under.pop(place, None)
            raise _refused(failed) from failed
        except BaseException:
            self._under.pop(place, None)
            raise
        under = self._under.get(place)
        if under is None:  # the desk ends
            await waiting.close()
            raise asyncio.CancelledError
        under.waiting = waiting
        return f"/v1/requests/{place[0]}/masked-copies/{place[1]}"

    def _state(self, request: Request, note: MaskedCopyNote, under: _Under | None) -> CopyState:
        if any(done.opening == note.opening for done in request.handovers):
            return CopyState.RELEASED
        if note.judged_by and not note.is_confirmed:
            return CopyState.REJECTED
        if under is None:
            return CopyState.GONE
        if under.waiting is None:
            return CopyState.MAKING
        return CopyState.CONFIRMED if under.stream is not None else CopyState.WAITING

    def _waiting(self, request_id: str, number: int) -> WaitingCopy:
        copy = self.one(request_id, number)
        under = self._under.get((request_id, number))
        if copy.state is not CopyState.WAITING or under is None or under.waiting is None:
            raise MaskedCopyNotWaiting(number, copy.state.value)
        return under.waiting

    def _judged(self, request_id: str, number: int, file: bytes, strips: bytes, actor: Actor) -> WaitingCopy:
        """Return what is about to be judged: it waits, by another person, and is what that person saw."""
        waiting = self._waiting(request_id, number)
        if actor.person == self.one(request_id, number).note.drawn_by:
            raise MaskedCopyOwn(actor.person)
        if (file, strips) != (waiting.made.video_sha256, waiting.made.sheets_sha256):
            raise MaskedCopyDiffers(number)
        return waiting

    async def _drop(self, place: tuple[str, int], why: str) -> None:
        under = self._under.pop(place, None)
        if under is not None and under.waiting is not None:
            await under.waiting.close()
            log.get().info("masked_copy_erased", request=place[0], number=place[1], why=why)


def _drawing(boxes: bytes) -> Drawing:
    try:
        return read_drawing(boxes)
    except BoxesRefused as refused:
        raise BoxesUnusable(refused.field, refused.expected) from refused


def _granted_camera(request: Request, drawing: Drawing) -> tuple[GrantedRequest, GrantedCamera]:
    granted = request.granted
    if granted is None:
        raise KeysDoNotFit("The request is not granted.", "許可されていません。")
    for camera in granted.cameras:
        if camera.name == drawing.camera:
            return granted, camera
    names = ", ".join(camera.name for camera in granted.cameras)
    raise BoxesUnusable("camera", f"one of the granted cameras ({names})")


def _refused(failed: ExtractionFailed) -> KeysDoNotFit | ExtractionRefused:
    if failed.fault is ExtractionFault.WRONG_KEYS:
        return KeysDoNotFit(
            f"The custodians' shares do not open this recording: {failed.detail}",
            f"鍵管理者の分散鍵では、この記録を開けません: {failed.detail}",
        )
    return ExtractionRefused(failed.fault.value, failed.detail)
