"""The parameter sets a decoder needs, as they are now: from the session description, then from the stream.

Pure. A set replaces the one of the same kind and number; equal ones change nothing.
"""

from collections.abc import Iterable

from kuramori.capture.source import Codec

MAX_PARAMETER_SETS = 32
MAX_PARAMETER_SET_BYTES = 4096
MAX_ALL_SETS_BYTES = 16_384
_H265_PROFILE_BYTES = 11  # profile_tier_level without its level (H.265 section 7.3.3)


class ParameterSets:
    """SPS and PPS, with H.265 the VPS too."""

    def __init__(self, codec: Codec, known: Iterable[bytes] = ()) -> None:
        self._codec = codec
        self._units: dict[tuple[int, int], bytes] = {}
        self.update(known)

    def update(self, units: Iterable[bytes]) -> bool:
        """Take units from the stream in; tell whether anything is new."""
        changed = False
        for unit in units:
            if not unit or len(unit) > MAX_PARAMETER_SET_BYTES:
                continue
            key = (self._kind(unit), parameter_set_number(self._codec, unit))
            if self._units.get(key) == unit:
                continue
            others_bytes = sum(len(its) for other, its in self._units.items() if other != key)
            if others_bytes + len(unit) > MAX_ALL_SETS_BYTES:
                continue
            if key in self._units or len(self._units) < MAX_PARAMETER_SETS:
                self._units[key] = unit
                changed = True
        return changed

    def all(self) -> tuple[bytes, ...]:
        """Every unit: VPS before SPS before PPS, each kind by number."""
        return tuple(self._units[key] for key in sorted(self._units))

    def _kind(self, unit: bytes) -> int:
        return unit[0] & 31 if self._codec is Codec.H264 else unit[0] >> 1 & 63


def parameter_set_number(codec: Codec, unit: bytes) -> int:
    """Read a parameter set's own number (H.264 7.3.2, H.265 7.3.2); -1 when it cannot be read."""
    data = unit[:64].replace(b"\x00\x00\x03", b"\x00\x00")
    if codec is Codec.H264:
        return _exp_golomb(data, 4 if unit[0] & 31 == 7 else 1)
    kind = unit[0] >> 1 & 63
    if kind == 32:
        return data[2] >> 4 if len(data) > 2 else -1
    if kind == 34:
        return _exp_golomb(data, 2)
    return _exp_golomb(data, _h265_sps_number_offset(data))


def _h265_sps_number_offset(data: bytes) -> int:
    """Where the number of an H.265 SPS stands: behind its profile and those of its sub-layers."""
    if len(data) < 3:
        return len(data)
    sub_layers = data[2] >> 1 & 7
    at = 3 + _H265_PROFILE_BYTES + 1
    if sub_layers == 0:
        return at
    if len(data) < at + 2:
        return len(data)
    flags = data[at] << 8 | data[at + 1]
    at += 2
    for layer in range(sub_layers):
        present = flags >> (14 - 2 * layer)
        at += (_H265_PROFILE_BYTES if present & 2 else 0) + (present & 1)
    return at


def _exp_golomb(data: bytes, at: int) -> int:
    """Read one unsigned Exp-Golomb number at a byte boundary (H.264 section 9.1); numbers are small here."""
    bits = int.from_bytes(data[at : at + 4].ljust(4, b"\x00"), "big")
    zeros = 32 - bits.bit_length()
    if at >= len(data) or zeros > 8:
        return -1
    return (bits >> (31 - 2 * zeros)) - 1
