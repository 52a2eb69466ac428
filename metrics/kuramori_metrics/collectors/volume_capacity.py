"""What becomes of each ring at the present rates: when it is full, and when a promise will be missed (K3)."""

from collections.abc import Callable, Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import CapacityStatistics, RecorderStatistics

OVERWRITE = Family(
    "kuramori_volume_first_overwrite_seconds",
    Kind.GAUGE,
    "Time until no slot is free and overwriting begins; 0 once it has.",
    ("volume",),
    "seconds",
)
LOSS = Family(
    "kuramori_volume_first_loss_seconds",
    Kind.GAUGE,
    "Time until something within its retention is overwritten; absent while that never happens at the present rates.",
    ("volume",),
    "seconds",
)
FLOOR = Family(
    "kuramori_volume_floor_missed_seconds",
    Kind.GAUGE,
    "Time until something within its floor is overwritten; absent while that never happens at the present rates.",
    ("volume",),
    "seconds",
)
NEEDED = Family(
    "kuramori_volume_needed_bytes",
    Kind.GAUGE,
    "The size at which every camera's whole retention would fit, what is held included.",
    ("volume",),
    "bytes",
)
FIGURES: tuple[tuple[Family, Callable[[CapacityStatistics], float | None]], ...] = (
    (OVERWRITE, lambda capacity: capacity.first_overwrite_seconds),
    (LOSS, lambda capacity: capacity.first_loss_seconds),
    (FLOOR, lambda capacity: capacity.floor_missed_seconds),
    (NEEDED, lambda capacity: capacity.needed_bytes),
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of capacity."""
    known = [(volume.name, volume.capacity) for volume in statistics.volumes if volume.capacity is not None]
    for family, figure in FIGURES:
        values = [(name, figure(capacity)) for name, capacity in known]
        yield family.metric([((name,), value) for name, value in values if value is not None])


COLLECTOR = Collector("volume_capacity", (OVERWRITE, LOSS, FLOOR, NEEDED), collect)
