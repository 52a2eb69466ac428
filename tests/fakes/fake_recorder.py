"""A recorder without cameras or disks: real headers with really sealed shares, answered over the real protocol.

It keeps what a recorder keeps for the desk: segments, K_seg, holds, erasures. Its `answer` is a handler of
`MessageServer`. What it was asked stands in `asked`, so that a test sees the order of things.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kuramori import messages
from kuramori.camera_messages import Pause, PauseCameraRequest
from kuramori.capacity_messages import CapacityPlan, CapacityRequest, HoldBudget
from kuramori.custodian_office import read_custody
from kuramori.custody_messages import (
    CustodiansInUse,
    CustodySegment,
    CustodySegments,
    CustodySegmentsRequest,
    ReloadCustodiansRequest,
)
from kuramori.erasure_messages import ConfirmTimeRequest, Overdue, OverdueHours, OverdueRequest
from kuramori.messages import Failure, FailureCode, SegmentState, SpanKind
from kuramori_segments.cipher import key_commitment
from kuramori_segments.codes import Suite, VideoCodec
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import ShareBinding, seal_dek
from kuramori_segments.header import SegmentHeader
from tests.fakes.fake_media import QUESTIONS, FakeMedia

SLOT_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class FakeSegment:
    """One segment: its header as it would stand on disk, and both halves of its key."""

    camera: str
    header: bytes
    uid: bytes
    sequence: int
    start_utc_ms: int
    end_utc_ms: int
    dek: bytes
    k_seg: bytes
    alive: bool = True


@dataclass(slots=True)
class FakeRecorder:
    """Answers the desk's questions."""

    recorder_id: bytes
    custodians: CustodianSet
    camera_numbers: dict[str, int]
    segments: list[FakeSegment] = field(default_factory=list)
    held: dict[str, messages.Hold] = field(default_factory=dict)
    receipts: list[messages.Erasure] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    hold_budget: int = 1000
    on_question: Callable[[Any], None] | None = None  # called with each question before it is answered
    away: dict[str, str] = field(default_factory=dict)  # camera → the volume that is away, with all of its segments
    now_utc_ms: int = 1_790_000_000_000
    custody_files: tuple[Path, Path] | None = None  # the set in use and the chain, as the desk writes them
    media: FakeMedia = field(default_factory=FakeMedia)
    page_segments: int = 3  # of custody: small, so that pages are turned

    def record(self, camera: str, start_utc_ms: int, end_utc_ms: int, *, time_unknown: bool = False) -> FakeSegment:
        """Add a segment, as if it had been recorded."""
        sequence = sum(segment.camera == camera for segment in self.segments) + 1
        uid, dek, k_seg = os.urandom(16), os.urandom(32), os.urandom(32)
        draft = SegmentHeader(
            suite=Suite(1),
            codec=VideoCodec(1),
            camera_number=self.camera_numbers[camera],
            camera_name=camera,
            recorder_id=self.recorder_id,
            segment_uid=uid,
            epoch_id=os.urandom(16),
            sequence=sequence,
            start_utc_ms=start_utc_ms,
            start_boot_ms=1000,
            first_access_unit=1,
            custodian_set_id=self.custodians.set_id,
            k=self.custodians.k,
            n=self.custodians.n,
            key_commitment=key_commitment(dek, k_seg, uid),
            time_unknown=time_unknown,
        )
        sealed = seal_dek(dek, self.custodians, ShareBinding.of(draft))
        header = replace(draft, shares=sealed.shares, recovery_seal=sealed.recovery_seal).pack()
        segment = FakeSegment(camera, header, uid, sequence, start_utc_ms, end_utc_ms, dek, k_seg)
        self.segments.append(segment)
        return segment

    def destroy_keys(self, camera: str) -> None:
        """Let the retention of a camera's segments end."""
        for segment in self.segments:
            if segment.camera == camera:
                segment.alive = False

    async def answer(self, question: Any) -> Any:
        """Answer one question of the protocol."""
        self.asked.append(question)
        if self.on_question is not None:
            self.on_question(question)
        if isinstance(question, CustodySegmentsRequest | ReloadCustodiansRequest | OverdueRequest | ConfirmTimeRequest):
            return self._answer_custody(question)
        match question:
            case messages.StatusRequest():
                return self._status()
            case messages.CoverageRequest():
                return self._coverage(question.camera, question.from_utc_ms, question.to_utc_ms)
            case messages.PlanRequest():
                return self._plan(question)
            case messages.ReleaseKeysRequest():
                return self._release(question)
            case messages.PlaceHoldRequest():
                return self._place(question)
            case messages.LiftHoldRequest():
                return self._lift(question)
            case messages.HoldsRequest() | CapacityRequest():
                return self._kept(question)
            case messages.EraseRequest():
                return self._erase(question)
            case messages.ErasuresRequest():
                return messages.Erasures(
                    tuple(receipt for receipt in self.receipts if receipt.number > question.after_number)
                )
        if isinstance(question, PauseCameraRequest):
            return self._pause(question)
        if isinstance(question, QUESTIONS):
            return self.media.answer(question)
        return Failure(FailureCode.UNKNOWN_METHOD, "not here")

    def _lift(self, question: messages.LiftHoldRequest) -> Any:
        if self.held.pop(question.hold_id, None) is None:
            return Failure(FailureCode.UNKNOWN_HOLD, "no such hold")
        return messages.Acknowledged()

    def _kept(self, question: messages.HoldsRequest | CapacityRequest) -> Any:
        budget = HoldBudget(25.0, self.hold_budget, len(self.held))
        if isinstance(question, messages.HoldsRequest):
            return messages.Holds(tuple(self.held.values()), budget)
        return CapacityPlan(self.now_utc_ms, True, (), budget)

    def _answer_custody(self, question: Any) -> Any:
        if isinstance(question, OverdueRequest):
            return Overdue(self.now_utc_ms, (OverdueHours("gate", 1, 0, 3_600_000),))
        if isinstance(question, ConfirmTimeRequest):
            return self._confirm_time(question)
        if isinstance(question, CustodySegmentsRequest):
            return self._custody(question)
        if self.custody_files is not None:
            self.custodians = read_custody(*self.custody_files).current
        return CustodiansInUse(self.custodians.set_id)

    def _custody(self, question: CustodySegmentsRequest) -> CustodySegments:
        after = (question.after_camera_number, question.after_sequence)
        headers = sorted(
            (SegmentHeader.unpack(segment.header) for segment in self.segments if segment.alive),
            key=lambda header: (header.camera_number, header.sequence),
        )
        behind = [header for header in headers if (header.camera_number, header.sequence) > after]
        page = behind[: self.page_segments]
        last = (page[-1].camera_number, page[-1].sequence) if page else after
        held = {name for hold in self.held.values() for name in hold.cameras}
        found = tuple(
            CustodySegment(
                header.camera_number,
                header.sequence,
                header.segment_uid,
                header.epoch_id,
                header.start_utc_ms,
                header.custodian_set_id,
                header.k,
                header.n,
                b"".join(share.custodian_id + share.sealed for share in header.shares),
                header.recovery_seal,
                header.camera_name in held,
            )
            for header in page
        )
        return CustodySegments(found, len(behind) > len(page), *last)

    def _pause(self, question: PauseCameraRequest) -> Any:
        if question.camera not in self.camera_numbers:
            return Failure(FailureCode.UNKNOWN_CAMERA, "no such camera")
        until_utc_ms = max(question.until_utc_ms, self.now_utc_ms)
        return Pause(question.camera, self.now_utc_ms, until_utc_ms, question.person, question.reason)

    def forget_on_time(self, camera: str) -> messages.Erasure:
        """Destroy a camera's keys at the end of their retention, with a receipt."""
        self.destroy_keys(camera)
        return self._receipt("", messages.ErasureCause.RETENTION, camera, 0, self.now_utc_ms)

    def _status(self) -> messages.RecorderStatus:
        cameras = tuple(
            messages.CameraStatus(name, number, messages.CameraState.RECORDING, self.now_utc_ms)
            for name, number in self.camera_numbers.items()
        )
        return messages.RecorderStatus(
            self.recorder_id,
            self.now_utc_ms,
            self.now_utc_ms - 1000,
            True,
            self.custodians.set_id,
            self.custodians.k,
            self.custodians.n,
            "E0",
            True,
            cameras,
        )

    def _found(self, camera: str, from_utc_ms: int, to_utc_ms: int) -> list[FakeSegment]:
        return [
            segment
            for segment in self.segments
            if segment.camera == camera and segment.start_utc_ms < to_utc_ms and segment.end_utc_ms > from_utc_ms
        ]

    def _coverage(self, camera: str, from_utc_ms: int, to_utc_ms: int) -> Any:
        if camera not in self.camera_numbers:
            return Failure(FailureCode.UNKNOWN_CAMERA, "no such camera")
        found = self._found(camera, from_utc_ms, to_utc_ms)
        kind = SpanKind.RECORDED if any(segment.alive for segment in found) else SpanKind.GAP
        kind = SpanKind.ERASED if found and kind is SpanKind.GAP else kind
        kind = SpanKind.AWAY if found and camera in self.away else kind
        reason = "not_yet_started" if kind is SpanKind.GAP else ""
        span = messages.CoverageSpan(from_utc_ms, to_utc_ms, kind, reason)
        return messages.Coverage(camera, from_utc_ms, to_utc_ms, (span,))

    def _plan(self, question: messages.PlanRequest) -> Any:
        coverage = self._coverage(question.camera, question.from_utc_ms, question.to_utc_ms)
        if isinstance(coverage, Failure):
            return coverage
        extents = tuple(
            messages.SegmentExtent(
                "/nowhere/volume0",
                segment.sequence * SLOT_BYTES,
                8192,
                segment.header,
                segment.uid,
                segment.sequence,
                SegmentState.CLOSED,
                segment.alive,
                segment.start_utc_ms,
                segment.end_utc_ms,
            )
            for segment in self._found(question.camera, question.from_utc_ms, question.to_utc_ms)
            if question.camera not in self.away
        )
        volumes = (self.away[question.camera],) if question.camera in self.away else ()
        number = self.camera_numbers[question.camera]
        return messages.ExtractionPlan(question.camera, number, extents, coverage.spans, volumes)

    def _release(self, question: messages.ReleaseKeysRequest) -> Any:
        by_uid = {segment.uid: segment for segment in self.segments}
        if not all(uid in by_uid and by_uid[uid].alive for uid in question.segment_uids):
            return Failure(FailureCode.ERASED, "a key no longer exists")
        return messages.ReleasedKeys(
            tuple(messages.SegmentKey(uid, by_uid[uid].k_seg) for uid in question.segment_uids)
        )

    def _place(self, question: messages.PlaceHoldRequest) -> Any:
        if len(self.held) >= self.hold_budget:
            return Failure(FailureCode.HOLD_BUDGET, "the ring has no room for it")
        hold = messages.Hold(
            question.hold_id,
            question.cameras,
            question.from_utc_ms,
            question.to_utc_ms,
            question.until_utc_ms,
            question.request_id,
            question.person,
            question.reason,
            self.now_utc_ms,
            1,
        )
        return self.held.setdefault(question.hold_id, hold)

    def _erase(self, question: messages.EraseRequest) -> Any:
        for receipt in self.receipts:
            if receipt.erasure_id == question.erasure_id:
                return receipt
        if question.camera in self.away:
            return Failure(FailureCode.VOLUME_AWAY, f"{self.away[question.camera]} is away")
        for segment in self._found(question.camera, question.from_utc_ms, question.to_utc_ms):
            segment.alive = False
        return self._receipt(
            question.erasure_id,
            messages.ErasureCause.REQUEST,
            question.camera,
            question.from_utc_ms,
            question.to_utc_ms,
        )

    def _confirm_time(self, question: ConfirmTimeRequest) -> messages.Erasure:
        for receipt in self.receipts:
            if receipt.erasure_id == question.erasure_id:
                return receipt
        return self._receipt(question.erasure_id, messages.ErasureCause.RETENTION, "gate", 0, 1)

    def _receipt(
        self, erasure_id: str, cause: messages.ErasureCause, camera: str, from_utc_ms: int, to_utc_ms: int
    ) -> messages.Erasure:
        erased = (messages.ErasedKeys(camera, 1, from_utc_ms, to_utc_ms),)
        receipt = messages.Erasure(len(self.receipts) + 1, erasure_id, self.now_utc_ms, cause, "E0", erased, 0)
        self.receipts.append(receipt)
        return receipt
