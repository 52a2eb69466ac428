"""All blocks of vault format version 1 in one place to import from; FORMAT.md is the contract.

Each block has its own module; this one only gathers their names and must not hold any code.
"""

from kuramori_segments.chunk import ChunkHead, check_body, chunk_checksum
from kuramori_segments.codes import (
    AudioState,
    FooterKind,
    Provenance,
    RecordSource,
    SlotState,
    Suite,
    Track,
    VideoCodec,
)
from kuramori_segments.footer import (
    ChunkTally,
    FooterGap,
    SegmentFooter,
    Signer,
    build_footer,
    build_recovered,
)
from kuramori_segments.format_error import (
    BlockTruncated,
    ChecksumMismatch,
    FieldInvalid,
    FormatError,
    MagicMismatch,
    ReservedBytesUsed,
    VersionUnknown,
)
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.header import SealedShare, SegmentHeader, header_digest
from kuramori_segments.slot_entry import SLOT_ENTRY_BYTES, SlotEntry
from kuramori_segments.superblock import Superblock, table_bytes

__all__ = [
    "SLOT_ENTRY_BYTES",
    "AudioState",
    "BlockTruncated",
    "ChecksumMismatch",
    "ChunkHead",
    "ChunkTally",
    "FieldInvalid",
    "FooterGap",
    "FooterKind",
    "FormatError",
    "GapReason",
    "MagicMismatch",
    "Provenance",
    "RecordSource",
    "ReservedBytesUsed",
    "SealedShare",
    "SegmentFooter",
    "SegmentHeader",
    "Signer",
    "SlotEntry",
    "SlotState",
    "Suite",
    "Superblock",
    "Track",
    "VersionUnknown",
    "VideoCodec",
    "build_footer",
    "build_recovered",
    "check_body",
    "chunk_checksum",
    "header_digest",
    "table_bytes",
]
