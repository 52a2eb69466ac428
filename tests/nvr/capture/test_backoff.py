"""Waiting before a camera is tried again."""

from itertools import pairwise

import pytest

from kuramori.capture.backoff import (
    GOOD_STREAM_SECONDS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    WRONG_CREDENTIALS_SECONDS,
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


@pytest.mark.parametrize("chance", [0.0, 0.999_999])
def test_a_wrong_password_locks_no_account(chance: float) -> None:
    """At most four attempts in any half hour, whatever the jitter; the second one soon, the later ones rarely."""
    backoff = Backoff(lambda: chance)
    at_seconds = [0.0]
    for _ in range(20):
        at_seconds.append(at_seconds[-1] + backoff.next_seconds(WRONG))
    for begin in at_seconds:
        assert sum(begin <= moment < begin + 1800 for moment in at_seconds) <= 4
    assert at_seconds[1] <= 60
    assert max(later - earlier for earlier, later in pairwise(at_seconds)) <= 1800


def test_a_password_that_was_put_right_is_not_punished_for_the_past() -> None:
    """After a good minute the next refusal is tried again soon."""
    backoff = Backoff(lambda: 0.0)
    for _ in range(6):
        backoff.next_seconds(WRONG)
    assert backoff.next_seconds(WRONG, good_seconds=GOOD_STREAM_SECONDS) == WRONG_CREDENTIALS_SECONDS[0]


def test_waits_never_end_and_never_overflow() -> None:
    """A camera that is gone for a year."""
    backoff = Backoff(lambda: 0.5)
    for _ in range(10_000):
        assert backoff.next_seconds(VANISHED) <= LONGEST_SECONDS


def test_the_configured_waits_are_kept() -> None:
    """First and longest wait come from the configuration; a longest one below the first gives way."""
    backoff = Backoff(lambda: 0.0, first_seconds=0.2, most_seconds=2.0)
    assert [backoff.next_seconds(VANISHED) for _ in range(5)] == [0.4, 0.8, 1.6, 2.0, 2.0]
    assert Backoff(lambda: 0.0, first_seconds=5.0, most_seconds=1.0).next_seconds(VANISHED) == 5.0
    assert Backoff(lambda: 0.999_999, first_seconds=0.2).next_seconds(VANISHED) >= 0.2
