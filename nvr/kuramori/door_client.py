"""The door as desk and command line see it: one typed method for each question that it answers, over door.sock.

Every call opens its own connection: nothing to repair when the door was restarted. This module must not know what the
answers are used for.
"""

import asyncio
from pathlib import Path
from typing import Any, TypeVar

from kuramori import messages
from kuramori.door_messages import (
    AcceptCertificateRequest,
    CardRecordings,
    DiscoverRequest,
    Discovery,
    DoorStatus,
    DoorStatusRequest,
    FindRecordingsRequest,
    RefreshCameraRequest,
)
from kuramori.messages import (
    BY_QUESTION,
    MESSAGE_LIMIT_BYTES,
    Acknowledged,
    Failure,
    FailureCode,
    MessageUnreadable,
)

CONNECT_TIMEOUT_SECONDS = 2.0
ANSWER_TIMEOUT_SECONDS = 10.0
CARD_SECONDS = 170.0  # a search of a card has many pages, and the camera is slow

Answer = TypeVar("Answer")


class DoorFault(Exception):
    """The door did not do what was asked."""


class DoorUnreachable(DoorFault):
    """Nobody answers on the door's socket, or the connection broke before the answer was whole."""

    def __init__(self, socket_path: Path, detail: str) -> None:
        super().__init__(f"the door does not answer on {socket_path}: {detail}")
        self.socket_path = socket_path
        self.detail = detail


class DoorRefused(DoorFault):
    """The door answered that it will not or cannot; `code` is stable."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.code: FailureCode = failure.code


class DoorClient:
    """Asks the door. Safe to use from several tasks at once. Every method raises DoorUnreachable or DoorRefused."""

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path

    async def status(self) -> DoorStatus:
        """Return how the door stands with each camera."""
        return await self._ask(DoorStatusRequest(), DoorStatus)

    async def discover(self, seconds: float = 4.0, interfaces: tuple[str, ...] = ()) -> Discovery:
        """Search the network for so long."""
        return await self._ask(DiscoverRequest(round(seconds * 1000), interfaces), Discovery, seconds)

    async def refresh(self, camera: str) -> None:
        """Have a camera asked again now."""
        await self._ask(RefreshCameraRequest(camera), Acknowledged)

    async def find_recordings(self, question: FindRecordingsRequest) -> CardRecordings:
        """Ask what a camera's card holds; the camera may take its time."""
        return await self._ask(question, CardRecordings, CARD_SECONDS)

    async def accept_certificate(self, camera: str, fingerprint: str) -> None:
        """Know a camera by the certificate that it showed over https and that was refused."""
        await self._ask(AcceptCertificateRequest(camera, fingerprint), Acknowledged)

    async def _ask(self, question: Any, kind: type[Answer], longer_seconds: float = 0.0) -> Answer:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._socket_path, limit=MESSAGE_LIMIT_BYTES)
        except (OSError, TimeoutError) as error:
            raise DoorUnreachable(self._socket_path, str(error) or "no answer in time") from error
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS + longer_seconds):
                writer.write(messages.encode_call(1, question))
                await writer.drain()
                line = await reader.readuntil(b"\n")
            value = messages.decode_answer(line, BY_QUESTION[type(question)])
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError, MessageUnreadable) as error:
            raise DoorUnreachable(self._socket_path, str(error) or "no answer in time") from error
        finally:
            writer.close()
        if isinstance(value, Failure):
            raise DoorRefused(value)
        if not isinstance(value, kind):
            raise DoorUnreachable(self._socket_path, f"a {type(value).__name__} was not asked for")
        return value
