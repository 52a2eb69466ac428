"""Volumes that fail, hang and come back under a recorder with two of them: nothing acknowledged is lost or doubled."""

import asyncio
import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.camera import Camera
from kuramori.capture.backoff import Backoff
from kuramori.capture.source import AccessUnit
from kuramori.memory_budget import MemoryBudget
from kuramori.recording import CameraRecording
from kuramori.recording_values import RecordingState
from kuramori.segment_factory import BegunSegment, SegmentFactory
from kuramori.storage_watch import HOME_AFTER_NS, StorageWatch
from kuramori.tick import Tick
from kuramori.timebase import UtcAnchor
from kuramori.vault_thread import LedgerWriter, WorkThread
from kuramori.volume_health import VolumeState
from kuramori.volume_lane import VolumeLane
from kuramori.volume_return import Returned
from kuramori_segments.check import check_volume
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.cipher import segment_key
from kuramori_segments.codes import RecordSource, SlotState, Suite
from kuramori_segments.device_key import DeviceSigner
from kuramori_segments.ledger import Ledger
from kuramori_segments.records import AccessUnitRecord
from kuramori_segments.recovery import recover_slots
from kuramori_segments.segment_reader import SegmentReader
from kuramori_segments.volume import Volume
from tests.fakes.clock import ToldClock
from tests.fakes.key_holders import custodian_set
from tests.fakes.slow_disk import HangingDisk
from tests.nvr.test_recording import SLOT_BYTES, Epoch, Ring, payload_of
from tests.nvr.test_tick import STREAM

CAMERAS = 4
SLOTS = 40
VOLUME_BYTES = (SLOTS + 4) * SLOT_BYTES + (1 << 20)
BUDGET_BYTES = 2 << 20
BEATS_MOST = 30


@dataclass(frozen=True)
class KeepingFactory(SegmentFactory):
    """Remembers how to open every segment."""

    begun: dict[bytes, BegunSegment] = field(default_factory=dict)

    def begin(self, start, stream, segment_key):  # type: ignore[no-untyped-def]
        one = SegmentFactory.begin(self, start, stream, segment_key)
        self.begun[one.header.segment_uid] = one
        return one


@dataclass
class Site:
    """A recorder with two volumes; the test is the cameras and the clock."""

    tick: Tick
    watch: StorageWatch
    lanes: list[VolumeLane]
    disks: list[HangingDisk]
    cameras: list[Camera]
    ledger: Ledger
    clock: ToldClock
    factory: KeepingFactory
    sent: int = 0
    noted: list[str] = field(default_factory=list)

    def send(self, units: int = 10) -> None:
        """Every camera delivers so many pictures, 100 ms apart."""
        for _ in range(units):
            for camera in self.cameras:
                key = self.sent % 10 == 0
                payload = memoryview(payload_of(3000, key=key, mark=self.sent))
                camera.on_access_unit(AccessUnit(self.sent * 9000, self.clock.boot_ns(), key, False, 0, 1, payload))
            self.sent += 1
            self.clock.pass_ms(100)

    async def second(self) -> None:
        """One second: pictures, then a tick, and everything that can end has ended."""
        self.send()
        await self.tick._beat()
        await self.quiet()

    async def quiet(self) -> None:
        for _ in range(200):
            answering = [
                lane
                for lane, disk in zip(self.lanes, self.disks, strict=True)
                if disk.answers.is_set() or not disk.waiting.is_set()
            ]
            tasks = [task for lane in answering for task in (lane.under_way, lane.returning) if task is not None]
            if all(task.done() for task in tasks):
                return
            await asyncio.sleep(0.005)
        raise AssertionError("something does not end")

    def durable(self) -> list[int]:
        return [camera.durable.access_unit if camera.durable else 0 for camera in self.cameras]

    def problems(self) -> str:
        return " ".join(self.watch.problems.values())

    def kept(self, camera: Camera) -> list[int]:
        """Read back and open everything that both volumes hold of a camera, in the order of its segments."""
        number = camera.recording.camera_number
        found: list[tuple[int, list[int]]] = []
        for lane in self.lanes:
            for segment in lane.volume.overlapping(number, 0, 1 << 52):
                read_at = lane.volume.reader(segment.slot)
                begun = self.factory.begun[read_at(40, 16)]
                reader = SegmentReader(
                    read_at, begun.header, begun.data_key, extent_bytes=lane.volume.durable_bytes(segment.slot)
                )
                units = [record.number for record in reader.records() if isinstance(record, AccessUnitRecord)]
                found.append((segment.sequence, units))
        return [unit for _, units in sorted(found) for unit in units]

    def require_whole(self, *, without: int = 0) -> None:
        """Every picture stands exactly once, and both volumes are sound."""
        for camera in self.cameras:
            units = self.kept(camera)
            assert units == sorted(set(units))
            assert len(units) == self.sent - without
        for disk in self.disks:
            assert check_volume(disk.read_at, disk.size_bytes) == []


