"""Reading back what was recorded: how far it has come on each volume, and what it found (O3)."""

from collections.abc import Callable, Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics, ScrubStatistics

DAMAGED = Family(
    "kuramori_volume_scrub_damaged_segments",
    Kind.GAUGE,
    "Segments in the ring that reading back found damaged.",
    ("volume",),
    "segments",
)
FOUND = Family(
    "kuramori_volume_scrub_damage_found_total",
    Kind.COUNTER,
    "Segments that reading back found damaged, each once.",
    ("volume",),
    "segments",
)
UNVERIFIED = Family(
    "kuramori_volume_scrub_unverified_segments",
    Kind.GAUGE,
    "Finished segments that were never read back.",
    ("volume",),
    "segments",
)
OLDEST = Family(
    "kuramori_volume_scrub_oldest_unverified_timestamp_seconds",
    Kind.GAUGE,
    "Last picture of the oldest segment that was never read back; absent when there is none.",
    ("volume",),
    "seconds since 1970",
)
LAST_PASS = Family(
    "kuramori_volume_scrub_last_pass_timestamp_seconds",
    Kind.GAUGE,
    "When everything on the volume had been read back; absent before the first time.",
    ("volume",),
    "seconds since 1970",
)
VERIFIED = Family(
    "kuramori_volume_scrub_verified_bytes_total",
    Kind.COUNTER,
    "Bytes of segments read back and verified.",
    ("volume",),
    "bytes",
)
READABLE = Family(
    "kuramori_volume_scrub_readable",
    Kind.GAUGE,
    "1 while the medium gives what is read back, else 0.",
    ("volume",),
    "0 or 1",
)

Value = Callable[[ScrubStatistics], float | None]


def _seconds(utc_ms: int | None) -> float | None:
    return None if utc_ms is None else seconds(utc_ms)


_VALUES: tuple[tuple[Family, Value], ...] = (
    (DAMAGED, lambda scrub: scrub.damaged),
    (FOUND, lambda scrub: scrub.damage_found),
    (UNVERIFIED, lambda scrub: scrub.unverified),
    (OLDEST, lambda scrub: _seconds(scrub.oldest_unverified_utc_ms)),
    (LAST_PASS, lambda scrub: _seconds(scrub.last_pass_utc_ms)),
    (VERIFIED, lambda scrub: scrub.verified_bytes),
    (READABLE, lambda scrub: float(scrub.readable)),
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of reading back."""
    known = [(volume.name, volume.scrub) for volume in statistics.volumes if volume.scrub is not None]
    for family, value in _VALUES:
        samples = [((name,), value(scrub)) for name, scrub in known]
        yield family.metric([(labels, found) for labels, found in samples if found is not None])


COLLECTOR = Collector("volume_scrub", tuple(family for family, _ in _VALUES), collect)
