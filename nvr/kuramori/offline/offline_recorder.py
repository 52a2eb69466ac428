"""What the desk asks a recorder, answered from evidence: plans, coverage and keys; nothing is recorded, held or erased.

Keeps the desk's `Recorder` protocol, so that requests, decisions, approvals, extraction and register are those of a
running recorder. This module must not know HTTP or how anything is read.
"""

from typing import NoReturn

from kuramori import messages
from kuramori.camera_messages import Pause, PauseCameraRequest
from kuramori.capacity_messages import CapacityPlan
from kuramori.coverage_answer import PresentSegment, coverage_answer
from kuramori.custody_messages import CustodySegments
from kuramori.desk.fault import HoldRefused
from kuramori.ending_messages import Media, PermitMediumRequest, RetiredVolume, RetireVolumeRequest
from kuramori.erasure_messages import ConfirmTimeRequest, ErasureProof, ErasureProofRequest, Overdue
from kuramori.messages import PLAN_LIMIT_SEGMENTS, CoverageSpan, Failure, FailureCode, SegmentExtent, SpanKind
from kuramori.offline.evidence import Evidence, EvidenceSegment
from kuramori.offline.evidence_keys import EvidenceKeys
from kuramori.reaching_back import GOP_REACH_MS, reaching_back
from kuramori.recorder_client import RecorderRefused
from kuramori.storage_health.medium_report import MediaHealth, MediumReport
from kuramori.texts import tr
from kuramori.timebase import Clock
from kuramori_segments.coverage import coverage
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.keystore_faults import EpochKeyGone
from kuramori_segments.ledger import Ledger


