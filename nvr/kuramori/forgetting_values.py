"""What forgetting hands out: segments it found, its figures, and why a hold cannot be granted.

Values only. This module must not know the recorder, keys or clocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kuramori.messages import Failure, FailureCode
from kuramori.storage_texts import out_of_reach
from kuramori_segments.header import SegmentHeader
from kuramori_segments.volume import Volume


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """A segment in the ring, with what its header says."""

    volume: Volume
    slot: int
    header: SegmentHeader
    end_utc_ms: int  # last access unit; of an open one, what is durable
    dated_by_ms: int = 0  # what is added to the times in it: it was recorded without a trustworthy clock

    @property
    def start_utc_ms(self) -> int:
        """When it begins, by a trusted clock where one came later."""
        return self.header.start_utc_ms + self.dated_by_ms


@dataclass(slots=True)
class ForgettingFigures:
    """Plain figures, read at scrape time."""

    rotations: int = 0
    failed_rotations: int = 0
    last_rotation_utc_ms: int | None = None
    erasure_pending: bool = False  # what is due could not be destroyed
    overdue_epochs: int = 0  # by a clock that is not trusted
    holds: int = 0  # in force
    held_slots: int = 0


class HoldRefused(Exception):
    """A hold cannot be granted: the reason for a program and for a person."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class OutOfReach(Exception):
    """Volumes that do not answer, or are away, hold what an order needs to see: nothing was destroyed yet."""

    def __init__(self, volumes: Sequence[str]) -> None:
        super().__init__(out_of_reach(volumes))
        self.volumes = tuple(volumes)

    @property
    def failure(self) -> Failure:
        """The same for whoever asked."""
        return Failure(FailureCode.VOLUME_AWAY, str(self))
