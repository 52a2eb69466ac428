"""The head of a volume as it stands on the medium: both superblocks and both copies of the slot table, read only.

Pure over a `read_at`: start-up, the checker and a stranger's tool read a volume with it alone. It must not write, and
it judges nothing but whether a superblock can be found at all.
"""

from dataclasses import dataclass
from struct import Struct

from kuramori_segments.block_window import ReadAt
from kuramori_segments.format_error import FormatError
from kuramori_segments.limits import BLOCK_BYTES, MAX_SLOT_COUNT, MEBIBYTE
from kuramori_segments.slot_entry import SLOT_ENTRY_BYTES
from kuramori_segments.storage_fault import NotAVolume, StorageFault
from kuramori_segments.superblock import SUPERBLOCK_A_OFFSET, SUPERBLOCK_B_OFFSET, Superblock, table_bytes

SUPERBLOCK_OFFSETS = (SUPERBLOCK_A_OFFSET, SUPERBLOCK_B_OFFSET)
MIN_SLOT_COUNT = 1
_READ_BYTES = MEBIBYTE
_NEVER_VALID = Struct("<I").pack(0xFFFFFFFF) * (BLOCK_BYTES // 4)  # stands in for a block that cannot be read


@dataclass(frozen=True, slots=True)
class SuperblockPair:
    """The superblock that counts, and what was wrong with each copy (None: nothing)."""

    superblock: Superblock
    faults: tuple[FormatError | StorageFault | None, FormatError | StorageFault | None]
    copies: tuple[Superblock | None, Superblock | None]

    @property
    def stale_copy(self) -> int:
        """Return which copy is written next: the damaged or older one."""
        first, second = self.copies
        if first is None or second is None:
            return 0 if first is None else 1
        return 0 if first.generation < second.generation else 1

    @property
    def agree(self) -> bool:
        """Tell whether both copies are valid and name the same tables and slots."""
        first, second = self.copies
        return first is not None and second is not None and first.geometry == second.geometry


@dataclass(frozen=True, slots=True)
class TableCopies:
    """Both copies of the slot table; a block that cannot be read is replaced by bytes that are never valid."""

    copy_a: bytes
    copy_b: bytes
    unreadable_offsets: tuple[int, ...]


def read_superblocks(read_at: ReadAt, place: str) -> SuperblockPair:
    """Read both superblocks and choose. Raises NotAVolume."""
    copies: list[Superblock | None] = []
    faults: list[FormatError | StorageFault | None] = []
    for offset in SUPERBLOCK_OFFSETS:
        try:
            copies.append(Superblock.unpack(read_at(offset, BLOCK_BYTES)))
            faults.append(None)
        except (FormatError, StorageFault) as fault:
            copies.append(None)
            faults.append(fault)
    valid = [copy for copy in copies if copy is not None]
    if not valid:
        raise NotAVolume(place, f"{faults[0]}; {faults[1]}")
    best = max(valid, key=lambda copy: copy.generation)
    return SuperblockPair(best, (faults[0], faults[1]), (copies[0], copies[1]))


def read_tables(read_at: ReadAt, superblock: Superblock) -> TableCopies:
    """Read both copies of the slot table whole; never raises for a block that cannot be read."""
    length = table_bytes(superblock.slot_count)
    unreadable: list[int] = []
    copy_a = _read_blocks(read_at, superblock.table_a_offset, length, unreadable)
    copy_b = _read_blocks(read_at, superblock.table_b_offset, length, unreadable)
    return TableCopies(copy_a, copy_b, tuple(unreadable))


def _read_blocks(read_at: ReadAt, offset_bytes: int, length_bytes: int, unreadable: list[int]) -> bytes:
    parts = []
    for start in range(offset_bytes, offset_bytes + length_bytes, _READ_BYTES):
        size = min(_READ_BYTES, offset_bytes + length_bytes - start)
        try:
            parts.append(read_at(start, size))
        except StorageFault:
            for block in range(start, start + size, BLOCK_BYTES):
                try:
                    parts.append(read_at(block, BLOCK_BYTES))
                except StorageFault:
                    unreadable.append(block)
                    parts.append(_NEVER_VALID)
    return b"".join(parts)


def slots_that_fit(size_bytes: int, slot_bytes: int) -> int:
    """Return how many slots of that length a volume of that size has room for; 0 when not even one."""
    slot_count = min(size_bytes // (slot_bytes + 2 * SLOT_ENTRY_BYTES), MAX_SLOT_COUNT)
    while slot_count and _geometry(slot_count, slot_bytes).volume_bytes > size_bytes:
        slot_count -= 1
    return slot_count


def least_volume_bytes(slot_bytes: int) -> int:
    """Return the size of the smallest volume with slots of that length."""
    return _geometry(MIN_SLOT_COUNT, slot_bytes).volume_bytes


def _geometry(slot_count: int, slot_bytes: int) -> Superblock:
    return Superblock(slot_count, bytes(16), bytes(16), 0, slot_bytes=slot_bytes)
