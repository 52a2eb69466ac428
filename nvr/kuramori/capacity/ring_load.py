"""What a ring has to carry: how fast each camera takes slots, measured where there is something to measure. Pure.

Measured is counted from the ring itself: slots taken in the last days over the time that they cover. That holds
whatever a camera sends, flaps or wastes, outlives restarts, and needs no book of its own. It assumes that a camera goes
on as it did *while it recorded*, the careful side for one that was often away. It must not know volumes or keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter

from kuramori_config.capacity import slots_per_second
from kuramori_segments.catalogue import OPEN_END, CataloguedSegment

WINDOW_MS = 7 * 86_400_000  # a week: weekdays and weekends, days and nights
MEASURED_LEAST_MS = 600_000  # of recorded time, before a measurement is believed
MEASURED_LEAST_SLOTS = 3


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a camera takes slots. `measured_seconds` is 0 where it is the configuration's expectation."""

    slots_per_second: float
    measured_seconds: float = 0.0

    @property
    def measured(self) -> bool:
        """Tell whether it was measured."""
        return self.measured_seconds > 0


@dataclass(frozen=True, slots=True)
class CameraLoad:
    """One camera of a ring: its rate and what it was promised. `planned_slots` 0: no plan."""

    name: str
    rate: Rate
    retention_seconds: int
    floor_seconds: int
    planned_slots: int


def expected_rate(mbit_per_second: float) -> Rate:
    """Return the rate of a camera that sends what its configuration says."""
    return Rate(slots_per_second(mbit_per_second))


def measured_rate(segments: Iterable[CataloguedSegment], now_utc_ms: int) -> Rate | None:
    """Return the rate over the last week; None where too little of it was recorded."""
    slots = covered_ms = 0
    ordered = sorted(segments, key=attrgetter("sequence"))
    for segment, following in zip_longest(ordered, ordered[1:]):
        if segment.end_utc_ms == OPEN_END or not now_utc_ms - WINDOW_MS <= segment.start_utc_ms <= now_utc_ms:
            continue
        slots += 1
        covered_ms += _covered_ms(segment, following)
    if slots < MEASURED_LEAST_SLOTS or covered_ms < MEASURED_LEAST_MS:
        return None
    return Rate(slots * 1000 / covered_ms, covered_ms / 1000)


def _covered_ms(segment: CataloguedSegment, following: CataloguedSegment | None) -> int:
    """Return how much time a segment took: up to the next one where that goes on, for pictures may be far apart."""
    length_ms = max(0, segment.end_utc_ms - segment.start_utc_ms)
    if following is None or following.sequence != segment.sequence + 1:
        return length_ms
    spacing_ms = following.start_utc_ms - segment.end_utc_ms
    return length_ms + spacing_ms if 0 <= spacing_ms <= length_ms else length_ms
