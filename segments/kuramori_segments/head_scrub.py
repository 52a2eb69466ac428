"""Compares the head of an open volume with what it must hold: both superblock copies, both copies of the slot table.

What was acknowledged is in memory, so a copy that decayed can be told from one that is behind. This module reads only;
the volume has what decayed written anew, one copy after the other (DURABILITY.md, "Reading back"). It knows no slots.
"""

from collections.abc import Iterable

from kuramori_segments.disk import Disk
from kuramori_segments.format_error import FormatError
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.slot_table import TableWrite
from kuramori_segments.storage_fault import MediumFault
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume_head import SUPERBLOCK_OFFSETS


def decayed_superblocks(disk: Disk, superblock: Superblock, stale_copy: int) -> list[int]:
    """Return which copies are not what was written; of the stale one it is enough that it is valid and of this volume.

    Raises StorageFault where the medium fails as a whole.
    """
    found = []
    for copy, offset in enumerate(SUPERBLOCK_OFFSETS):
        data = _read(disk, offset)
        if data is None or not (data == superblock.pack() or (copy == stale_copy and _is_of(data, superblock))):
            found.append(copy)
    return found


def _is_of(data: bytes, superblock: Superblock) -> bool:
    try:
        copy = Superblock.unpack(data)
    except FormatError:
        return False
    return copy.geometry == superblock.geometry and copy.generation <= superblock.generation


def decayed_blocks(
    disk: Disk, expected: Iterable[TableWrite], table_offsets: tuple[int, int]
) -> list[tuple[int, TableWrite]]:
    """Return where, and which, copies of table blocks are not what was written. Raises StorageFault as above."""
    found = []
    for block in expected:
        offset = table_offsets[block.copy] + block.block * BLOCK_BYTES
        if _read(disk, offset) != block.data:
            found.append((offset, block))
    return found


def _read(disk: Disk, offset_bytes: int) -> bytes | None:
    """Return a block from the medium; None where this place cannot be read."""
    disk.forget_cached(offset_bytes, BLOCK_BYTES)
    try:
        return disk.read_at(offset_bytes, BLOCK_BYTES)
    except MediumFault:
        return None
