"""Waiting before a camera is tried again."""

from kuramori.capture.backoff import (
    GOOD_STREAM_SECONDS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    WRONG_CREDENTIALS_FIRST_SECONDS,
    WRONG_CREDENTIALS_LONGEST_SECONDS,
    Backoff,
)
from kuramori.capture.source import EndReason, SourceEnded

VANISHED = SourceEnded(EndReason.VANISHED, "gone")
WRONG = SourceEnded(EndReason.REFUSED, "wrong user name or password", wrong_credentials=True)


def test_waits_double_up_to_half_a_minute() -> None:
    """With no jitter: 1, 2, 4 … 30 s."""
    backoff = Backoff(lambda: 0.0)
    waits = [backoff.next_seconds(VANISHED) for _ in range(8)]
    assert waits == [1, 2, 4, 8, 16, LONGEST_SECONDS, LONGEST_SECONDS, LONGEST_SECONDS]


def test_jitter_spreads_waits_between_half_and_all() -> None:
    """The shortest wait ever is half a second."""
    backoff = Backoff(lambda: 0.999_999)
    waits = [backoff.next_seconds(VANISHED) for _ in range(8)]
    assert SHORTEST_SECONDS <= waits[0] < SHORTEST_SECONDS + 0.01
    assert LONGEST_SECONDS / 2 <= waits[-1] <= LONGEST_SECONDS


def test_a_minute_of_good_stream_starts_afresh() -> None:
    """Less does not: a camera that flaps every few seconds is left alone longer and longer."""
    backoff = Backoff(lambda: 0.0)
    for _ in range(5):
        backoff.next_seconds(VANISHED, good_seconds=GOOD_STREAM_SECONDS - 1)
    assert backoff.next_seconds(VANISHED, good_seconds=GOOD_STREAM_SECONDS - 1) == LONGEST_SECONDS
    assert backoff.next_seconds(VANISHED, good_seconds=GOOD_STREAM_SECONDS) == 1


def test_a_wrong_password_is_tried_rarely() -> None:
    """Fewer than five attempts in the first three minutes, then one in five minutes."""
    backoff = Backoff(lambda: 0.0)
    waits = [backoff.next_seconds(WRONG) for _ in range(6)]
    assert waits[0] == WRONG_CREDENTIALS_FIRST_SECONDS
    assert waits[-1] == WRONG_CREDENTIALS_LONGEST_SECONDS
    assert sum(waits[:3]) > 180


def test_waits_never_end_and_never_overflow() -> None:
    """A camera that is gone for a year."""
    backoff = Backoff(lambda: 0.5)
    for _ in range(10_000):
        assert backoff.next_seconds(VANISHED) <= LONGEST_SECONDS
