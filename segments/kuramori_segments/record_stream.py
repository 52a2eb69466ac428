"""Cuts the plaintext of chunks into records, whatever way records lie across chunks.

Feed it chunk by chunk. Behind a hole it goes on with the first record that begins in the next chunk. This module
must not know keys or where chunks stand.
"""

from typing import NamedTuple

from kuramori_segments.records import RECORD_HEAD_BYTES, RECORD_HEAD_STRUCT, RecordType, check_record_head
from kuramori_segments.segment_error import RecordInvalid


class RawRecord(NamedTuple):
    """A whole record, not yet decoded."""

    record_type: RecordType
    flags: int
    payload: bytes
    chunk_index: int  # where it begins
    record_offset: int  # in that chunk's plaintext


class RecordStream:
    """The records of one segment in the order of its chunks."""

    def __init__(self) -> None:
        self._partial = bytearray()  # a record that is not whole yet
        self._began = (0, 0)
        self._in_step = False

    def lose_step(self) -> None:
        """Forget the unfinished record: the next chunk is not the one that follows."""
        self._partial.clear()
        self._in_step = False

    def feed(self, chunk_index: int, first_record_offset: int | None, plaintext: bytes | bytearray) -> list[RawRecord]:
        """Return the records that are whole with this chunk. Raises RecordInvalid."""
        skipped = 0
        if not self._in_step:
            if first_record_offset is None:
                return []
            skipped = first_record_offset
            self._in_step = True
        carried = len(self._partial)
        self._partial += memoryview(plaintext)[skipped:]
        end = len(self._partial)
        records: list[RawRecord] = []
        position = 0
        first: int | None = None
        with memoryview(self._partial) as view:
            while position < end:
                if position >= carried:  # it begins in this chunk
                    self._began = chunk_index, position - carried + skipped
                    first = self._began[1] if first is None else first
                if end - position < RECORD_HEAD_BYTES:
                    break
                kind, flags, zero, payload_bytes = RECORD_HEAD_STRUCT.unpack_from(view, position)
                record_type = check_record_head(kind, flags, zero, payload_bytes)
                begin = position + RECORD_HEAD_BYTES
                if begin + payload_bytes > end:
                    break
                position = begin + payload_bytes
                records.append(RawRecord(record_type, flags, bytes(view[begin:position]), *self._began))
        del self._partial[:position]
        if first != first_record_offset:
            detail = f"begins at {first} where the chunk head says {first_record_offset}"
            raise RecordInvalid("first", detail)
        return records
