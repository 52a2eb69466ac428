"""Power cuts and kills while segments are written: what was acknowledged opens, and the checker finds nothing.

Real sealed segments of several cameras on a small ring that is overwritten all the time. Power is lost at every single
step of commit, withdrawal, zero-filling and recovery, and at random ones, with writes lost, torn, reordered or turned
into garbage. Every case ends with recovery, the checker, decryption of all that stands in the ring, and going on.
"""

import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from kuramori_segments.check import check_volume
from kuramori_segments.device_key import device_key_id
from kuramori_segments.recovery import Outcome, recover
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume import Volume
from tests.fakes.faulty_disk import FaultyDisk, PowerCut, Tear
from tests.fakes.segment_maker import RECORDER_ID, SegmentMaker, opened_units
from tests.fakes.segments import DEVICE_KEY, SIGNER

SLOT_BYTES = 128 << 10
SLOTS = 10
CAMERAS = 3
START_UTC_MS = 1_800_000_000_000
KEYS = {device_key_id(DEVICE_KEY.public_key()): DEVICE_KEY.public_key()}


def start(rng: random.Random, *, ticks: int) -> tuple[FaultyDisk, SegmentMaker]:
    """Make a volume and record for some ticks; the ring is full after about twenty."""
    size = Superblock(SLOTS, bytes(16), RECORDER_ID, 0, slot_bytes=SLOT_BYTES).volume_bytes
    disk = FaultyDisk(size)
    volume = Volume.create(
        disk,
        slot_count=SLOTS,
        slot_bytes=SLOT_BYTES,
        volume_id=bytes(16),
        recorder_id=RECORDER_ID,
        created_utc_ms=START_UTC_MS,
    )
    maker = SegmentMaker(volume, CAMERAS, rng, START_UTC_MS)
    for _ in range(ticks):
        maker.tick()
    return disk, maker


def acknowledged(maker: SegmentMaker) -> dict[int, int]:
    return {camera.number: camera.acknowledged for camera in maker.cameras}


def prove(disk: FaultyDisk, maker: SegmentMaker, durable: dict[int, int], hint: str) -> tuple[float, ...]:
    """Open, recover, check and decrypt everything; nothing acknowledged may be missing. Let the maker go on there.

    Return how many seconds each camera lost: from the end of what is there to the last access unit that had come.
    """
    volume = Volume.open(disk)
    report = recover(volume, SIGNER)
    assert all(item.outcome is not Outcome.BAD for item in report.slots), hint
    assert check_volume(disk.read_at, disk.size_bytes, device_keys=KEYS) == [], hint
    assert volume.unfinished_slots() == [], hint
    tails = {tail.camera_number: tail for tail in report.tails}
    ends = {number: tail.last_utc_ms for number, tail in tails.items()}
    lost = tuple(
        max(0, camera.unit_utc_ms - ends.get(camera.number, maker.began_utc_ms)) / 1000 for camera in maker.cameras
    )
    for camera, units in units_by_camera(volume).items():
        if not units:
            assert not durable[camera], f"{hint}: camera {camera} lost everything"
            continue
        end = tails[camera].last_access_unit
        missing = set(range(min(units), end + 1)) - maker.not_owed[camera] - units
        assert not missing, f"{hint}: camera {camera} claims {sorted(missing)} and has not got them"
        assert end >= durable[camera] - 1, f"{hint}: camera {camera} lost what was acknowledged"
        assert tails[camera].next_access_unit > max(units), hint
    maker.go_on(volume, report.tails)
    return lost


def units_by_camera(volume: Volume) -> dict[int, set[int]]:
    units: dict[int, set[int]] = {number: set() for number in range(1, CAMERAS + 1)}
    for camera in volume.cameras():
        for segment in volume.overlapping(camera, 0, 1 << 60):
            entry = volume.entry(segment.slot)
            assert entry is not None
            units[camera].update(opened_units(volume, segment.slot, entry))
    return units


def crash_once(
    seed: int, *, ticks_before: int, cut: int, tear: Tear, second_cut: int | None = None
) -> tuple[float, ...]:
    """Record, lose power at an operation, prove, go on, prove again. Return the seconds that each camera lost."""
    hint = f"seed={seed} ticks_before={ticks_before} cut={cut} tear={tear.name} second_cut={second_cut}"
    rng = random.Random(seed)
    disk, maker = start(rng, ticks=ticks_before)
    disk.cut_at_operation = len(disk.log) + cut
    with suppress(PowerCut):
        for _ in range(12):
            maker.tick(close=rng.random() < 0.2)
            maker.volume.zero_fill_step(SLOT_BYTES // 2)
    durable = acknowledged(maker)
    disk = disk.survivor(tear, rng)
    if second_cut is not None:
        disk = crash_in_recovery(disk, second_cut, tear, rng)
    lost = prove(disk, maker, durable, hint)
    for _ in range(8):
        maker.tick()
    maker.tick(close=True)
    maker.volume.flush()
    prove(disk, maker, acknowledged(maker), f"{hint}, afterwards")
    return lost


def crash_in_recovery(disk: FaultyDisk, cut: int, tear: Tear, rng: random.Random) -> FaultyDisk:
    disk.cut_at_operation = cut
    with suppress(PowerCut):
        recover(Volume.open(disk), SIGNER)
    return disk.survivor(tear, rng)


@pytest.mark.parametrize("tear", list(Tear))
@pytest.mark.parametrize("ticks_before", [0, 24], ids=["new ring", "full ring"])
def test_power_lost_at_every_operation(ticks_before: int, tear: Tear) -> None:
    """Whichever write or sync of the next commits is the last one, nothing acknowledged is lost."""
    for cut in range(16):
        crash_once(1000 + cut, ticks_before=ticks_before, cut=cut, tear=tear)


@pytest.mark.parametrize("tear", list(Tear))
def test_power_lost_again_at_every_operation_of_recovery(tear: Tear) -> None:
    """Recovery may be interrupted anywhere, and done again."""
    for second_cut in range(6):
        crash_once(2000 + second_cut, ticks_before=24, cut=7, tear=tear, second_cut=second_cut)


def random_crash(rng: random.Random) -> Callable[[], tuple[float, ...]]:
    seed, ticks, cut = rng.randrange(1 << 32), rng.choice((0, 5, 15, 30)), rng.randrange(60)
    tear = rng.choice(list(Tear))
    second = rng.choice((None, None, 0, 1, 2, 3))
    return lambda: crash_once(seed, ticks_before=ticks, cut=cut, tear=tear, second_cut=second)


def test_power_lost_at_random() -> None:
    """A few random crashes each time; the first seed is in the message of a failure, and each case names its own."""
    first_seed = random.SystemRandom().randrange(1 << 32)
    print(f"random crashes from seed {first_seed}")
    rng = random.Random(first_seed)
    for _ in range(40):
        random_crash(rng)()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first_seed", range(8))
def test_power_lost_at_random_thousands_of_times(first_seed: int) -> None:
    """The same, until it is boring."""
    rng = random.Random(first_seed)
    for _ in range(500):
        random_crash(rng)()
