"""How often recording broke off, and why (R1). The reasons are those of coverage.

A reason's series appears with its first gap, so no alert can count that one; the sum over the reasons is always there.
"""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import PLANNED_GAPS, RecorderStatistics

GAPS = Family(
    "kuramori_camera_gaps_total",
    Kind.COUNTER,
    "Gaps that began, by reason; a reason appears with its first gap.",
    ("camera", "reason"),
    "gaps",
)
UNPLANNED = Family(
    "kuramori_camera_unplanned_gaps_total",
    Kind.COUNTER,
    "Gaps that began for other reasons than maintenance, a stop of the service or a camera that is new.",
    ("camera",),
    "gaps",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of gaps."""
    yield GAPS.metric(
        [((camera.name, gaps.label), gaps.count) for camera in statistics.cameras for gaps in camera.gaps_by_reason]
    )
    yield UNPLANNED.metric(
        [
            ((camera.name,), sum(gaps.count for gaps in camera.gaps_by_reason if gaps.label not in PLANNED_GAPS))
            for camera in statistics.cameras
        ]
    )


COLLECTOR = Collector("camera_gaps", (GAPS, UNPLANNED), collect)
