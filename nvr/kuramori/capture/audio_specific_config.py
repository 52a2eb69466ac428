"""AudioSpecificConfig: what a decoder of AAC must know, as a camera writes it into its description.

ISO/IEC 14496-3, 1.6.2.1; only its beginning is read, the bytes themselves are kept as they are. Pure.
"""

from dataclasses import dataclass

MAX_CONFIG_BYTES = 64
_TABLE_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_RATES_HZ = dict(enumerate(_TABLE_HZ))
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8}
_LOW_COMPLEXITY, _SPECTRAL_BAND, _PARAMETRIC_STEREO = 2, 5, 29
_ESCAPE_TYPE, _ESCAPE_RATE = 31, 15
MAX_RATE_HZ = 96_000


class NotAac(Exception):
    """It is not the configuration of an AAC that is recorded; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class SpecificConfig:
    """What stands at its beginning. `frame_samples` are counted at the core's rate."""

    core_rate_hz: int
    sample_rate_hz: int  # as it is heard: higher than the core's with spectral band replication
    channels: int
    frame_samples: int


def read_specific_config(config: bytes) -> SpecificConfig:
    """Read it. Raises NotAac, and nothing else."""
    if not 2 <= len(config) <= MAX_CONFIG_BYTES:
        raise NotAac("its configuration is missing")
    bits = _Bits(config)
    object_type = _object_type(bits)
    core_rate_hz = sample_rate_hz = _rate(bits)
    channels = _CHANNELS.get(bits.take(4), 0)
    if object_type in (_SPECTRAL_BAND, _PARAMETRIC_STEREO):
        sample_rate_hz = _rate(bits)
        object_type = _object_type(bits)
    if object_type != _LOW_COMPLEXITY:
        raise NotAac(f"MPEG-4 audio of object type {object_type}")
    if not channels:
        raise NotAac("its channels are not told")
    return SpecificConfig(core_rate_hz, sample_rate_hz, channels, 960 if bits.take(1) else 1024)


class _Bits:
    """Bits from the front; behind the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data + bytes(16), "big")
        self._left = 8 * (len(data) + 16)

    def take(self, count: int) -> int:
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)


def _object_type(bits: _Bits) -> int:
    number = bits.take(5)
    return 32 + bits.take(6) if number == _ESCAPE_TYPE else number


def _rate(bits: _Bits) -> int:
    index = bits.take(4)
    rate_hz = bits.take(24) if index == _ESCAPE_RATE else _RATES_HZ.get(index, 0)
    if not 0 < rate_hz <= MAX_RATE_HZ:
        raise NotAac("its sampling rate is not one of AAC")
    return rate_hz
