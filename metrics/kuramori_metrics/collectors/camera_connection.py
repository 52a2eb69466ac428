"""How steady the connection to each camera is, and how far its clock is off."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

RECONNECTS = Family(
    "kuramori_camera_reconnects_total",
    Kind.COUNTER,
    "New connections after one ended, by why it ended; a reason appears with its first.",
    ("camera", "reason"),
    "connections",
)
OFFSET = Family(
    "kuramori_camera_clock_offset_seconds",
    Kind.GAUGE,
    "The camera's clock minus the recorder's; absent where the camera does not tell.",
    ("camera",),
    "seconds",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of connections."""
    yield RECONNECTS.metric(
        [
            ((camera.name, ended.label), ended.count)
            for camera in statistics.cameras
            for ended in camera.reconnects_by_reason
        ]
    )
    yield OFFSET.metric(
        [
            ((camera.name,), camera.clock_offset_seconds)
            for camera in statistics.cameras
            if camera.clock_offset_seconds is not None
        ]
    )


COLLECTOR = Collector("camera_connection", (RECONNECTS, OFFSET), collect)
