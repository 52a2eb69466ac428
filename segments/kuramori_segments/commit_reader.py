"""Reads back what commits hold that no medium has taken: so that a storage fault loses nothing.

Whoever still holds the unreleased commits of an abandoned slot, and the segment's data key, gets their records
back and appends them to a new segment. No plaintext needs to be kept for that. This module must not know why a
write failed.
"""

from collections.abc import Iterable, Iterator

from kuramori_segments.chunk import MAGIC, ChunkHead
from kuramori_segments.chunk_buffers import Commit
from kuramori_segments.cipher import ChunkCipher
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import CHUNK_AUTHENTICATED_BYTES, CHUNK_HEAD_BYTES
from kuramori_segments.record_stream import RecordStream
from kuramori_segments.records import Record, decode_record


def records_of_commits(commits: Iterable[Commit], header: SegmentHeader, key: bytes) -> Iterator[Record]:
    """Yield all records of commits in a row, oldest first; each commit begins and ends with a whole record.

    Raises ChunkForged, FormatError or RecordInvalid for buffers that were changed since they were sealed.
    """
    cipher = ChunkCipher(header.suite, key)
    for commit in commits:
        stream = RecordStream()
        for buffer in commit.buffers:
            view = memoryview(buffer)
            if view[: len(MAGIC)] != MAGIC:
                continue  # the header or the footer
            head = ChunkHead.unpack(view)
            body = view[CHUNK_HEAD_BYTES : head.length_bytes]
            plaintext = cipher.open(head.index, head.final, body, view[:CHUNK_AUTHENTICATED_BYTES])
            for raw in stream.feed(head.index, head.first_record_offset, plaintext):
                yield decode_record(raw.record_type, raw.flags, raw.payload)
