"""When the keystore is asked for a key again after it could not make one durable: one try at a time, ever later. Pure.

The wait is one for all cameras, since they share the keystore; it stays short: what comes meanwhile waits in bounded
memory. This module must not know the keystore, the loop or the clock.
"""

from dataclasses import dataclass

NS_PER_SECOND = 1_000_000_000
FIRST_WAIT_NS = NS_PER_SECOND
LONGEST_WAIT_NS = 10 * NS_PER_SECOND


@dataclass(slots=True)
class EpochPause:
    """Times are CLOCK_BOOTTIME nanoseconds."""

    refused: int = 0  # tries in vain since the last key
    next_try_boot_ns: int = 0

    def left_ns(self, boot_ns: int) -> int:
        """Return how long to wait before the next try; 0 for none."""
        return max(0, self.next_try_boot_ns - boot_ns) if self.refused else 0

    def note_refusal(self, boot_ns: int) -> bool:
        """A try was in vain; tell whether that is news."""
        wait_ns = min(FIRST_WAIT_NS << min(self.refused, 16), LONGEST_WAIT_NS)
        self.refused += 1
        self.next_try_boot_ns = boot_ns + wait_ns
        return self.refused == 1

    def note_success(self) -> int:
        """A key is durable; return how many tries were in vain before it."""
        refused, self.refused = self.refused, 0
        return refused
