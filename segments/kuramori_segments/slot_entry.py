"""One entry of the slot table: 64 bytes that say what a slot holds, so that start-up need not read the slots.

Two copies exist; the higher valid generation wins. Where neither is valid, the segment header in the slot
speaks. This module must not know where tables stand or who writes them.
"""

from dataclasses import dataclass

from crc32c import crc32c

from kuramori_segments.block_layout import BlockLayout, BytesLike, Field, known_code, require
from kuramori_segments.codes import SlotState
from kuramori_segments.format_error import BlockTruncated, ChecksumMismatch

SLOT_ENTRY_BYTES = 64

SLOT_ENTRY = BlockLayout(
    "slot entry",
    SLOT_ENTRY_BYTES,
    (
        Field(0, "B", "state"),
        Field(4, "I", "camera_number"),
        Field(8, "Q", "sequence"),
        Field(16, "16s", "epoch_id"),
        Field(32, "q", "start_utc_ms"),
        Field(40, "q", "end_utc_ms"),
        Field(48, "I", "extent_blocks"),
        Field(52, "I", "generation"),
        Field(60, "I", "crc32c"),
    ),
)


@dataclass(frozen=True, slots=True)
class SlotEntry:
    """What a slot holds. An empty slot's other fields are 0."""

    state: SlotState
    camera_number: int = 0
    sequence: int = 0
    epoch_id: bytes = bytes(16)
    start_utc_ms: int = 0
    end_utc_ms: int = 0  # 0 while open
    extent_blocks: int = 0  # from the slot's start through the footer; 0 while open
    generation: int = 0

    def pack(self) -> bytes:
        """Return the 64 bytes. Raises FieldInvalid."""
        length = len(self.epoch_id)
        require(length == 16, SLOT_ENTRY.name, "epoch_id", self.epoch_id.hex(), "16 bytes")
        entry = SLOT_ENTRY.pack(
            self.state,
            self.camera_number,
            self.sequence,
            self.epoch_id,
            self.start_utc_ms,
            self.end_utc_ms,
            self.extent_blocks,
            self.generation,
            0,
        )
        entry[60:] = crc32c(memoryview(entry)[:60]).to_bytes(4, "little")
        return bytes(entry)

    @classmethod
    def unpack(cls, data: BytesLike) -> "SlotEntry":
        """Read the 64 bytes. Raises FormatError."""
        view = memoryview(data)
        if len(view) < SLOT_ENTRY_BYTES:
            raise BlockTruncated(SLOT_ENTRY.name, len(view), SLOT_ENTRY_BYTES)
        state, camera, sequence, epoch, start, end, extent, generation, stored = SLOT_ENTRY.unpack(view)
        computed = crc32c(view[:60])
        if computed != stored:
            raise ChecksumMismatch(SLOT_ENTRY.name, stored, computed)
        known = known_code(SlotState, SLOT_ENTRY.name, "state", state)
        return cls(known, camera, sequence, epoch, start, end, extent, generation)
