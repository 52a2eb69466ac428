"""What is filled of each camera's gaps from its own card; absent where the configuration does not allow it (R1)."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

FILLED = Family(
    "kuramori_camera_filled_seconds_total",
    Kind.COUNTER,
    "Missing time that was filled from the camera's own card.",
    ("camera",),
    "seconds",
)
FAILED = Family(
    "kuramori_camera_filling_failures_total",
    Kind.COUNTER,
    "Pieces of at most a minute that the camera's card did not give, or not whole.",
    ("camera",),
    "pieces",
)
PENDING = Family(
    "kuramori_camera_filling_pending_seconds",
    Kind.GAUGE,
    "Missing time that may still be filled from the camera's own card.",
    ("camera",),
    "seconds",
)
GIVEN_UP = Family(
    "kuramori_camera_filling_given_up_seconds",
    Kind.GAUGE,
    "Missing time, within what may be fetched, that was tried too often; it remains a gap.",
    ("camera",),
    "seconds",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of filling."""
    filling = [(camera.name, camera.filling) for camera in statistics.cameras if camera.filling is not None]
    yield FILLED.metric([((name,), its.filled_seconds) for name, its in filling])
    yield FAILED.metric([((name,), its.failed_pieces) for name, its in filling])
    yield PENDING.metric([((name,), its.pending_seconds) for name, its in filling])
    yield GIVEN_UP.metric([((name,), its.given_up_seconds) for name, its in filling])


COLLECTOR = Collector("camera_filling", (FILLED, FAILED, PENDING, GIVEN_UP), collect)
