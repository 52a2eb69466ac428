"""Health of each recording medium: green, red or unknown, how worn, and whether another one lies there (O2)."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import LIGHTS, RecorderStatistics

LIGHT = Family(
    "kuramori_medium_light",
    Kind.GAUGE,
    "Health of the medium under a volume: 1 for the light that it shows, 0 for the two others.",
    ("volume", "light"),
    "0 or 1",
)
SINCE = Family(
    "kuramori_medium_light_since_timestamp_seconds",
    Kind.GAUGE,
    "Since when the medium shows this light, across restarts of the recorder.",
    ("volume",),
    "seconds since 1970",
)
WORN = Family(
    "kuramori_medium_worn_ratio",
    Kind.GAUGE,
    "Used part of the medium's life, above 1 when it is used up; absent where nothing tells.",
    ("volume",),
    "ratio",
)
WRITTEN = Family(
    "kuramori_medium_written_bytes_total",
    Kind.COUNTER,
    "Bytes written to the whole medium, as it tells itself or as seen since its first use; absent where nothing tells.",
    ("volume",),
    "bytes",
)
ENDURANCE = Family(
    "kuramori_medium_endurance_bytes",
    Kind.GAUGE,
    "Bytes that the medium is rated to take, as configured; absent where nothing is configured.",
    ("volume",),
    "bytes",
)
SWAPPED = Family(
    "kuramori_medium_swapped",
    Kind.GAUGE,
    "1 while another medium lies under the volume than the one that was accepted last, else 0.",
    ("volume",),
    "0 or 1",
)
REPORT_AGE = Family(
    "kuramori_medium_report_age_seconds",
    Kind.GAUGE,
    "Age of the drive's report that was read last; absent where there is none.",
    ("volume",),
    "seconds",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of health. A light that is none of the three is unknown."""
    media = statistics.medium_health
    shown = [(one.volume, one.light if one.light in LIGHTS else "unknown") for one in media]
    yield LIGHT.metric([((volume, light), light == its) for volume, its in shown for light in LIGHTS])
    yield SINCE.metric(
        [((one.volume,), seconds(one.light_since_utc_ms)) for one in media if one.light_since_utc_ms is not None]
    )
    yield WORN.metric([((one.volume,), one.worn_ratio) for one in media if one.worn_ratio is not None])
    yield WRITTEN.metric([((one.volume,), one.written_bytes) for one in media if one.written_bytes is not None])
    yield ENDURANCE.metric([((one.volume,), one.endurance_bytes) for one in media if one.endurance_bytes is not None])
    yield SWAPPED.metric([((one.volume,), one.swapped) for one in media])
    yield REPORT_AGE.metric(
        [((one.volume,), one.report_age_seconds) for one in media if one.report_age_seconds is not None]
    )


FAMILIES = (LIGHT, SINCE, WORN, WRITTEN, ENDURANCE, SWAPPED, REPORT_AGE)
COLLECTOR = Collector("medium_health", FAMILIES, collect)
