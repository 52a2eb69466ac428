"""Holds: what is kept beyond its retention (K5). A series of its own, apart from the oldest decryptable."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

HOLDS = Family("kuramori_holds", Kind.GAUGE, "Holds in force.", unit="holds")
KEYS = Family("kuramori_holds_kept_segment_keys", Kind.GAUGE, "Segment keys that holds keep.", unit="keys")
BUDGET = Family("kuramori_hold_budget_slots", Kind.GAUGE, "How many slots of all volumes holds may keep.", unit="slots")
USED = Family(
    "kuramori_hold_budget_used_slots",
    Kind.GAUGE,
    "How many slots holds keep, or will when what they name has been recorded.",
    unit="slots",
)
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
    budget = None if keystore is None else keystore.hold_budget
    yield BUDGET.metric([] if budget is None else [((), budget.slots)])
    yield USED.metric([] if budget is None else [((), budget.used_slots)])
    oldest = None if keystore is None else keystore.oldest_held_utc_ms
    yield OLDEST.metric([] if oldest is None else [((), seconds(oldest))])


COLLECTOR = Collector("holds", (HOLDS, KEYS, BUDGET, USED, OLDEST), collect)
