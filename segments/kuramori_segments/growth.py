"""Makes a volume longer without losing what it holds: more slots behind the last one, the slot tables behind those.

No slot moves. The steps and what a stop after each leaves stand in DURABILITY.md, "Growing a volume"; the rule behind
them: **nothing that a valid superblock names is overwritten before both superblocks name something else.** It must not
know what a slot holds, nor files beyond the `Disk` that it is given. The volume must not be open elsewhere.
"""

from dataclasses import dataclass
from typing import Protocol

from kuramori_segments.disk import Disk
from kuramori_segments.limits import BLOCK_BYTES, MAX_SLOT_COUNT
from kuramori_segments.slot_table import SlotTable
from kuramori_segments.storage_fault import VolumeCut, VolumeNotGrown
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume_head import SUPERBLOCK_OFFSETS, read_superblocks, read_tables

TABLE_WRITE_BLOCKS = 256


class GrowingDisk(Disk, Protocol):
    """A medium that may be made longer."""

    def extend(self, size_bytes: int) -> None:
        """Make it at least so long, durably; what is new reads as zeros, or as anything on a block device.

        Raises NoSpace, StorageFault.
        """


@dataclass(frozen=True, slots=True)
class Growth:
    """What growing made of a volume."""

    slots_before: int
    superblock: Superblock

    @property
    def slots(self) -> int:
        """How many slots there are now."""
        return self.superblock.slot_count


def grown_slot_count(superblock: Superblock, size_bytes: int) -> int:
    """Return how many slots a volume of that size has room for, its tables behind them."""
    room_bytes = max(0, size_bytes - superblock.data_offset)
    slot_count = min(room_bytes // superblock.slot_bytes, MAX_SLOT_COUNT)
    while slot_count > superblock.slot_count and superblock.grown(slot_count).volume_bytes > size_bytes:
        slot_count -= 1
    return slot_count


def grow(disk: GrowingDisk, slot_count: int, place: str = "the medium") -> Growth:
    """Give a volume so many slots in all. A stop at any moment leaves the volume as before, or grown.

    Raises NotAVolume, VolumeCut, VolumeNotGrown, NoSpace, StorageFault.
    """
    pair = read_superblocks(disk.read_at, place)
    before = pair.superblock
    if disk.size_bytes < before.volume_bytes:
        raise VolumeCut(place, disk.size_bytes, before.volume_bytes)
    after = _refuse_unfit(before, slot_count, place)
    if not pair.agree:  # step 1, agree: a copy of before an earlier growth must not come back
        disk.write_at(SUPERBLOCK_OFFSETS[pair.stale_copy], [before.pack()])
        disk.sync()
    disk.extend(after.volume_bytes)  # step 2, extend
    _write_tables(disk, before, after)  # step 3, tables
    for copy in (pair.stale_copy, 1 - pair.stale_copy):  # steps 4 and 5, switch and follow
        disk.write_at(SUPERBLOCK_OFFSETS[copy], [after.pack()])
        disk.sync()
    return Growth(before.slot_count, after)


def _refuse_unfit(before: Superblock, slot_count: int, place: str) -> Superblock:
    after = before.grown(slot_count)
    if slot_count <= before.slot_count:
        raise VolumeNotGrown(place, before.volume_bytes, before.grown(before.slot_count + 1).volume_bytes)
    if after.table_a_offset < before.volume_bytes:  # the tables that are in use now must outlive the switch
        least = before.slot_count + 1
        while before.grown(least).table_a_offset < before.volume_bytes:
            least += 1
        raise VolumeNotGrown(place, before.volume_bytes, before.grown(least).volume_bytes)
    return after


def _write_tables(disk: GrowingDisk, before: Superblock, after: Superblock) -> None:
    """Both copies of the longer table, whole and durable, where nothing is yet. Entries are as they were."""
    copies = read_tables(disk.read_at, before)
    table = SlotTable.merge(before.slot_count, copies.copy_a, copies.copy_b).grown(after.slot_count)
    for offset in (after.table_a_offset, after.table_b_offset):
        for start in range(0, len(table), TABLE_WRITE_BLOCKS * BLOCK_BYTES):
            disk.write_at(offset + start, [table[start : start + TABLE_WRITE_BLOCKS * BLOCK_BYTES]])
    disk.sync()
