"""The recorder as the desk needs it, with its faults as the desk's own.

A Protocol, so that tests and later nodes can stand in, and one translation of errors. Must not know requests.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from kuramori import messages
from kuramori.camera_messages import Pause, PauseCameraRequest
from kuramori.capacity_messages import CapacityPlan
from kuramori.custody_messages import CustodySegments
from kuramori.desk.fault import ErasureWaits, HoldRefused, RecorderAway, RecorderDeclined, RecordingErased
from kuramori.ending_messages import Media, PermitMediumRequest, RetiredVolume, RetireVolumeRequest
from kuramori.erasure_messages import ConfirmTimeRequest, ErasureProof, ErasureProofRequest, Overdue
from kuramori.messages import FailureCode
from kuramori.recorder_client import RecorderRefused, RecorderUnreachable
from kuramori.storage_health.medium_report import MediaHealth, MediumReport


class Recorder(Protocol):
    """What the desk asks the recorder; `RecorderClient` keeps it. Raises RecorderUnreachable, RecorderRefused."""

    async def status(self) -> messages.RecorderStatus:
        """Return the recorder at a glance."""
        ...

    async def coverage(self, camera: str, from_utc_ms: int, to_utc_ms: int) -> messages.Coverage:
        """Return what is recorded."""
        ...

    async def plan_extraction(self, camera: str, from_utc_ms: int, to_utc_ms: int) -> messages.ExtractionPlan:
        """Return the segments of a range."""
        ...

    async def release_keys(self, request_id: str, segment_uids: tuple[bytes, ...]) -> messages.ReleasedKeys:
        """Return K_seg of exactly these segments."""
        ...

    async def place_hold(self, request: messages.PlaceHoldRequest) -> messages.Hold:
        """Place a hold."""
        ...

    async def lift_hold(self, hold_id: str, person: str, reason: str) -> None:
        """End a hold."""
        ...

    async def holds(self) -> messages.Holds:
        """Return the holds in force."""
        ...

    async def erase(self, request: messages.EraseRequest) -> messages.Erasure:
        """Destroy keys."""
        ...

    async def erasures(self, after_number: int = 0) -> messages.Erasures:
        """Return receipts."""
        ...

    async def erasure_proof(self, request: ErasureProofRequest) -> ErasureProof:
        """Return what became of a camera's minutes."""
        ...

    async def overdue(self) -> Overdue:
        """Return what a clock that is not trusted calls over."""
        ...

    async def confirm_time(self, request: ConfirmTimeRequest) -> messages.Erasure:
        """Hand in what custodians vouch for."""
        ...

    async def media_health(self) -> MediaHealth:
        """Return how the recorder's own media are."""
        ...

    async def accept_medium(self, volume: str, person: str, identity: str) -> MediumReport:
        """Say that the medium of this identity is the right one under a volume."""
        ...

    async def capacity(self) -> CapacityPlan:
        """Return how long pictures will stay at the present rates."""
        ...

    async def accept_certificate(self, camera: str, fingerprint: str) -> None:
        """Know a camera by another certificate: the one that it shows over rtsps and that was refused."""
        ...

    async def custody_segments(self, after_camera_number: int = 0, after_sequence: int = 0) -> CustodySegments:
        """Return a page of the segments that can be opened, and to whom they are sealed."""
        ...

    async def reload_custodians(self) -> bytes:
        """Have the chain of custodian sets read anew; return the id of the set in use then."""
        ...

    async def snapshot(self) -> None:
        """Have the ledger copied into the folder that stands ready for a backup."""
        ...

    async def retire_volume(self, request: RetireVolumeRequest) -> RetiredVolume:
        """Destroy the keys of all that lies on a volume and use it no more."""
        ...

    async def permit_medium(self, request: PermitMediumRequest) -> None:
        """Tell it that a volume may be away."""
        ...

    async def media(self) -> Media:
        """Return which media are in their places."""
        ...

    async def pause_camera(self, request: PauseCameraRequest) -> Pause:
        """Pause a camera, or end its pause."""
        ...


@asynccontextmanager
async def asking(cameras: str = "") -> AsyncIterator[None]:
    """Turn the recorder's faults inside into the desk's. Raises DeskFault."""
    try:
        yield
    except RecorderUnreachable as error:
        raise RecorderAway from error
    except RecorderRefused as error:
        if error.code is FailureCode.ERASED:
            raise RecordingErased(cameras) from error
        if error.code is FailureCode.HOLD_BUDGET:
            raise HoldRefused(f"The hold cannot be placed: {error}", f"保存期間の延長ができません: {error}") from error
        if error.code is FailureCode.NOT_READY:
            raise RecorderAway(str(error), str(error)) from error
        if error.code is FailureCode.VOLUME_AWAY:
            raise ErasureWaits(str(error)) from error
        raise RecorderDeclined(error.code.value, str(error)) from error
