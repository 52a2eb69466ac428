"""The ledger: its size, and whether its mirror is sound."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

SIZE = Family("kuramori_ledger_size_bytes", Kind.GAUGE, "Size of the ledger.", unit="bytes")
MIRROR = Family(
    "kuramori_ledger_mirror_sound", Kind.GAUGE, "1 while the ledger's mirror says the same, else 0.", unit="0 or 1"
)
FAILURES = Family(
    "kuramori_ledger_mirror_failures_total", Kind.COUNTER, "How often the mirror could not be written.", unit="failures"
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the ledger's metrics."""
    ledger = statistics.ledger
    yield SIZE.metric([] if ledger is None else [((), ledger.size_bytes)])
    yield MIRROR.metric([] if ledger is None else [((), ledger.mirror_sound)])
    yield FAILURES.metric([] if ledger is None else [((), ledger.mirror_failures)])


COLLECTOR = Collector("ledger", (SIZE, MIRROR, FAILURES), collect)
