"""Makes a small moving picture in memory, so that no binary clip need be kept anywhere.

The only module of the simulator that imports the media library.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext

from kuramori.capture.source import Codec

Painter = Callable[[int], tuple[bytes, bytes, bytes]]  # picture index to its Y, U and V plane, without padding

_ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265"}


@dataclass(frozen=True, slots=True)
class Clip:
    """An Annex-B stream and the display index of each picture, in decode order."""

    codec: Codec
    stream: bytes
    presentation: tuple[int, ...]
    frames_per_second: int


def make_clip(
    codec: Codec,
    *,
    width: int = 320,
    height: int = 180,
    frames: int = 60,
    frames_per_second: int = 30,
    gop_frames: int = 30,
    b_frames: int = 0,
    bits_per_second: int = 0,
    painter: Painter | None = None,
) -> Clip:
    """Encode a moving pattern, or what `painter` draws. Takes about a millisecond per small frame.

    `bits_per_second` 0 leaves the size to the encoder; otherwise the pattern is noisy enough to need the rate.
    """
    context = av.CodecContext.create(_ENCODERS[codec], "w")
    if not isinstance(context, VideoCodecContext):
        raise TypeError(f"{_ENCODERS[codec]} is no video encoder")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, frames_per_second)
    context.framerate = Fraction(frames_per_second, 1)
    settings = f"keyint={gop_frames}:min-keyint={gop_frames}:scenecut=0:bframes={b_frames}:repeat-headers=1"
    if codec is Codec.H264:
        context.options = {"preset": "ultrafast", "x264-params": f"{settings}:aud=0:b-adapt=0"}
    else:
        context.options = {"preset": "ultrafast", "x265-params": f"{settings}:log-level=none:b-adapt=0"}
    if bits_per_second:
        context.bit_rate = bits_per_second
    stream = bytearray()
    shown: list[int] = []
    for index in range(frames + 1):
        frame = None
        if index < frames and painter is not None:
            frame = _painted(width, height, index, painter)
        elif index < frames:
            frame = _picture(width, height, index, bool(bits_per_second))
        for packet in context.encode(frame):
            stream += bytes(packet)
            shown.append(packet.pts or 0)
    first = min(shown)
    return Clip(codec, bytes(stream), tuple(index - first for index in shown), frames_per_second)


def _painted(width: int, height: int, index: int, painter: Painter) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, content in zip(frame.planes, painter(index), strict=True):
        wide, gap = plane.width, bytes(plane.line_size - plane.width)
        if gap:
            rows = (content[start : start + wide] for start in range(0, len(content), wide))
            content = b"".join(row + gap for row in rows)
        plane.update(content.ljust(plane.buffer_size, b"\0"))
    frame.pts = index
    return frame


def _picture(width: int, height: int, index: int, noisy: bool) -> av.VideoFrame:
    """Draw one picture: a gradient that moves, with noise where a rate is to be reached."""
    frame = av.VideoFrame(width, height, "yuv420p")
    for number, plane in enumerate(frame.planes):
        row = bytes((x * 2 + index * 5 + number * 40) & 0xFF for x in range(plane.line_size))
        if noisy:
            grain = _noise(plane.line_size, index * 3 + number)
            row = bytes(value ^ (noise & 0x3F) for value, noise in zip(row, grain, strict=True))
        doubled = row + row
        step = 7 if noisy else 1
        lines = (doubled[(y * step) % len(row) :][: len(row)] for y in range(plane.height))
        plane.update(b"".join(lines).ljust(plane.buffer_size, b"\x80"))
    frame.pts = index
    return frame


def _noise(length: int, seed: int) -> bytes:
    state, values = seed * 2_654_435_761 + 1, bytearray(length)
    for position in range(length):
        state = (state * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        values[position] = state >> 16 & 0xFF
    return bytes(values)
