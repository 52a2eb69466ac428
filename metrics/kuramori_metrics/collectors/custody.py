"""Custodians and the recovery key: when each last showed the key, and whether the paper was used."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

SHOWN = Family(
    "kuramori_custodian_key_shown_timestamp_seconds",
    Kind.GAUGE,
    "When a custodian last proved key file and passphrase in a drill; before the first drill, when named as custodian.",
    ("custodian",),
    "seconds since 1970",
)
EARLIER = Family(
    "kuramori_custody_earlier_sets",
    Kind.GAUGE,
    "Earlier sets of custodians that are still responsible for recordings.",
    unit="sets",
)
RECOVERY = Family(
    "kuramori_recovery_key_used",
    Kind.GAUGE,
    "1 from the use of the recovery key until it is replaced, else 0.",
    unit="0 or 1",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of custody."""
    custody = statistics.custody
    if custody is None:
        yield from (family.metric([]) for family in FAMILIES)
        return
    yield SHOWN.metric([((one.custodian,), seconds(one.shown_utc_ms)) for one in custody.custodians])
    yield EARLIER.metric([((), custody.earlier_sets)])
    yield RECOVERY.metric([((), custody.recovery_used)])


FAMILIES = (SHOWN, EARLIER, RECOVERY)
COLLECTOR = Collector("custody", FAMILIES, collect)
