"""How long commits take against how long they took when the medium was new to the recorder. Pure.

A card that wears out hides it by taking longer. What is usual is learned in the first hours and then follows very
slowly, and not at all while commits are slow: so a slow end cannot become the new usual. This module must not know
clocks.
"""

from dataclasses import dataclass, replace

COMMITS_LEAST = 10  # in one look, else it says nothing
LOOKS_TO_LEARN = 360  # six hours of looks
SLOW_FACTOR = 5.0
SLOW_LEAST_SECONDS = 0.25  # faster than that is never slow
NOW_WEIGHT = 1 / 10  # of one look in what is now
USUAL_WEIGHT = 1 / 10_000  # about a week


@dataclass(frozen=True, slots=True)
class SyncPace:
    """Mean seconds of a commit, usually and now."""

    usual_seconds: float = 0.0
    now_seconds: float = 0.0
    looks: int = 0

    @property
    def learned(self) -> bool:
        """Tell whether what is usual is known."""
        return self.looks >= LOOKS_TO_LEARN

    @property
    def slow(self) -> bool:
        """Tell whether commits take much longer than they used to."""
        return self.learned and self.now_seconds > max(SLOW_LEAST_SECONDS, SLOW_FACTOR * self.usual_seconds)

    def seen(self, commits: int, seconds: float) -> "SyncPace":
        """Take in what was committed since the last look."""
        if commits < COMMITS_LEAST or seconds < 0:
            return self
        mean = seconds / commits
        now = mean if self.looks == 0 else self.now_seconds + NOW_WEIGHT * (mean - self.now_seconds)
        looks = self.looks + 1
        after = replace(self, now_seconds=now, looks=looks)
        if not self.learned:
            return replace(after, usual_seconds=self.usual_seconds + (mean - self.usual_seconds) / looks)
        if after.slow:
            return replace(after, looks=self.looks)
        return replace(
            after, looks=self.looks, usual_seconds=self.usual_seconds + USUAL_WEIGHT * (mean - self.usual_seconds)
        )
