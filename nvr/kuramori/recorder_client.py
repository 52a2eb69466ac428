"""The recorder as door and desk see it: one typed method for each question of the protocol, over recorder.sock.

Every call opens its own connection: nothing to repair when the recorder was restarted, and giving up a call is
closing it. This module must not know what the answers are used for.
"""

import asyncio
from pathlib import Path
from typing import Any, TypeVar

from kuramori import messages
from kuramori.camera_messages import CameraEvents, CameraFacts, Pause, PauseCameraRequest
from kuramori.capacity_messages import CapacityPlan, CapacityRequest
from kuramori.custody_messages import (
    CustodiansInUse,
    CustodySegments,
    CustodySegmentsRequest,
    ReloadCustodiansRequest,
)
from kuramori.door_messages import AcceptCertificateRequest
from kuramori.ending_messages import (
    Media,
    MediaRequest,
    PermitMediumRequest,
    RetiredVolume,
    RetireVolumeRequest,
    SnapshotRequest,
)
from kuramori.erasure_messages import ConfirmTimeRequest, ErasureProof, ErasureProofRequest, Overdue, OverdueRequest
from kuramori.messages import (
    BY_QUESTION,
    MESSAGE_LIMIT_BYTES,
    Acknowledged,
    Coverage,
    Erasure,
    Erasures,
    ExtractionPlan,
    Failure,
    FailureCode,
    Hold,
    Holds,
    MessageUnreadable,
    RecorderStatus,
    ReleasedKeys,
)
from kuramori.storage_health.medium_report import AcceptMediumRequest, MediaHealth, MediaHealthRequest, MediumReport
from kuramori_metrics.statistics import RecorderStatistics

CONNECT_TIMEOUT_SECONDS = 2.0
ANSWER_TIMEOUT_SECONDS = 30.0

Answer = TypeVar("Answer")


class RecorderFault(Exception):
    """The recorder did not do what was asked."""


class RecorderUnreachable(RecorderFault):
    """Nobody answers on the recorder's socket, or the connection broke before the answer was whole."""

    def __init__(self, socket_path: Path, detail: str) -> None:
        super().__init__(f"the recorder does not answer on {socket_path}: {detail}")
        self.socket_path = socket_path
        self.detail = detail


