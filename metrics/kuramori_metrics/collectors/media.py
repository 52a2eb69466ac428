"""Media in their places (K7): which volumes are away, and which of them without permission."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

MISSING = Family(
    "kuramori_volume_missing",
    Kind.GAUGE,
    "1 while the medium of a volume is not in its place, else 0.",
    ("volume",),
    "0 or 1",
)
UNPERMITTED = Family(
    "kuramori_volume_missing_unpermitted",
    Kind.GAUGE,
    "1 while the medium of a volume is not in its place and nobody has permitted that, else 0.",
    ("volume",),
    "0 or 1",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of media."""
    media = statistics.media
    yield MISSING.metric([((one.volume,), one.missing) for one in media])
    yield UNPERMITTED.metric([((one.volume,), one.missing and not one.permitted) for one in media])


FAMILIES = (MISSING, UNPERMITTED)
COLLECTOR = Collector("media", FAMILIES, collect)
