"""Whether each camera is recorded now, and when it last was (R1, O1)."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

RECORDING = Family(
    "kuramori_camera_recording",
    Kind.GAUGE,
    "1 while an unbroken run of the camera is being recorded, else 0.",
    ("camera",),
    "0 or 1",
)
PAUSED = Family(
    "kuramori_camera_paused",
    Kind.GAUGE,
    "1 while the camera is paused for maintenance, else 0; its alarms are mute then.",
    ("camera",),
    "0 or 1",
)
LAST = Family(
    "kuramori_camera_last_durable_frame_timestamp_seconds",
    Kind.GAUGE,
    "Time of the camera's last picture that is durable; absent before the first.",
    ("camera",),
    "seconds since 1970",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of recording."""
    yield RECORDING.metric([((camera.name,), camera.recording) for camera in statistics.cameras])
    yield PAUSED.metric([((camera.name,), camera.paused) for camera in statistics.cameras])
    yield LAST.metric(
        [
            ((camera.name,), seconds(camera.last_durable_frame_utc_ms))
            for camera in statistics.cameras
            if camera.last_durable_frame_utc_ms is not None
        ]
    )


COLLECTOR = Collector("camera_recording", (RECORDING, PAUSED, LAST), collect)
