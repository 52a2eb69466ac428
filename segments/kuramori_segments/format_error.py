"""What can be wrong with the bytes of a block: one class per event, the facts as attributes.

Every unpacking function of this room raises one of these for bytes it does not accept, and nothing else.
This module must not know any particular block.
"""


class FormatError(Exception):
    """A block is not what the format says. `block` names the kind of block, e.g. "segment header"."""

    def __init__(self, block: str, message: str) -> None:
        super().__init__(f"{block}: {message}")
        self.block = block


class BlockTruncated(FormatError):
    """Fewer bytes than the block has."""

    def __init__(self, block: str, length_bytes: int, expected_bytes: int) -> None:
        super().__init__(block, f"{length_bytes} bytes where {expected_bytes} belong")
        self.length_bytes = length_bytes
        self.expected_bytes = expected_bytes


class MagicMismatch(FormatError):
    """The first bytes name another kind of block, or none."""

    def __init__(self, block: str, found: bytes) -> None:
        super().__init__(block, f"starts with {found.hex()}, so it is something else")
        self.found = found


class ChecksumMismatch(FormatError):
    """The CRC32C does not fit the bytes: damaged or half written."""

    def __init__(self, block: str, stored: int, computed: int) -> None:
        super().__init__(block, f"checksum {stored:08x} stored, {computed:08x} computed: the block is damaged")
        self.stored = stored
        self.computed = computed


class VersionUnknown(FormatError):
    """Written by a newer format; this reader must not guess."""

    def __init__(self, block: str, version: int) -> None:
        super().__init__(block, f"version {version} is unknown; use a newer Kuramori to read it")
        self.version = version


class ReservedBytesUsed(FormatError):
    """Bytes that must be zero are not."""

    def __init__(self, block: str, offset_bytes: int) -> None:
        super().__init__(block, f"reserved byte {offset_bytes} is not zero")
        self.offset_bytes = offset_bytes


class FieldInvalid(FormatError):
    """A field holds a value that the format does not allow."""

    def __init__(self, block: str, field: str, value: object, expected: str) -> None:
        super().__init__(block, f"{field} is {value!r}; expected {expected}")
        self.field = field
        self.value = value
        self.expected = expected
