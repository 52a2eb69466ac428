"""The chunk head: 64 clear bytes before each encrypted body, enough to find times and losses without a key.

A chunk is head, ciphertext, tag; every chunk begins on a block boundary. This module must not know keys, nor
what the records inside mean.
"""

import struct
from dataclasses import dataclass

from crc32c import crc32c

from kuramori_segments.block_layout import BlockLayout, BytesLike, Field, require
from kuramori_segments.format_error import BlockTruncated, ChecksumMismatch, MagicMismatch
from kuramori_segments.limits import (
    CHUNK_AUTHENTICATED_BYTES,
    CHUNK_HEAD_BYTES,
    MAX_BODY_BYTES,
    MAX_CHUNK_BYTES,
    TAG_BYTES,
    blocks_up,
)

MAGIC = b"KCHK"
FLAG_FINAL = 1  # the segment's last chunk: it holds the INDEX record and nothing else
FLAG_COMMIT_END = 2  # the last chunk of a commit: zeros follow up to the next block
NO_RECORD_STARTS = 0xFFFFFFFF
UID_PREFIX_BYTES = 8

CHUNK_HEAD = BlockLayout(
    "chunk head",
    CHUNK_HEAD_BYTES,
    (
        Field(0, "4s", "magic"),
        Field(4, "I", "index"),
        Field(8, "I", "body_bytes"),
        Field(12, "H", "flags"),
        Field(16, "8s", "segment_uid_prefix"),
        Field(24, "q", "first_utc_ms"),
        Field(32, "q", "last_utc_ms"),
        Field(40, "Q", "first_access_unit"),
        Field(48, "I", "access_units"),
        Field(52, "I", "lost_packets"),
        Field(56, "I", "first_record_offset"),
        Field(60, "I", "crc32c"),
    ),
)
AUTHENTICATED_HEAD = struct.Struct("<4sIIHH8sqqQIII")  # the first 60 bytes, for the writer's hot path


@dataclass(frozen=True, slots=True)
class ChunkHead:
    """What a chunk says of itself in clear. Times are the lowest and highest of the units that start in it."""

    index: int
    body_bytes: int  # ciphertext and tag
    final: bool
    commit_end: bool
    segment_uid_prefix: bytes  # the first 8 bytes
    first_utc_ms: int
    last_utc_ms: int
    first_access_unit: int
    access_units: int
    lost_packets: int
    first_record_offset: int | None  # in this chunk's plaintext; None: no record starts here
    crc32c: int

    @property
    def length_bytes(self) -> int:
        """Return head and body together, without the zeros behind them."""
        return CHUNK_HEAD_BYTES + self.body_bytes

    @property
    def extent_bytes(self) -> int:
        """Return the length up to the next block boundary, where the next chunk or the footer begins."""
        return blocks_up(self.length_bytes)

    @classmethod
    def unpack(cls, data: BytesLike) -> "ChunkHead":
        """Read the 64 bytes of a head. The checksum needs the body: see `check_body`. Raises FormatError."""
        view = memoryview(data)
        if len(view) >= 4 and view[:4] != MAGIC:
            raise MagicMismatch(CHUNK_HEAD.name, bytes(view[:4]))
        _, index, body, flags, prefix, first, last, number, count, lost, start, checksum = CHUNK_HEAD.unpack(view)
        name = CHUNK_HEAD.name
        require(flags <= FLAG_FINAL | FLAG_COMMIT_END, name, "flags", flags, "known bits only")
        require(TAG_BYTES < body <= MAX_BODY_BYTES, name, "body_bytes", body, f"17 to {MAX_BODY_BYTES}")
        if not flags & FLAG_COMMIT_END:
            require(body == MAX_BODY_BYTES, name, "body_bytes", body, f"{MAX_BODY_BYTES} inside a commit")
        require(
            bool(flags & FLAG_COMMIT_END) or not flags & FLAG_FINAL,
            name,
            "flags",
            flags,
            "a final chunk ends its commit",
        )
        starts = None if start == NO_RECORD_STARTS else start
        require(
            starts is None or starts < body - TAG_BYTES,
            name,
            "first_record_offset",
            start,
            "inside the plaintext",
        )
        require(first <= last, name, "first_utc_ms", first, "not after last_utc_ms")
        return cls(
            index=index,
            body_bytes=body,
            final=bool(flags & FLAG_FINAL),
            commit_end=bool(flags & FLAG_COMMIT_END),
            segment_uid_prefix=prefix,
            first_utc_ms=first,
            last_utc_ms=last,
            first_access_unit=number,
            access_units=count,
            lost_packets=lost,
            first_record_offset=starts,
            crc32c=checksum,
        )


def chunk_checksum(chunk: memoryview) -> int:
    """Return the CRC32C of a chunk: over the head without its checksum, then the body."""
    return crc32c(chunk[CHUNK_HEAD_BYTES:], crc32c(chunk[:CHUNK_AUTHENTICATED_BYTES]))


def check_body(head: ChunkHead, chunk: memoryview) -> None:
    """Check that the chunk is whole and its checksum fits. Raises BlockTruncated, ChecksumMismatch."""
    if len(chunk) < head.length_bytes:
        raise BlockTruncated("chunk", len(chunk), min(head.length_bytes, MAX_CHUNK_BYTES))
    computed = chunk_checksum(chunk[: head.length_bytes])
    if computed != head.crc32c:
        raise ChecksumMismatch("chunk", head.crc32c, computed)
