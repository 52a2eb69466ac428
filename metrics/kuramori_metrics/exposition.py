"""The figures as text that Prometheus reads (exposition format 0.0.4), made in slices so that nothing waits long.

One slice is at most SLICE_SAMPLES lines of one metric, well under a millisecond's work. Whoever shares a thread with
somebody else lets it run between two slices. This module must not know sockets.
"""

from collections.abc import Iterator
from itertools import islice

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from kuramori_metrics.collectors import COLLECTORS
from kuramori_metrics.family import Metric
from kuramori_metrics.statistics import RecorderStatistics

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SLICE_SAMPLES = 100


def exposition_slices(statistics: RecorderStatistics) -> Iterator[bytes]:
    """Yield the page piece by piece, metrics without samples left out."""
    for collector in COLLECTORS:
        for metric in collector.collect(statistics):
            yield from _slices(metric)


def _slices(metric: Metric) -> Iterator[bytes]:
    head = metric.family.head
    while lines := "".join(islice(metric.lines, SLICE_SAMPLES)):
        yield (head + lines).encode()
        head = ""


def exposition(statistics: RecorderStatistics) -> bytes:
    """Return the whole page at once; for tests and tools that have nothing else to do."""
    return b"".join(exposition_slices(statistics))
