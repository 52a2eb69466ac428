"""Replay of what a camera recorded on its own card: the range that is asked for, the time that each packet carries.

ONVIF Streaming Specification, "Replay": PLAY with `Require: onvif-replay`, a `Range` of absolute time and
`Rate-Control: no`; the first packet of each picture carries header extension 0xABAC with its NTP time. Pure. It must
not know sockets, nor what the pictures are fetched for.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from kuramori.capture.rtp import RTP_HEADER_BYTES
from kuramori.sender_clock import ntp_utc_us

REPLAY_TAG = "onvif-replay"
EXTENSION_PROFILE = 0xABAC
_EXTENSION_WORDS = 3
_EXTENSION = struct.Struct(">IIB").unpack_from  # seconds, fraction, flags
_U16 = struct.Struct(">H").unpack_from
_END_OF_SECTION, _DISCONTINUITY, _TERMINAL = 0x40, 0x20, 0x10  # 0x80: clean point, which the picture itself tells


@dataclass(frozen=True, slots=True)
class ReplayRange:
    """From when to when, in UTC milliseconds of the camera's clock."""

    from_utc_ms: int
    to_utc_ms: int

    @property
    def header(self) -> str:
        """The value of the Range header (RFC 2326 section 3.7)."""
        return f"clock={_clock_time(self.from_utc_ms)}-{_clock_time(self.to_utc_ms)}"


@dataclass(frozen=True, slots=True)
class ReplayTime:
    """What a packet's header extension says of its picture."""

    utc_us: int  # by the camera's clock
    ends_section: bool  # the last picture of an unbroken stretch of the card
    discontinuity: bool  # the first one after something that is missing
    terminal: bool  # the last picture of all that was asked for


OnReplayTime = Callable[[int, ReplayTime], None]  # extended RTP time of the picture


@dataclass(frozen=True, slots=True)
class ReplayAsk:
    """What is to be replayed, from where, and how fast it is read at most."""

    uri: str  # without credentials
    range: ReplayRange
    most_bytes_per_drain: int
    on_replay_time: OnReplayTime


def read_replay_time(packet: bytes | bytearray | memoryview, start: int, stop: int) -> ReplayTime | None:
    """Return what the RTP packet at [start, stop) tells of its time; None where it tells nothing."""
    if stop - start < RTP_HEADER_BYTES or not packet[start] & 0x10:
        return None
    at = start + RTP_HEADER_BYTES + 4 * (packet[start] & 15)
    if at + 4 + 4 * _EXTENSION_WORDS > stop:
        return None
    if _U16(packet, at)[0] != EXTENSION_PROFILE or _U16(packet, at + 2)[0] < _EXTENSION_WORDS:
        return None
    seconds, fraction, flags = _EXTENSION(packet, at + 4)
    return ReplayTime(
        ntp_utc_us(seconds, fraction),
        bool(flags & _END_OF_SECTION),
        bool(flags & _DISCONTINUITY),
        bool(flags & _TERMINAL),
    )


def _clock_time(utc_ms: int) -> str:
    seconds, milliseconds = divmod(utc_ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{milliseconds:03d}Z"
