"""The service manager's end of the notifications: every datagram with the moment of its arrival (sd_notify(3)).

It listens in a thread of its own, so that a busy event loop of the test makes no ping look late. The address is an
abstract one: no path is too long for it, and nothing is left behind. It must not know what is told.
"""

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

DATAGRAM_BYTES_MOST = 4096
LOOK_SECONDS = 0.5
US_PER_SECOND = 1_000_000


@dataclass(slots=True)
class NotifyListener:
    """What one service told. Times are seconds of CLOCK_MONOTONIC."""

    address: str
    told: list[tuple[float, str]] = field(default_factory=list)

    def environment(self, watchdog_seconds: float) -> dict[str, str]:
        """Return what the manager puts into the environment of the service."""
        return {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(round(watchdog_seconds * US_PER_SECOND))}

    def at(self, line: str) -> list[float]:
        """Return when this line was told."""
        return [when for when, text in list(self.told) if line in text.splitlines()]

    @property
    def status(self) -> str:
        """The newest STATUS= line."""
        lines = [line for _, text in list(self.told) for line in text.splitlines() if line.startswith("STATUS=")]
        return lines[-1].removeprefix("STATUS=") if lines else ""

    def longest_wait(self, since: float, until: float) -> float:
        """Return the longest time without WATCHDOG=1 between two moments, both of them counted like pings."""
        pings = [when for when in self.at("WATCHDOG=1") if since < when < until]
        return max(after - before for before, after in pairwise([since, *pings, until]))


@contextmanager
def notify_listener() -> Iterator[NotifyListener]:
    """Listen until the block ends."""
    listener = NotifyListener(f"@kuramori-test-{uuid.uuid4().hex}")
    over = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0" + listener.address[1:])
        end.settimeout(LOOK_SECONDS)
        thread = threading.Thread(target=_listen, args=(end, listener, over), name="notify listener")
        thread.start()
        try:
            yield listener
        finally:
            over.set()
            thread.join()


def _listen(end: socket.socket, listener: NotifyListener, over: threading.Event) -> None:
    while not over.is_set():
        try:
            text = end.recv(DATAGRAM_BYTES_MOST).decode()
        except TimeoutError:
            continue
        listener.told.append((time.monotonic(), text))
