"""The tick: one sync for all cameras, ledger before volume, and a commit that fails is sealed again, never retried."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.camera import Camera
from kuramori.capture.backoff import Backoff
from kuramori.capture.source import AccessUnit, Codec, StreamDescription
from kuramori.memory_budget import MemoryBudget
from kuramori.recording import CameraRecording
from kuramori.recording_values import RecordingState
from kuramori.segment_factory import SegmentFactory
from kuramori.storage_watch import StorageWatch
from kuramori.tick import Tick
from kuramori.timebase import ClockStep, UtcAnchor
from kuramori.vault_thread import LedgerWriter, WorkThread
from kuramori.volume_lane import VolumeLane
from kuramori.volume_return import bring_back
from kuramori_segments.check import check_volume
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.cipher import segment_key
from kuramori_segments.codes import RecordSource, Suite
from kuramori_segments.device_key import DeviceSigner
from kuramori_segments.ledger import Ledger
from kuramori_segments.recovery import recover_slots
from kuramori_segments.volume import Volume
from tests.fakes.clock import ToldClock
from tests.fakes.faulty_disk import FaultyDisk
from tests.fakes.key_holders import custodian_set
from tests.nvr.test_recording import SLOT_BYTES, Epoch, Ring, payload_of

CAMERAS = 3
VOLUME_BYTES = 64 * SLOT_BYTES + (1 << 20)
STREAM = StreamDescription(Codec.H264, 90_000, (), (), ("rtsp://camera/track0",), "test")


@dataclass
class Heart:
    """A tick with three cameras on a disk that fails when told."""

    tick: Tick
    cameras: list[Camera]
    disk: FaultyDisk
    volume: Volume
    ledger: Ledger
    clock: ToldClock
    sent: int = 0

    def send(self, units: int) -> None:
        """Every camera delivers so many pictures, 100 ms apart."""
        for _ in range(units):
            for camera in self.cameras:
                payload = memoryview(payload_of(3000, key=self.sent % 10 == 0, mark=self.sent))
                camera.on_access_unit(
                    AccessUnit(self.sent * 9000, self.clock.boot_ns(), self.sent % 10 == 0, False, 0, 1, payload)
                )
            self.sent += 1
            self.clock.pass_ms(100)

    async def beat(self) -> None:
        """One tick, waited for."""
        await self.tick._beat()
        await self.tick.settle()
        for lane in self.tick.lanes:
            if lane.returning is not None:
                await lane.returning

    def durable(self) -> list[int]:
        return [camera.durable.access_unit if camera.durable else 0 for camera in self.cameras]


@pytest.fixture
def heart(tmp_path: Path) -> Iterator[Heart]:
    """Everything real but the disk and the clock."""
    clock = ToldClock()
    anchor = UtcAnchor(clock.utc_ms(), clock.boot_ns())
    disk = FaultyDisk(VOLUME_BYTES)
    volume = Volume.create(
        disk, slot_count=60, volume_id=bytes(16), recorder_id=bytes(16), created_utc_ms=1, slot_bytes=SLOT_BYTES
    )
    while not volume.zero_fill_step(1 << 22).done:
        pass
    signer = DeviceSigner(ec.generate_private_key(ec.SECP256R1()))
    factory = SegmentFactory(bytes(16), custodian_set(), signer, Suite.AES_256_GCM, SLOT_BYTES, ChunkBuffers())
    cameras = []
    with Ledger.create(tmp_path / "ledger.db", None, clock.utc_ms()) as ledger:
        for number in range(CAMERAS):
            recording = CameraRecording(
                camera_number=ledger.camera_number(f"camera-{number}", clock.utc_ms()),
                camera_name=f"camera-{number}",
                factory=factory,
                slots=Ring(volume),
                segment_key=lambda epoch_id, uid: segment_key(epoch_id * 2, uid),
                budget=MemoryBudget(1 << 24),
                state=RecordingState(),
            )
            recording.plan.arrived(Epoch(bytes([number + 1]) * 16, clock.boot_ns() // 1_000_000))
            camera = Camera(
                f"camera-{number}", recording, lambda: None, RecordSource.NATIVE, clock, anchor, Backoff(lambda: 0.5)
            )
            camera._begin(STREAM)
            cameras.append(camera)

        async def stepped(step: ClockStep) -> None:
            for camera in cameras:
                camera.clock_stepped(step.by_ms)

        thread = WorkThread("commits")
        lanes = [VolumeLane(volume, cameras)]
        tick = Tick(
            lanes=lanes,
            watch=StorageWatch(lanes, clock, lambda *what: bring_back(*what, signer)),
            thread=thread,
            writer=LedgerWriter(ledger),
            clock=clock,
            anchor=anchor,
            interval_seconds=1.0,
            request_epoch=lambda _camera: None,
            clock_stepped=stepped,
            recover=lambda broken, slots: recover_slots(broken, slots, signer),
        )
        yield Heart(tick, cameras, disk, volume, ledger, clock)
        thread.close()


async def test_one_sync_makes_all_cameras_durable(heart: Heart) -> None:
    """Three cameras, one tick, one sync."""
    before = heart.volume.statistics.syncs
    heart.send(10)
    assert heart.durable() == [0, 0, 0]
    await heart.beat()
    assert heart.durable() == [10, 10, 10]
    assert heart.volume.statistics.syncs == before + 1


async def test_the_ledger_knows_of_a_run_before_its_pictures_are_durable(heart: Heart) -> None:
    """The volume fails, the run is open all the same: start-up would cut it back, never invent it."""
    heart.send(5)
    heart.disk.faults[len(heart.disk.log)] = errno.EIO
    await heart.beat()
    assert heart.durable() == [0, 0, 0]
    assert len(heart.ledger.open_runs()) == CAMERAS


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EROFS])
async def test_a_failed_commit_loses_nothing_and_is_counted(heart: Heart, number: int) -> None:
    """What could not be written is sealed again into other slots; the broken ones get their end; all checks."""
    heart.send(10)
    await heart.beat()
    heart.send(10)
    heart.disk.faults[len(heart.disk.log)] = number
    await heart.beat()
    assert heart.durable() == [10, 10, 10]
    assert heart.tick.figures.write_errors == {number: 1}
    heart.send(10)
    await heart.beat()
    await heart.beat()
    assert heart.durable() == [30, 30, 30]
    assert heart.volume.usage().doubtful == 0
    heart.send(10)
    await heart.beat()
    await heart.tick.finish()
    assert heart.durable() == [40, 40, 40]
    assert check_volume(heart.disk.read_at, heart.disk.size_bytes) == []
    assert len(heart.ledger.open_runs()) == CAMERAS


async def test_a_wall_clock_that_jumps_ends_the_run_and_loses_no_picture(heart: Heart) -> None:
    """Two hours ahead: numbers go on, one run ends, the next begins with the next key frame."""
    heart.send(10)
    await heart.beat()
    heart.clock.now_utc_ms += 7_200_000
    await heart.beat()
    heart.send(10)
    await heart.beat()
    assert heart.durable() == [20, 20, 20]
    runs = heart.ledger.runs(heart.cameras[0].recording.camera_number, 0, 1 << 52)
    assert [run.is_open for run in runs] == [False, True]


@pytest.mark.parametrize(("by_ms", "segments"), [(-7_200_000, 2), (7_200_000, 2), (-3_000, 1)])
async def test_a_large_step_of_the_clock_begins_a_segment_of_its_own(heart: Heart, by_ms: int, segments: int) -> None:
    """Each segment's times are in order, so that it is found by them; small corrections cost no slot."""
    heart.send(10)
    await heart.beat()
    heart.clock.now_utc_ms += by_ms
    await heart.beat()
    heart.send(10)
    await heart.beat()
    assert heart.durable() == [20, 20, 20]
    latest = heart.volume.latest(heart.cameras[0].recording.camera_number)
    assert latest is not None
    assert latest.sequence == segments
