"""What can be found wrong in a segment that lies on a medium, by name, without a key.

This module must not know how it is found, nor what is done about it.
"""

from dataclasses import dataclass
from enum import StrEnum


class DamageKind(StrEnum):
    """The kinds of damage a keyless scan tells apart."""

    HEADER = "header"  # the header block is neither empty nor a header
    CHUNK_HEAD = "chunk_head"  # no chunk head where a chunk belongs
    CHUNK_FOREIGN = "chunk_foreign"  # another segment's chunk (an earlier lap) where a chunk belongs
    CHUNK_ORDER = "chunk_order"  # a chunk of this segment, but not the one that belongs here
    CHUNK_CUT = "chunk_cut"  # the bytes end inside a chunk
    CHUNK_CHECKSUM = "chunk_checksum"  # altered or half written
    PADDING = "padding"  # bytes that must be zero are not
    UNFINISHED_COMMIT = "unfinished_commit"  # chunks at the torn end whose commit was never whole
    CHUNKS_BEHIND_END = "chunks_behind_end"  # chunks of this segment behind a hole, in a segment without footer
    FINAL_MISSING = "final_missing"  # a closed segment without its final chunk
    FOOTER = "footer"  # the footer is unreadable
    FOOTER_MISMATCH = "footer_mismatch"  # the footer contradicts the chunks


@dataclass(frozen=True, slots=True)
class Damage:
    """One finding: what, where in the slot, at which chunk, and the details in words."""

    kind: DamageKind
    offset_bytes: int
    chunk_index: int | None
    detail: str
