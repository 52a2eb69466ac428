"""A clock that is told: both times stand still until moved."""

from dataclasses import dataclass


@dataclass(slots=True)
class ToldClock:
    """Keeps the contract of kuramori.timebase.Clock."""

    now_utc_ms: int = 1_790_000_000_000
    now_boot_ns: int = 10**12

    def utc_ms(self) -> int:
        """Return the wall time."""
        return self.now_utc_ms

    def boot_ns(self) -> int:
        """Return the boot time."""
        return self.now_boot_ns

    def pass_ms(self, duration_ms: int) -> None:
        """Let time go by on both."""
        self.now_utc_ms += duration_ms
        self.now_boot_ns += duration_ms * 1_000_000
