"""What a simulated camera sends: frames packetised once into RTP, so that sending one costs a few patches.

Sequence number, time stamp and SSRC are left blank and written per session just before a frame is sent. This
module must not know sockets, sessions or time.
"""

import base64
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kuramori.capture.source import Codec
from kuramori.simulator.nal_units import access_units, is_key_picture, is_parameter_set, split_annexb

VIDEO_CLOCK_RATE_HZ = 90_000
VIDEO_PAYLOAD_TYPE = 96
AUDIO_PAYLOAD_TYPE = 97
RTP_HEADER_BYTES = 12
INTERLEAVED_HEADER_BYTES = 4
KEY_FRAME_RATIO = 8  # a synthetic key frame is that many times as large as the others

# Parameter sets of 1920x1080 pictures as an encoder writes them, so that synthetic streams can be described.
_SYNTHETIC_PARAMETER_SETS = {
    Codec.H264: ("6742c028da01e0089f9610000003001000000303c8f1832a", "68ce0fc8"),
    Codec.H265: (
        "40010c01ffff016000000300900000030000030078ba0240",
        "420101016000000300900000030000030078a003c0801107cb96e92930b9a020000003002000000303c1",
        "4401c0718312",
    ),
}


@dataclass(frozen=True, slots=True)
class Packetising:
    """How a camera cuts its stream into packets: each choice is one that real cameras make."""

    mtu_bytes: int = 1400  # largest RTP payload
    marker: bool = True  # last packet of a picture carries the marker bit
    in_band_parameter_sets: bool = True
    sdp_parameter_sets: bool = True
    aggregate: bool = False  # small units of one picture travel together (STAP-A, AP)


@dataclass(slots=True)
class PacketisedFrame:
    """One picture as RTP packets in interleaved framing; `wire` is patched in place before each sending."""

    wire: bytearray
    offsets: tuple[int, ...]  # of each RTP header in `wire`
    lengths: tuple[int, ...]  # of each RTP packet
    presentation_index: int  # when it is shown, counted in frames; differs from decode order with B-frames
    is_key: bool
    octets: int  # RTP payload in all


@dataclass(frozen=True, slots=True)
class VideoMaterial:
    """A clip that is sent over and over. Shared by any number of sessions on one event loop."""

    codec: Codec
    frames_per_second: float
    frames: tuple[PacketisedFrame, ...]
    parameter_sets: tuple[bytes, ...]
    packetising: Packetising = field(default_factory=Packetising)

    @property
    def bits_per_second(self) -> float:
        return sum(frame.octets for frame in self.frames) * 8 * self.frames_per_second / len(self.frames)

    @property
    def packets_per_second(self) -> float:
        return sum(len(frame.offsets) for frame in self.frames) * self.frames_per_second / len(self.frames)

    def sdp_media(self, control: str) -> str:
        """Return the media section of the session description (RFC 6184 section 8.2, RFC 7798 section 7.2)."""
        name = "H264" if self.codec is Codec.H264 else "H265"
        lines = [
            f"m=video 0 RTP/AVP {VIDEO_PAYLOAD_TYPE}",
            f"a=rtpmap:{VIDEO_PAYLOAD_TYPE} {name}/{VIDEO_CLOCK_RATE_HZ}",
            f"a=fmtp:{VIDEO_PAYLOAD_TYPE} {self._fmtp()}",
            f"a=framerate:{self.frames_per_second:g}",
            f"a=control:{control}",
        ]
        return "".join(line + "\r\n" for line in lines)

    def _fmtp(self) -> str:
        encoded = [base64.b64encode(unit).decode() for unit in self.parameter_sets]
        if self.codec is Codec.H264:
            fmtp = "packetization-mode=1"
            if self.packetising.sdp_parameter_sets and encoded:
                fmtp += f";profile-level-id={self.parameter_sets[0][1:4].hex().upper()}"
                fmtp += f";sprop-parameter-sets={','.join(encoded)}"
            return fmtp
        if not self.packetising.sdp_parameter_sets:
            return "tx-mode=SRST"
        names = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
        return ";".join(
            f"{names[unit[0] >> 1 & 63]}={text}" for unit, text in zip(self.parameter_sets, encoded, strict=True)
        )


def material_from_annexb(
    stream: bytes,
    codec: Codec,
    frames_per_second: float,
    *,
    presentation: Sequence[int] | None = None,
    packetising: Packetising | None = None,
) -> VideoMaterial:
    """Packetise an Annex-B stream; `presentation` gives each picture's display index in decode order."""
    units = list(access_units(codec, split_annexb(stream)))
    return material_from_units(units, codec, frames_per_second, presentation=presentation, packetising=packetising)


