"""How fast is read back: as the configuration says, and always faster than is recorded. Pure.

What is recorded is measured a minute long; until then the configuration alone counts. This module knows no volumes.
"""

from dataclasses import dataclass

AHEAD = 1.5  # of what is recorded: the newest is read once, and what is left reads the older again
MEASURE_SECONDS = 60.0


@dataclass(slots=True)
class ScrubRate:
    """Bytes a second. `least` is what the configuration says."""

    least_bytes_per_second: int
    _recorded: float = 0.0
    _since: tuple[int, float] | None = None  # bytes written, and when

    def now(self, written_bytes: int, seconds: float) -> float:
        """Return the rate; `written_bytes` is what all volumes took so far, and may begin anew."""
        if self._since is None or written_bytes < self._since[0]:
            self._since = written_bytes, seconds
        elif seconds - self._since[1] >= MEASURE_SECONDS:
            self._recorded = (written_bytes - self._since[0]) / (seconds - self._since[1])
            self._since = written_bytes, seconds
        return max(float(self.least_bytes_per_second), AHEAD * self._recorded)