class OfflineRecorder:
    """A dead recorder's answers. Use from one event loop."""

    def __init__(
        self,
        evidence: Evidence,
        keys: EvidenceKeys,
        custodians: CustodianSet,
        recorder_id: bytes,
        ledger: Ledger | None,
        clock: Clock,
    ) -> None:
        self._evidence = evidence
        self._keys = keys
        self._custodians = custodians
        self._recorder_id = recorder_id
        self._ledger = ledger
        self._clock = clock
        self._held: dict[str, messages.Hold] = {}

    async def status(self) -> messages.RecorderStatus:
        """Say that nothing is recorded here."""
        now, custodians = self._clock.utc_ms(), self._custodians
        said = tr(
            "Nothing is recorded here: the disk of a recorder that no longer runs is open for reading only.",
            "録画はしていません（稼働していない録画機のディスクを読取専用で開いています）。",
        )
        return messages.RecorderStatus(
            self._recorder_id,
            now,
            now,
            False,
            custodians.set_id,
            custodians.k,
            custodians.n,
            "E0",
            True,
            problems=(said,),
        )

    async def plan_extraction(self, camera: str, from_utc_ms: int, to_utc_ms: int) -> messages.ExtractionPlan:
        """Return the segments of a range."""
        number = self._number(camera)
        if from_utc_ms >= to_utc_ms:
            _refuse(FailureCode.RANGE_INVALID, "the range does not end after its beginning")
        found = self._evidence.overlapping(camera, from_utc_ms - GOP_REACH_MS, to_utc_ms)
        if len(found) > PLAN_LIMIT_SEGMENTS:
            _refuse(FailureCode.RANGE_TOO_LARGE, f"name a range of {PLAN_LIMIT_SEGMENTS} segments at most")
        spans = self._coverage(camera, number, from_utc_ms, to_utc_ms).spans
        needed = reaching_back(found, from_utc_ms)
        return messages.ExtractionPlan(camera, number, tuple(map(self._extent, needed)), spans)

    def _extent(self, one: EvidenceSegment) -> SegmentExtent:
        header = one.header
        return SegmentExtent(
            volume_path=str(one.volume_path),
            offset_bytes=one.offset_bytes,
            extent_bytes=one.extent_bytes,
            header=header.pack(),
            segment_uid=header.segment_uid,
            sequence=header.sequence,
            state=one.state,
            epoch_alive=self._keys.alive(header.epoch_id, header.segment_uid),
            start_utc_ms=one.start_utc_ms,
            end_utc_ms=one.end_utc_ms,
            dated_by_ms=one.dated_by_ms,
        )

    async def coverage(self, camera: str, from_utc_ms: int, to_utc_ms: int) -> messages.Coverage:
        """Return what is recorded: by the ledger where there is one, else by the segments alone."""
        return self._coverage(camera, self._number(camera), from_utc_ms, to_utc_ms)

    def _coverage(self, camera: str, number: int, from_utc_ms: int, to_utc_ms: int) -> messages.Coverage:
        touching = self._evidence.overlapping(camera, from_utc_ms, to_utc_ms)
        present = [
            PresentSegment(
                one.header.sequence,
                one.start_utc_ms,
                one.end_utc_ms,
                self._keys.alive(one.header.epoch_id, one.header.segment_uid),
                one.state is messages.SegmentState.RECOVERED,
            )
            for one in touching
        ]
        if self._ledger is None:
            return messages.Coverage(camera, from_utc_ms, to_utc_ms, _by_segments(present, from_utc_ms, to_utc_ms))
        found = coverage(
            self._ledger.runs(number, from_utc_ms, to_utc_ms),
            from_utc_ms,
            to_utc_ms,
            now_utc_ms=self._clock.utc_ms(),
            live_end_utc_ms=max((one.last_utc_ms for one in present), default=None),
            outages=self._ledger.outages(number, from_utc_ms, to_utc_ms),
        )
        return coverage_answer(camera, found, present)

    async def release_keys(self, request_id: str, segment_uids: tuple[bytes, ...]) -> messages.ReleasedKeys:
        """Return K_seg of exactly these segments."""
        keys = []
        for uid in segment_uids:
            one = self._evidence.by_uid.get(uid)
            if one is None:
                _refuse(FailureCode.UNKNOWN_SEGMENT, "a segment asked for does not lie on this disk")
            try:
                keys.append(messages.SegmentKey(uid, self._keys.segment_key(one.header.epoch_id, uid)))
            except EpochKeyGone:
                _refuse(FailureCode.ERASED, "the time of a segment asked for is over")
        return messages.ReleasedKeys(tuple(keys))

    def _number(self, camera: str) -> int:
        number = self._evidence.numbers.get(camera)
        if number is None:
            _refuse(FailureCode.UNKNOWN_CAMERA, f"nothing of a camera {camera} lies on this disk")
        return number

    # ---- what a dead recorder does not do ------------------------------------------------------------------------

    async def place_hold(self, request: messages.PlaceHoldRequest) -> messages.Hold:
        """Accept the hold of a request: nothing is overwritten here. It keeps no key beyond its time.

        Raises HoldRefused for every other hold: it would promise to keep what nothing here keeps.
        """
        if not request.request_id:
            raise HoldRefused(
                "The hold cannot be placed: nothing is kept longer from a disk that is open for reading only.",
                "保存期間の延長はできません。読取専用で開いたディスクの映像は、期間を延長して保存できません。",
            )
        named = sum(
            len(self._evidence.overlapping(name, request.from_utc_ms, request.to_utc_ms)) for name in request.cameras
        )
        hold = messages.Hold(
            request.hold_id,
            request.cameras,
            request.from_utc_ms,
            request.to_utc_ms,
            request.until_utc_ms,
            request.request_id,
            request.person,
            request.reason,
            self._clock.utc_ms(),
            named,
        )
        return self._held.setdefault(request.hold_id, hold)

    async def lift_hold(self, hold_id: str, person: str, reason: str) -> None:
        """End a hold of a request."""
        if self._held.pop(hold_id, None) is None:
            _refuse(FailureCode.UNKNOWN_HOLD, "no such hold")

    async def holds(self) -> messages.Holds:
        """Return the holds of requests."""
        return messages.Holds(tuple(self._held.values()))

    async def erase(self, request: messages.EraseRequest) -> messages.Erasure:
        """Refuse: evidence is read only."""
        _read_only()

    async def erasures(self, after_number: int = 0) -> messages.Erasures:
        """Return none: nothing is erased here."""
        return messages.Erasures(())

    async def erasure_proof(self, request: ErasureProofRequest) -> ErasureProof:
        """Refuse: what became of minutes is told where the recorder runs."""
        _read_only()

    async def overdue(self) -> Overdue:
        """Refuse: nothing is destroyed here."""
        _read_only()

    async def confirm_time(self, request: ConfirmTimeRequest) -> messages.Erasure:
        """Refuse: evidence is read only."""
        _read_only()

    async def media_health(self) -> MediaHealth:
        """Return none: no medium is watched."""
        return MediaHealth(self._clock.utc_ms(), ())

    async def accept_medium(self, volume: str, person: str, identity: str) -> MediumReport:
        """Refuse: no medium is watched."""
        _read_only()

    async def capacity(self) -> CapacityPlan:
        """Refuse: nothing is recorded."""
        _read_only()

    async def accept_certificate(self, camera: str, fingerprint: str) -> None:
        """Refuse: no camera is asked."""
        _read_only()

    async def custody_segments(self, after_camera_number: int = 0, after_sequence: int = 0) -> CustodySegments:
        """Refuse: shares are handed on where recorders run."""
        _read_only()

    async def reload_custodians(self) -> bytes:
        """Return the set in use."""
        return self._custodians.set_id

    async def pause_camera(self, request: PauseCameraRequest) -> Pause:
        """Refuse: no camera is asked."""
        _read_only()

    async def snapshot(self) -> None:
        """Refuse: a backup is made of a recorder that lives."""
        _read_only()

    async def retire_volume(self, request: RetireVolumeRequest) -> RetiredVolume:
        """Refuse: evidence is read only."""
        _read_only()

    async def permit_medium(self, request: PermitMediumRequest) -> None:
        """Refuse: no medium is watched."""
        _read_only()

    async def media(self) -> Media:
        """Return none: no medium is watched."""
        return Media(())


def _by_segments(present: list[PresentSegment], from_utc_ms: int, to_utc_ms: int) -> tuple[CoverageSpan, ...]:
    """Without a ledger: what the segments span is there, the rest is a gap of which nobody knows the reason."""
    spans: list[CoverageSpan] = []
    place = from_utc_ms
    for one in sorted(present, key=lambda segment: segment.start_utc_ms):
        begin, end = max(place, one.start_utc_ms), min(to_utc_ms, one.last_utc_ms)
        if end <= begin:
            continue
        if begin > place:
            spans.append(CoverageSpan(place, begin, SpanKind.GAP))
        kind = SpanKind.UNPROVEN if one.recovered else SpanKind.RECORDED
        spans.append(CoverageSpan(begin, end, kind if one.openable else SpanKind.ERASED))
        place = end
    if place < to_utc_ms:
        spans.append(CoverageSpan(place, to_utc_ms, SpanKind.GAP))
    return tuple(spans)


def _read_only() -> NoReturn:
    _refuse(FailureCode.UNKNOWN_METHOD, "the disk of a recorder that no longer runs is open for reading only")


def _refuse(code: FailureCode, message: str) -> NoReturn:
    raise RecorderRefused(Failure(code, message))
