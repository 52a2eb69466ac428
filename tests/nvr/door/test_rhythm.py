"""When a camera is asked next: soon, then ever later; a refused password much later."""

from kuramori.door.rhythm import (
    JITTER,
    LONGEST_SECONDS,
    REFUSED_FIRST_SECONDS,
    REFUSED_LONGEST_SECONDS,
    ROUND_SECONDS,
    SPREAD_SECONDS,
    Rhythm,
)
from kuramori.door_messages import DoorCameraState

FOUND, REFUSED, UNREACHABLE = DoorCameraState.FOUND, DoorCameraState.REFUSED, DoorCameraState.UNREACHABLE


def test_a_camera_that_is_not_found_is_asked_ever_later() -> None:
    """Twice the wait each time, up to the longest; found, it starts afresh."""
    rhythm = Rhythm(lambda: 0.0)
    waits = [rhythm.next_seconds(UNREACHABLE, 0.0) for _ in range(30)]
    assert waits[:3] == [2.0, 4.0, 8.0]
    assert waits[-1] == LONGEST_SECONDS
    rhythm.next_seconds(FOUND, 0.0)
    assert rhythm.next_seconds(UNREACHABLE, 0.0) == 2.0


def test_a_refused_password_is_not_hammered() -> None:
    """A quarter of an hour at least: cameras lock accounts."""
    rhythm = Rhythm(lambda: 0.0)
    waits = [rhythm.next_seconds(REFUSED, 0.0) for _ in range(6)]
    assert waits[0] == REFUSED_FIRST_SECONDS
    assert waits[-1] == REFUSED_LONGEST_SECONDS


def test_cameras_do_not_ask_in_step() -> None:
    """Chance shortens a wait by up to the jitter."""
    assert Rhythm(lambda: 0.999).next_seconds(UNREACHABLE, 0.0) < 2.0 * (1 - JITTER * 0.9)


def test_found_cameras_are_asked_in_common_rounds() -> None:
    """Whenever a camera was found, the next round is the same for all, a little spread."""
    for found_at in (5.0, 300.0, 599.0):
        first = found_at + Rhythm(lambda: 0.0).next_seconds(FOUND, found_at)
        last = found_at + Rhythm(lambda: 0.999).next_seconds(FOUND, found_at)
        assert first == ROUND_SECONDS
        assert ROUND_SECONDS < last < ROUND_SECONDS + SPREAD_SECONDS
