"""The volume's contract: one sync per commit, what the table says and when, what is refused, what a fault leaves."""

import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kuramori_segments.codes import SlotState
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.ring import CameraPlan, ChoiceReason
from kuramori_segments.slot_change import CloseSlot, DateSlot, EmptySlot, OpenSlot, SlotChange, SlotWrite, TakenSlot
from kuramori_segments.storage_fault import (
    MediumFault,
    MediumFull,
    MediumReadOnly,
    NoSpace,
    NotAVolume,
    SlotMisuse,
    StorageFault,
    VolumeCut,
    VolumeExists,
    VolumeInUse,
    VolumeTooSmall,
)
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume import Volume
from kuramori_segments.volume_head import least_volume_bytes, slots_that_fit
from kuramori_segments.write_runs import merged_runs
from tests.fakes.faulty_disk import FaultyDisk

SLOT_BYTES = 256 << 10
SLOTS = 6
NOW = 1_800_000_000_000
HEADER = b"H" * BLOCK_BYTES


def make_volume(slots: int = SLOTS, *, filled: bool = True) -> tuple[Volume, FaultyDisk]:
    size = Superblock(slots, bytes(16), bytes(16), 0, slot_bytes=SLOT_BYTES).volume_bytes
    disk = FaultyDisk(size)
    volume = Volume.create(
        disk, slot_count=slots, slot_bytes=SLOT_BYTES, volume_id=b"v" * 16, recorder_id=b"r" * 16, created_utc_ms=NOW
    )
    if filled:
        while not volume.zero_fill_step(1 << 30).done:
            pass
    disk.log.clear()
    return volume, disk


def take(volume: Volume, camera: int = 1, plans: dict[int, CameraPlan] | None = None) -> TakenSlot:
    taken = volume.take_slot(camera, plans=plans or {}, now_utc_ms=NOW)
    assert taken is not None
    return taken


def opening(slot: int, sequence: int, camera: int = 1) -> OpenSlot:
    return OpenSlot(slot, camera, sequence, bytes([sequence % 256]) * 16, NOW + sequence)


def record(volume: Volume, sequence: int, camera: int = 1) -> int:
    """Open, write and close a segment of two blocks in two commits; return its slot."""
    slot = take(volume, camera).slot
    volume.commit([SlotWrite(slot, 0, [HEADER])], [opening(slot, sequence, camera)])
    volume.commit([SlotWrite(slot, BLOCK_BYTES, [b"F" * BLOCK_BYTES])], [CloseSlot(slot, NOW + sequence + 1, 2)])
    return slot


class TestCreating:
    def test_a_file_is_a_volume_only_when_it_is_complete(self, tmp_path: Path) -> None:
        """A made volume opens again with its identity; while it is open nobody else may write it."""
        path = tmp_path / "ring"
        volume = Volume.create_file(
            path,
            size_bytes=4 << 20,
            slot_bytes=SLOT_BYTES,
            volume_id=b"v" * 16,
            recorder_id=b"r" * 16,
            created_utc_ms=NOW,
        )
        with pytest.raises(VolumeInUse):
            Volume.open_file(path)
        volume.close()
        volume.close()
        again = Volume.open_file(path)
        assert again.superblock == volume.superblock
        assert again.superblock.slot_count == 12
        assert path.stat().st_size == again.superblock.volume_bytes <= 4 << 20
        assert again.unfinished_slots() == []
        assert not again.unsettled
        again.close()

    def test_refuses_a_size_without_room_for_a_slot(self, tmp_path: Path) -> None:
        """The refusal says how much would do, and nothing is left behind."""
        with pytest.raises(VolumeTooSmall) as refused:
            Volume.create_file(
                tmp_path / "ring", size_bytes=1 << 20, volume_id=bytes(16), recorder_id=bytes(16), created_utc_ms=NOW
            )
        assert refused.value.needed_bytes == least_volume_bytes(16 << 20)
        assert list(tmp_path.iterdir()) == []

    def test_refuses_where_the_file_system_has_no_room(self, tmp_path: Path) -> None:
        """Bytes needed and bytes free are said before anything is written."""
        with pytest.raises(NoSpace) as refused:
            Volume.create_file(
                tmp_path / "ring", size_bytes=1 << 50, volume_id=bytes(16), recorder_id=bytes(16), created_utc_ms=NOW
            )
        assert refused.value.needed_bytes > refused.value.free_bytes > 0
        assert list(tmp_path.iterdir()) == []

    def test_leaves_nothing_when_it_fails_half_way(self, tmp_path: Path) -> None:
        """A name that turns up meanwhile wins; the half-made volume is removed."""
        (tmp_path / "ring").write_bytes(b"precious")
        with pytest.raises(VolumeExists):
            Volume.create_file(
                tmp_path / "ring", size_bytes=64 << 20, volume_id=bytes(16), recorder_id=bytes(16), created_utc_ms=NOW
            )
        assert [path.name for path in tmp_path.iterdir()] == ["ring"]

    def test_a_medium_that_is_too_short_is_refused(self) -> None:
        """A device shorter than the geometry is refused with both figures."""
        with pytest.raises(VolumeTooSmall):
            Volume.create(
                FaultyDisk(1 << 20), slot_count=9, volume_id=bytes(16), recorder_id=bytes(16), created_utc_ms=NOW
            )

    @pytest.mark.parametrize("slot_bytes", [64 << 10, 256 << 10, 16 << 20])
    @pytest.mark.parametrize("size_bytes", [0, 1 << 20, (5 << 20) + 12345, 200 << 20, 16 << 30])
    def test_as_many_slots_as_fit(self, size_bytes: int, slot_bytes: int) -> None:
        """The volume never exceeds the size asked for, and one slot more would."""
        slots = slots_that_fit(size_bytes, slot_bytes)
        if slots:
            assert Superblock(slots, bytes(16), bytes(16), 0, slot_bytes=slot_bytes).volume_bytes <= size_bytes
        bigger = Superblock(slots + 1, bytes(16), bytes(16), 0, slot_bytes=slot_bytes)
        assert bigger.volume_bytes > size_bytes


