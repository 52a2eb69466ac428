"""The recorder as a whole: what it is, since when it runs, whether its loop, clock and custodians are well."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric, seconds
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

BUILD = Family(
    "kuramori_build_info", Kind.GAUGE, "Always 1; the labels name the version.", ("version", "python_version"), "1"
)
STARTED = Family(
    "kuramori_recorder_start_timestamp_seconds",
    Kind.GAUGE,
    "When the recorder process was started.",
    unit="seconds since 1970",
)
LAG = Family(
    "kuramori_recorder_loop_lag_seconds",
    Kind.GAUGE,
    "The longest delay of the recorder's event loop in the last minute.",
    unit="seconds",
)
LATE = Family(
    "kuramori_recorder_late_ticks_total",
    Kind.COUNTER,
    "Ticks that found the commit before still at work.",
    unit="ticks",
)
BACKLOG = Family(
    "kuramori_recorder_backlog_bytes",
    Kind.GAUGE,
    "Access units in memory that no volume has taken yet.",
    unit="bytes",
)
CLOCK = Family(
    "kuramori_recorder_clock_trusted", Kind.GAUGE, "1 while the wall clock is known to be right, else 0.", unit="0 or 1"
)
CUSTODIANS = Family(
    "kuramori_recorder_custodian_set_valid",
    Kind.GAUGE,
    "1 while recordings can be sealed to a valid set of custodians; 0 stops all recording.",
    unit="0 or 1",
)

OFFSET_LIMIT = Family(
    "kuramori_recorder_clock_offset_limit_seconds",
    Kind.GAUGE,
    "How far a camera's clock may be off before it is reported, as configured.",
    unit="seconds",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the recorder's metrics."""
    yield BUILD.metric([((statistics.version, statistics.python_version), 1)])
    started = statistics.started_utc_ms
    yield STARTED.metric([] if started is None else [((), seconds(started))])
    yield LAG.metric([((), statistics.loop_lag_seconds)])
    yield LATE.metric([((), statistics.late_ticks)])
    yield BACKLOG.metric([((), statistics.backlog_bytes)])
    yield CLOCK.metric([((), statistics.clock_trusted)])
    yield CUSTODIANS.metric([((), statistics.custodian_set_valid)])
    limit = statistics.clock_offset_limit_seconds
    yield OFFSET_LIMIT.metric([] if limit is None else [((), limit)])


COLLECTOR = Collector("recorder", (BUILD, STARTED, LAG, LATE, BACKLOG, CLOCK, CUSTODIANS, OFFSET_LIMIT), collect)
