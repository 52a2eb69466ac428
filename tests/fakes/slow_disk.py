"""A disk in memory that stops answering when told, as a dying card does: its caller waits until somebody lets it go."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kuramori_segments.block_layout import BytesLike
from kuramori_segments.disk import Disk
from tests.fakes.faulty_disk import FaultyDisk


@dataclass
class HangingDisk(FaultyDisk):
    """Every write and sync waits while `hangs` is set."""

    answers: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Event = field(default_factory=threading.Event)  # somebody waits now

    def __post_init__(self) -> None:
        FaultyDisk.__post_init__(self)
        self.answers.set()

    def _wait(self) -> None:
        if not self.answers.is_set():
            self.waiting.set()
            self.answers.wait()

    def write_at(self, offset_bytes: int, buffers: Sequence[BytesLike]) -> int:
        self._wait()
        return super().write_at(offset_bytes, buffers)

    def sync(self) -> None:
        self._wait()
        super().sync()


class SilentDisk:
    """A disk whose reads wait while `answers` is not set; everything else goes through."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.answers = threading.Event()
        self.waiting = threading.Event()  # somebody waits now

    def read_at(self, offset_bytes: int, length_bytes: int) -> bytes:
        self.waiting.set()
        self.answers.wait()
        return self.disk.read_at(offset_bytes, length_bytes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.disk, name)
