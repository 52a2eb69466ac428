"""How far back each camera can be opened, against how long it is to be kept (K2, K4)."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

RETENTION = Family(
    "kuramori_camera_retention_seconds", Kind.GAUGE, "How long the camera is to be kept.", ("camera",), "seconds"
)
REACHED = Family(
    "kuramori_camera_retention_reached_seconds",
    Kind.GAUGE,
    "How long the camera's pictures will stay at the present rates, its retention at most.",
    ("camera",),
    "seconds",
)
MEASURED = Family(
    "kuramori_camera_rate_measured",
    Kind.GAUGE,
    "1 where that is counted with the camera's measured rate, 0 where with the expected one.",
    ("camera",),
    "0 or 1",
)
RECORDED = Family(
    "kuramori_camera_oldest_recording_timestamp_seconds",
    Kind.GAUGE,
    "First picture of the camera's oldest segment in a ring, whether it can be opened or not.",
    ("camera",),
    "seconds since 1970",
)
DECRYPTABLE = Family(
    "kuramori_camera_oldest_decryptable_timestamp_seconds",
    Kind.GAUGE,
    "First picture under the camera's oldest living key, overwritten or not; holds excepted.",
    ("camera",),
    "seconds since 1970",
)
LAG = Family(
    "kuramori_camera_erasure_lag_seconds",
    Kind.GAUGE,
    "How far that picture is beyond the camera's retention by the recorder's clock; 0 while it is within it.",
    ("camera",),
    "seconds",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of keeping."""
    yield RETENTION.metric(
        [
            ((camera.name,), camera.retention_seconds)
            for camera in statistics.cameras
            if camera.retention_seconds is not None
        ]
    )
    yield REACHED.metric(
        [
            ((camera.name,), camera.retention_reached_seconds)
            for camera in statistics.cameras
            if camera.retention_reached_seconds is not None
        ]
    )
    yield MEASURED.metric(
        [((camera.name,), camera.rate_measured) for camera in statistics.cameras if camera.rate_measured is not None]
    )
    yield RECORDED.metric(
        [
            ((camera.name,), seconds(camera.oldest_recording_utc_ms))
            for camera in statistics.cameras
            if camera.oldest_recording_utc_ms is not None
        ]
    )
    yield DECRYPTABLE.metric(
        [
            ((camera.name,), seconds(camera.oldest_decryptable_utc_ms))
            for camera in statistics.cameras
            if camera.oldest_decryptable_utc_ms is not None
        ]
    )
    yield LAG.metric(
        [
            ((camera.name,), camera.erasure_lag_seconds)
            for camera in statistics.cameras
            if camera.erasure_lag_seconds is not None
        ]
    )


COLLECTOR = Collector("camera_keeping", (RETENTION, REACHED, MEASURED, RECORDED, DECRYPTABLE, LAG), collect)
