"""The recorder's pulse: a few figures at every tick, sent to the supervisor, which judges by them whether it records.

A datagram on an inherited socket: sending never waits, and nobody needs to listen. What a pulse says is counted by the
recorder; what follows from it is decided in `watchdog`. This module must not know either.
"""

import contextlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from kuramori.wire import WireInvalid, from_plain, to_plain

DESCRIPTOR = "KURAMORI_PULSE"  # in the environment of the recorder: number of the socket's descriptor
PULSE_BYTES_MOST = 4096


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the recorder is, at one tick. Counts are totals since its start."""

    ready: bool  # recording can begin, or has
    arrived: int  # access units taken from cameras
    durable: int  # a figure that changes whenever access units have become durable
    storage_fault: bool  # a fault of volumes or keystore is known, and told
    cameras: int
    recording: int  # cameras that are recorded now
    problems: int  # what the operator is told is wrong now
    reloads: int = 0  # how often the configuration was read again, or refused
    refused: bool = False  # the last time it was refused


class PulseSender:
    """The recorder's end."""

    def __init__(self, end: socket.socket | None) -> None:
        self._end = end

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "PulseSender":
        """Return the sender for the descriptor that was inherited; one that sends nothing where none was."""
        told = environment.get(DESCRIPTOR, "")
        if not told.isdecimal():
            return cls(None)
        try:
            end = socket.socket(fileno=int(told))
            end.setblocking(False)
            os.set_inheritable(end.fileno(), False)
        except OSError:
            return cls(None)
        return cls(end)

    def send(self, pulse: Pulse) -> None:
        """Send, and never wait: who does not listen misses a pulse."""
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.send(json.dumps(to_plain(pulse)).encode())

    def close(self) -> None:
        """Let go of the socket."""
        if self._end is not None:
            self._end.close()


class PulsePair:
    """The supervisor's end, and the descriptor that its recorder inherits."""

    def __init__(self) -> None:
        self.ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    @property
    def inherited(self) -> int:
        """The descriptor for the recorder."""
        return self._theirs.fileno()

    def receive(self) -> Pulse | None:
        """Return the newest pulse that waits, None if there is none."""
        newest = None
        with contextlib.suppress(BlockingIOError):
            while True:
                told = self.ours.recv(PULSE_BYTES_MOST)
                with contextlib.suppress(WireInvalid, ValueError):
                    newest = from_plain(Pulse, json.loads(told))
        return newest

    def close(self) -> None:
        """Let go of both ends."""
        self.ours.close()
        self._theirs.close()
