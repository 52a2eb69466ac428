"""Reading past places that a medium does not give: there are zeros instead, so that what stands before can be used.

It must not know what is read, nor what an unreadable place means for it.
"""

from itertools import pairwise

from kuramori_segments.block_window import ReadAt
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.storage_fault import StorageFault


def forgiving(read_at: ReadAt, from_offset_bytes: int = 0) -> ReadAt:
    """Return a `read_at` that gives zeros for blocks that cannot be read, from that offset on.

    Before it faults are raised as ever. Raises StorageFault.
    """

    def read(offset_bytes: int, length_bytes: int) -> bytes:
        try:
            return read_at(offset_bytes, length_bytes)
        except StorageFault:
            return b"".join(
                _block(read_at, start, end - start, forgive=start >= from_offset_bytes)
                for start, end in _blocks(offset_bytes, offset_bytes + length_bytes)
            )

    return read


def _blocks(start: int, end: int) -> list[tuple[int, int]]:
    """Return the stretch from start to end, cut at block boundaries."""
    edges = [start, *range((start // BLOCK_BYTES + 1) * BLOCK_BYTES, end, BLOCK_BYTES), end]
    return list(pairwise(edges))


def _block(read_at: ReadAt, offset_bytes: int, length_bytes: int, *, forgive: bool) -> bytes:
    try:
        return read_at(offset_bytes, length_bytes)
    except StorageFault:
        if not forgive:
            raise
        return bytes(length_bytes)
