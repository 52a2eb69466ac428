"""Figures of the tick: the longest lag is that of the last minute, so that one bad moment does not alarm for ever."""

from kuramori.tick import LAGS_KEPT, TickFigures


def test_a_lag_is_forgotten_after_a_minute() -> None:
    """The longest of the last sixty ticks, one a second."""
    figures = TickFigures()
    assert figures.loop_lag_most_seconds == 0
    figures.recent_lags_seconds.append(0.9)
    for _ in range(LAGS_KEPT - 1):
        figures.recent_lags_seconds.append(0.01)
        assert figures.loop_lag_most_seconds == 0.9
    figures.recent_lags_seconds.append(0.02)
    assert figures.loop_lag_most_seconds == 0.02
