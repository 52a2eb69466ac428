"""Power cuts while a volume grows: at every step it is the old volume or the new one, whole, and goes on recording.

Real sealed segments, a full ring, the cut before every single operation of growing and of the start behind it, with
what was not synced lost, torn, mixed or turned into garbage. Every case ends with recovery, the checker, decryption of
everything, laps of recording over the new slots, and all of that again.
"""

import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from kuramori_segments.growth import grow, grown_slot_count
from kuramori_segments.recovery import recover
from kuramori_segments.storage_fault import NotAVolume, StorageFault, VolumeNotGrown
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume import Volume
from kuramori_segments.volume_head import SUPERBLOCK_OFFSETS
from tests.crash.test_ring_crashes import SLOTS, acknowledged, crash_in_recovery, prove, start
from tests.fakes.faulty_disk import FaultyDisk, PowerCut, Tear
from tests.fakes.segment_maker import SegmentMaker
from tests.fakes.segments import SIGNER

GROWN_SLOTS = SLOTS + 7
GROWN_AGAIN = GROWN_SLOTS + 90  # more than one block of table entries
FULL_RING_TICKS = 24


def go_on_for_laps(maker: SegmentMaker, ticks: int = 40) -> None:
    """Record until every slot of the grown ring was written."""
    for _ in range(ticks):
        maker.tick()
        maker.volume.zero_fill_step(1 << 20)
    maker.tick(close=True)
    maker.volume.flush()


def full_ring(seed: int) -> tuple[FaultyDisk, SegmentMaker, dict[int, int], random.Random]:
    rng = random.Random(seed)
    disk, maker = start(rng, ticks=FULL_RING_TICKS)
    return disk, maker, acknowledged(maker), rng


def test_a_grown_volume_keeps_everything_and_uses_its_new_slots() -> None:
    """Twice in a row: what was recorded opens, the new slots fill, and the checker finds nothing."""
    disk, maker, durable, _ = full_ring(1)
    for slots in (GROWN_SLOTS, GROWN_AGAIN):
        growth = grow(disk, slots)
        assert (growth.slots, growth.superblock.filled_slots <= growth.slots_before) == (slots, True)
        prove(disk, maker, durable, f"grown to {slots}")
        assert maker.volume.usage().empty >= slots - growth.slots_before
        go_on_for_laps(maker, ticks=3 * slots)
        assert max(maker.volume._ring.table.used_slots()) >= growth.slots_before
        durable = acknowledged(maker)
        prove(disk, maker, durable, "after laps")


@pytest.mark.parametrize("tear", list(Tear))
@pytest.mark.parametrize("times", [1, 2], ids=["the first time", "when it had grown before"])
def test_power_lost_at_every_step_of_growing(tear: Tear, times: int) -> None:
    """The old volume or the new one; nothing acknowledged is lost; growing again succeeds."""
    cut = 0
    while True:
        disk, maker, durable, rng = full_ring(100 + cut)
        if times == 2:
            grow(disk, GROWN_SLOTS)
            prove(disk, maker, durable, "before")
            go_on_for_laps(maker)
            durable = acknowledged(maker)
        slots = Volume.open(disk).superblock.slot_count
        disk.cut_at_operation = len(disk.log) + cut
        try:
            grow(disk, slots + 70)
            break
        except PowerCut:
            disk = disk.survivor(tear, rng)
        hint = f"cut={cut} tear={tear.name} times={times}"
        prove(disk, maker, durable, hint)
        assert maker.volume.superblock.slot_count in (slots, slots + 70), hint
        go_on_for_laps(maker)
        durable = acknowledged(maker)
        prove(disk, maker, durable, f"{hint}, afterwards")
        if maker.volume.superblock.slot_count == slots:
            grow(disk, slots + 70)
            prove(disk, maker, durable, f"{hint}, grown at last")
        cut += 1
    assert cut >= 7  # extend, two tables, their sync, two superblocks, their syncs


def random_growth_crash(rng: random.Random) -> Callable[[], tuple[float, ...]]:
    """Choose how a volume grows, once or again, and where power is lost: in it, in the start behind it, or later."""
    seed, cut, tear = rng.randrange(1 << 32), rng.randrange(12), rng.choice(list(Tear))
    grown_before, second = rng.random() < 0.5, rng.choice((None, 0, 1, 2, 3, 5))
    later, ticks = rng.randrange(40), rng.choice((5, 24, 40))
    return lambda: grow_and_crash(seed, cut, tear, grown_before=grown_before, second=second, later=later, ticks=ticks)


