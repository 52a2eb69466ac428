"""Which hour's key the next segment gets. Pure: no key material, no clock, no waiting.

An epoch belongs to one camera and lasts at most one hour of boot time, so that erasing it takes nothing else along
(K4). It ends early, at a slot's end, when the next slot would not be full before the hour is over: so a slot is
never closed half full for the hour's sake, unless a camera fills less than one slot an hour.
"""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

NS_PER_SECOND = 1_000_000_000
NS_PER_MS = 1_000_000
EPOCH_LIMIT_NS = 3_600 * NS_PER_SECOND
KEY_FRAME_GRACE_NS = 10 * NS_PER_SECOND  # a segment at its epoch's end waits that long for a key frame
EPOCH_CLOSE_NS = EPOCH_LIMIT_NS - KEY_FRAME_GRACE_NS
PREPARE_NS = 60 * NS_PER_SECOND  # a new epoch is made durable that long before it is needed
FILL_MARGIN = 1.1  # a slot may take that much longer than the one before


class EpochLike(Protocol):
    """What the plan needs to know of an epoch."""

    @property
    def first_boot_ms(self) -> int: ...


E = TypeVar("E", bound=EpochLike)


def _began_ns(epoch: EpochLike) -> int:
    return epoch.first_boot_ms * NS_PER_MS


@dataclass(slots=True)
class EpochPlan(Generic[E]):
    """One camera's epochs: the one in use and the one made ready behind it."""

    current: E | None = None
    ready: E | None = None
    left: E | None = None  # still written under until the next one is ready, then never again
    requested: bool = False
    fill_ns: int = 0  # how long the last full slot took; 0: unknown

    def _serves_whole_slot(self, epoch: E, boot_ns: int) -> bool:
        return boot_ns + int(self.fill_ns * FILL_MARGIN) <= _began_ns(epoch) + EPOCH_CLOSE_NS

    def _serves_now(self, epoch: E, boot_ns: int) -> bool:
        return boot_ns < _began_ns(epoch) + EPOCH_CLOSE_NS

    def for_segment(self, boot_ns: int) -> E | None:
        """Return the epoch for a segment that begins now; None while none is durable yet."""
        if self.current is not None and self._serves_whole_slot(self.current, boot_ns):
            return self.current
        if self.ready is not None and self._serves_now(self.ready, boot_ns):
            self.current, self.left = self.ready, None
        self.ready = None
        return self.current if self.current is not None and self._serves_now(self.current, boot_ns) else None

    def wants_next(self, boot_ns: int, slot_left_ns: int) -> bool:
        """Tell whether an epoch should be made now; `slot_left_ns`: until the slot in use is full."""
        if self.requested or self.ready is not None:
            return False
        if self.current is None:
            return True
        hour_ends_soon = boot_ns >= _began_ns(self.current) + EPOCH_CLOSE_NS - PREPARE_NS
        slot_ends_soon = slot_left_ns <= PREPARE_NS
        slot_end_ns = boot_ns + slot_left_ns
        return hour_ends_soon or (slot_ends_soon and not self._serves_whole_slot(self.current, slot_end_ns))

    def arrived(self, epoch: E) -> None:
        """Take over an epoch that is durable now."""
        self.requested = False
        self.ready = epoch

    def leave(self) -> None:
        """The current epoch must take no further segment, and its running one ends now: it is to be erased."""
        self.left = self.current
        self.current = None

    def must_close(self, boot_ns: int) -> bool:
        """Tell whether the running segment should end at its next key frame: its epoch is over."""
        return self.left is not None or (self.current is not None and not self._serves_now(self.current, boot_ns))

    def must_close_at_once(self, boot_ns: int) -> bool:
        """Tell whether the running segment ends now, key frame or not: the grace is over too."""
        return (self.left is not None and self.ready is not None) or (
            self.current is not None and boot_ns >= _began_ns(self.current) + EPOCH_LIMIT_NS
        )
