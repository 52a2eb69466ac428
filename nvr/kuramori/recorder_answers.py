"""Answers what door and desk ask the recorder: status, coverage, plans, keys, holds, erasures, figures.

Reading ring and ledger happens in the books thread, so that no question holds up a frame. A question that cannot be
answered gets a Failure with a stable code. This module must not know HTTP, roles or what an answer is used for.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kuramori import log
from kuramori.camera import Camera, Phase
from kuramori.camera_answers import CameraAnswers
from kuramori.coverage_answer import PresentSegment, coverage_answer
from kuramori.custody_answers import CustodyAnswers
from kuramori.erasure_answers import ErasureAnswers
from kuramori.forgetting import GOP_REACH_MS, Forgetting, FoundSegment, HoldRefused
from kuramori.forgetting_values import OutOfReach
from kuramori.messages import (
    PLAN_LIMIT_SEGMENTS,
    Acknowledged,
    CameraState,
    CameraStatus,
    Coverage,
    CoverageRequest,
    ErasedKeys,
    ErasedRange,
    EraseRequest,
    Erasure,
    ErasureCause,
    Erasures,
    ErasuresRequest,
    ExtractionPlan,
    Failure,
    FailureCode,
    Hold,
    Holds,
    HoldsRequest,
    LiftHoldRequest,
    PlaceHoldRequest,
    PlanRequest,
    RecorderStatus,
    ReleasedKeys,
    ReleaseKeysRequest,
    SegmentExtent,
    SegmentKey,
    SegmentState,
    StatisticsRequest,
    StatusRequest,
)
from kuramori.out_of_reach import names_of
from kuramori.overdue_answers import OverdueAnswers
from kuramori.reaching_back import reaching_back
from kuramori.recorder import Recorder
from kuramori.recorder_figures import statistics_of
from kuramori.texts import both
from kuramori.volume_answers import volume_states
from kuramori_segments import ledger_records
from kuramori_segments.codes import SlotState
from kuramori_segments.coverage import Coverage as LedgerCoverage
from kuramori_segments.coverage import coverage
from kuramori_segments.keystore_faults import EpochKeyGone, KeystoreFault
from kuramori_segments.ledger_fault import HoldUnknown, LedgerFault
from kuramori_segments.storage_fault import StorageFault

PLANNED_KEPT = 16 * PLAN_LIMIT_SEGMENTS
STATES = {
    Phase.CONNECTING: CameraState.CONNECTING,
    Phase.RECORDING: CameraState.RECORDING,
    Phase.WAITING: CameraState.WAITING,
    Phase.OFF: CameraState.OFF,
    Phase.PAUSED: CameraState.PAUSED,
}
_MS_PER_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """A camera by name; `camera` is None where it was removed. Its recordings are there until their time is over."""

    name: str
    number: int
    camera: Camera | None

    @property
    def durable_utc_ms(self) -> int | None:
        """The time of the last picture that is durable of what is recorded now."""
        durable = self.camera.durable if self.camera is not None else None
        return durable.utc_ms if durable is not None else None


class RecorderAnswers:
    """The handler behind recorder.sock."""

    def __init__(
        self,
        recorder: Recorder,
        forgetting: Forgetting,
        cameras: CameraAnswers,
        custody: CustodyAnswers,
    ) -> None:
        self._recorder = recorder
        self._vault = recorder.vault
        self._forgetting = forgetting
        self._planned: dict[bytes, bytes] = {}  # segment uid → epoch id, of the latest plans
        self._handlers: dict[type[Any], Callable[[Any], Awaitable[Any]]] = {
            StatusRequest: self._status,
            CoverageRequest: self._coverage,
            PlanRequest: self._plan,
            ReleaseKeysRequest: self._release,
            PlaceHoldRequest: self._place_hold,
            LiftHoldRequest: self._lift_hold,
            HoldsRequest: self._holds,
            EraseRequest: self._erase,
            ErasuresRequest: self._erasures,
            StatisticsRequest: self._statistics,
            **cameras.handlers,
            **custody.handlers,
            **ErasureAnswers(recorder, forgetting).handlers,
            **OverdueAnswers(recorder, forgetting, self._to_erasure).handlers,
        }

    def add(self, handlers: Mapping[type[Any], Callable[[Any], Awaitable[Any]]]) -> None:
        """Answer further questions too."""
        self._handlers |= handlers

    async def answer(self, question: Any) -> Any:
        """Return the answer or a Failure."""
        handler = self._handlers.get(type(question))
        if handler is None:
            return Failure(FailureCode.UNKNOWN_METHOD, "the recorder does not answer this; the door may")
        try:
            return await handler(question)
        except (KeystoreFault, LedgerFault, StorageFault) as fault:
            log.get().error("question_failed", question=type(question).__name__, detail=str(fault))
            return Failure(FailureCode.STORAGE, str(fault))

    # ---- status --------------------------------------------------------------------------------------------------

    async def _status(self, _question: StatusRequest) -> RecorderStatus:
        recorder, vault = self._recorder, self._vault
        oldest = await recorder.oldest_decryptable_utc_ms()
        problems = recorder.problems_now()
        cameras = tuple(
            self._camera_status(camera, oldest.get(camera.recording.camera_number))
            for camera in recorder.cameras.values()
        )
        return RecorderStatus(
            recorder_id=vault.identity.recorder_id,
            utc_ms=recorder.now_utc_ms(),
            started_utc_ms=recorder.started_utc_ms,
            recording=any(camera.phase is Phase.RECORDING for camera in recorder.cameras.values()),
            custodian_set_id=vault.custodians.set_id,
            threshold=vault.custodians.k,
            custodians=vault.custodians.n,
            erasure_tier=vault.keystore.tier.value,
            clock_trusted=recorder.clock_trusted,
            cameras=cameras,
            volumes=volume_states(self._recorder),
            problems=tuple(str(problem) for problem in problems),
            problem_texts=tuple(both(problem) for problem in problems),
            media=recorder.health.reports if recorder.health is not None else (),
        )

    def _camera_status(self, camera: Camera, oldest_utc_ms: int | None) -> CameraStatus:
        totals = camera.totals()
        description = camera.description
        recording = camera.phase is Phase.RECORDING and camera.tracker.is_open
        return CameraStatus(
            name=camera.name,
            number=camera.recording.camera_number,
            state=STATES[camera.phase],
            since_utc_ms=camera.since_utc_ms,
            codec=description.codec.value if description else "",
            last_durable_utc_ms=camera.durable.utc_ms if camera.durable else None,
            gap_reason="" if recording else camera.gap_now().name.lower(),
            detail="" if recording or camera.last_end is None else camera.last_end.detail,
            retention_days=self._recorder.tables[camera.name].retention.seconds * 1000 / _MS_PER_DAY,
            oldest_decryptable_utc_ms=oldest_utc_ms,
            pause=self._recorder.pause_of(camera.name),
            facts=self._recorder.facts.of(camera.name),
            certificate=self._recorder.assembly.sources.known_certificate(self._recorder.tables[camera.name]),
            events_received=camera.recording.events.received,
            events_dropped=camera.recording.events.dropped,
            audio_offered=description.audio_offered if description else (),
            setups=("video",) * bool(description)
            + ("audio",) * (camera.records_sound or totals.undecided_audio_setups > 0),
            sound=camera.sound.text if camera.sound else "",
            received_bytes=totals.received_bytes,
            access_units=totals.access_units,
            lost_packets=totals.lost_packets,
            reconnects=sum(totals.reconnects.values()),
        )

    # ---- coverage and plans --------------------------------------------------------------------------------------

    def _known(self, name: str) -> KnownCamera | Failure:
        number = self._recorder.numbers.get(name)
        if number is None:
            return Failure(FailureCode.UNKNOWN_CAMERA, f"no camera is called {name}")
        return KnownCamera(name, number, self._recorder.cameras.get(name))

    async def _coverage(self, question: CoverageRequest) -> Coverage | Failure:
        camera = self._known(question.camera)
        if isinstance(camera, Failure):
            return camera
        if question.from_utc_ms >= question.to_utc_ms:
            return Failure(FailureCode.RANGE_INVALID, "the range does not end after its beginning")
        return await self._recorder.books.call(self._read_coverage, camera, question.from_utc_ms, question.to_utc_ms)

    def _read_coverage(self, camera: KnownCamera, from_utc_ms: int, to_utc_ms: int) -> Coverage:
        found = self._ledger_coverage(camera, from_utc_ms, to_utc_ms)
        present = self._present(camera, from_utc_ms, to_utc_ms)
        return coverage_answer(camera.name, found, present, some_away=bool(self._vault.shelf.away))

    def _ledger_coverage(self, camera: KnownCamera, from_utc_ms: int, to_utc_ms: int) -> LedgerCoverage:
        ledger, number = self._vault.ledger, camera.number
        return coverage(
            ledger.runs(number, from_utc_ms, to_utc_ms),
            from_utc_ms,
            to_utc_ms,
            now_utc_ms=self._recorder.now_utc_ms(),
            live_end_utc_ms=camera.durable_utc_ms,
            outages=ledger.outages(number, from_utc_ms, to_utc_ms),
        )

    def _present(self, camera: KnownCamera, from_utc_ms: int, to_utc_ms: int) -> list[PresentSegment]:
        number = camera.number
        alive = {epoch.epoch_id for epoch in self._vault.keystore.epochs()}
        alive -= self._forgetting.too_old({epoch_id: epoch_id for epoch_id in alive})
        kept = {key.segment_uid for key in self._vault.keystore.kept()}
        present = []
        readable = self._vault.shelf.readable
        for volume in self._vault.volumes:
            for segment in volume.overlapping(number, from_utc_ms, to_utc_ms):
                entry = volume.entry(segment.slot)
                if entry is None:
                    continue
                openable = entry.epoch_id in alive
                if not openable and kept:
                    found = self._forgetting.segments(number, segment.start_utc_ms, segment.start_utc_ms + 1)
                    openable = any(
                        item.header.sequence == segment.sequence and item.header.segment_uid in kept for item in found
                    )
                damaged = self._recorder.damage.get((number, segment.sequence))
                present.append(
                    PresentSegment(
                        segment.sequence,
                        segment.start_utc_ms,
                        self._forgetting.ring.end_of(number, segment.sequence, segment.end_utc_ms),
                        openable,
                        entry.state is SlotState.RECOVERED,
                        volume not in readable,
                        damaged.times if damaged is not None else (),
                    )
                )
        return present

    async def _plan(self, question: PlanRequest) -> ExtractionPlan | Failure:
        camera = self._known(question.camera)
        if isinstance(camera, Failure):
            return camera
        if question.from_utc_ms >= question.to_utc_ms:
            return Failure(FailureCode.RANGE_INVALID, "the range does not end after its beginning")
        return await self._recorder.books.call(self._read_plan, camera, question.from_utc_ms, question.to_utc_ms)

    def _read_plan(self, camera: KnownCamera, from_utc_ms: int, to_utc_ms: int) -> ExtractionPlan | Failure:
        number = camera.number
        look = self._forgetting.ring.look(number, from_utc_ms - GOP_REACH_MS, to_utc_ms)
        found, shelf = look.found, self._vault.shelf
        if len(found) > PLAN_LIMIT_SEGMENTS:
            return Failure(
                FailureCode.RANGE_TOO_LARGE,
                f"the range lies in {len(found)} segments; name {PLAN_LIMIT_SEGMENTS} at most",
            )
        needed = reaching_back(found, from_utc_ms)
        late = self._forgetting.too_old({item.header.segment_uid: item.header.epoch_id for item in needed})
        for item in needed:
            self._planned[item.header.segment_uid] = item.header.epoch_id
        while len(self._planned) > PLANNED_KEPT:
            self._planned.pop(next(iter(self._planned)))
        spans = self._read_coverage(camera, from_utc_ms, to_utc_ms).spans
        away = (*shelf.away, *(shelf.path_of(item.volume) for item in look.unread))
        volumes = names_of(away) if away else ()
        extents = tuple(self._extent(item, item.header.segment_uid in late) for item in needed)
        return ExtractionPlan(camera.name, number, extents, spans, volumes)

    def _extent(self, item: FoundSegment, late: bool) -> SegmentExtent:
        volume, header = item.volume, item.header
        entry = volume.entry(item.slot)
        state = entry.state if entry is not None else SlotState.OPEN
        known = {SlotState.CLOSED: SegmentState.CLOSED, SlotState.RECOVERED: SegmentState.RECOVERED}
        path = self._vault.shelf.path_of(volume)
        return SegmentExtent(
            volume_path=str(path),
            offset_bytes=volume.superblock.slot_offset(item.slot),
            extent_bytes=volume.durable_bytes(item.slot),
            header=header.pack(),
            segment_uid=header.segment_uid,
            sequence=header.sequence,
            state=known.get(state, SegmentState.OPEN),
            epoch_alive=not late and self._openable(header.epoch_id, header.segment_uid),
            start_utc_ms=item.start_utc_ms,
            end_utc_ms=item.end_utc_ms,
            dated_by_ms=item.dated_by_ms,
        )

    def _openable(self, epoch_id: bytes, segment_uid: bytes) -> bool:
        try:
            self._vault.keystore.segment_key(epoch_id, segment_uid)
        except EpochKeyGone:
            return False
        return True

    async def _release(self, question: ReleaseKeysRequest) -> ReleasedKeys | Failure:
        return await self._recorder.books.call(self._read_keys, question)

    def _read_keys(self, question: ReleaseKeysRequest) -> ReleasedKeys | Failure:
        wanted = set(question.segment_uids)
        if len(wanted) > PLAN_LIMIT_SEGMENTS:
            return Failure(FailureCode.RANGE_TOO_LARGE, "too many segments at once")
        epochs = self._epochs_of(wanted)
        if epochs.keys() != wanted:
            return Failure(FailureCode.UNKNOWN_SEGMENT, "a segment asked for does not lie in the ring")
        if self._forgetting.too_old(epochs):
            return Failure(
                FailureCode.ERASED,
                "the time of a segment asked for is over, and its key waits to be destroyed; it opens no more",
            )
        try:
            keys = tuple(
                SegmentKey(uid, self._vault.keystore.segment_key(epochs[uid], uid)) for uid in question.segment_uids
            )
        except EpochKeyGone:
            return Failure(FailureCode.ERASED, "the key of a segment asked for has been destroyed")
        log.get().info("keys_released", request=question.request_id, segments=len(keys))
        return ReleasedKeys(keys)

    def _epochs_of(self, wanted: set[bytes]) -> dict[bytes, bytes]:
        """Find the epochs of segments: those of the latest plans are known, else all headers are read."""
        found = {uid: self._planned[uid] for uid in wanted if uid in self._planned}
        if len(found) == len(wanted):
            return found
        for volume in self._vault.volumes:
            for number in volume.cameras():
                for item in self._forgetting.segments(number, 0, 1 << 62):
                    if item.header.segment_uid in wanted:
                        found[item.header.segment_uid] = item.header.epoch_id
                if len(found) == len(wanted):
                    return found
        return found

    # ---- holds and erasures --------------------------------------------------------------------------------------

    async def _place_hold(self, question: PlaceHoldRequest) -> Hold | Failure:
        numbers = []
        for name in question.cameras:
            camera = self._known(name)
            if isinstance(camera, Failure):
                return camera
            numbers.append(camera.number)
        if question.from_utc_ms >= question.to_utc_ms or not numbers:
            return Failure(FailureCode.RANGE_INVALID, "a hold names at least one camera and a range")
        try:
            hold, segments = await self._forgetting.place_hold(question, numbers)
        except HoldRefused as refused:
            return refused.failure
        return self._to_message(hold, segments)

    def _to_message(self, hold: ledger_records.Hold, segments: int) -> Hold:
        names = {number: name for name, number in self._recorder.numbers.items()}
        return Hold(
            hold_id=hold.hold_id,
            cameras=tuple(names.get(number, f"camera {number}") for number in hold.camera_numbers),
            from_utc_ms=hold.from_utc_ms,
            to_utc_ms=hold.to_utc_ms,
            until_utc_ms=hold.ends_utc_ms,
            request_id=hold.request_id,
            person=hold.person,
            reason=hold.reason,
            placed_utc_ms=hold.created_utc_ms,
            segments=segments,
        )

    async def _lift_hold(self, question: LiftHoldRequest) -> Acknowledged | Failure:
        try:
            await self._forgetting.lift_hold(question.hold_id, question.person, question.reason)
        except HoldUnknown as unknown:
            return Failure(FailureCode.UNKNOWN_HOLD, str(unknown))
        return Acknowledged()

    async def _holds(self, _question: HoldsRequest) -> Holds:
        return await self._recorder.books.call(self._read_holds)

    def _read_holds(self) -> Holds:
        in_force = self._vault.ledger.holds(self._recorder.now_utc_ms())
        holds = tuple(self._to_message(hold, self._forgetting.held_segments(hold)) for hold in in_force)
        return Holds(holds, self._forgetting.hold_budget())

    async def _erase(self, question: EraseRequest) -> Erasure | Failure:
        camera = self._known(question.camera)
        if isinstance(camera, Failure):
            return camera
        if question.from_utc_ms >= question.to_utc_ms:
            return Failure(FailureCode.RANGE_INVALID, "the range does not end after its beginning")
        try:
            receipt = await self._forgetting.erase(question, camera.number)
        except OutOfReach as waits:
            return waits.failure
        if receipt is None:
            return Failure(FailureCode.UNKNOWN_SEGMENT, "nothing of this camera and time is there to be erased")
        return self._to_erasure(receipt)

    async def _erasures(self, question: ErasuresRequest) -> Erasures:
        receipts = await self._recorder.books.call(self._vault.ledger.erasures, question.after_number)
        return Erasures(tuple(self._to_erasure(receipt) for receipt in receipts))

    def _to_erasure(self, receipt: ledger_records.ErasureReceipt) -> Erasure:
        names = {number: name for name, number in self._recorder.numbers.items()}
        return Erasure(
            number=receipt.erasure_number,
            erasure_id=receipt.erasure_id,
            utc_ms=receipt.erased_utc_ms,
            cause=ErasureCause(receipt.rule),
            tier=receipt.tier,
            erased=tuple(
                ErasedKeys(
                    names.get(part.camera_number, f"camera {part.camera_number}"),
                    len(part.epoch_ids) + len(part.segments),
                    part.first_utc_ms,
                    part.last_utc_ms,
                    tuple(ErasedRange(begin, end) for begin, end in part.destroyed()),
                )
                for part in receipt.erased
            ),
            kept_for_holds=receipt.kept_for_holds,
        )

    # ---- figures -------------------------------------------------------------------------------------------------

    async def _statistics(self, _question: StatisticsRequest) -> Any:
        return statistics_of(self._recorder, self._forgetting, await self._recorder.oldest_decryptable_utc_ms())
