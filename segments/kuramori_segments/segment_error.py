"""What can go wrong while a segment is written, opened or checked: one class per event, the facts as attributes.

What is wrong with the bytes of a single block is a FormatError. This module must not know cameras or files.
"""


class SegmentError(Exception):
    """Something about a segment as a whole."""


class SegmentFull(SegmentError):
    """The record does not fit any more: close this segment and begin the next with this record."""

    def __init__(self, needed_bytes: int, room_bytes: int) -> None:
        super().__init__(f"a record of {needed_bytes} bytes does not fit into the {room_bytes} left")
        self.needed_bytes = needed_bytes
        self.room_bytes = room_bytes


class SegmentAlreadyClosed(SegmentError):
    """The writer has written its footer; nothing can follow."""

    def __init__(self) -> None:
        super().__init__("the segment is closed; begin a new one")


class AccessUnitTooLarge(SegmentError):
    """No segment of this size takes the access unit."""

    def __init__(self, length_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"an access unit of {length_bytes} bytes exceeds the limit of {limit_bytes}")
        self.length_bytes = length_bytes
        self.limit_bytes = limit_bytes


class AccessUnitOutOfOrder(SegmentError):
    """Access units of one segment are numbered without holes."""

    def __init__(self, number: int, expected: int) -> None:
        super().__init__(f"access unit {number} where {expected} belongs")
        self.number = number
        self.expected = expected


class AccessUnitMalformed(SegmentError):
    """The NAL lengths inside an access unit do not add up."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the NAL units of an access unit do not add up: {detail}")


class KeyCommitmentMismatch(SegmentError):
    """DEK and segment key are not the ones this segment was written with."""

    def __init__(self) -> None:
        super().__init__("these keys do not belong to this segment")


class ChunkForged(SegmentError):
    """A chunk does not authenticate: altered, moved, or sealed under another key."""

    def __init__(self, index: int) -> None:
        super().__init__(f"chunk {index} does not authenticate: it was altered or belongs elsewhere")
        self.index = index


class RecordInvalid(SegmentError):
    """An authenticated record is not what the format says."""

    def __init__(self, record: str, detail: str) -> None:
        super().__init__(f"{record} record: {detail}")
        self.record = record
        self.detail = detail


class SegmentDamaged(SegmentError):
    """A chunk is missing or unreadable where one belongs."""

    def __init__(self, detail: str, offset_bytes: int, chunk_index: int) -> None:
        super().__init__(f"chunk {chunk_index} at byte {offset_bytes}: {detail}")
        self.detail = detail
        self.offset_bytes = offset_bytes
        self.chunk_index = chunk_index


class FooterMismatch(SegmentError):
    """The content of a segment is not what its footer says. `field` names what differs."""

    def __init__(self, field: str) -> None:
        super().__init__(f"the content does not match the footer's {field}")
        self.field = field


class SignatureInvalid(SegmentError):
    """The footer was not signed by that device key."""

    def __init__(self) -> None:
        super().__init__("the footer's signature is not by this recorder's device key")
