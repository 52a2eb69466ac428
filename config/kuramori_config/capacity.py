"""Whether the volumes hold what the cameras are asked to keep (requirement K3). Pure arithmetic.

A camera fills whole slots; how much of a slot is pictures follows from the segment format (FORMAT.md, "Waste"): chunk
heads and tags, half a block of padding per commit, record heads per access unit, header, index and footer per slot.
This file takes plain values and must not know volumes, keys or cameras that run.
"""

import math
from dataclasses import dataclass

from kuramori_config.faults import Wording
from kuramori_config.quantities import Duration, Size
from kuramori_config.schema import Camera, Configuration, VolumeTable

# The segment format, version 1. A test compares these with the room that writes it.
SLOT_BYTES = 16 * 2**20
BLOCK_BYTES = 4096
CHUNK_BYTES_MOST = 65536
CHUNK_OVERHEAD_BYTES = 64 + 16
ACCESS_UNIT_OVERHEAD_BYTES = 8 + 40
INDEX_BYTES_PER_KEY_FRAME = 24
SLOT_OVERHEAD_BYTES = 2 * BLOCK_BYTES  # header and footer

# Superblocks, two slot tables and the alignment of the first slot, as a share and a sum that are never too small.
TABLE_BYTES_PER_SLOT = 2 * 64
VOLUME_HEAD_BYTES = 2 * 2**20

# Assumptions about a camera, on the careful side.
FRAMES_PER_SECOND = 30
KEY_FRAMES_PER_SECOND = 1
COMMITS_PER_SECOND = 1

# The slot being written and the one whose last pictures are not yet due to be erased.
SPARE_SLOTS_PER_CAMERA = 2


@dataclass(frozen=True, slots=True)
class CameraDemand:
    """What one camera asks of the ring."""

    name: str
    retention_seconds: int
    mbit_per_second: float


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """What the volumes hold against what is asked. `fitting_share` is 1.0 or more when everything fits."""

    volume_slots: int
    needed_slots: int
    needed_bytes: int
    planned_slots: dict[str, int]  # per camera, for its whole retention
    fitting_share: float
    shortest: CameraDemand | None  # the camera with the longest retention: the one that is quoted

    @property
    def fits(self) -> bool:
        """Whether the retention asked for fits."""
        return self.needed_slots <= self.volume_slots

    @property
    def fitting_days(self) -> float:
        """How many days of the quoted camera's retention fit, when all cameras give up the same share."""
        if self.shortest is None:
            return 0.0
        return min(1.0, self.fitting_share) * self.shortest.retention_seconds / 86400


def stored_bytes_per_second(mbit_per_second: float) -> float:
    """Return how many bytes of a slot one second of a camera takes, format included."""
    payload = mbit_per_second * 1e6 / 8 + FRAMES_PER_SECOND * ACCESS_UNIT_OVERHEAD_BYTES
    chunks = COMMITS_PER_SECOND * math.ceil(payload / COMMITS_PER_SECOND / (CHUNK_BYTES_MOST - CHUNK_OVERHEAD_BYTES))
    padding = COMMITS_PER_SECOND * BLOCK_BYTES / 2
    index = KEY_FRAMES_PER_SECOND * INDEX_BYTES_PER_KEY_FRAME
    return payload + chunks * CHUNK_OVERHEAD_BYTES + padding + index


def slots_per_second(mbit_per_second: float) -> float:
    """Return how many slots a camera fills in a second.

    At the end of a slot stays empty what the next access unit did not fit into: half of one on average.
    """
    per_second = stored_bytes_per_second(mbit_per_second)
    return per_second / (SLOT_BYTES - SLOT_OVERHEAD_BYTES - per_second / FRAMES_PER_SECOND / 2)


def planned_slots(demand: CameraDemand) -> int:
    """Return how many slots a camera needs for its whole retention, spare slots included."""
    return math.ceil(demand.retention_seconds * slots_per_second(demand.mbit_per_second)) + SPARE_SLOTS_PER_CAMERA


def size_of_slots(slots: int) -> Size:
    """Return the size of a volume of so many slots, rounded up to what a person would write.

    Whole MiB up to 10 GiB, then whole GiB, whole 10 GiB above 100.
    """
    needed_bytes = slots * (SLOT_BYTES + TABLE_BYTES_PER_SLOT) + VOLUME_HEAD_BYTES
    gibibytes = needed_bytes / 2**30
    step_bytes = 2**20 if gibibytes <= 10 else 2**30 if gibibytes <= 100 else 10 * 2**30
    return Size(math.ceil(needed_bytes / step_bytes) * step_bytes)


