"""The pace of reading back: bounded, steady, and none while the recorder is late."""

from threading import Event

import pytest

from kuramori.scrubbing.pace import LATE_SECONDS, Pace, ScrubStopped
from kuramori.scrubbing.scrub_rate import ScrubRate

MIB = 1 << 20


class Hands:
    """A clock that waiting moves on, and a recorder that may be late."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.late_ticks = 0
        self.stopped = False

    def now(self) -> float:
        return self.seconds

    def pace(self, bytes_per_second: int) -> Pace:
        hands = self

        class Stop(Event):
            def wait(self, timeout: float | None = None) -> bool:
                hands.seconds += timeout or 0.0
                return hands.stopped

            def is_set(self) -> bool:
                return hands.stopped

        return Pace(lambda: bytes_per_second, lambda: hands.late_ticks, Stop(), self.now)


def test_no_more_is_read_than_the_rate_allows() -> None:
    """Sixteen mebibytes at four a second take four seconds, the first byte included."""
    hands = Hands()
    pace = hands.pace(4 * MIB)
    for _ in range(16):
        pace.before_read(MIB)
    assert hands.seconds == pytest.approx(104.0)


def test_what_was_not_read_is_not_made_up_for() -> None:
    """After an idle hour there is no burst."""
    hands = Hands()
    pace = hands.pace(MIB)
    hands.seconds += 3600
    begin = hands.seconds
    pace.before_read(MIB)
    pace.before_read(MIB)
    assert hands.seconds == pytest.approx(begin + 2)


def test_nothing_is_read_while_the_recorder_is_late() -> None:
    """Each late tick puts the next read off."""
    hands = Hands()
    pace = hands.pace(1024 * MIB)
    hands.late_ticks += 1
    pace.before_read(MIB)
    assert hands.seconds >= 100.0 + LATE_SECONDS
    begin = hands.seconds
    pace.before_read(MIB)
    assert hands.seconds - begin < 0.1


def test_a_stop_ends_the_wait() -> None:
    """The recorder does not wait for what would be read back."""
    hands = Hands()
    pace = hands.pace(1)
    hands.stopped = True
    with pytest.raises(ScrubStopped):
        pace.before_read(MIB)


def test_more_is_read_than_is_recorded() -> None:
    """The configuration is the least; a busy site is read back faster, and a volume opened anew is no dip."""
    rate = ScrubRate(4 * MIB)
    assert rate.now(0, 0.0) == 4 * MIB
    assert rate.now(16 * MIB * 30, 30.0) == 4 * MIB
    assert rate.now(16 * MIB * 60, 60.0) == 24 * MIB
    assert rate.now(0, 61.0) == 24 * MIB
    assert rate.now(MIB * 60, 121.0) == 4 * MIB
