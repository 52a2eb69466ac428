"""Makes chunks of one segment: gathers plaintext, counts what the head will say, seals into reused buffers.

The caller stages records; a full chunk is sealed when more comes, so that a commit always has a last chunk to
mark. Plaintext is copied once, or not at all where a record alone fills a chunk. This module is on the hot path;
it must not know records' contents, rooms left or footers.
"""

import struct
from hashlib import sha256

from crc32c import crc32c

from kuramori_segments.chunk import (
    AUTHENTICATED_HEAD,
    FLAG_FINAL,
    MAGIC,
    NO_RECORD_STARTS,
    UID_PREFIX_BYTES,
)
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.cipher import ChunkCipher
from kuramori_segments.footer import ChunkTally
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import (
    BLOCK_BYTES,
    CHUNK_AUTHENTICATED_BYTES,
    CHUNK_HEAD_BYTES,
    MAX_CHUNK_BYTES,
    MAX_CHUNK_PLAINTEXT_BYTES,
    TAG_BYTES,
    blocks_up,
)

CHUNK_OVERHEAD_BYTES = CHUNK_HEAD_BYTES + TAG_BYTES
_ZEROS = bytes(BLOCK_BYTES)
_U32_MAX = 0xFFFFFFFF
_CHECKSUM = struct.Struct("<I")