def slots_of_volume(size_bytes: int) -> int:
    """Return how many slots a volume of that size surely holds."""
    return max(0, (size_bytes - VOLUME_HEAD_BYTES) // (SLOT_BYTES + TABLE_BYTES_PER_SLOT))


def plan_capacity(volume_sizes_bytes: tuple[int, ...], demands: tuple[CameraDemand, ...]) -> CapacityPlan:
    """Compare volumes with demands."""
    slots = {demand.name: planned_slots(demand) for demand in demands}
    needed = sum(slots.values())
    available = sum(slots_of_volume(size) for size in volume_sizes_bytes)
    heads = VOLUME_HEAD_BYTES * max(1, len(volume_sizes_bytes))
    spare = SPARE_SLOTS_PER_CAMERA * len(demands)
    share = max(0, available - spare) / max(1, needed - spare)
    return CapacityPlan(
        volume_slots=available,
        needed_slots=needed,
        needed_bytes=needed * (SLOT_BYTES + TABLE_BYTES_PER_SLOT) + heads,
        planned_slots=slots,
        fitting_share=share,
        shortest=max(demands, key=lambda demand: demand.retention_seconds, default=None),
    )


def _demands(cameras: tuple[Camera, ...]) -> tuple[CameraDemand, ...]:
    return tuple(CameraDemand(one.name, one.retention.seconds, one.expected_mbit_per_second) for one in cameras)


def cameras_of_volume(configuration: Configuration, position: int) -> tuple[Camera, ...]:
    """Return the cameras that record into the volume at that position: they take turns in the order of the file."""
    return configuration.cameras[position :: len(configuration.volumes)]


def plan_of(configuration: Configuration) -> CapacityPlan:
    """Return the capacity plan of all volumes and cameras together."""
    sizes = tuple(volume.size.total_bytes for volume in configuration.volumes)
    return plan_capacity(sizes, _demands(configuration.cameras))


def size_that_would_do(plan: CapacityPlan) -> Size:
    """Return the needed size rounded up to what a person would write: whole GiB, or whole 10 GiB above 100."""
    gibibytes = math.ceil(plan.needed_bytes / 2**30)
    step = 10 if gibibytes > 100 else 1
    return Size(math.ceil(gibibytes / step) * step * 2**30)


def shortfall(configuration: Configuration) -> Wording | None:
    """Return what is wrong when a volume is too small for its cameras' retention, in days; None when all fit.

    Of several volumes that are too small, the one where the smallest share fits is named.
    """
    short: list[tuple[float, VolumeTable, CapacityPlan]] = []
    for position, volume in enumerate(configuration.volumes):
        demands = _demands(cameras_of_volume(configuration, position))
        plan = plan_capacity((volume.size.total_bytes,), demands)
        if not plan.fits:
            short.append((plan.fitting_share, volume, plan))
    if not short:
        return None
    _, volume, plan = min(short, key=lambda each: each[0])
    return _too_small(volume, plan)


def _days(fitting: float) -> str:
    """Return the days that fit, rounded down, to a tenth; to a thousandth (a minute and a half) below one."""
    digits = 1 if fitting >= 1 or fitting == 0 else 3
    return f"{math.floor(fitting * 10**digits) / 10**digits:.{digits}f}"


def _too_small(volume: VolumeTable, plan: CapacityPlan) -> Wording:
    days, gibibytes = _days(plan.fitting_days), size_that_would_do(plan).total_bytes // 2**30
    name = plan.shortest.name if plan.shortest else ""
    asked = Duration(plan.shortest.retention_seconds) if plan.shortest else Duration(0)
    place = volume.path.name
    return Wording(
        f"volume {place} of {volume.size} holds about {days} days of the {asked.days:g} days asked for (camera {name}, "
        f"at the expected bit rates); {gibibytes} GiB would do: enlarge the volume, shorten retention, or lower "
        f"expected_mbit_per_second where cameras send less",
        f"保存領域 {place}（{volume.size}）に収まるのは約{days}日分です"
        f"（カメラ {name} の指定は{asked.days:g}日、想定ビットレートによる）。"
        f"{gibibytes} GiB あれば足ります。保存領域を広げるか、保存期間を短くするか、"
        f"実際の送信量が少ない場合は expected_mbit_per_second を下げてください",
    )
