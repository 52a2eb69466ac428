"""Durations counted into buckets."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_metrics.latency_histogram import LatencyHistogram

BOUNDS = (0.1, 0.5, 2.0)


def test_a_bound_belongs_to_its_own_bucket() -> None:
    """As Prometheus counts: less than or equal."""
    histogram = LatencyHistogram(BOUNDS)
    for seconds in (0.0, 0.1, 0.2, 2.0, 9.0):
        histogram.observe(seconds)
    snapshot = histogram.snapshot()
    assert snapshot.counts == (2, 1, 1, 1)
    assert snapshot.sum_seconds == pytest.approx(11.3)


@given(st.lists(st.floats(0, 100, allow_nan=False), max_size=50))
def test_every_duration_is_counted_once(durations: list[float]) -> None:
    """Compared with counting by hand."""
    histogram = LatencyHistogram(BOUNDS)
    for seconds in durations:
        histogram.observe(seconds)
    edges = (-1.0, *BOUNDS, float("inf"))
    by_hand = tuple(sum(low < seconds <= high for seconds in durations) for low, high in itertools.pairwise(edges))
    assert histogram.snapshot().counts == by_hand


@pytest.mark.parametrize("bounds", [(), (1.0, 0.5), (1.0, 1.0)])
def test_bounds_must_rise(bounds: tuple[float, ...]) -> None:
    """Anything else would count wrongly."""
    with pytest.raises(ValueError, match="rise"):
        LatencyHistogram(bounds)


def test_a_snapshot_does_not_change_any_more() -> None:
    """It is a value."""
    histogram = LatencyHistogram(BOUNDS)
    before = histogram.snapshot()
    histogram.observe(1.0)
    assert before.counts == (0, 0, 0, 0)
