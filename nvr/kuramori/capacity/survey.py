"""The capacity plan of a site: of the recorder as it runs, or of a configuration alone. Blocking where it reads rings.

It puts together what the rings, the configuration and the arithmetic say. It must not know sockets or texts.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kuramori.capacity.ring_load import CameraLoad, Rate, expected_rate, measured_rate
from kuramori.capacity.ring_projection import Projection, Ring, project
from kuramori.capacity_messages import CameraCapacity, CapacityPlan, HoldBudget, VolumeCapacity
from kuramori_config.capacity import cameras_of_volume, plan_of, size_of_slots, slots_of_volume
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Configuration
from kuramori_segments.catalogue import OPEN_END
from kuramori_segments.limits import SLOT_BYTES
from kuramori_segments.volume import Volume

if TYPE_CHECKING:
    from kuramori.recorder import Recorder

DAY_SECONDS = 86_400
ALWAYS_MS = 1 << 60


def plan_of_configuration(configuration: Configuration, now_utc_ms: int) -> CapacityPlan:
    """Return what a configuration promises: empty rings, and cameras that send what it says."""
    planned = plan_of(configuration).planned_slots
    volumes = []
    for position, table in enumerate(configuration.volumes):
        slots = slots_of_volume(table.size.total_bytes)
        cameras = tuple(
            _load(camera, expected_rate(camera.expected_mbit_per_second), planned[camera.name])
            for camera in cameras_of_volume(configuration, position)
        )
        ring = Ring(slots, slots, 0, cameras, {})
        volumes.append(_volume(str(table.path), table.size.total_bytes, ring, _tables(configuration), now_utc_ms))
    every = sum(volume.slots for volume in volumes)
    return CapacityPlan(now_utc_ms, False, tuple(volumes), hold_budget(configuration, every, 0))


def plan_of_recorder(recorder: "Recorder", holds: HoldBudget) -> CapacityPlan:
    """Return what becomes of the rings as they stand."""
    now_utc_ms = recorder.now_utc_ms()
    tables = _tables(recorder.configuration)
    volumes = []
    for lane in list(recorder.lanes):
        names = [camera.name for camera in lane.cameras]
        ring = ring_of(recorder, lane.volume, names, now_utc_ms)
        volumes.append(_volume(lane.name, lane.volume.superblock.volume_bytes, ring, tables, now_utc_ms))
    return CapacityPlan(now_utc_ms, True, tuple(volumes), holds)


def hold_budget(configuration: Configuration, slots: int, used_slots: int) -> HoldBudget:
    """Return how much of so many slots holds may keep."""
    percent = configuration.recorder.hold_budget_percent
    return HoldBudget(percent, int(slots * percent / 100), used_slots)


def ring_of(recorder: "Recorder", volume: Volume, names: Sequence[str], now_utc_ms: int) -> Ring:
    """Return the ring of a volume, the cameras of these names recording into it."""
    usage, held = volume.usage(), volume.held_slots()
    loads, numbers = [], dict(recorder.numbers)
    for name in names:
        plan = recorder.plans.get(numbers[name])
        loads.append(_load(recorder.tables[name], rate_of(recorder, name), plan.planned_slots if plan else 0))
    ages: dict[str, list[float]] = {}
    called = {number: name for name, number in numbers.items()}
    for number in volume.cameras():
        name = called.get(number, f"camera {number}")
        ages[name] = [
            max(0, now_utc_ms - segment.end_utc_ms) / 1000
            for segment in volume.overlapping(number, 0, ALWAYS_MS)
            if segment.end_utc_ms != OPEN_END and segment.slot not in held
        ]
        if name not in names:  # removed, or records elsewhere now: what it left stays until its time is over
            plan = recorder.plans.get(number)
            seconds = (plan.retention_seconds or 0, plan.floor_seconds) if plan is not None else (0, 0)
            loads.append(CameraLoad(name, Rate(0.0), *seconds, 0))
    slots = volume.superblock.slot_count - usage.bad - usage.doubtful
    return Ring(slots, usage.empty, len(held), tuple(loads), ages)


def rate_of(recorder: "Recorder", name: str) -> Rate:
    """Return how fast a camera takes slots: measured over all volumes, or else as its configuration says."""
    number = recorder.numbers[name]
    segments = [segment for volume in recorder.vault.volumes for segment in volume.overlapping(number, 0, ALWAYS_MS)]
    measured = measured_rate(segments, recorder.now_utc_ms())
    return measured or expected_rate(recorder.tables[name].expected_mbit_per_second)


def _load(table: CameraTable, rate: Rate, planned_slots: int) -> CameraLoad:
    return CameraLoad(table.name, rate, table.retention.seconds, table.floor.seconds, planned_slots)


def _tables(configuration: Configuration) -> dict[str, CameraTable]:
    return {table.name: table for table in configuration.cameras}


def _volume(
    path: str, size_bytes: int, ring: Ring, tables: Mapping[str, CameraTable], now_utc_ms: int
) -> VolumeCapacity:
    found = project(ring)

    def moment(after_seconds: float | None) -> int | None:
        return None if after_seconds is None else now_utc_ms + int(after_seconds * 1000)

    cameras = tuple(_camera(one, found, tables[one.name]) for one in ring.cameras if one.name in tables)
    return VolumeCapacity(
        path=path,
        size_bytes=size_bytes,
        slots=ring.slots,
        free_slots=ring.free_slots,
        held_slots=ring.held_slots,
        needed_slots=found.needed_slots,
        needed_bytes=size_of_slots(found.needed_slots).total_bytes,
        first_overwrite_utc_ms=moment(found.first_overwrite_seconds),
        first_loss_utc_ms=moment(found.first_loss_seconds),
        floor_missed_utc_ms=moment(found.floor_missed_seconds),
        cameras=tuple(camera for camera in cameras if camera.slots_per_day > 0),
    )


def _camera(load: CameraLoad, found: Projection, table: CameraTable) -> CameraCapacity:
    per_second = load.rate.slots_per_second
    return CameraCapacity(
        name=load.name,
        slots_per_day=per_second * DAY_SECONDS,
        mbit_per_second=per_second * SLOT_BYTES * 8 / 1e6,
        expected_slots_per_day=expected_rate(table.expected_mbit_per_second).slots_per_second * DAY_SECONDS,
        measured_seconds=load.rate.measured_seconds,
        retention_seconds=load.retention_seconds,
        floor_seconds=min(load.floor_seconds, load.retention_seconds),
        reached_seconds=found.reached_seconds[load.name],
    )
