"""What a NAL unit is to a recorder: part of a picture, the start of one, a parameter set, or nothing special.

One table per codec, looked up by nal_unit_type. Pure facts from ITU-T H.264 (table 7-1, section 7.4.1.2.3) and
H.265 (table 7-1, section 7.4.2.4.4).
"""

from kuramori.capture.source import Codec

PICTURE = 1  # a slice: belongs to a coded picture
KEY = 2  # decoding can begin here: H.264 IDR, H.265 IRAP
PARAMETER_SET = 4
OPENS = 8  # behind a picture, it begins the next access unit
STARTS = 16  # its first slice bit is to be looked at
FORBIDDEN = 32  # not a NAL unit type of its own: what claims it is malformed


def _h264_kinds() -> bytes:
    kinds = bytearray(32)
    for nal_type in (1, 2, 5):
        kinds[nal_type] = PICTURE | STARTS
    kinds[5] |= KEY
    kinds[3] = kinds[4] = PICTURE
    kinds[6] = kinds[9] = OPENS
    kinds[7] = kinds[8] = PARAMETER_SET | OPENS
    for nal_type in (0, *range(24, 32)):
        kinds[nal_type] = FORBIDDEN
    return bytes(kinds)


def _h265_kinds() -> bytes:
    kinds = bytearray(64)
    for nal_type in range(32):
        kinds[nal_type] = PICTURE | STARTS
    for nal_type in range(16, 24):
        kinds[nal_type] |= KEY
    for nal_type in (32, 33, 34):
        kinds[nal_type] = PARAMETER_SET | OPENS
    kinds[35] = kinds[39] = OPENS
    for nal_type in range(48, 64):
        kinds[nal_type] = FORBIDDEN
    return bytes(kinds)


H264_KINDS = _h264_kinds()
H265_KINDS = _h265_kinds()


def kinds_of(codec: Codec) -> bytes:
    """The table of one codec, indexed by nal_unit_type."""
    return H264_KINDS if codec is Codec.H264 else H265_KINDS
