"""Real AAC, encoded once per test run, and RTP packets of it written by hand (RFC 3640)."""

import math
from array import array
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import av

RATE_HZ = 16_000
FRAME_SAMPLES = 1024


@dataclass(frozen=True, slots=True)
class Sound:
    """A tone: AudioSpecificConfig and raw frames of 64 ms."""

    specific_config: bytes
    frames: tuple[bytes, ...]


@cache
def sound(frames: int = 160) -> Sound:
    """A tone that rises, in mono at 16 kHz."""
    packed = BytesIO()
    with av.open(packed, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for number in range(frames):
            first = number * FRAME_SAMPLES
            wave = array("f", (0.3 * math.sin((at / 400) ** 1.5) for at in range(first, first + FRAME_SAMPLES)))
            frame = av.AudioFrame(format="fltp", layout="mono", samples=FRAME_SAMPLES)
            frame.planes[0].update(wave.tobytes())
            frame.rate, frame.pts = RATE_HZ, first
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    packed.seek(0)
    with av.open(packed) as container:
        config = bytes(container.streams.audio[0].codec_context.extradata or b"")
        return Sound(config, tuple(bytes(packet) for packet in container.demux(audio=0) if packet.size))


def aac_payload(*frames: bytes) -> bytes:
    """The payload of a packet with whole frames."""
    headers = b"".join((len(frame) << 3).to_bytes(2, "big") for frame in frames)
    return (16 * len(frames)).to_bytes(2, "big") + headers + b"".join(frames)


def aac_fragments(frame: bytes, most_bytes: int) -> list[bytes]:
    """The payloads of packets that carry one frame in pieces."""
    head = b"\x00\x10" + (len(frame) << 3).to_bytes(2, "big")
    return [head + frame[at : at + most_bytes] for at in range(0, len(frame), most_bytes)]


def aac_media(control: str = "trackID=2", payload_type: int = 97, config: str = "1408") -> str:
    """The media section of a description."""
    return (
        f"m=audio 0 RTP/AVP {payload_type}\r\na=rtpmap:{payload_type} mpeg4-generic/16000/1\r\n"
        f"a=fmtp:{payload_type} streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
        f"indexdeltalength=3;config={config}\r\na=control:{control}\r\n"
    )
