"""RTP packets: where the payload lies, which packets are missing, and time that never wraps (RFC 3550 section 5).

Pure. Packets come over TCP, so they are never put in another order; what is missing was never sent.
"""

import struct
from enum import Enum, auto

RTP_HEADER_BYTES = 12
SEQUENCE_MODULUS = 1 << 16
TIMESTAMP_MODULUS = 1 << 32
MAX_LATE_PACKETS = 512  # that far behind, a packet is a repetition; farther, the camera counts anew
_U16 = struct.Struct(">H").unpack_from


class Arrival(Enum):
    """How a packet's number stands to what was expected."""

    IN_ORDER = auto()  # perhaps behind a gap: see `lost`
    REPEATED = auto()  # came before: to be left out
    RESTARTED = auto()  # the camera counts anew: nothing is known about what is missing


class SequenceCounter:
    """Counts exactly what is missing between 16-bit sequence numbers."""

    __slots__ = ("cycles", "expected", "lost")

    def __init__(self) -> None:
        self.expected = -1  # -1: any
        self.lost = 0  # in all
        self.cycles = 0  # how often the number wrapped, for receiver reports

    def forget(self) -> None:
        """Another sender begins: any number may come first."""
        self.expected = -1

    def take(self, sequence: int) -> Arrival:
        """Take one packet's number in and add what is missing before it to `lost`."""
        expected = self.expected
        ahead = (sequence - expected) % SEQUENCE_MODULUS
        if expected < 0 or ahead == 0:
            self._advance(sequence)
            return Arrival.IN_ORDER
        if ahead < SEQUENCE_MODULUS // 2:
            self.lost += ahead
            self._advance(sequence)
            return Arrival.IN_ORDER
        if SEQUENCE_MODULUS - ahead <= MAX_LATE_PACKETS:
            return Arrival.REPEATED
        self._advance(sequence)
        return Arrival.RESTARTED

    def follow(self) -> None:
        """Take the packet in that was expected."""
        self.expected = expected = (self.expected + 1) % SEQUENCE_MODULUS
        if expected == 1:  # it was number 0
            self.cycles += 1

    def skip_to(self, expected: int) -> None:
        """Take in packets whose numbers were already seen to follow one another, up to this one exclusive."""
        before = self.expected
        if before >= 0 and (expected - 1) % SEQUENCE_MODULUS < (before - 1) % SEQUENCE_MODULUS:
            self.cycles += 1
        self.expected = expected

    def _advance(self, sequence: int) -> None:
        self.skip_to((sequence + 1) % SEQUENCE_MODULUS)


class TimestampUnwrapper:
    """Extends 32-bit RTP time stamps to ones that never wrap; small steps back (B-frames) stay steps back.

    The first is placed one modulus up, so that a step back before it never falls below zero; the low 32 bits
    always are the camera's.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = -1

    def extend(self, timestamp: int) -> int:
        """Extend the next time stamp of the stream."""
        self._last = extended = self.near(timestamp)
        return extended

    def near(self, timestamp: int) -> int:
        """Extend a time stamp told beside the stream (a sender report), without taking a step."""
        last = self._last
        if last < 0:
            return TIMESTAMP_MODULUS + timestamp
        step = (timestamp - last) % TIMESTAMP_MODULUS
        if step >= TIMESTAMP_MODULUS // 2 and last + step >= TIMESTAMP_MODULUS:
            step -= TIMESTAMP_MODULUS
        return last + step


def locate_payload(packet: bytes | bytearray | memoryview, start: int, stop: int) -> tuple[int, int] | None:
    """Return where the payload of the packet at [start, stop) begins and ends; None when it is malformed.

    Handles contributing sources, header extension and padding; version 2 only.
    """
    if stop - start < RTP_HEADER_BYTES:
        return None
    first = packet[start]
    if first >> 6 != 2:
        return None
    begin = start + RTP_HEADER_BYTES + 4 * (first & 15)
    if first & 0x10:
        if begin + 4 > stop:
            return None
        begin += 4 + 4 * int(_U16(packet, begin + 2)[0])
    end = stop
    if first & 0x20:
        end -= packet[stop - 1]
        if packet[stop - 1] == 0:
            return None
    return (begin, end) if begin < end else None
