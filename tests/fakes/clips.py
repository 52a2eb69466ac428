"""Tiny clips, encoded once per test run and cut into what tests compare with."""

from functools import cache

from kuramori.capture.source import Codec
from kuramori.simulator.clip import Clip, make_clip
from kuramori.simulator.nal_units import access_units, split_annexb


@cache
def clip(codec: Codec, b_frames: int = 0, width: int = 320, frames: int = 60) -> Clip:
    """A clip of one-second GOPs."""
    return make_clip(codec, width=width, height=180, frames=frames, gop_frames=30, b_frames=b_frames)


@cache
def clip_units(codec: Codec, b_frames: int = 0, width: int = 320) -> tuple[tuple[bytes, ...], ...]:
    """Its pictures as NAL units."""
    its = clip(codec, b_frames, width)
    return tuple(tuple(unit) for unit in access_units(codec, split_annexb(its.stream)))
