"""Tiny clips, encoded once per test run and cut into what tests compare with."""

from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path

import av

from kuramori.capture.source import Codec
from kuramori.simulator.clip import Clip, make_clip
from kuramori.simulator.nal_units import access_units, split_annexb


@cache
def clip(codec: Codec, b_frames: int = 0, width: int = 320, frames: int = 60) -> Clip:
    """A clip of one-second GOPs."""
    return make_clip(codec, width=width, height=180, frames=frames, gop_frames=30, b_frames=b_frames)


@cache
def clip_units(codec: Codec, b_frames: int = 0, width: int = 320, frames: int = 60) -> tuple[tuple[bytes, ...], ...]:
    """Its pictures as NAL units."""
    its = clip(codec, b_frames, width, frames)
    return tuple(tuple(unit) for unit in access_units(codec, split_annexb(its.stream)))


def write_mp4(path: Path, codec: Codec, b_frames: int = 0, frames: int = 60) -> None:
    """Put a clip into an MP4 file, its pictures unchanged."""
    its = clip(codec, b_frames, frames=frames)
    demuxer = "h264" if codec is Codec.H264 else "hevc"
    with av.open(BytesIO(its.stream), format=demuxer) as source, av.open(path, "w", format="mp4") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        tick = Fraction(1, its.frames_per_second)
        packets = (packet for packet in source.demux(video=0) if packet.size)
        late = max(decoded - shown for decoded, shown in enumerate(its.presentation))
        for index, packet in enumerate(packets):
            packet.dts, packet.pts = index, its.presentation[index] + late
            packet.time_base = tick
            packet.stream = stream
            target.mux(packet)
