"""Sound (R3): whether a camera offers it, whether it was decided, and that it was never asked for without."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

SETUPS = Family(
    "kuramori_camera_audio_setups_total",
    Kind.COUNTER,
    "Audio tracks that the recorder set up; stays 0 without a written decision.",
    ("camera",),
    "tracks",
)
UNDECIDED = Family(
    "kuramori_camera_audio_undecided_setups_total",
    Kind.COUNTER,
    "Audio tracks that the recorder set up without a written decision; must stay 0.",
    ("camera",),
    "tracks",
)
DECIDED = Family(
    "kuramori_camera_audio_decided",
    Kind.GAUGE,
    "1 while the configuration holds the written decision to record sound, else 0.",
    ("camera",),
    "0 or 1",
)
RECORDED = Family(
    "kuramori_camera_audio_recorded",
    Kind.GAUGE,
    "1 while sound is set up and recorded, else 0.",
    ("camera",),
    "0 or 1",
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
    yield UNDECIDED.metric([((camera.name,), camera.undecided_audio_setups) for camera in statistics.cameras])
    yield DECIDED.metric([((camera.name,), camera.audio_decided) for camera in statistics.cameras])
    yield RECORDED.metric([((camera.name,), camera.audio_recorded) for camera in statistics.cameras])
    yield OFFERED.metric([((camera.name,), camera.audio_offered) for camera in statistics.cameras])


COLLECTOR = Collector("camera_audio", (SETUPS, UNDECIDED, DECIDED, RECORDED, OFFERED), collect)
