"""RTCP: the camera's clock and its good-bye read, our receiver reports written (RFC 3550 section 6).

Pure. Malformed packets are passed over: RTCP is a help, never a condition.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAX_COMPOUND_PACKETS = 32
_HEADER = struct.Struct(">BBH")
_SENDER = struct.Struct(">IQI")  # SSRC, NTP time, RTP time
_REPORT = struct.Struct(">BBHIIIIIII")
_SENDER_REPORT, _RECEIVER_REPORT, _DESCRIPTION, _BYE = 200, 201, 202, 203


@dataclass(frozen=True, slots=True)
class ClockReport:
    """The body of a sender report: the camera's NTP time and the RTP time that belongs to it."""

    ssrc: int
    ntp: int
    rtp_timestamp: int  # 32 bit, as received


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The camera leaves."""

    ssrcs: tuple[int, ...]


def parse_rtcp(packet: bytes | bytearray | memoryview) -> Iterator[ClockReport | Goodbye]:
    """Yield what is of use in a compound packet; stops at the first piece that is malformed."""
    at, size = 0, len(packet)
    for _ in range(MAX_COMPOUND_PACKETS):
        if size - at < _HEADER.size:
            return
        first, kind, words = _HEADER.unpack_from(packet, at)
        stop = at + 4 + 4 * words
        if first >> 6 != 2 or stop > size:
            return
        if kind == _SENDER_REPORT and words >= 6:
            ssrc, ntp, timestamp = _SENDER.unpack_from(packet, at + 4)
            yield ClockReport(ssrc, ntp, timestamp)
        elif kind == _BYE and words >= first & 31:
            yield Goodbye(struct.unpack_from(f">{first & 31}I", packet, at + 4))
        at = stop


@dataclass(frozen=True, slots=True)
class Reception:
    """What a receiver report tells: loss and the highest number, and which sender report was seen last."""

    camera_ssrc: int
    lost_packets: int
    fraction_lost: int  # in 256ths, since the previous report
    highest_sequence: int  # with the cycle count in the upper 16 bits
    last_report_ntp: int  # 64-bit NTP of the last sender report
    since_report_ns: int


def receiver_report(own_ssrc: int, name: str, reception: Reception) -> bytes:
    """Write a receiver report and the description that must go with it; jitter is not measured on TCP."""
    report = _REPORT.pack(
        0x81,
        _RECEIVER_REPORT,
        7,
        own_ssrc,
        reception.camera_ssrc,
        (min(255, reception.fraction_lost) << 24) | min(reception.lost_packets, 0x7FFFFF),
        reception.highest_sequence & 0xFFFFFFFF,
        0,
        reception.last_report_ntp >> 16 & 0xFFFFFFFF,
        min(0xFFFFFFFF, reception.since_report_ns * 65_536 // 1_000_000_000),
    )
    text = name.encode()[:255]
    items = b"\x01" + bytes([len(text)]) + text + b"\x00"
    items += b"\x00" * (-len(items) % 4)
    return report + struct.pack(">BBHI", 0x81, _DESCRIPTION, 1 + len(items) // 4, own_ssrc) + items
