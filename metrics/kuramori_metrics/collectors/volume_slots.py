"""The ring of each volume: its slots, and how far zero-filling has come (K3)."""

from collections.abc import Iterator

from kuramori_metrics.family import Family, Kind, Metric
from kuramori_metrics.registry import Collector
from kuramori_metrics.statistics import RecorderStatistics

SLOTS = Family("kuramori_volume_slots", Kind.GAUGE, "Slots of the ring by state.", ("volume", "state"), "slots")
HELD = Family("kuramori_volume_held_slots", Kind.GAUGE, "Slots that a hold keeps.", ("volume",), "slots")
SLOT_BYTES = Family("kuramori_volume_slot_bytes", Kind.GAUGE, "Size of one slot.", ("volume",), "bytes")
FILLED = Family(
    "kuramori_volume_zero_filled_ratio",
    Kind.GAUGE,
    "Part of the ring that has been zero-filled, from 0 to 1.",
    ("volume",),
    "ratio",
)


def collect(statistics: RecorderStatistics) -> Iterator[Metric]:
    """Yield the metrics of rings."""
    yield SLOTS.metric(
        [((volume.name, state.label), state.count) for volume in statistics.volumes for state in volume.slots_by_state]
    )
    yield HELD.metric([((volume.name,), volume.held_slots) for volume in statistics.volumes])
    yield SLOT_BYTES.metric([((volume.name,), volume.slot_bytes) for volume in statistics.volumes])
    yield FILLED.metric(
        [
            ((volume.name,), volume.zero_filled_slots / volume.slot_count)
            for volume in statistics.volumes
            if volume.slot_count
        ]
    )


COLLECTOR = Collector("volume_slots", (SLOTS, HELD, SLOT_BYTES, FILLED), collect)
