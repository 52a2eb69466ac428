"""Frames of sound that wait for a place beside the pictures of their time: bounded, and never in the way of these.

Sound is written into the running segment at once. It waits only while the pictures wait, or until the next segment
begins; beyond the memory that all cameras share it is dropped and counted. Pure; must not know segments.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kuramori.memory_budget import MemoryBudget
from kuramori_segments.audio_track import AudioRecord

FRAME_OVERHEAD_BYTES = 200


@dataclass(slots=True)
class SoundQueue:
    """The waiting frames of one camera, in the order in which they came."""

    budget: MemoryBudget
    dropped: int = 0
    _waiting: deque[AudioRecord] = field(default_factory=deque)

    @property
    def waits(self) -> bool:
        """Tell whether something waits."""
        return bool(self._waiting)

    def offer(self, record: AudioRecord) -> None:
        """Let a frame wait, where there is memory."""
        if self.budget.take(_cost(record)):
            self._waiting.append(record)
        else:
            self.dropped += 1

    def take(self, until_boot_us: int | None = None) -> Iterator[AudioRecord]:
        """Yield what arrived up to that moment; each is taken out when the next one is asked for."""
        while self._waiting and (until_boot_us is None or self._waiting[0].arrival_boot_us <= until_boot_us):
            yield self._waiting[0]
            self.budget.give_back(_cost(self._waiting.popleft()))

    def put_back(self, records: Iterable[AudioRecord]) -> None:
        """Take back, in front, what was sealed but could not be written."""
        kept: list[AudioRecord] = []
        for record in records:
            if self.budget.take(_cost(record)):
                kept.append(record)
            else:
                self.dropped += 1
        self._waiting.extendleft(reversed(kept))

    def clear(self) -> None:
        """Forget what waits: its stream is over."""
        for record in self._waiting:
            self.dropped += 1
            self.budget.give_back(_cost(record))
        self._waiting.clear()


def _cost(record: AudioRecord) -> int:
    return len(record.payload) + FRAME_OVERHEAD_BYTES
