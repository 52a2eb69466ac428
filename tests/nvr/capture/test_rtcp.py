"""RTCP: sender reports read, receiver reports written, rubbish passed over."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.rtcp import ClockReport, Goodbye, Reception, parse_rtcp, receiver_report


def sender_report(ssrc: int, ntp: int, timestamp: int) -> bytes:
    return struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, ntp, timestamp, 7, 8)


def test_a_compound_packet_is_read_piece_by_piece() -> None:
    """Sender report, description and good-bye in one."""
    description = struct.pack(">BBHI", 0x81, 202, 2, 9) + b"\x01\x01x\x00"
    goodbye = struct.pack(">BBHI", 0x81, 203, 1, 9)
    packet = sender_report(9, 0x0123456789ABCDEF, 77) + description + goodbye
    assert list(parse_rtcp(packet)) == [ClockReport(9, 0x0123456789ABCDEF, 77), Goodbye((9,))]


@given(st.binary(max_size=120), st.integers(0, 28))
def test_any_bytes_give_reports_or_nothing(noise: bytes, cut: int) -> None:
    """Hostile or truncated packets raise nothing."""
    list(parse_rtcp(noise))
    list(parse_rtcp(sender_report(1, 2, 3)[:cut] + noise))


def test_a_receiver_report_reads_back() -> None:
    """Loss, highest number and the times since the last sender report stand where RFC 3550 puts them."""
    packet = receiver_report(1, "x", Reception(2, 5, 300, 0x0001FFFF, 0x1111222233334444, 2_000_000_000))
    fields = struct.unpack_from(">BBHIIIIIII", packet)
    assert fields == (0x81, 201, 7, 1, 2, 255 << 24 | 5, 0x0001FFFF, 0, 0x22223333, 2 * 65536)
    assert len(packet) % 4 == 0
    assert struct.unpack_from(">BBHI", packet, 32)[:2] == (0x81, 202)
    assert struct.unpack_from(">H", packet, 34)[0] == (len(packet) - 32) // 4 - 1
