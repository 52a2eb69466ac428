"""Keys and their destruction: how many live, how strong erasure is, when it last happened (K4)."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

TIER = Family(
    "kuramori_keystore_erasure_tier_info",
    Kind.GAUGE,
    "Always 1; the label names the erasure tier.",
    ("tier",),
    "1",
)
EPOCHS = Family("kuramori_keystore_epochs", Kind.GAUGE, "Living epoch keys.", unit="keys")
ROTATIONS = Family(
    "kuramori_keystore_rotations_total", Kind.COUNTER, "Rotations: the moments of erasure.", unit="rotations"
)
LAST = Family(
    "kuramori_keystore_last_rotation_timestamp_seconds",
    Kind.GAUGE,
    "When the keystore was last rotated; absent before the first rotation.",
    unit="seconds since 1970",
)
PENDING = Family(
    "kuramori_keystore_erasure_pending",
    Kind.GAUGE,
    "1 while keys that are due could not be destroyed yet, else 0.",
    unit="0 or 1",
)
LAG = Family(
    "kuramori_keystore_erasure_lag_seconds",
    Kind.GAUGE,
    "How far the most overdue key is beyond its camera's retention, cameras that left included; 0 while none is.",
    unit="seconds",
)
OVERDUE = Family(
    "kuramori_keystore_overdue_epochs",
    Kind.GAUGE,
    "Hours of recordings whose time is over by a clock that is not trusted: refused, and overwritten first.",
    unit="keys",
)
FALLBACK = Family(
    "kuramori_keystore_on_fallback",
    Kind.GAUGE,
    "1 while the cell cannot be reached and new keys go under the fallback cell, else 0.",
    unit="0 or 1",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the keystore's metrics."""
    keystore = statistics.keystore
    if keystore is None:
        yield from (family.metric([]) for family in FAMILIES)
        return
    yield TIER.metric([((keystore.erasure_tier,), 1)])
    yield EPOCHS.metric([((), keystore.epochs)])
    yield ROTATIONS.metric([((), keystore.rotations)])
    rotated = keystore.last_rotation_utc_ms
    yield LAST.metric([] if rotated is None else [((), seconds(rotated))])
    yield PENDING.metric([((), keystore.erasure_pending)])
    yield LAG.metric([((), keystore.erasure_lag_seconds)])
    yield OVERDUE.metric([((), keystore.overdue_epochs)])
    yield FALLBACK.metric([((), keystore.on_fallback)])


FAMILIES = (TIER, EPOCHS, ROTATIONS, LAST, PENDING, LAG, OVERDUE, FALLBACK)
COLLECTOR = Collector("keystore", FAMILIES, collect)
