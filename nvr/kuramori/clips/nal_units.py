"""NAL units behind 32-bit lengths, as access units hold them: walking, and the start-code form of them.

Pure; must not know containers.
"""

import struct
from collections.abc import Iterable, Iterator

from kuramori_segments.codes import VideoCodec

START_CODE = b"\0\0\0\1"
H264_PREFIX_NAL = 14
_LENGTH = struct.Struct(">I")


def nal_units(payload: bytes) -> Iterator[memoryview]:
    """Yield the NAL units of an access unit whose lengths have been checked."""
    view, at = memoryview(payload), 0
    while at + _LENGTH.size < len(payload):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(payload, at)[0]
        yield view[start:at]


def is_parameter_set(codec: VideoCodec, first_byte: int) -> bool:
    """Tell whether a NAL unit that begins so is a parameter set (H.264 7 and 8; H.265 32 to 34)."""
    if codec is VideoCodec.H264:
        return first_byte & 31 in (7, 8)
    return 32 <= first_byte >> 1 & 63 <= 34


def is_slice(codec: VideoCodec, first_byte: int) -> bool:
    """Tell whether a NAL unit that begins so is part of a coded picture (H.264 1 to 5; H.265 0 to 31)."""
    return 1 <= first_byte & 31 <= 5 if codec is VideoCodec.H264 else first_byte >> 1 & 63 < 32


def is_sei(codec: VideoCodec, first_byte: int) -> bool:
    """Tell whether a NAL unit that begins so is supplemental information (H.264 6; H.265 39 and 40)."""
    return first_byte & 31 == 6 if codec is VideoCodec.H264 else first_byte >> 1 & 63 in (39, 40)


def before_picture(codec: VideoCodec, payload: bytes, unit: bytes) -> bytes:
    """Return an access unit with one more NAL unit before its first slice, all others as they were.

    Of H.264 also before the prefix NAL unit (type 14), which belongs to the slice behind it.
    """
    at = 0
    for nal in nal_units(payload):
        if is_slice(codec, nal[0]) or (codec is VideoCodec.H264 and nal[0] & 31 == H264_PREFIX_NAL):
            break
        at += _LENGTH.size + len(nal)
    return b"".join((payload[:at], _LENGTH.pack(len(unit)), unit, payload[at:]))


def in_start_code_form(units: Iterable[bytes | memoryview]) -> bytes:
    """Return NAL units behind start codes (annex B)."""
    return b"".join(part for unit in units for part in (START_CODE, unit))


def behind_lengths(units: Iterable[bytes]) -> bytes:
    """Return NAL units behind 32-bit big-endian lengths."""
    return b"".join(part for unit in units for part in (_LENGTH.pack(len(unit)), unit))
