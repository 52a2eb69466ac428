"""Writing to each volume: how much, how long a commit takes, and what failed (O2)."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import LabelledCount, RecorderStatistics

HEALTHY = Family(
    "kuramori_volume_healthy", Kind.GAUGE, "1 while the volume takes recordings, else 0.", ("volume",), "0 or 1"
)
WRITTEN = Family(
    "kuramori_volume_written_bytes_total",
    Kind.COUNTER,
    "Bytes written to the volume: segments, slot table, zero-filling.",
    ("volume",),
    "bytes",
)
DATA = Family("kuramori_volume_data_bytes_total", Kind.COUNTER, "Bytes of segments written.", ("volume",), "bytes")
SYNCS = Family(
    "kuramori_volume_syncs_total", Kind.COUNTER, "Syncs of the volume: at most one a second.", ("volume",), "syncs"
)
COMMIT = Family(
    "kuramori_volume_commit_seconds",
    Kind.HISTOGRAM,
    "How long a commit took, from the first write to the end of its sync.",
    ("volume",),
    "seconds",
)
ERRORS = Family(
    "kuramori_volume_write_errors_total",
    Kind.COUNTER,
    "Writes and syncs that failed, by errno; an errno appears with its first.",
    ("volume", "errno"),
    "errors",
)
ERRNOS_MOST = 8  # of one volume; what fails in still other ways is counted together
OTHER_ERRNO = "other"


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of writing."""
    volumes = statistics.volumes
    yield HEALTHY.metric([((volume.name,), volume.healthy) for volume in volumes])
    yield WRITTEN.metric([((volume.name,), volume.written_bytes) for volume in volumes])
    yield DATA.metric([((volume.name,), volume.data_bytes) for volume in volumes])
    yield SYNCS.metric([((volume.name,), volume.syncs) for volume in volumes])
    yield COMMIT.histogram([((volume.name,), volume.commit_latency) for volume in volumes])
    yield ERRORS.metric(
        [
            ((volume.name, errors.label), errors.count)
            for volume in volumes
            for errors in _bounded(volume.write_errors_by_errno)
        ]
    )


def _bounded(errors: tuple[LabelledCount, ...]) -> tuple[LabelledCount, ...]:
    """Keep the first ones; the rest are one. Sums over errno are right even where an errno changes places."""
    if len(errors) <= ERRNOS_MOST:
        return errors
    kept = errors[: ERRNOS_MOST - 1]
    return (*kept, LabelledCount(OTHER_ERRNO, sum(one.count for one in errors[ERRNOS_MOST - 1 :])))


COLLECTOR = Collector("volume_writes", (HEALTHY, WRITTEN, DATA, SYNCS, COMMIT, ERRORS), collect)
