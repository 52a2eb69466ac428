"""A disk in memory that stops answering when told, as a dying card does: its caller waits until somebody lets it go."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from kuramori_segments.block_layout import BytesLike
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
