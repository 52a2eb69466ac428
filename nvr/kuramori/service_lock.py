"""One service for one runtime directory: a lock that lasts as long as any process of the service lives.

The three processes inherit the lock, so it also outlasts a supervisor that was killed: a new service waits until the
old one has written what it had received and let go of the ring, instead of being refused by it. Without the lock a
second service would take over the first one's sockets. This module must not know what the service does.
"""

import asyncio
import fcntl
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from kuramori.texts import tr

LOCK_NAME = "service.lock"
LOCK_MODE = 0o600
PATIENCE_SECONDS = 15.0  # longer than a start that was cut short and an orderly end take, even on a busy machine
POLL_SECONDS = 0.05


class ServiceRunning(Exception):
    """Another service holds the runtime directory, and does not end."""

    def __init__(self, runtime: Path) -> None:
        super().__init__(
            tr(
                f"A service runs in {runtime} already: stop it first, or name another storage.runtime_directory.",
                f"{runtime} ではサービスが稼働中です。先に停止するか、storage.runtime_directory を変更してください。",
            )
        )
        self.runtime = runtime


@dataclass(frozen=True, slots=True)
class ServiceLock:
    """The lock, held. Give `descriptor` on to every process of the service."""

    descriptor: int

    def close(self) -> None:
        """Let go; the lock itself ends with the last process that has it."""
        os.close(self.descriptor)


async def lock_service(runtime: Path, patience_seconds: float = PATIENCE_SECONDS) -> ServiceLock:
    """Take the lock, waiting for a service that is about to end. Raises ServiceRunning, OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    with ExitStack() as undo:
        descriptor = os.open(runtime / LOCK_NAME, flags, LOCK_MODE)
        undo.callback(os.close, descriptor)
        try:
            async with asyncio.timeout(patience_seconds):
                while not _taken(descriptor):
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise ServiceRunning(runtime) from None
        undo.pop_all()
    return ServiceLock(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