def grow_and_crash(
    seed: int, cut: int, tear: Tear, *, grown_before: bool, second: int | None, later: int, ticks: int
) -> tuple[float, ...]:
    """Grow, lose power in it, prove, grow at last, record, lose power again, prove. Return the seconds lost then."""
    hint = f"seed={seed} cut={cut} {tear.name} grown_before={grown_before} second={second} later={later} ticks={ticks}"
    rng = random.Random(seed)
    disk, maker = start(rng, ticks=ticks)
    if grown_before:
        maker.volume.flush()
        grow(disk, GROWN_SLOTS)
        prove(disk, maker, acknowledged(maker), hint)
    durable, slots = acknowledged(maker), maker.volume.superblock.slot_count
    disk.cut_at_operation = len(disk.log) + cut
    with suppress(PowerCut):
        grow(disk, slots + 70)
    disk = disk.survivor(tear, rng)
    if second is not None:
        disk = crash_in_recovery(disk, second, tear, rng)
    prove(disk, maker, durable, hint)
    assert maker.volume.superblock.slot_count in (slots, slots + 70), hint
    if maker.volume.superblock.slot_count == slots:
        grow(disk, slots + 70)
        prove(disk, maker, durable, f"{hint}, grown at last")
    disk.cut_at_operation = len(disk.log) + later
    with suppress(PowerCut):
        for _ in range(12):
            maker.tick(close=rng.random() < 0.2)
            maker.volume.zero_fill_step(1 << 17)
    durable = acknowledged(maker)
    return prove(disk.survivor(tear, rng), maker, durable, f"{hint}, recording on it")


def test_power_lost_at_random_while_a_volume_grows_and_after() -> None:
    """A few each time; the seed is in the message of a failure."""
    rng = random.Random(random.SystemRandom().randrange(1 << 32))
    for _ in range(20):
        random_growth_crash(rng)()


@pytest.mark.parametrize("tear", list(Tear))
def test_power_lost_between_the_superblocks_and_again_while_the_start_mends(tear: Tear) -> None:
    """No slot is written before both superblocks name the new tables: what the old one names may lie under it."""
    for second_cut in range(8):
        disk, maker, durable, rng = full_ring(200 + second_cut)
        steps = len(disk.log)
        grow(disk, GROWN_SLOTS)
        operations = len(disk.log) - steps
        disk, maker, durable, rng = full_ring(200 + second_cut)
        disk.cut_at_operation = len(disk.log) + operations - 2  # the second superblock's write
        with suppress(PowerCut):
            grow(disk, GROWN_SLOTS)
        disk = disk.survivor(tear, rng)
        disk.cut_at_operation = second_cut
        with suppress(PowerCut):
            recover(Volume.open(disk), SIGNER)
        disk = disk.survivor(tear, rng)
        prove(disk, maker, durable, f"second cut {second_cut}, {tear.name}")
        assert maker.volume.superblock.slot_count == GROWN_SLOTS
        for offset in SUPERBLOCK_OFFSETS:
            assert Superblock.unpack(disk.read_at(offset, 4096)).slot_count == GROWN_SLOTS


def test_a_medium_that_fails_while_growing_loses_nothing() -> None:
    """EIO at any operation: an error, and the old volume or the new one."""
    for failing in range(8):
        disk, maker, durable, _ = full_ring(300)
        disk.faults = {len(disk.log) + failing: 5}
        with suppress(StorageFault):
            grow(disk, GROWN_SLOTS)
        disk.faults = {}
        disk.forget_cached(0, disk.size_bytes)
        prove(disk, maker, durable, f"fault at {failing}")
        go_on_for_laps(maker)
        prove(disk, maker, acknowledged(maker), f"fault at {failing}, afterwards")


def test_a_volume_never_shrinks_and_names_the_least_it_can_grow_to() -> None:
    """The same size again, or less, changes not a byte."""
    disk, _, _, _ = full_ring(400)
    before = disk.snapshot()
    for slots in (1, SLOTS):
        with pytest.raises(VolumeNotGrown) as refused:
            grow(disk, slots)
        assert refused.value.least_bytes > disk.size_bytes
    with pytest.raises(NotAVolume):
        grow(FaultyDisk(1 << 20), 20)
    assert disk.snapshot() == before


def test_the_tables_in_use_are_never_under_the_new_ones() -> None:
    """A volume that has grown before needs at least the room of its own tables, and says so."""
    slot_bytes = 64 << 10
    disk = FaultyDisk(Superblock(600, bytes(16), bytes(16), 0, slot_bytes=slot_bytes).volume_bytes)
    Volume.create(
        disk, slot_count=600, slot_bytes=slot_bytes, volume_id=bytes(16), recorder_id=bytes(16), created_utc_ms=0
    )
    grown = grow(disk, 700).superblock
    with pytest.raises(VolumeNotGrown) as refused:
        grow(disk, 701)
    assert refused.value.least_bytes == grown.grown(702).volume_bytes
    assert grow(disk, 702).slots == 702


def test_the_size_asked_for_is_never_exceeded() -> None:
    """As many slots as fit with their tables behind them, and not one more."""
    small = Superblock(5, bytes(16), bytes(16), 0, slot_bytes=64 << 10)
    assert grown_slot_count(small, small.volume_bytes) == 5
    for slots in (6, 7, 100, 1000):
        fits = small.grown(slots).volume_bytes
        assert grown_slot_count(small, fits) == slots
        assert grown_slot_count(small, fits - 1) == slots - 1
