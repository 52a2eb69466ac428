"""The door as the desk needs it, with its faults as the desk's own.

A Protocol, so that tests can stand in, and one translation of errors. Must not know what is asked for.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from kuramori.desk.fault import DoorAway
from kuramori.door_client import DoorFault
from kuramori.door_messages import DoorStatus


class Door(Protocol):
    """What the desk asks the door; `DoorClient` keeps it. Raises DoorUnreachable, DoorRefused."""

    async def status(self) -> DoorStatus:
        """Return how the door stands with each camera."""
        ...

    async def refresh(self, camera: str) -> None:
        """Have a camera asked again now."""
        ...

    async def accept_certificate(self, camera: str, fingerprint: str) -> None:
        """Know a camera by another certificate: the one that it shows over https and that was refused."""
        ...


@asynccontextmanager
async def asking_door() -> AsyncIterator[None]:
    """Turn the door's faults inside into the desk's. Raises DoorAway."""
    try:
        yield
    except DoorFault as error:
        raise DoorAway(str(error)) from error
