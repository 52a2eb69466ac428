"""What is slow, measured against what was usual."""

from hypothesis import given
from hypothesis import strategies as st

from kuramori.storage_health.sync_pace import LOOKS_TO_LEARN, SyncPace


def learned(seconds: float = 0.02) -> SyncPace:
    pace = SyncPace()
    for _ in range(LOOKS_TO_LEARN):
        pace = pace.seen(60, 60 * seconds)
    return pace


def test_nothing_is_slow_before_the_usual_is_known() -> None:
    """A slow medium is not a failing one."""
    pace = SyncPace()
    for _ in range(LOOKS_TO_LEARN - 1):
        pace = pace.seen(60, 60 * 3.0)
    assert not pace.slow
    assert not learned(3.0).slow


def test_a_medium_that_becomes_slow_is_told_and_stays_told() -> None:
    """Within minutes, for as long as it lasts: the slow time never becomes the usual one."""
    pace = learned()
    for _ in range(15):
        pace = pace.seen(60, 60 * 0.5)
    assert pace.slow
    for _ in range(50_000):
        pace = pace.seen(60, 60 * 0.5)
    assert pace.slow
    for _ in range(60):
        pace = pace.seen(60, 60 * 0.02)
    assert not pace.slow


def test_one_slow_minute_and_fast_media_are_not_told() -> None:
    """A drive's own housekeeping, and microseconds that became more microseconds."""
    assert not learned().seen(60, 60 * 0.5).slow
    pace = learned(0.0001)
    for _ in range(100):
        pace = pace.seen(60, 60 * 0.02)
    assert not pace.slow


def test_a_few_commits_say_nothing() -> None:
    """One slow commit while nothing is recorded is no pace."""
    pace = learned()
    assert pace.seen(1, 30.0) is pace


@given(st.lists(st.tuples(st.integers(-5, 100), st.floats(-1, 1e6)), max_size=50))
def test_any_figures_are_taken(looks: list[tuple[int, float]]) -> None:
    """Counters that restart give negative differences; those say nothing."""
    pace = SyncPace()
    for commits, seconds in looks:
        pace = pace.seen(commits, seconds)
    assert pace.now_seconds >= 0
    assert pace.usual_seconds >= 0
