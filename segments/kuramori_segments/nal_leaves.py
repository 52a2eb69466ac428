"""Which NAL units of an access unit are proven, and their leaf hashes, in decode order.

Covered are the coded slices and the SEI units (a camera's own signature may stand there): H.264 types 1 to 6,
H.265 types 0 to 31, 39 and 40. This module must not know the tree the leaves go into.
"""

import struct
from hashlib import sha256

from kuramori_segments.codes import VideoCodec
from kuramori_segments.segment_error import AccessUnitMalformed

_LENGTH = struct.Struct(">I").unpack_from
LENGTH_BYTES = 4


def _covered(codec: VideoCodec) -> bytes:
    """Return, for each possible first byte of a NAL unit, 1 if the unit is proven."""
    if codec is VideoCodec.H264:
        return bytes(1 <= first & 31 <= 6 for first in range(256))
    return bytes(first >> 1 & 63 in {*range(32), 39, 40} for first in range(256))


COVERED = {codec: _covered(codec) for codec in VideoCodec}


class LeafHasher:
    """Hashes the proven NAL units of access units of one segment."""

    def __init__(self, codec: VideoCodec, salt: bytes) -> None:
        self._covered = COVERED[codec]
        self._start = sha256(b"\0" + salt)

    def leaves(self, payload: memoryview, nal_count: int) -> list[bytes]:
        """Return the leaf hashes of an access unit: NAL units, each behind a big-endian 32-bit length.

        Raises AccessUnitMalformed where lengths and count do not add up.
        """
        leaves: list[bytes] = []
        copy = self._start.copy
        covered = self._covered
        end = len(payload)
        position = found = 0
        while position < end:
            start = position + LENGTH_BYTES
            if start >= end:
                raise AccessUnitMalformed(f"{end - position} bytes left over")
            position = start + _LENGTH(payload, position)[0]
            if position > end or position == start:
                raise AccessUnitMalformed(f"a NAL unit of {position - start} bytes with {end - start} left")
            found += 1
            if covered[payload[start]]:
                state = copy()
                if payload[position - 1]:
                    state.update(payload[start:position])
                else:
                    state.update(bytes(payload[start:position]).rstrip(b"\0"))
                leaves.append(state.digest())
        if found != nal_count:
            raise AccessUnitMalformed(f"{found} NAL units where {nal_count} are said to be")
        return leaves
