"""Counts how long something took, cheaply, for whoever measures; gives a frozen snapshot at scrape time.

This module must not know what is measured, nor any clock.
"""

from bisect import bisect_left

from kuramori_metrics.statistics import HistogramStatistics

COMMIT_BOUNDS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


class LatencyHistogram:
    """Not for several threads."""

    __slots__ = ("_bounds", "_counts", "_sum_seconds")

    def __init__(self, upper_bounds_seconds: tuple[float, ...] = COMMIT_BOUNDS_SECONDS) -> None:
        if not upper_bounds_seconds or list(upper_bounds_seconds) != sorted(set(upper_bounds_seconds)):
            raise ValueError("upper bounds must rise")
        self._bounds = upper_bounds_seconds
        self._counts = [0] * (len(upper_bounds_seconds) + 1)
        self._sum_seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration; a bound belongs to its own bucket."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum_seconds += seconds

    def snapshot(self) -> HistogramStatistics:
        """Return the figures so far."""
        return HistogramStatistics(self._bounds, tuple(self._counts), self._sum_seconds)
