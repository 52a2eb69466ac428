"""When each segment of a volume was last read back and found whole: a small table that outlives the process. Pure.

Not part of the volume: it is written beside it, a few blocks a minute, and may be lost or torn at any time; what it
does not say is read back again. A slot's row counts for one generation of its table entry only, so that a segment that
was overwritten is never taken for verified, whatever the clock did.

Layout, little-endian, blocks of 4096 bytes. Head: magic, volume id, the minute in which the pass under way began, the
minute in which the last one ended. Each further block: its number, then 510 rows of generation and minute (minutes
since 1970, 0: never). The last four bytes of a block are the CRC32C of those before. A volume may grow. This module
must not know files, volumes or the clock.
"""

from array import array
from collections.abc import Iterator
from struct import Struct

from crc32c import crc32c

from kuramori_segments.limits import BLOCK_BYTES

MAGIC = b"KRMSCR\x01\n"
NEVER = 0

_HEAD = Struct("<8s16sII")
_NUMBER = Struct("<I")
_ROW = Struct("<II")
_CRC_OFFSET = BLOCK_BYTES - 4
_ROWS_OFFSET = 8
ROWS_PER_BLOCK = (_CRC_OFFSET - _ROWS_OFFSET) // _ROW.size


class ScrubRecord:
    """The rows of one volume, and which blocks are to be written."""

    def __init__(self, volume_id: bytes) -> None:
        self.volume_id = volume_id
        self.pass_began_minute = NEVER
        self.pass_ended_minute = NEVER
        self._generations = array("I")
        self._minutes = array("I")
        self._dirty: set[int] = set()

    @classmethod
    def load(cls, data: bytes, volume_id: bytes) -> "ScrubRecord":
        """Return what whole blocks say; of another volume, or of none, nothing. Raises nothing."""
        record = cls(volume_id)
        head = data[:BLOCK_BYTES]
        if not _is_whole(head):
            return record
        magic, named, began, ended = _HEAD.unpack_from(head)
        if (magic, named) != (MAGIC, volume_id):
            return record
        record.pass_began_minute, record.pass_ended_minute = began, ended
        for block in range(1, len(data) // BLOCK_BYTES):
            record._take(block, data[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES])
        return record

    def _take(self, block: int, data: bytes) -> None:
        if not _is_whole(data) or _NUMBER.unpack_from(data)[0] != block:
            return
        first = (block - 1) * ROWS_PER_BLOCK
        self._reach(first + ROWS_PER_BLOCK)
        for row in range(ROWS_PER_BLOCK):
            generation, minute = _ROW.unpack_from(data, _ROWS_OFFSET + row * _ROW.size)
            self._generations[first + row] = generation
            self._minutes[first + row] = minute

    @property
    def block_count(self) -> int:
        """How many blocks the table has, the head included."""
        return 1 + len(self._minutes) // ROWS_PER_BLOCK

    def minute_of(self, slot: int, generation: int) -> int:
        """Return the minute in which this generation of the slot was verified; NEVER where it was not."""
        if slot >= len(self._minutes) or self._generations[slot] != generation:
            return NEVER
        return self._minutes[slot]

    def note(self, slot: int, generation: int, minute: int) -> None:
        """Note that the segment of that generation was read back in that minute."""
        self._reach(slot + 1)
        self._generations[slot] = generation
        self._minutes[slot] = minute
        self._dirty.add(1 + slot // ROWS_PER_BLOCK)

    def _reach(self, slots: int) -> None:
        """Have rows for so many slots, in whole blocks."""
        missing = -(-slots // ROWS_PER_BLOCK) * ROWS_PER_BLOCK - len(self._minutes)
        if missing > 0:
            self._generations.extend([0] * missing)
            self._minutes.extend([NEVER] * missing)

    def note_pass(self, began_minute: int, ended_minute: int) -> None:
        """Note when the pass under way began and the last one ended."""
        self.pass_began_minute, self.pass_ended_minute = began_minute, ended_minute
        self._dirty.add(0)

    def take_due(self) -> Iterator[tuple[int, bytes]]:
        """Yield offset and bytes of each block that changed since the last time, the head first."""
        due, self._dirty = sorted(self._dirty), set()
        for block in due:
            yield block * BLOCK_BYTES, self._pack(block)

    def all_blocks(self) -> bytes:
        """Return the whole table."""
        self._dirty = set()
        return b"".join(self._pack(block) for block in range(self.block_count))

    def _pack(self, block: int) -> bytes:
        data = bytearray(BLOCK_BYTES)
        if block == 0:
            _HEAD.pack_into(data, 0, MAGIC, self.volume_id, self.pass_began_minute, self.pass_ended_minute)
        else:
            _NUMBER.pack_into(data, 0, block)
            first = (block - 1) * ROWS_PER_BLOCK
            for row in range(ROWS_PER_BLOCK):
                place = _ROWS_OFFSET + row * _ROW.size
                _ROW.pack_into(data, place, self._generations[first + row], self._minutes[first + row])
        _NUMBER.pack_into(data, _CRC_OFFSET, crc32c(memoryview(data)[:_CRC_OFFSET]))
        return bytes(data)


def _is_whole(block: bytes) -> bool:
    whole = len(block) == BLOCK_BYTES
    return whole and crc32c(memoryview(block)[:_CRC_OFFSET]) == _NUMBER.unpack_from(block, _CRC_OFFSET)[0]
