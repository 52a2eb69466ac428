"""Which clock wins: the only module that reads a clock, and the policy for when the wall clock moves.

CLOCK_BOOTTIME orders everything and never steps. UTC is attached to it by an anchor. Small deviations of the
wall clock are slewed; a larger one is a *step*, reported once, after which the new anchor holds. A step never
reorders, loses or doubles a frame: frames are ordered by their numbers, and dated by the anchor of their
moment. This module must not know what is dated.
"""

import time
from dataclasses import dataclass
from typing import Protocol

NS_PER_MS = 1_000_000
STEP_THRESHOLD_MS = 500  # a deviation of at least this much is a step, not drift
SLEW_PPM = 500  # how fast a smaller deviation is taken over: half a millisecond per second


class Clock(Protocol):
    """Wall time and boot time, both as integers."""

    def utc_ms(self) -> int:
        """Milliseconds since 1970 UTC, as the machine believes."""

    def boot_ns(self) -> int:
        """Nanoseconds of CLOCK_BOOTTIME: counts suspended time, never steps."""


class SystemClock:
    """The machine's clocks."""

    def utc_ms(self) -> int:
        return time.time_ns() // NS_PER_MS

    def boot_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class PortableClock:
    """The clocks of a machine that need not be Linux: where there is no boot time, what counts on while it is awake."""

    def utc_ms(self) -> int:
        return time.time_ns() // NS_PER_MS

    def boot_ns(self) -> int:
        number = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic_ns() if number is None else time.clock_gettime_ns(number)


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock jumped: by how much, and between which dates."""

    before_utc_ms: int
    after_utc_ms: int

    @property
    def by_ms(self) -> int:
        return self.after_utc_ms - self.before_utc_ms


class UtcAnchor:
    """Attaches UTC to boot time. Pure: both clocks' readings are handed in."""

    def __init__(self, utc_ms: int, boot_ns: int) -> None:
        self._offset_ns = utc_ms * NS_PER_MS - boot_ns
        self._slewed_boot_ns = boot_ns

    def utc_us(self, boot_ns: int) -> int:
        """Microseconds since 1970 UTC at this boot time."""
        return (boot_ns + self._offset_ns) // 1000

    def utc_ms(self, boot_ns: int) -> int:
        """Milliseconds since 1970 UTC at this boot time."""
        return (boot_ns + self._offset_ns) // NS_PER_MS

    def observe(self, utc_ms: int, boot_ns: int) -> ClockStep | None:
        """Compare with a new reading of both clocks: slew towards it, or take a step over and return it."""
        deviation_ns = utc_ms * NS_PER_MS - boot_ns - self._offset_ns
        if abs(deviation_ns) >= STEP_THRESHOLD_MS * NS_PER_MS:
            before_utc_ms = self.utc_ms(boot_ns)
            self._offset_ns += deviation_ns
            self._slewed_boot_ns = boot_ns
            return ClockStep(before_utc_ms, utc_ms)
        allowed_ns = max(0, boot_ns - self._slewed_boot_ns) * SLEW_PPM // 1_000_000
        self._offset_ns += max(-allowed_ns, min(allowed_ns, deviation_ns))
        self._slewed_boot_ns = boot_ns
        return None