def material_from_units(
    units: Sequence[Sequence[bytes]],
    codec: Codec,
    frames_per_second: float,
    *,
    presentation: Sequence[int] | None = None,
    packetising: Packetising | None = None,
) -> VideoMaterial:
    """Packetise pictures given as lists of NAL units."""
    if not units:
        raise ValueError("there is no picture in this stream")
    how = packetising or Packetising()
    shown = presentation if presentation is not None else range(len(units))
    frames = tuple(_packetise(unit, codec, index, how) for unit, index in zip(units, shown, strict=True))
    first_sets = next(
        (sets for unit in units if (sets := tuple(nal for nal in unit if is_parameter_set(codec, nal)))), ()
    )
    return VideoMaterial(codec, frames_per_second, frames, first_sets, how)


def synthetic_material(
    codec: Codec,
    *,
    bits_per_second: int = 4_000_000,
    frames_per_second: float = 30,
    gop_frames: int = 60,
    gops: int = 2,
    seed: int = 1,
    packetising: Packetising | None = None,
) -> VideoMaterial:
    """Make load without a codec: units with true headers and random contents, at the given rate."""
    chance = random.Random(seed)  # noqa: S311 - filler, not a secret
    gop_bytes = bits_per_second / 8 * gop_frames / frames_per_second
    other_bytes = max(16, int(gop_bytes / (KEY_FRAME_RATIO + gop_frames - 1)))
    headers = (b"\x65\x88", b"\x41\x9a") if codec is Codec.H264 else (b"\x26\x01\xad", b"\x02\x01\xd0")
    sets = [bytes.fromhex(text) for text in _SYNTHETIC_PARAMETER_SETS[codec]]
    units: list[list[bytes]] = []
    for index in range(gop_frames * gops):
        is_key = index % gop_frames == 0
        size = other_bytes * KEY_FRAME_RATIO if is_key else other_bytes
        filler = chance.randbytes(size).replace(b"\x00\x00", b"\x00\x80") + b"\x80"
        units.append([*(sets if is_key else ()), headers[0 if is_key else 1] + filler])
    return material_from_units(units, codec, frames_per_second, packetising=packetising)


def _packetise(unit: Sequence[bytes], codec: Codec, presentation_index: int, how: Packetising) -> PacketisedFrame:
    sent = [nal for nal in unit if how.in_band_parameter_sets or not is_parameter_set(codec, nal)]
    payloads = list(rtp_payloads(sent, codec, how))
    wire = bytearray()
    offsets: list[int] = []
    for index, payload in enumerate(payloads):
        last = index + 1 == len(payloads) and how.marker
        length = RTP_HEADER_BYTES + len(payload)
        wire += struct.pack(">cBHBB10x", b"$", 0, length, 0x80, VIDEO_PAYLOAD_TYPE | (0x80 if last else 0))
        offsets.append(len(wire) - RTP_HEADER_BYTES)
        wire += payload
    lengths = tuple(RTP_HEADER_BYTES + len(payload) for payload in payloads)
    is_key = any(is_key_picture(codec, nal) for nal in unit)
    octets = sum(len(payload) for payload in payloads)
    return PacketisedFrame(wire, tuple(offsets), lengths, presentation_index, is_key, octets)


def rtp_payloads(nals: Sequence[bytes], codec: Codec, how: Packetising) -> Iterator[bytes]:
    """Yield the RTP payloads of one picture (RFC 6184 section 5, RFC 7798 section 4.4)."""
    waiting: list[bytes] = []
    room = how.mtu_bytes - (1 if codec is Codec.H264 else 2)
    for nal in nals:
        fits = how.aggregate and sum(len(small) + 2 for small in [*waiting, nal]) <= room
        if fits:
            waiting.append(nal)
            continue
        yield from _aggregated(waiting, codec)
        waiting = []
        if len(nal) <= how.mtu_bytes:
            yield nal
        else:
            yield from _fragmented(nal, codec, how.mtu_bytes)
    yield from _aggregated(waiting, codec)


def _aggregated(nals: list[bytes], codec: Codec) -> Iterator[bytes]:
    if len(nals) == 1:
        yield nals[0]
    elif nals:
        importance = max(nal[0] & 0x60 for nal in nals)
        header = bytes([importance | 24]) if codec is Codec.H264 else bytes([48 << 1, 1])
        yield header + b"".join(struct.pack(">H", len(nal)) + nal for nal in nals)


def _fragmented(nal: bytes, codec: Codec, mtu_bytes: int) -> Iterator[bytes]:
    if codec is Codec.H264:
        header, kind, body = bytes([nal[0] & 0xE0 | 28]), nal[0] & 31, nal[1:]
    else:
        header, kind, body = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 63, nal[2:]
    step = mtu_bytes - len(header) - 1
    cuts = [*range(0, len(body), step), len(body)]
    for begin, end in pairwise(cuts):
        flags = (0x80 if begin == 0 else 0) | (0x40 if end == len(body) else 0)
        yield header + bytes([flags | kind]) + body[begin:end]
