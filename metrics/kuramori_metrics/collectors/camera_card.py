"""The memory card inside each camera: green, red or unknown, and whether it records what it should not (O2, K8)."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import LIGHTS, RecorderStatistics

LIGHT = Family(
    "kuramori_camera_card_light",
    Kind.GAUGE,
    "State of the memory card inside the camera: 1 for the light that it shows, 0 for the two others.",
    ("camera", "light"),
    "0 or 1",
)
ALLOWED = Family(
    "kuramori_camera_card_allowed",
    Kind.GAUGE,
    "1 where the configuration allows the camera to record on its own card, else 0.",
    ("camera",),
    "0 or 1",
)
RECORDS = Family(
    "kuramori_camera_card_records",
    Kind.GAUGE,
    "1 while the camera records on its own card, 0 while not; absent where it does not tell.",
    ("camera",),
    "0 or 1",
)
AUDIO = Family(
    "kuramori_camera_card_records_audio",
    Kind.GAUGE,
    "1 while what is on the camera's own card has sound, 0 while not; absent where it does not tell.",
    ("camera",),
    "0 or 1",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of cards. A light that is none of the three is unknown."""
    cameras = statistics.cameras
    told = [(camera.name, camera.told) for camera in cameras if camera.told is not None]
    shown = [(camera.name, camera.card_light if camera.card_light in LIGHTS else "unknown") for camera in cameras]
    yield LIGHT.metric([((name, light), light == its) for name, its in shown for light in LIGHTS])
    yield ALLOWED.metric([((camera.name,), camera.card_allowed) for camera in cameras])
    yield RECORDS.metric([((name,), it.card_records) for name, it in told if it.card_records is not None])
    yield AUDIO.metric([((name,), it.card_records_audio) for name, it in told if it.card_records_audio is not None])


COLLECTOR = Collector("camera_card", (LIGHT, ALLOWED, RECORDS, AUDIO), collect)
