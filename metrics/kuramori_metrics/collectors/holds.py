"""Holds: what is kept beyond its retention (K5). A series of its own, apart from the oldest decryptable."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from kuramori_metrics.family import Family, Kind, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

HOLDS = Family("kuramori_holds", Kind.GAUGE, "Holds in force.", unit="holds")
KEYS = Family("kuramori_holds_kept_segment_keys", Kind.GAUGE, "Segment keys that holds keep.", unit="keys")
OLDEST = Family(
    "kuramori_holds_oldest_held_timestamp_seconds",
    Kind.GAUGE,
    "First picture that a hold keeps; absent without holds.",
    unit="seconds since 1970",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of holds."""
    keystore = statistics.keystore
    yield HOLDS.metric([] if keystore is None else [((), keystore.holds)])
    yield KEYS.metric([] if keystore is None else [((), keystore.kept_segment_keys)])
    oldest = None if keystore is None else keystore.oldest_held_utc_ms
    yield OLDEST.metric([] if oldest is None else [((), seconds(oldest))])


COLLECTOR = Collector("holds", (HOLDS, KEYS, OLDEST), collect)
