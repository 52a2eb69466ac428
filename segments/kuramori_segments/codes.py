"""The small numbers in the blocks and what they are called.

The numbers are part of the format and never reused; what is reserved has its number already, so that version 1
readers can name what they do not handle. This module must not know where the numbers stand.
"""

from enum import IntEnum, StrEnum


class Suite(IntEnum):
    """How chunks are encrypted; with either, HKDF-SHA256 and HPKE as in FORMAT.md, "Keys"."""

    AES_256_GCM = 1
    CHACHA20_POLY1305 = 2  # for processors without AES instructions


class Track(IntEnum):
    """What a segment carries."""

    VIDEO = 1
    AUDIO = 2  # reserved: only ever by written decision (R3)


class Provenance(IntEnum):
    """Where the recording came from."""

    LIVE = 1
    FILLED_FROM_CAMERA = 2  # fetched later from the camera's own storage


class VideoCodec(IntEnum):
    """The codec of the access units."""

    H264 = 1
    H265 = 2

    @property
    def text(self) -> str:
        """Return the name used in records: "h264" or "h265"."""
        return self.name.lower()


class AudioState(IntEnum):
    """What is known of the camera's sound when the segment begins (R3)."""

    UNKNOWN = 0
    NONE_OFFERED = 1
    OFFERED_NOT_SET_UP = 2
    RECORDED_BY_DECISION = 3


class SlotState(IntEnum):
    """The state of a slot in the slot table."""

    EMPTY = 0
    OPEN = 1
    CLOSED = 2
    RECOVERED = 3
    BAD = 4


class FooterKind(IntEnum):
    """Who wrote the footer: the writer at the end, or recovery after a crash."""

    CLOSED = 1
    RECOVERED = 2


class RecordSource(StrEnum):
    """Which source delivered the access units (CONFIG record)."""

    NATIVE = "native"
    AV = "av"
