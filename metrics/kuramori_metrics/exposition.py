"""The figures as text that Prometheus reads (exposition format 0.0.4), made in slices so that nothing waits long.

One slice is at most SLICE_SAMPLES lines of one metric, less than a millisecond's work. Whoever shares a thread with the
recorder lets it run between two slices. This module must not know sockets.
"""

from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from kuramori_metrics.collectors import COLLECTORS
from kuramori_metrics.statistics import RecorderStatistics

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SLICE_SAMPLES = 100


class _One:
    """A registry that holds one metric; what the library's writer expects."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return (self._metric,)


def exposition_slices(statistics: RecorderStatistics) -> Iterator[bytes]:
    """Yield the page piece by piece, metrics without samples left out."""
    for collector in COLLECTORS:
        for metric in collector.collect(statistics):
            yield from _slices(metric)


def _slices(metric: Metric) -> Iterator[bytes]:
    samples = metric.samples
    for first in range(0, len(samples), SLICE_SAMPLES):
        metric.samples = samples[first : first + SLICE_SAMPLES]
        text = generate_latest(_One(metric))
        yield text if first == 0 else text.split(b"\n", 2)[2]  # HELP and TYPE stand once, before the first sample


def exposition(statistics: RecorderStatistics) -> bytes:
    """Return the whole page at once; for tests and tools that have nothing else to do."""
    return b"".join(exposition_slices(statistics))