class TestOpening:
    def test_refuses_what_is_no_volume(self, tmp_path: Path) -> None:
        """Zeros, text and a short file are not a volume; the lock is let go of."""
        for content in (bytes(1 << 20), b"hello" * 10_000, b""):
            (tmp_path / "ring").write_bytes(content)
            with pytest.raises(NotAVolume):
                Volume.open_file(tmp_path / "ring")

    def test_refuses_a_volume_that_was_cut(self) -> None:
        """Shorter than its superblock says: nothing is guessed."""
        _, disk = make_volume()
        short = FaultyDisk(disk.size_bytes - 1)
        short.corrupt(0, disk.snapshot()[:-1])
        with pytest.raises(VolumeCut) as refused:
            Volume.open(short)
        assert refused.value.said_bytes == disk.size_bytes

    @pytest.mark.parametrize("copy", [0, 1])
    def test_one_superblock_is_enough(self, copy: int) -> None:
        """Either copy may be destroyed; the next progress that is published mends it."""
        volume, disk = make_volume(filled=False)
        disk.corrupt(copy * BLOCK_BYTES, b"?" * BLOCK_BYTES)
        again = Volume.open(disk)
        assert again.superblock == volume.superblock
        while not again.zero_fill_step(1 << 30).done:
            pass
        disk.corrupt((1 - copy) * BLOCK_BYTES, b"?" * BLOCK_BYTES)
        assert Volume.open(disk).superblock.filled_slots == SLOTS

    def test_reads_only_the_head(self) -> None:
        """Start-up needs superblocks and table; no slot is read, however many are in use."""
        volume, disk = make_volume()
        for sequence in range(SLOTS):
            record(volume, sequence)
        volume.flush()
        first_slot = volume.superblock.data_offset // 512
        disk.bad_sectors = set(range(first_slot, disk.size_bytes // 512))
        again = Volume.open(disk)
        assert [segment.sequence for segment in again.overlapping(1, 0, 1 << 60)] == list(range(SLOTS))

    def test_survives_a_table_block_that_cannot_be_read(self) -> None:
        """A bad sector in one copy costs nothing: the other copy speaks."""
        volume, disk = make_volume()
        slot = record(volume, 1)
        volume.flush()
        disk.bad_sectors = {volume.superblock.table_a_offset // 512}
        again = Volume.open(disk)
        entry = again.entry(slot)
        assert entry is not None
        assert entry.state is SlotState.CLOSED
        assert again.usage().damaged_entry_copies == SLOTS


class TestCommit:
    def test_costs_one_sync_for_all_cameras(self) -> None:
        """However many slots are opened, written and closed in a commit, it syncs once, last."""
        volume, disk = make_volume()
        slots = [take(volume, camera).slot for camera in (1, 2, 3)]
        result = volume.commit(
            [SlotWrite(slot, 0, [HEADER, b"c" * BLOCK_BYTES]) for slot in slots],
            [opening(slot, 1, camera) for camera, slot in enumerate(slots, 1)],
        )
        assert (result.syncs, result.data_bytes, result.table_bytes) == (1, 6 * BLOCK_BYTES, BLOCK_BYTES)
        assert disk.log.count("sync") == 1
        assert disk.log[-1] == "sync"

    def test_joins_neighbours_into_one_write(self) -> None:
        """Writes that touch become one run; the order is that of the medium."""
        assert merged_runs([(8192, [b"b" * 4096]), (0, [b"a" * 4096, b"A" * 4096]), (16384, [b"c"])]) == [
            (0, [b"a" * 4096, b"A" * 4096, b"b" * 4096]),
            (16384, [b"c"]),
        ]
        volume, disk = make_volume()
        slot = take(volume).slot
        writes = [SlotWrite(slot, 0, [HEADER]), SlotWrite(slot, BLOCK_BYTES, [b"c" * BLOCK_BYTES])]
        assert volume.commit(writes, [opening(slot, 1)]).runs == 2
        assert disk.log == ["write", "write", "sync"]

    def test_with_nothing_to_say_touches_nothing(self) -> None:
        """An empty commit on a settled volume neither writes nor syncs."""
        volume, disk = make_volume()
        assert volume.commit().syncs == 0
        assert disk.log == []

    def test_says_closed_only_after_the_bytes_are_durable(self) -> None:
        """The commit with the footer leaves OPEN in the table; the next one writes CLOSED. The volume knows at once."""
        volume, disk = make_volume()
        slot = record(volume, 5)
        on_medium = Volume.open(disk).entry(slot)
        assert on_medium is not None
        assert on_medium.state is SlotState.OPEN
        known = volume.entry(slot)
        assert known is not None
        assert (known.state, known.end_utc_ms, known.extent_blocks) == (SlotState.CLOSED, NOW + 6, 2)
        volume.commit()
        on_medium = Volume.open(disk).entry(slot)
        assert on_medium is not None
        assert on_medium.state is SlotState.CLOSED

    def test_withdraws_the_old_entry_before_it_overwrites(self) -> None:
        """Taken in the same tick, an occupied slot costs one sync more; taken a commit ahead it does not."""
        volume, disk = make_volume()
        for sequence in range(SLOTS):
            record(volume, sequence)
        volume.flush()
        taken = take(volume)
        assert (taken.choice.reason, taken.ready) == (ChoiceReason.FURTHEST_PAST_FLOOR, False)
        assert taken.displaced is not None
        assert taken.displaced.sequence == 0
        result = volume.commit([SlotWrite(taken.slot, 0, [HEADER])], [opening(taken.slot, 10)])
        assert result.syncs == 2

        ahead = take(volume)
        volume.commit()
        disk.log.clear()
        result = volume.commit([SlotWrite(ahead.slot, 0, [HEADER])], [opening(ahead.slot, 11)])
        assert result.syncs == disk.log.count("sync") == 1

    def test_a_slot_emptied_in_memory_only_is_not_written_before_the_medium_knows(self) -> None:
        """Given back and taken again as free, the slot's old entry is still withdrawn first."""
        volume, _ = make_volume()
        for sequence in range(SLOTS):
            record(volume, sequence)
        volume.flush()
        taken = take(volume)
        volume.give_back(taken.slot)
        again = take(volume)
        assert (again.slot, again.choice.reason, again.ready) == (taken.slot, ChoiceReason.FREE, False)
        assert volume.commit([SlotWrite(again.slot, 0, [HEADER])], [opening(again.slot, 10)]).syncs == 2

    def test_amplification_is_that_of_table_blocks_only(self) -> None:
        """Per slot's life the table costs a few blocks: far below five per cent of a slot of 256 KiB times 64."""
        volume, _ = make_volume()
        for sequence in range(SLOTS * 3):
            record(volume, sequence)
        volume.flush()
        blocks_per_life = volume.statistics.table_bytes / BLOCK_BYTES / (SLOTS * 3)
        assert blocks_per_life < 6
        assert blocks_per_life * BLOCK_BYTES / (16 << 20) < 0.002


def misuse(name: str, build: Callable[[Volume], tuple[list[SlotWrite], list[SlotChange]]]) -> object:
    return pytest.param(build, id=name)


def opened_slot(volume: Volume) -> int:
    slot = take(volume).slot
    volume.commit([SlotWrite(slot, 0, [HEADER])], [opening(slot, 1)])
    return slot


BLOCK = [bytes(BLOCK_BYTES)]


class TestMisuse:
    @pytest.mark.parametrize(
        "build",
        [
            misuse("writing without a segment", lambda v: ([SlotWrite(0, 0, BLOCK)], [])),
            misuse("opening what was not taken", lambda v: ([SlotWrite(0, 0, BLOCK)], [opening(0, 1)])),
            misuse("opening without a header", lambda v: ([], [opening(take(v).slot, 1)])),
            misuse("leaving a hole", lambda v: ([SlotWrite(opened_slot(v), 2 * BLOCK_BYTES, BLOCK)], [])),
            misuse("writing acknowledged blocks again", lambda v: ([SlotWrite(opened_slot(v), 0, BLOCK)], [])),
            misuse("half a block", lambda v: ([SlotWrite(opened_slot(v), BLOCK_BYTES, [b"x"])], [])),
            misuse("nothing", lambda v: ([SlotWrite(opened_slot(v), BLOCK_BYTES, [])], [])),
            misuse(
                "behind the slot's end",
                lambda v: ([SlotWrite(opened_slot(v), BLOCK_BYTES, [bytes(SLOT_BYTES)])], []),
            ),
            misuse("closing an empty slot", lambda v: ([], [CloseSlot(0, 1, 1)])),
            misuse("closing elsewhere than at the end", lambda v: ([], [CloseSlot(opened_slot(v), 1, 2)])),
            misuse("closing as open", lambda v: ([], [CloseSlot(opened_slot(v), 1, 1, SlotState.OPEN)])),
            misuse("closing without an end", lambda v: ([], [CloseSlot(opened_slot(v), 0, 1)])),
            misuse("closing twice", lambda v: ([], [CloseSlot(opened_slot(v), 1, 1)] * 2)),
            misuse("emptying what is written", lambda v: ([], [EmptySlot(opened_slot(v))])),
            misuse("emptying what is taken", lambda v: ([], [EmptySlot(take(v).slot)])),
            misuse("dating what is not finished", lambda v: ([], [DateSlot(opened_slot(v), 1, 2)])),
            misuse("a slot that does not exist", lambda v: ([], [EmptySlot(SLOTS)])),
        ],
    )
    def test_is_refused_before_anything_is_written(
        self, build: Callable[[Volume], tuple[list[SlotWrite], list[SlotChange]]]
    ) -> None:
        """What contradicts a slot's state is our own fault: refused, nothing written, the volume goes on."""
        volume, disk = make_volume()
        batch, changes = build(volume)
        disk.log.clear()
        with pytest.raises(SlotMisuse):
            volume.commit(batch, changes)
        assert disk.log == []
        record(volume, 50)

    def test_leases_and_returns_must_match(self) -> None:
        """Giving back what was not taken and ending what was not leased are refused."""
        volume, _ = make_volume()
        with pytest.raises(SlotMisuse):
            volume.give_back(0)
        with pytest.raises(SlotMisuse):
            volume.end_lease([0])

    def test_what_is_written_or_finished_is_not_adopted(self) -> None:
        """Recovery cannot take up a segment that is being written, or that is finished."""
        volume, _ = make_volume()
        slot = opened_slot(volume)
        with pytest.raises(SlotMisuse):
            volume.adopt(opening(slot, 1), BLOCK_BYTES)
        volume.commit([], [CloseSlot(slot, NOW, 1)])
        volume.flush()
        with pytest.raises(SlotMisuse):
            volume.adopt(opening(slot, 1), BLOCK_BYTES)


class TestFaults:
    @pytest.mark.parametrize("operation", ["write", "sync"])
    @pytest.mark.parametrize(
        ("number", "kind"), [(errno.EIO, MediumFault), (errno.ENOSPC, MediumFull), (errno.EROFS, MediumReadOnly)]
    )
    def test_are_named_and_never_tried_again(self, operation: str, number: int, kind: type[StorageFault]) -> None:
        """A failed write or sync raises once, names number, operation and slots, and is not repeated."""
        volume, disk = make_volume()
        slot = opened_slot(volume)
        disk.log.clear()
        disk.faults = {0 if operation == "write" else 2: number}
        with pytest.raises(kind) as fault:
            volume.commit([SlotWrite(slot, BLOCK_BYTES, [b"x" * BLOCK_BYTES])])
        assert (fault.value.errno, fault.value.operation, fault.value.slots) == (number, operation, (slot,))
        assert disk.log == (["write"] if operation == "write" else ["write", "write", "sync"])
        assert volume.statistics.faults == 1

    def test_leave_the_slots_doubtful_and_the_rest_of_the_volume_usable(self) -> None:
        """A doubtful slot takes no more writes and is neither free nor a victim; other slots go on."""
        volume, disk = make_volume()
        slot = opened_slot(volume)
        disk.log.clear()
        disk.faults = {2: errno.EIO}
        with pytest.raises(StorageFault):
            volume.commit([SlotWrite(slot, BLOCK_BYTES, [b"x" * BLOCK_BYTES])])
        assert volume.unfinished_slots() == [slot]
        with pytest.raises(SlotMisuse):
            volume.commit([SlotWrite(slot, BLOCK_BYTES, [b"x" * BLOCK_BYTES])])
        for sequence in range(2, 20):
            assert record(volume, sequence) != slot

    def test_do_not_forget_what_was_acknowledged_before(self) -> None:
        """After a failed commit the table on the medium still says what the last good one said."""
        volume, disk = make_volume()
        slot = record(volume, 1)
        volume.commit()
        disk.log.clear()
        disk.faults = {2: errno.EIO}
        other = take(volume).slot
        with pytest.raises(StorageFault):
            volume.commit([SlotWrite(other, 0, [HEADER])], [opening(other, 2)])
        disk.forget_cached(0, disk.size_bytes)
        entry = Volume.open(disk).entry(slot)
        assert entry is not None
        assert entry.state is SlotState.CLOSED

    def test_a_broken_table_block_does_not_stop_recording(self) -> None:
        """One copy of one block cannot be written any more: two commits fail, then the other copy serves."""
        volume, disk = make_volume()
        disk.bad_sectors = {volume.superblock.table_a_offset // 512}
        failed = 0
        sequence = 0
        for sequence in range(6):
            slot = take(volume).slot
            try:
                volume.commit([SlotWrite(slot, 0, [HEADER])], [opening(slot, sequence)])
            except StorageFault:
                failed += 1
        assert 1 <= failed <= 2
        entry = Volume.open(disk).entry(slot)
        assert entry is not None
        assert entry.sequence == sequence


class SlowDisk(FaultyDisk):
    """A disk whose sync waits until it is told to end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.waiting = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def sync(self) -> None:
        self.waiting.set()
        assert self.go_on.wait(30)
        super().sync()


def test_nobody_waits_for_the_medium_but_who_commits() -> None:
    """While a commit waits for a slow medium, slots are taken and the catalogue answers; what was taken meanwhile
    is withdrawn with the next commit."""
    size = Superblock(SLOTS, bytes(16), bytes(16), 0, slot_bytes=SLOT_BYTES).volume_bytes
    disk = SlowDisk(size)
    volume = Volume.create(
        disk, slot_count=SLOTS, slot_bytes=SLOT_BYTES, volume_id=bytes(16), recorder_id=bytes(16), created_utc_ms=NOW
    )
    for sequence in range(SLOTS - 1):
        record(volume, sequence)
    slot = take(volume).slot
    disk.waiting.clear()
    disk.go_on.clear()
    thread = threading.Thread(
        target=volume.commit, args=([SlotWrite(slot, 0, [HEADER])], [opening(slot, 50)]), daemon=True
    )
    thread.start()
    assert disk.waiting.wait(30)
    meanwhile = take(volume)
    assert not meanwhile.ready
    assert [segment.sequence for segment in volume.overlapping(1, 0, 1 << 60)] == [1, 2, 3, 4, 50]
    assert thread.is_alive()
    disk.go_on.set()
    thread.join(30)
    result = volume.commit([SlotWrite(meanwhile.slot, 0, [HEADER])], [opening(meanwhile.slot, 51)])
    assert result.syncs == 2