def make_disk() -> tuple[HangingDisk, Volume]:
    disk = HangingDisk(VOLUME_BYTES)
    volume = Volume.create(
        disk, slot_count=SLOTS, volume_id=bytes(16), recorder_id=bytes(16), created_utc_ms=1, slot_bytes=SLOT_BYTES
    )
    while not volume.zero_fill_step(1 << 24).done:
        pass
    return disk, volume


def make_site(folder: Path, volumes: int, ledger: Ledger, clock: ToldClock) -> Site:
    anchor = UtcAnchor(clock.utc_ms(), clock.boot_ns())
    signer = DeviceSigner(ec.generate_private_key(ec.SECP256R1()))
    factory = KeepingFactory(bytes(16), custodian_set(), signer, Suite.AES_256_GCM, SLOT_BYTES, ChunkBuffers())
    made = [make_disk() for _ in range(volumes)]
    lanes = [VolumeLane(volume, [], Path(f"/volume{place}")) for place, (_, volume) in enumerate(made)]
    budget = MemoryBudget(BUDGET_BYTES)
    cameras = []
    for position in range(CAMERAS):
        lane = lanes[position % volumes]
        recording = CameraRecording(
            camera_number=ledger.camera_number(f"camera-{position}", clock.utc_ms()),
            camera_name=f"camera-{position}",
            factory=factory,
            slots=Ring(lane.volume),
            segment_key=lambda epoch_id, uid: segment_key(epoch_id * 2, uid),
            budget=budget,
            state=RecordingState(),
        )
        recording.plan.arrived(Epoch(bytes([position + 1]) * 16, clock.boot_ns() // 1_000_000))
        camera = Camera(
            f"camera-{position}", recording, lambda: None, RecordSource.NATIVE, clock, anchor, Backoff(lambda: 0.5)
        )
        camera._begin(STREAM)
        lane.cameras.append(camera)
        cameras.append(camera)

    def bring_back(volume, path, left, doubtful):  # type: ignore[no-untyped-def]
        volume.retract(left)
        volume.probe()
        recover_slots(volume, sorted({*left, *doubtful}), signer)
        volume.flush()
        return Returned(volume, None)

    async def stepped(_step: object) -> None:
        return None

    noted: list[str] = []
    homes = {camera.name: Path(f"/volume{place % volumes}") for place, camera in enumerate(cameras)}
    watch = StorageWatch(
        lanes,
        clock,
        bring_back,
        slots_of=Ring,
        home_of=lambda camera: homes[camera.name],
        noted=lambda kind, _facts: noted.append(kind),
    )
    tick = Tick(
        lanes=lanes,
        thread=WorkThread("ledger"),
        writer=LedgerWriter(ledger),
        clock=clock,
        anchor=anchor,
        interval_seconds=1.0,
        request_epoch=lambda _camera: None,
        clock_stepped=stepped,
        recover=lambda volume, slots: recover_slots(volume, slots, signer),
        watch=watch,
    )
    return Site(tick, watch, lanes, [disk for disk, _ in made], cameras, ledger, clock, factory, noted=noted)


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Four cameras on two volumes, or on as many as the test names."""
    clock = ToldClock()
    with Ledger.create(tmp_path / "ledger.db", None, clock.utc_ms()) as ledger:
        site = make_site(tmp_path, getattr(request, "param", 2), ledger, clock)
        yield site
        for disk in site.disks:
            disk.answers.set()
        for lane in site.lanes:
            lane.thread.close()
        site.tick.thread.close()


class Failing:
    """A disk on which every operation fails from now on."""

    def __init__(self, disk: HangingDisk, number: int) -> None:
        self.disk, self.number = disk, number
        disk.faults = _Every(number)

    def end(self) -> None:
        self.disk.faults = {}


class _Every(dict):  # type: ignore[type-arg]
    def __init__(self, number: int) -> None:
        self.number = number

    def __contains__(self, _key: object) -> bool:
        return True

    def __getitem__(self, _key: int) -> int:
        return self.number


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS])
async def test_cameras_of_a_failing_volume_go_on_in_the_other(site: Site, number: int) -> None:
    """Told within five seconds, nothing lost, nothing double; the volume comes back, and then the cameras do."""
    for _ in range(3):
        await site.second()
    failing = Failing(site.disks[0], number)
    for _ in range(4):
        await site.second()
    assert "/volume0" in site.problems()
    assert site.lanes[0].health.needs_return
    assert [len(lane.cameras) for lane in site.lanes] == [0, CAMERAS]
    assert site.durable() == [site.sent] * CAMERAS
    failing.end()
    for _ in range(12):
        await site.second()
    assert site.lanes[0].health.is_good
    assert site.noted == ["volume_failing", "volume_returned"]
    site.clock.pass_ms(HOME_AFTER_NS // 1_000_000)
    for _ in range(4):
        await site.second()
    assert [len(lane.cameras) for lane in site.lanes] == [2, 2]
    await site.tick.finish()
    site.require_whole()
    assert site.lanes[0].volume.usage().doubtful == 0


async def test_a_volume_that_hangs_is_left_alone(site: Site) -> None:
    """No error, it just does not answer: its cameras go on in the other within five seconds; the loop never waits."""
    for _ in range(3):
        await site.second()
    site.disks[0].answers.clear()
    for _ in range(5):
        await site.second()
    assert site.lanes[0].health.state is VolumeState.HANGING
    assert "/volume0" in site.problems()
    for _ in range(2):
        await site.second()
    assert site.durable() == [site.sent] * CAMERAS
    site.disks[0].answers.set()  # what it was told to write long ago becomes durable now: it is nobody's
    for _ in range(4):
        await site.second()
    assert site.lanes[0].health.is_good
    await site.tick.finish()
    site.require_whole()


@pytest.mark.parametrize("site", [1], indirect=True)
async def test_without_another_volume_pictures_wait_in_memory(site: Site) -> None:
    """A few seconds fit: nothing is lost, nothing double, and no slot is spent meanwhile."""
    for _ in range(2):
        await site.second()
    free = site.lanes[0].volume.usage().empty
    failing = Failing(site.disks[0], errno.EROFS)
    for _ in range(6):
        await site.second()
    assert site.lanes[0].volume.usage().doubtful <= 2 * CAMERAS
    assert site.lanes[0].volume.usage().empty >= free - CAMERAS
    assert "memory" in site.problems()
    failing.end()
    for _ in range(12):
        await site.second()
    assert site.durable() == [site.sent] * CAMERAS
    await site.tick.finish()
    site.require_whole()


@pytest.mark.parametrize("site", [1], indirect=True)
@pytest.mark.parametrize("hangs", [True, False])
async def test_when_memory_is_full_the_gap_is_said(site: Site, hangs: bool) -> None:
    """Bounded memory, then a gap with its reason: no run claims a picture that was not kept."""
    for _ in range(2):
        await site.second()
    failing = None
    if hangs:
        site.disks[0].answers.clear()
    else:
        failing = Failing(site.disks[0], errno.EIO)
    for _ in range(BEATS_MOST):
        await site.second()
    budget = site.cameras[0].recording.budget
    assert budget.used_bytes <= budget.limit_bytes
    assert all(camera.recording.dropped_units for camera in site.cameras)
    if failing is not None:
        failing.end()
    site.disks[0].answers.set()
    for _ in range(20):
        await site.second()
    await site.tick.finish()
    for camera in site.cameras:
        units = site.kept(camera)
        assert units == sorted(set(units))
        runs = site.ledger.runs(camera.recording.camera_number, 0, 1 << 52)
        assert {"STORAGE_FAULT"} == {run.end_reason.name for run in runs if run.end_reason is not None}
        claimed = {
            unit for run in runs for unit in range(run.start_access_unit, (run.end_access_unit or max(units)) + 1)
        }
        assert claimed <= set(units)


async def test_one_bad_place_is_set_aside_and_the_volume_goes_on(site: Site) -> None:
    """Each sync that touches it fails; the slot becomes BAD in the end, the volume stays in use."""
    for _ in range(2):
        await site.second()
    lane, camera = site.lanes[0], site.lanes[0].cameras[0]
    segment = lane.volume.latest(camera.recording.camera_number)
    assert segment is not None
    offset = lane.volume.superblock.slot_offset(segment.slot) + lane.volume.durable_bytes(segment.slot)
    site.disks[0].bad_sectors = set(range(offset // 512, offset // 512 + 400))
    for _ in range(8):
        await site.second()
    assert lane.health.is_good
    assert lane.volume.usage().bad == 1
    entry = lane.volume.entry(segment.slot)
    assert entry is not None
    assert entry.state is SlotState.BAD
    assert site.durable() == [site.sent] * CAMERAS


@pytest.mark.parametrize("excused", [True, False], ids=["by permission", "without"])
async def test_a_volume_that_is_away_by_permission_is_no_alarm(site: Site, excused: bool) -> None:
    """Its cameras go on elsewhere as ever; only nobody is called."""
    site.watch.excused = lambda path, _seconds: excused and path == Path("/volume0")
    await site.second()
    Failing(site.disks[0], errno.EIO)
    for _ in range(4):
        await site.second()
    assert site.lanes[0].health.needs_return
    assert not site.lanes[0].cameras
    assert bool(site.problems()) is not excused
