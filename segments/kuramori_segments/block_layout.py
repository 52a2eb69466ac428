"""The byte table of one kind of block: which field stands where, and which bytes must be zero.

Each block's module declares its table once; packing, unpacking and the test that compares FORMAT.md with
the code all use it. This module must not know the meaning of any field.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias, TypeVar

from crc32c import crc32c

from kuramori_segments.format_error import (
    BlockTruncated,
    ChecksumMismatch,
    FieldInvalid,
    MagicMismatch,
    ReservedBytesUsed,
    VersionUnknown,
)

BytesLike: TypeAlias = bytes | bytearray | memoryview
Code = TypeVar("Code", bound=IntEnum)

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Field:
    """One field: offset from the start of the block, its kind as in `struct` ("H", "16s"), its name."""

    offset_bytes: int
    kind: str
    name: str

    @property
    def length_bytes(self) -> int:
        """Return how many bytes the field takes."""
        return struct.calcsize("<" + self.kind)


@dataclass(frozen=True, slots=True)
class BlockLayout:
    """A block's fields in ascending order; what lies between them is reserved and must be zero."""

    name: str
    length_bytes: int
    fields: tuple[Field, ...]
    _struct: struct.Struct = field(init=False, repr=False, compare=False)
    _reserved: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the struct with its padding, and the list of reserved ranges."""
        position = 0
        code = "<"
        reserved: list[tuple[int, int]] = []
        for item in (*self.fields, Field(self.length_bytes, "0s", "end")):
            if item.offset_bytes < position:
                raise ValueError(f"{self.name}: {item.name} overlaps the field before it")
            if item.offset_bytes > position:
                reserved.append((position, item.offset_bytes))
                code += f"{item.offset_bytes - position}x"
            if item.name != "end":
                code += item.kind
            position = item.offset_bytes + item.length_bytes
        object.__setattr__(self, "_struct", struct.Struct(code))
        object.__setattr__(self, "_reserved", tuple(reserved))

    def pack(self, *values: object) -> bytearray:
        """Pack the values, in the order of the fields. Raises FieldInvalid for one that does not fit."""
        try:
            return bytearray(self._struct.pack(*values))
        except struct.error as fault:
            raise FieldInvalid(self.name, "a field", "out of range", str(fault)) from fault

    def unpack(self, data: BytesLike) -> tuple[Any, ...]:
        """Unpack all fields. Raises BlockTruncated, ReservedBytesUsed."""
        view = memoryview(data)
        if len(view) < self.length_bytes:
            raise BlockTruncated(self.name, len(view), self.length_bytes)
        for start, end in self._reserved:
            used = bytes(view[start:end]).lstrip(b"\0")
            if used:
                raise ReservedBytesUsed(self.name, end - len(used))
        return self._struct.unpack_from(view)


def seal_checksum(block: bytearray) -> bytes:
    """Write the CRC32C over everything before it into the last four bytes, and return the block."""
    struct.pack_into("<I", block, len(block) - 4, crc32c(memoryview(block)[:-4]))
    return bytes(block)


def check_frame(layout: BlockLayout, data: BytesLike, magic: bytes) -> memoryview:
    """Check length, magic, checksum and version of a block with the common frame; return its bytes.

    The frame: 8 bytes of magic, u16 version at 8, u32 CRC32C over everything before it at the end.
    Raises BlockTruncated, MagicMismatch, ChecksumMismatch, VersionUnknown.
    """
    view = memoryview(data)
    if len(view) < layout.length_bytes:
        raise BlockTruncated(layout.name, len(view), layout.length_bytes)
    view = view[: layout.length_bytes]
    if view[: len(magic)] != magic:
        raise MagicMismatch(layout.name, bytes(view[: len(magic)]))
    (stored,) = struct.unpack_from("<I", view, layout.length_bytes - 4)
    computed = crc32c(view[:-4])
    if stored != computed:
        raise ChecksumMismatch(layout.name, stored, computed)
    (version,) = struct.unpack_from("<H", view, 8)
    if version != FORMAT_VERSION:
        raise VersionUnknown(layout.name, version)
    return view


def require(condition: bool, block: str, name: str, value: object, expected: str) -> None:
    """Raise FieldInvalid unless the condition holds."""
    if not condition:
        raise FieldInvalid(block, name, value, expected)


def known_code(code: type[Code], block: str, name: str, value: int) -> Code:
    """Return the enumeration's member of that number. Raises FieldInvalid for a number without meaning."""
    try:
        return code(value)
    except ValueError as fault:
        expected = ", ".join(str(member.value) for member in code)
        raise FieldInvalid(block, name, value, f"one of {expected}") from fault
