"""Sound, which is not taken (R3): whether a camera offers it, and that it was never asked for."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from kuramori_metrics.family import Family, Kind
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

SETUPS = Family(
    "kuramori_camera_audio_setups_total",
    Kind.COUNTER,
    "Audio tracks that the recorder set up; must stay 0.",
    ("camera",),
    "tracks",
)
OFFERED = Family(
    "kuramori_camera_audio_offered",
    Kind.GAUGE,
    "1 while the camera offers an audio track in the stream that is recorded, else 0.",
    ("camera",),
    "0 or 1",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of sound."""
    yield SETUPS.metric([((camera.name,), camera.audio_setups) for camera in statistics.cameras])
    yield OFFERED.metric([((camera.name,), camera.audio_offered) for camera in statistics.cameras])


COLLECTOR = Collector("camera_audio", (SETUPS, OFFERED), collect)
