"""Stills without cameras, and a door that knows what a test tells it; both keep the desk's contracts."""

from dataclasses import dataclass, field
from pathlib import Path

from kuramori.door_client import DoorRefused, DoorUnreachable
from kuramori.door_messages import DoorCamera, DoorStatus
from kuramori.messages import Failure, FailureCode
from kuramori.stills.still_wire import Still, StillFailed

JPEG = b"\xff\xd8\xff not a real picture \xff\xd9"


@dataclass(slots=True)
class FakeStills:
    """Takes stills; keeps the names of the cameras that were asked."""

    asked: list[str] = field(default_factory=list)
    failure: StillFailed | None = None
    jpeg: bytes = JPEG

    async def take(self, camera: str) -> Still:
        """Return always the same."""
        self.asked.append(camera)
        if self.failure is not None:
            raise self.failure
        return Still(320, 180, self.jpeg)


@dataclass(slots=True)
class FakeDoor:
    """Answers with what stands in `cameras`; with None it is away."""

    cameras: tuple[DoorCamera, ...] | None = ()
    shown: str = ""
    accepted: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def status(self) -> DoorStatus:
        """See the contract in `door`."""
        if self.cameras is None:
            raise DoorUnreachable(Path("door.sock"), "nobody listens")
        return DoorStatus(1, self.cameras)

    async def refresh(self, camera: str) -> None:
        """See the contract in `door`."""
        if self.cameras is None:
            raise DoorUnreachable(Path("door.sock"), "nobody listens")
        self.asked.append(camera)

    async def accept_certificate(self, camera: str, fingerprint: str) -> None:
        """See the contract in `door`: only what was shown."""
        if fingerprint != self.shown:
            raise DoorRefused(Failure(FailureCode.CERTIFICATE, "no other certificate was shown over https"))
        self.accepted.append(camera)
