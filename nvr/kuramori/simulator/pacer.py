"""Sends every stream's frames when they are due, with one timer for the whole server.

Wake-ups fall on a grid, so that a hundred cameras cost no more wake-ups than a few. This module must not know
what is sent.
"""

import asyncio
import heapq
from collections.abc import Callable
from typing import Protocol

GRID_SECONDS = 0.005


class Paced(Protocol):
    """What is played in time."""

    closed: bool

    def next_due_seconds(self) -> float:
        """When there is something to do, on the loop's clock."""

    def play(self, now_seconds: float, utc_seconds: float) -> None:
        """Do everything that is due."""


class Pacer:
    """One timer for any number of streams."""

    def __init__(self, utc_seconds: Callable[[], float]) -> None:
        self._utc_seconds = utc_seconds
        self._due: list[tuple[float, int, Paced]] = []
        self._added = 0
        self._timer: asyncio.TimerHandle | None = None
        self._wake_seconds = float("inf")

    def add(self, stream: Paced) -> None:
        """Play this stream from now on, until it is closed."""
        self._push(stream)
        self._arm()

    def stop(self) -> None:
        """Play nothing any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake_seconds = float("inf")

    def _push(self, stream: Paced) -> None:
        self._added += 1
        heapq.heappush(self._due, (stream.next_due_seconds(), self._added, stream))

    def _arm(self) -> None:
        if not self._due:
            return
        wake = (self._due[0][0] // GRID_SECONDS + 1) * GRID_SECONDS
        if wake < self._wake_seconds:
            if self._timer is not None:
                self._timer.cancel()
            self._wake_seconds = wake
            self._timer = asyncio.get_running_loop().call_at(wake, self._wake)

    def _wake(self) -> None:
        self._timer, self._wake_seconds = None, float("inf")
        now_seconds = asyncio.get_running_loop().time()
        utc_seconds = self._utc_seconds()
        due = self._due
        while due and due[0][0] <= now_seconds:
            stream = heapq.heappop(due)[2]
            if not stream.closed:
                stream.play(now_seconds, utc_seconds)
            if not stream.closed:
                self._push(stream)
        self._arm()
