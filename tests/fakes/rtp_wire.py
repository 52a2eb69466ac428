"""Interleaved RTP written by hand, for tests of what receives it."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kuramori.capture.sdp import VideoOffer
from kuramori.capture.source import Codec, SourceStatistics
from kuramori.capture.video_receiver import VideoReceiver
from tests.fakes.recording_sink import RecordingSink

PAYLOAD_TYPE = 96
SSRC = 0x1234ABCD


def packet(
    payload: bytes,
    sequence: int,
    timestamp: int,
    *,
    marker: bool = False,
    channel: int = 0,
    payload_type: int = PAYLOAD_TYPE,
    ssrc: int = SSRC,
) -> bytes:
    """One RTP packet in interleaved framing; sequence and time stamp wrap by themselves."""
    head = struct.pack(
        ">BBHII",
        0x80,
        payload_type | (0x80 if marker else 0),
        sequence & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
    )
    return struct.pack(">BBH", 0x24, channel, len(head) + len(payload)) + head + payload


@dataclass(slots=True)
class PacketWriter:
    """Writes payloads as consecutive packets."""

    sequence: int = 100
    marker: bool = True

    def unit(self, payloads: Iterable[bytes], timestamp: int) -> list[bytes]:
        """The packets of one picture, the marker on the last."""
        cut = list(payloads)
        packets = []
        for index, payload in enumerate(cut):
            last = self.marker and index + 1 == len(cut)
            packets.append(packet(payload, self.sequence, timestamp, marker=last))
            self.sequence += 1
        return packets


@dataclass(slots=True)
class ReceivingEnd:
    """A receiver under test with its sink; keeps the incomplete end of what it was fed, as a connection does."""

    receiver: VideoReceiver
    sink: RecordingSink
    statistics: SourceStatistics
    waiting: bytes = b""

    def feed(self, data: bytes, arrival_boot_ns: int = 0) -> None:
        """Hand bytes over."""
        buffer = bytearray(self.waiting + data)
        view = memoryview(buffer)
        done = self.receiver.walk(buffer, view, 0, len(buffer), arrival_boot_ns)
        self.waiting = bytes(buffer[done:])
        # A receiver that kept a reference into the shared buffer would now deliver rubbish.
        buffer[:] = bytes(len(buffer))


def receiving_end(
    codec: Codec, parameter_sets: tuple[bytes, ...] = (), other: frozenset[int] = frozenset()
) -> ReceivingEnd:
    """A receiver of one codec on channels 0 and 1."""
    sink, statistics = RecordingSink(), SourceStatistics()
    offer = VideoOffer(codec, PAYLOAD_TYPE, other, 90_000, parameter_sets, None)
    return ReceivingEnd(VideoReceiver(offer, 0, 1, sink, statistics), sink, statistics)


def pieces(data: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    """Cut bytes at these places."""
    before = 0
    for cut in sorted({min(cut, len(data)) for cut in cuts}):
        yield data[before:cut]
        before = cut
    yield data[before:]
