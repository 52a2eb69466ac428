"""The pace of reading back: so many bytes a second, and none at all while the recorder is late.

A read is paid for before it is made, so that nothing is read in bursts and a start is not slowed. This module must not
know what is read.
"""

import time
from collections.abc import Callable
from threading import Event

LATE_SECONDS = 5.0  # no reading for so long after the recorder was late
LONGEST_WAIT_SECONDS = 1.0  # then it is looked again whether the recorder is late


class ScrubStopped(Exception):
    """The recorder stops: what is being read is left, and read again another time."""


class Pace:
    """The pace of one thread."""

    def __init__(
        self,
        bytes_per_second: Callable[[], float],
        lateness: Callable[[], int],
        stop: Event,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lateness` is a count that rises whenever the recorder is late."""
        self._bytes_per_second = bytes_per_second
        self._lateness = lateness
        self._stop = stop
        self._now = now
        self._seen = lateness()
        self._late_until = 0.0
        self._paid_until = now()

    def before_read(self, length_bytes: int) -> None:
        """Wait until so many bytes may be read. Raises ScrubStopped."""
        start = max(self._paid_until, self._now())
        self._paid_until = start + length_bytes / max(1.0, self._bytes_per_second())
        while True:
            wait = max(self._paid_until, self._late()) - self._now()
            if wait <= 0 and not self._stop.is_set():
                return
            if self._stop.wait(min(max(wait, 0.0), LONGEST_WAIT_SECONDS)):
                raise ScrubStopped

    def _late(self) -> float:
        """Until when nothing is read because the recorder was late; a time in the past when it was not."""
        lateness = self._lateness()
        if lateness != self._seen:
            self._seen = lateness
            self._late_until = self._now() + LATE_SECONDS
        return self._late_until