class ChunkSealer:
    """The chunk in the making and the sealed ones that no commit has taken yet."""

    def __init__(self, header: SegmentHeader, header_digest: bytes, cipher: ChunkCipher, pool: ChunkBuffers) -> None:
        self.chain_digest = header_digest
        self.index = 0  # of the chunk in the making
        self.offset_bytes = BLOCK_BYTES  # where it will stand in the slot
        self.staged_bytes = 0  # its plaintext so far
        self.utc_ms = header.start_utc_ms  # of the latest access unit
        self.access_units = 0
        self.last_access_unit = header.first_access_unit

        self._first_access_unit = header.first_access_unit
        self._uid_prefix = header.segment_uid[:UID_PREFIX_BYTES]
        self._cipher = cipher
        self._pool = pool
        self._stage = memoryview(bytearray(MAX_CHUNK_PLAINTEXT_BYTES))
        self._sealed: list[memoryview] = []
        self._taken: list[memoryview] = []

        self._first_record = NO_RECORD_STARTS
        self._units = 0
        self._number = header.first_access_unit
        self._first_utc_ms = self._last_utc_ms = header.start_utc_ms
        self._lost = 0

        self._lowest_utc_ms = self._highest_utc_ms = header.start_utc_ms
        self._lost_in_segment = 0

    def begin_record(self) -> None:
        """Let the next staged bytes begin a record; seals the chunk first if it is full."""
        if self.staged_bytes == MAX_CHUNK_PLAINTEXT_BYTES:
            self.seal(0)
        if self._first_record == NO_RECORD_STARTS:
            self._first_record = self.staged_bytes

    def begin_unit(self, number: int, utc_ms: int, lost_packets: int) -> None:
        """Let the next staged bytes begin the record of an access unit, and count it."""
        if self._first_record == NO_RECORD_STARTS or self.staged_bytes == MAX_CHUNK_PLAINTEXT_BYTES:
            self.begin_record()
        if self._units == 0:
            self._number = number
            self._first_utc_ms = self._last_utc_ms = utc_ms
        elif utc_ms > self._last_utc_ms:
            self._last_utc_ms = utc_ms
        elif utc_ms < self._first_utc_ms:
            self._first_utc_ms = utc_ms
        self._units += 1
        self._lost += lost_packets
        self.access_units += 1
        self.last_access_unit = number
        self.utc_ms = utc_ms

    def stage_unit(self, head: bytes, payload: memoryview) -> None:
        """Add the record of an access unit; nearly always both parts go into the chunk in the making."""
        middle = self.staged_bytes + len(head)
        end = middle + len(payload)
        if end <= MAX_CHUNK_PLAINTEXT_BYTES:
            self._stage[self.staged_bytes : middle] = head
            self._stage[middle:end] = payload
            self.staged_bytes = end
        else:
            self.stage(head)
            self.stage(payload)

    def stage(self, data: bytes | memoryview) -> None:
        """Add bytes of the current record, sealing chunks as they fill and more comes."""
        size = len(data)
        end = self.staged_bytes + size
        if end <= MAX_CHUNK_PLAINTEXT_BYTES:
            self._stage[self.staged_bytes : end] = data
            self.staged_bytes = end
            return
        view = memoryview(data)
        position = 0
        while position < size:
            if self.staged_bytes == MAX_CHUNK_PLAINTEXT_BYTES:
                self.seal(0)
            if not self.staged_bytes and size - position > MAX_CHUNK_PLAINTEXT_BYTES:
                self._seal(view[position : position + MAX_CHUNK_PLAINTEXT_BYTES], 0)
                position += MAX_CHUNK_PLAINTEXT_BYTES
                continue
            count = min(MAX_CHUNK_PLAINTEXT_BYTES - self.staged_bytes, size - position)
            self._stage[self.staged_bytes : self.staged_bytes + count] = view[position : position + count]
            self.staged_bytes += count
            position += count

    def seal(self, flags: int) -> None:
        """Seal what is staged as a chunk with these flags."""
        self._seal(self._stage[: self.staged_bytes], flags)
        self.staged_bytes = 0

    def take_sealed(self) -> tuple[tuple[memoryview, ...], tuple[memoryview, ...]]:
        """Hand over the sealed chunks (whole blocks), and the pool's buffers they stand in."""
        sealed, taken = tuple(self._sealed), tuple(self._taken)
        self._sealed = []
        self._taken = []
        return sealed, taken

    def tally(self) -> ChunkTally:
        """Return what the sealed chunks add up to."""
        return ChunkTally(
            chain_digest=self.chain_digest,
            chunks=self.index,
            end_bytes=self.offset_bytes,
            first_utc_ms=self._lowest_utc_ms,
            last_utc_ms=self._highest_utc_ms,
            first_access_unit=self._first_access_unit,
            last_access_unit=self.last_access_unit,
            access_units=self.access_units,
            lost_packets=self._lost_in_segment,
            final_seen=True,
        )

    def _seal(self, plaintext: memoryview, flags: int) -> None:
        buffer = self._pool.take()
        self._taken.append(buffer)
        end = len(plaintext) + CHUNK_OVERHEAD_BYTES
        lost = min(self._lost, _U32_MAX)
        AUTHENTICATED_HEAD.pack_into(
            buffer,
            0,
            MAGIC,
            self.index,
            end - CHUNK_HEAD_BYTES,
            flags,
            0,
            self._uid_prefix,
            self._first_utc_ms,
            self._last_utc_ms,
            self._number,
            self._units,
            lost,
            self._first_record,
        )
        head = buffer[:CHUNK_AUTHENTICATED_BYTES]
        body = buffer[CHUNK_HEAD_BYTES:end]
        self._cipher.seal_into(self.index, bool(flags & FLAG_FINAL), plaintext, head, body)
        _CHECKSUM.pack_into(buffer, CHUNK_AUTHENTICATED_BYTES, crc32c(body, crc32c(head)))
        self.chain_digest = sha256(b"".join((self.chain_digest, head, body[-TAG_BYTES:]))).digest()
        extent = blocks_up(end)
        if extent != end:
            buffer[end:extent] = _ZEROS[: extent - end]
        self._sealed.append(buffer if extent == MAX_CHUNK_BYTES else buffer[:extent])
        self.offset_bytes += extent
        self.index += 1
        self._begin_chunk(lost)

    def _begin_chunk(self, lost: int) -> None:
        """Count the sealed chunk into the segment; until a unit begins, the next chunk continues the latest."""
        if self._units == self.access_units:  # the first chunk with units, or none had any
            self._lowest_utc_ms, self._highest_utc_ms = self._first_utc_ms, self._last_utc_ms
        elif self._units:
            self._lowest_utc_ms = min(self._lowest_utc_ms, self._first_utc_ms)
            self._highest_utc_ms = max(self._highest_utc_ms, self._last_utc_ms)
        self._lost_in_segment = min(self._lost_in_segment + lost, _U32_MAX)
        self._lost = 0
        self._units = 0
        self._number = self.last_access_unit
        self._first_utc_ms = self._last_utc_ms = self.utc_ms
        self._first_record = NO_RECORD_STARTS