class RecorderRefused(RecorderFault):
    """The recorder answered that it will not or cannot; `code` is stable."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.code: FailureCode = failure.code


class RecorderClient:
    """Asks the recorder. Safe to use from several tasks at once; holds no connection.

    Every method raises RecorderUnreachable or RecorderRefused.
    """

    def __init__(self, socket_path: Path, answer_timeout_seconds: float = ANSWER_TIMEOUT_SECONDS) -> None:
        self._socket_path = socket_path
        self._answer_timeout_seconds = answer_timeout_seconds

    async def status(self) -> RecorderStatus:
        """Return the recorder at a glance."""
        return await self._ask(messages.StatusRequest(), RecorderStatus)

    async def coverage(self, camera: str, from_utc_ms: int, to_utc_ms: int) -> Coverage:
        """Return what is recorded of a camera in [from, to)."""
        return await self._ask(messages.CoverageRequest(camera, from_utc_ms, to_utc_ms), Coverage)

    async def plan_extraction(self, camera: str, from_utc_ms: int, to_utc_ms: int) -> ExtractionPlan:
        """Return the segments that hold [from, to) of a camera."""
        return await self._ask(messages.PlanRequest(camera, from_utc_ms, to_utc_ms), ExtractionPlan)

    async def release_keys(self, request_id: str, segment_uids: tuple[bytes, ...]) -> ReleasedKeys:
        """Return the K_seg of exactly these segments; call only after *opened* is durable."""
        return await self._ask(messages.ReleaseKeysRequest(request_id, segment_uids), ReleasedKeys)

    async def place_hold(self, request: messages.PlaceHoldRequest) -> Hold:
        """Place a hold, or return the one that has this id already."""
        return await self._ask(request, Hold)

    async def lift_hold(self, hold_id: str, person: str, reason: str) -> None:
        """End a hold."""
        await self._ask(messages.LiftHoldRequest(hold_id, person, reason), Acknowledged)

    async def holds(self) -> Holds:
        """Return the holds in force."""
        return await self._ask(messages.HoldsRequest(), Holds)

    async def erase(self, request: messages.EraseRequest) -> Erasure:
        """Destroy keys now and return the receipt, or the receipt of this id's first call."""
        return await self._ask(request, Erasure)

    async def erasures(self, after_number: int = 0) -> Erasures:
        """Return receipts with a number above this, oldest first."""
        return await self._ask(messages.ErasuresRequest(after_number), Erasures)

    async def erasure_proof(self, request: ErasureProofRequest) -> ErasureProof:
        """Return what became of a camera's minutes."""
        return await self._ask(request, ErasureProof)

    async def overdue(self) -> Overdue:
        """Return what a clock that is not trusted calls over."""
        return await self._ask(OverdueRequest(), Overdue)

    async def confirm_time(self, request: ConfirmTimeRequest) -> Erasure:
        """Hand in what custodians vouch for; return the receipt, or the receipt of this id's first call."""
        return await self._ask(request, Erasure)

    async def custody_segments(self, after_camera_number: int = 0, after_sequence: int = 0) -> CustodySegments:
        """Return a page of the segments that can be opened, and to whom they are sealed."""
        return await self._ask(CustodySegmentsRequest(after_camera_number, after_sequence), CustodySegments)

    async def reload_custodians(self) -> bytes:
        """Have the recorder read the chain of custodian sets anew; return the id of the set in use then."""
        answer = await self._ask(ReloadCustodiansRequest(), CustodiansInUse)
        return answer.custodian_set_id

    async def snapshot(self) -> None:
        """Have the recorder copy its ledger into the folder that stands ready for a backup."""
        await self._ask(SnapshotRequest(), Acknowledged)

    async def retire_volume(self, request: RetireVolumeRequest) -> RetiredVolume:
        """Destroy the keys of all that lies on a volume and use it no more."""
        return await self._ask(request, RetiredVolume)

    async def permit_medium(self, request: PermitMediumRequest) -> None:
        """Tell the recorder that a volume may be away."""
        await self._ask(request, Acknowledged)

    async def media(self) -> Media:
        """Return which media are in their places."""
        return await self._ask(MediaRequest(), Media)

    async def media_health(self) -> MediaHealth:
        """Return how the recorder's own media are."""
        return await self._ask(MediaHealthRequest(), MediaHealth)

    async def accept_medium(self, volume: str, person: str, identity: str) -> MediumReport:
        """Say that the medium of this identity is the right one under a volume."""
        return await self._ask(AcceptMediumRequest(volume, person, identity), MediumReport)

    async def capacity(self) -> CapacityPlan:
        """Return how long pictures will stay at the present rates."""
        return await self._ask(CapacityRequest(), CapacityPlan)

    async def statistics(self) -> RecorderStatistics:
        """Return all plain figures."""
        return await self._ask(messages.StatisticsRequest(), RecorderStatistics)

    async def camera_stream(self, stream: messages.CameraStream) -> None:
        """Tell the recorder where a camera streams now (the door does)."""
        await self._ask(stream, Acknowledged)

    async def camera_facts(self, facts: CameraFacts) -> None:
        """Tell the recorder what is known of a camera (the door does)."""
        await self._ask(facts, Acknowledged)

    async def camera_events(self, events: CameraEvents) -> None:
        """Hand a camera's events to the recorder, which seals them (the door does)."""
        await self._ask(events, Acknowledged)

    async def pause_camera(self, request: PauseCameraRequest) -> Pause:
        """Pause a camera for maintenance, or end its pause."""
        return await self._ask(request, Pause)

    async def accept_certificate(self, camera: str, fingerprint: str) -> None:
        """Know a camera by the certificate that it showed over rtsps and that was refused."""
        await self._ask(AcceptCertificateRequest(camera, fingerprint), Acknowledged)

    async def _ask(self, question: Any, kind: type[Answer]) -> Answer:
        line = messages.encode_call(1, question)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._socket_path, limit=MESSAGE_LIMIT_BYTES)
        except (OSError, TimeoutError) as error:
            raise RecorderUnreachable(self._socket_path, _reason(error)) from error
        try:
            async with asyncio.timeout(self._answer_timeout_seconds):
                writer.write(line)
                await writer.drain()
                answer = await reader.readuntil(b"\n")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise RecorderUnreachable(self._socket_path, _reason(error)) from error
        finally:
            writer.close()
        try:
            value = messages.decode_answer(answer, BY_QUESTION[type(question)])
        except MessageUnreadable as error:
            raise RecorderUnreachable(self._socket_path, str(error)) from error
        if isinstance(value, Failure):
            raise RecorderRefused(value)
        if not isinstance(value, kind):
            raise RecorderUnreachable(self._socket_path, f"a {type(value).__name__} was not asked for")
        return value


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncio.IncompleteReadError):
        return "the connection was closed"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "an answer beyond the limit"
