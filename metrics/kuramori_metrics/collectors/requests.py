"""Requests: what the office must not forget. Numbers only; nobody and no request is named."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

HANDOVERS = Family(
    "kuramori_handovers_overdue",
    Kind.GAUGE,
    "Hand-overs whose erasure or return was not reported by the agreed date.",
    unit="hand-overs",
)
HOLDS = Family(
    "kuramori_holds_ending",
    Kind.GAUGE,
    "Holds that end within the configured days, or that ended while their request still waits.",
    unit="holds",
)
URGENT = Family(
    "kuramori_urgent_undocumented",
    Kind.GAUGE,
    "Urgent requests that were granted and whose document has not come yet.",
    unit="requests",
)
LATE = Family(
    "kuramori_urgent_late",
    Kind.GAUGE,
    "Urgent requests that were granted and whose document should have come by now.",
    unit="requests",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of requests."""
    found = statistics.requests
    if found is None:
        yield from (family.metric([]) for family in FAMILIES)
        return
    yield HANDOVERS.metric([((), found.handovers_overdue)])
    yield HOLDS.metric([((), found.holds_ending)])
    yield URGENT.metric([((), found.urgent_undocumented)])
    yield LATE.metric([((), found.urgent_late)])


FAMILIES = (HANDOVERS, HOLDS, URGENT, LATE)
COLLECTOR = Collector("requests", FAMILIES, collect)
