"""What else a camera tells when it is asked: how its profile came to be silent, masks, certificate, and since when."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import SILENCES, CameraStatistics, RecorderStatistics

TOLD = Family(
    "kuramori_camera_told_timestamp_seconds",
    Kind.GAUGE,
    "When the camera last told of itself (card, events, sound, masks); absent where it is never asked.",
    ("camera",),
    "seconds since 1970",
)
SILENCE = Family(
    "kuramori_camera_audio_silence",
    Kind.GAUGE,
    "Always 1; the label says how the media profile in use came to be silent, or that it is not.",
    ("camera", "silence"),
    "1",
)
PROFILES = Family(
    "kuramori_camera_audio_profiles",
    Kind.GAUGE,
    "Media profiles of the camera that carry sound.",
    ("camera",),
    "profiles",
)
MASKS = Family(
    "kuramori_camera_mask_missing",
    Kind.GAUGE,
    "1 while a required privacy mask is not seen, 0 while it is; absent where none is required.",
    ("camera",),
    "0 or 1",
)
CERTIFICATE = Family(
    "kuramori_camera_certificate_changed",
    Kind.GAUGE,
    "1 while the camera shows another certificate than the pinned one, else 0; absent where nothing of it has TLS.",
    ("camera",),
    "0 or 1",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of what cameras tell."""
    told = [(camera.name, camera.told) for camera in statistics.cameras if camera.told is not None]
    yield TOLD.metric([((name,), seconds(it.utc_ms)) for name, it in told])
    yield SILENCE.metric([((name, it.silence if it.silence in SILENCES else "not_told"), 1) for name, it in told])
    yield PROFILES.metric([((name,), it.profiles_with_audio) for name, it in told])
    yield MASKS.metric([((name,), it.masks_missing) for name, it in told if it.masks_missing is not None])
    changed = ((camera.name, _certificate_changed(camera)) for camera in statistics.cameras)
    yield CERTIFICATE.metric([((name,), value) for name, value in changed if value is not None])


def _certificate_changed(camera: CameraStatistics) -> bool | None:
    """Of the camera's services or of its stream: either is refused until somebody accepts it."""
    asked = camera.told.certificate_changed if camera.told is not None else None
    known = [value for value in (asked, camera.stream_certificate_changed) if value is not None]
    return any(known) if known else None


COLLECTOR = Collector("camera_told", (TOLD, SILENCE, PROFILES, MASKS, CERTIFICATE), collect)
