"""What each camera reports of itself: how much, whether it is heard, tampering. Never when somebody passed by.

Events are counted together: a count of motion alone would tell from the metrics' history when a place was busy.
"""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import TAMPER_KINDS, RecorderStatistics

HEARD = Family(
    "kuramori_camera_events_heard",
    Kind.GAUGE,
    "1 while the camera's events are heard, 0 while they are not; absent where they are not asked for or not offered.",
    ("camera",),
    "0 or 1",
)
RECEIVED = Family(
    "kuramori_camera_events_total",
    Kind.COUNTER,
    "Events of all kinds that the camera reported.",
    ("camera",),
    "events",
)
DROPPED = Family(
    "kuramori_camera_events_dropped_total",
    Kind.COUNTER,
    "Events that were not kept: too many, or without pictures beside them.",
    ("camera",),
    "events",
)
TAMPERED = Family(
    "kuramori_camera_tampered",
    Kind.GAUGE,
    "1 for each kind of tampering that the camera reports as going on; absent otherwise.",
    ("camera", "kind"),
    "0 or 1",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of events."""
    cameras = statistics.cameras
    told = [(camera.name, camera.told) for camera in cameras if camera.told is not None]
    yield HEARD.metric([((name,), it.events_heard) for name, it in told if it.events_heard is not None])
    yield RECEIVED.metric([((camera.name,), camera.events_received) for camera in cameras])
    yield DROPPED.metric([((camera.name,), camera.events_dropped) for camera in cameras])
    yield TAMPERED.metric([((name, kind), 1) for name, it in told for kind in _known(it.tampered)])


def _known(kinds: tuple[str, ...]) -> list[str]:
    """Return the kinds in a fixed order; a camera cannot invent labels."""
    found = {kind if kind in TAMPER_KINDS else "other" for kind in kinds}
    return [kind for kind in TAMPER_KINDS if kind in found]


COLLECTOR = Collector("camera_events", (HEARD, RECEIVED, DROPPED, TAMPERED), collect)
