"""How often recording broke off, and why (R1). The reasons are those of coverage."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from kuramori_metrics.family import Family, Kind
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

GAPS = Family(
    "kuramori_camera_gaps_total",
    Kind.COUNTER,
    "Gaps that began, by reason; a reason appears with its first gap.",
    ("camera", "reason"),
    "gaps",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metric of gaps."""
    yield GAPS.metric(
        [((camera.name, gaps.label), gaps.count) for camera in statistics.cameras for gaps in camera.gaps_by_reason]
    )


COLLECTOR = Collector("camera_gaps", (GAPS,), collect)
