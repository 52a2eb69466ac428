"""What the checker can find wrong with a volume: one name per invariant of FORMAT.md and DURABILITY.md.

Texts for people live in the hall. This file must not know how anything is found.
"""

from dataclasses import dataclass
from enum import StrEnum

from kuramori_segments.damage import DamageKind


class FindingKind(StrEnum):
    """The invariants, by what is broken. The second half bears the names of DamageKind."""

    NO_SUPERBLOCK = "no_superblock"  # neither copy is valid: nothing else can be checked
    SUPERBLOCK_COPY = "superblock_copy"  # one copy is damaged
    SUPERBLOCKS_DISAGREE = "superblocks_disagree"  # two valid copies describe two different volumes
    VOLUME_CUT = "volume_cut"  # the medium is shorter than the superblock says

    TABLE_UNREADABLE = "table_unreadable"  # the medium does not give a block of the table
    TABLE_PADDING = "table_padding"  # bytes behind the last entry are not zero
    ENTRY_COPY = "entry_copy"  # one copy of an entry is damaged
    ENTRY_LOST = "entry_lost"  # both are
    ENTRIES_DISAGREE = "entries_disagree"  # two valid copies of one generation differ
    ENTRY_IMPLAUSIBLE = "entry_implausible"  # a valid entry says what cannot be

    SLOT_UNREADABLE = "slot_unreadable"  # the medium does not give a part of a segment
    SLOT_BAD = "slot_bad"  # given up: the place takes no writes
    HEADER_OF_ANOTHER = "header_of_another"  # the header is not that of the segment in the table
    RECORDER_OF_ANOTHER = "recorder_of_another"  # the segment was made by another recorder
    FOOTER_ABSENT = "footer_absent"  # the table says finished, but no footer stands there
    STATE_DISAGREES = "state_disagrees"  # closed in the table, recovered in the footer, or the reverse
    EXTENT_DISAGREES = "extent_disagrees"  # the segment ends elsewhere than the table says
    TIMES_DISAGREE = "times_disagree"  # the table claims another start, or a later end
    DEVICE_KEY_UNKNOWN = "device_key_unknown"  # signed by a key that is not among the known ones
    SIGNATURE = "signature"  # the footer is not signed by the key it names

    CHAIN_BROKEN = "chain_broken"  # a segment does not go on from the one before it
    SEQUENCE_TWICE = "sequence_twice"  # two segments of a camera bear one number
    SEGMENT_TWICE = "segment_twice"  # one segment stands in two slots

    HEADER = "header"
    CHUNK_HEAD = "chunk_head"
    CHUNK_FOREIGN = "chunk_foreign"
    CHUNK_ORDER = "chunk_order"
    CHUNK_CUT = "chunk_cut"
    CHUNK_CHECKSUM = "chunk_checksum"
    PADDING = "padding"
    UNFINISHED_COMMIT = "unfinished_commit"
    CHUNKS_BEHIND_END = "chunks_behind_end"
    FINAL_MISSING = "final_missing"
    FOOTER = "footer"
    FOOTER_MISMATCH = "footer_mismatch"

    @classmethod
    def of_damage(cls, kind: DamageKind) -> "FindingKind":
        """Return the finding that a damage found by the scan is."""
        return cls(kind.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what, where (bytes from the volume's start), whose, and the details in words."""

    kind: FindingKind
    offset_bytes: int
    detail: str
    slot: int | None = None
    camera_number: int | None = None
    sequence: int | None = None
