"""NAL units of an elementary stream: where they begin, which belong to one picture, what kind they are.

Shared by what simulates cameras. It must not know RTP, sockets or the recorder's own parsers: a simulator that
shared them would share their faults.
"""

import re
from collections.abc import Iterator

from kuramori.capture.source import Codec

_START_CODE = re.compile(b"\x00\x00\x01")
_H264_PARAMETER_SETS = (7, 8)
_H265_PARAMETER_SETS = (32, 33, 34)
_H264_BEFORE_PICTURE = (6, 7, 8, 9)  # SEI, SPS, PPS, delimiter: after a picture they begin the next one
_H265_BEFORE_PICTURE = (32, 33, 34, 35, 39)


def split_annexb(stream: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex-B stream (ITU-T H.264 annex B), without start codes."""
    starts = [match.end() for match in _START_CODE.finditer(stream)]
    for index, start in enumerate(starts):
        end = starts[index + 1] - 3 if index + 1 < len(starts) else len(stream)
        nal = stream[start:end].rstrip(b"\x00")
        if nal:
            yield nal


def nal_type(codec: Codec, nal: bytes) -> int:
    """Return nal_unit_type."""
    return nal[0] & 31 if codec is Codec.H264 else nal[0] >> 1 & 63


def is_parameter_set(codec: Codec, nal: bytes) -> bool:
    """Tell whether the unit is an SPS, a PPS or (H.265) a VPS."""
    return nal_type(codec, nal) in (_H264_PARAMETER_SETS if codec is Codec.H264 else _H265_PARAMETER_SETS)


def is_picture(codec: Codec, nal: bytes) -> bool:
    """Tell whether the unit is a slice."""
    kind = nal_type(codec, nal)
    return 1 <= kind <= 5 if codec is Codec.H264 else kind < 32


def is_key_picture(codec: Codec, nal: bytes) -> bool:
    """Tell whether decoding can begin at this slice: H.264 IDR, H.265 IRAP."""
    kind = nal_type(codec, nal)
    return kind == 5 if codec is Codec.H264 else 16 <= kind <= 23


def access_units(codec: Codec, nals: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Group NAL units into pictures with what belongs to them (H.264 7.4.1.2.3, H.265 7.4.2.4.4)."""
    before_picture = _H264_BEFORE_PICTURE if codec is Codec.H264 else _H265_BEFORE_PICTURE
    unit: list[bytes] = []
    has_picture = False
    for nal in nals:
        picture = is_picture(codec, nal)
        first_slice = picture and len(nal) > 2 and nal[1 if codec is Codec.H264 else 2] & 0x80 != 0
        if has_picture and (first_slice or nal_type(codec, nal) in before_picture):
            yield unit
            unit, has_picture = [], False
        unit.append(nal)
        has_picture = has_picture or picture
    if unit:
        yield unit
