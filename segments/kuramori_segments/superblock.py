"""The superblock of a volume: how the file is cut into slots. Two copies; the higher valid generation wins.

A fresh volume has its slot tables before the slots. One that has grown has them behind its last slot; where its slots
begin has not moved. This module must not open files and not know what stands in the slots.
"""

from dataclasses import dataclass, replace
from typing import Any

from kuramori_segments.block_layout import (
    FORMAT_VERSION,
    BlockLayout,
    BytesLike,
    Field,
    check_frame,
    require,
    seal_checksum,
)
from kuramori_segments.limits import (
    BLOCK_BYTES,
    MAX_SLOT_BYTES,
    MAX_SLOT_COUNT,
    MIN_SLOT_BYTES,
    SLOT_ALIGNMENT_BYTES,
    SLOT_BYTES,
    blocks_up,
)
from kuramori_segments.slot_entry import SLOT_ENTRY_BYTES

MAGIC = b"KRMVOL\x01\n"
SUPERBLOCK_A_OFFSET = 0
SUPERBLOCK_B_OFFSET = BLOCK_BYTES
TABLE_A_OFFSET = 2 * BLOCK_BYTES

SUPERBLOCK = BlockLayout(
    "superblock",
    BLOCK_BYTES,
    (
        Field(0, "8s", "magic"),
        Field(8, "H", "version"),
        Field(12, "I", "block_bytes"),
        Field(16, "I", "slot_bytes"),
        Field(20, "I", "slot_count"),
        Field(24, "Q", "data_offset"),
        Field(32, "Q", "table_a_offset"),
        Field(40, "Q", "table_b_offset"),
        Field(48, "16s", "volume_id"),
        Field(64, "16s", "recorder_id"),
        Field(80, "q", "created_utc_ms"),
        Field(88, "Q", "generation"),
        Field(96, "I", "filled_slots"),
        Field(4092, "I", "crc32c"),
    ),
)


def table_bytes(slot_count: int) -> int:
    """Return the length of one copy of the slot table, in whole blocks."""
    return blocks_up(slot_count * SLOT_ENTRY_BYTES)


@dataclass(frozen=True, slots=True)
class Superblock:
    """A volume's geometry and identity."""

    slot_count: int
    volume_id: bytes  # 16 bytes
    recorder_id: bytes  # 16 bytes
    created_utc_ms: int
    generation: int = 1
    filled_slots: int = 0  # zero-filled so far, from slot 0 on
    slot_bytes: int = SLOT_BYTES
    grown_data_offset: int | None = None  # where the slots begin of a volume that has grown; None: never grown

    @property
    def table_a_offset(self) -> int:
        """Return where the first copy of the slot table begins."""
        return TABLE_A_OFFSET if self.grown_data_offset is None else self._slots_end

    @property
    def table_b_offset(self) -> int:
        """Return where the second copy of the slot table begins."""
        return self.table_a_offset + table_bytes(self.slot_count)

    @property
    def data_offset(self) -> int:
        """Return where slot 0 begins: the next whole MiB behind the tables; where it always was in a grown volume."""
        if self.grown_data_offset is not None:
            return self.grown_data_offset
        end = TABLE_A_OFFSET + 2 * table_bytes(self.slot_count)
        return -(-end // SLOT_ALIGNMENT_BYTES) * SLOT_ALIGNMENT_BYTES

    @property
    def _slots_end(self) -> int:
        return self.data_offset + self.slot_count * self.slot_bytes

    @property
    def volume_bytes(self) -> int:
        """Return the length of the whole volume."""
        return self._slots_end if self.grown_data_offset is None else self.table_b_offset + table_bytes(self.slot_count)

    @property
    def geometry(self) -> tuple[int, int, int, int]:
        """Return what both copies must agree on before a slot is written."""
        return self.slot_count, self.slot_bytes, self.data_offset, self.table_a_offset

    def grown(self, slot_count: int) -> "Superblock":
        """Return the superblock of this volume with more slots: its tables move behind the last one."""
        return replace(self, slot_count=slot_count, generation=self.generation + 1, grown_data_offset=self.data_offset)

    def slot_offset(self, slot: int) -> int:
        """Return where the slot begins, in bytes from the volume's start."""
        return self.data_offset + slot * self.slot_bytes

    def pack(self) -> bytes:
        """Return the block. Raises FieldInvalid."""
        self._check()
        block = SUPERBLOCK.pack(
            MAGIC,
            FORMAT_VERSION,
            BLOCK_BYTES,
            self.slot_bytes,
            self.slot_count,
            self.data_offset,
            self.table_a_offset,
            self.table_b_offset,
            self.volume_id,
            self.recorder_id,
            self.created_utc_ms,
            self.generation,
            self.filled_slots,
            0,
        )
        return seal_checksum(block)

    def _check(self) -> None:
        name = SUPERBLOCK.name
        require(len(self.volume_id) == 16, name, "volume_id", self.volume_id.hex(), "16 bytes")
        require(len(self.recorder_id) == 16, name, "recorder_id", self.recorder_id.hex(), "16 bytes")
        check_slot_bytes(name, self.slot_bytes)
        require(1 <= self.slot_count <= MAX_SLOT_COUNT, name, "slot_count", self.slot_count, "1 to 2^24")
        filled = self.filled_slots
        require(filled <= self.slot_count, name, "filled_slots", filled, "at most slot_count")
        moved = self.grown_data_offset
        if moved is not None:
            aligned = moved % SLOT_ALIGNMENT_BYTES == 0 and moved >= SLOT_ALIGNMENT_BYTES
            require(aligned, name, "data_offset", moved, "whole MiB behind the superblocks")

    @classmethod
    def unpack(cls, data: BytesLike) -> "Superblock":
        """Read a superblock (4096 bytes). Raises FormatError."""
        name = SUPERBLOCK.name
        names = (field.name for field in SUPERBLOCK.fields)
        values: dict[str, Any] = dict(zip(names, SUPERBLOCK.unpack(check_frame(SUPERBLOCK, data, MAGIC)), strict=True))
        require(values["block_bytes"] == BLOCK_BYTES, name, "block_bytes", values["block_bytes"], "4096")
        block = cls(
            slot_count=values["slot_count"],
            volume_id=values["volume_id"],
            recorder_id=values["recorder_id"],
            created_utc_ms=values["created_utc_ms"],
            generation=values["generation"],
            filled_slots=values["filled_slots"],
            slot_bytes=values["slot_bytes"],
            grown_data_offset=None if values["table_a_offset"] == TABLE_A_OFFSET else values["data_offset"],
        )
        block._check()
        for field in ("data_offset", "table_a_offset", "table_b_offset"):
            expected = getattr(block, field)
            require(values[field] == expected, name, field, values[field], f"{expected} for that slot_count")
        return block


def check_slot_bytes(block: str, slot_bytes: int) -> None:
    """Raise FieldInvalid unless the slot length is allowed."""
    whole = slot_bytes % BLOCK_BYTES == 0
    allowed = whole and MIN_SLOT_BYTES <= slot_bytes <= MAX_SLOT_BYTES
    require(allowed, block, "slot_bytes", slot_bytes, "whole blocks, 64 KiB to 1 GiB")
