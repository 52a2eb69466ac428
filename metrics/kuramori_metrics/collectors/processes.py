"""The processes under the supervisor: which live, and how often each had to be started again."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

UP = Family("kuramori_process_up", Kind.GAUGE, "1 while the process lives, else 0.", ("process",), "0 or 1")
RESTARTS = Family(
    "kuramori_process_restarts_total",
    Kind.COUNTER,
    "How often the supervisor had to start the process again.",
    ("process",),
    "restarts",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the processes' metrics."""
    yield UP.metric([((process.name,), process.up) for process in statistics.processes])
    yield RESTARTS.metric([((process.name,), process.restarts) for process in statistics.processes])


COLLECTOR = Collector("processes", (UP, RESTARTS), collect)
