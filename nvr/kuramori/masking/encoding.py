"""Masked pictures to an MP4 of H.264: pictures only, no sound, no supplemental units, no words about its making.

Nothing of the original stream reaches this file but what stands in the pictures handed in. Must not know boxes, or
where the file goes: it writes to anything that can write, seek into its head, and tell.
"""

from fractions import Fraction
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kuramori.clips.media_clock import TICKS_PER_SECOND
from kuramori.clips.mux import WRITE_BYTES, Target

PRESET = "veryfast"  # measured: nvr/BENCHMARKS.md, Masking
QUALITY = 21  # x264's constant rate factor
KEY_FRAME_PICTURES = 60
_SEI = 6  # H.264 table 7-1
_CONTAINER = {"use_editlist": "0", "movie_timescale": "1000", "flush_packets": "0", "fflags": "+bitexact"}
_NOMINAL_RATE = 25  # only what x264 plans with; every picture has its own time
_COLOUR = ("color_range", "colorspace", "color_primaries", "color_trc")
_TICK = Fraction(1, TICKS_PER_SECOND)


class EncodingFailed(Exception):
    """The media library did not take the pictures."""


class CopyEncoder:
    """One file, from its first picture on. Both sides of `size` are even."""

    def __init__(self, target: Target, like: VideoFrame, size: tuple[int, int], threads: int) -> None:
        """Begin; colours mean what they mean in `like`. Raises EncodingFailed."""
        sink: Any = target
        self._last_tick = -1
        self.pictures = 0
        try:
            self._container: OutputContainer = av.open(
                sink, "w", format="mp4", options=_CONTAINER, buffer_size=WRITE_BYTES
            )
            stream: VideoStream = self._container.add_stream("libx264", rate=_NOMINAL_RATE)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.time_base = stream.codec_context.time_base = _TICK
            for meaning in _COLOUR:
                setattr(stream.codec_context, meaning, getattr(like, meaning))
            stream.codec_context.thread_count = threads
            stream.codec_context.gop_size = KEY_FRAME_PICTURES
            stream.codec_context.max_b_frames = 0  # decoding and showing go in one order: no edit list
            stream.options = {"preset": PRESET, "crf": str(QUALITY), "forced-idr": "1"}
            self._stream = stream
            self._container.start_encoding()
            self._filter = BitStreamFilterContext(f"filter_units=remove_types={_SEI}", stream, stream)
        except FFmpegError as fault:
            raise EncodingFailed(type(fault).__name__) from fault

    def add(self, frame: VideoFrame, media_us: int) -> None:
        """Add a picture, its time from the first. Raises EncodingFailed."""
        tick = max(media_us * TICKS_PER_SECOND // 1_000_000, self._last_tick + 1)
        self._last_tick = tick
        frame.pts, frame.time_base = tick, _TICK
        self._mux(frame)
        self.pictures += 1

    def finish(self) -> None:
        """Write the index. Raises EncodingFailed."""
        self._mux(None)
        try:
            for kept in self._filter.filter(None):
                self._container.mux_one(kept)
            self._container.close()
        except FFmpegError as fault:
            raise EncodingFailed(type(fault).__name__) from fault

    def _mux(self, frame: VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                for kept in self._filter.filter(packet):
                    self._put(kept)
        except FFmpegError as fault:
            raise EncodingFailed(type(fault).__name__) from fault

    def _put(self, packet: "Packet[VideoStream]") -> None:
        packet.stream = self._stream
        self._container.mux_one(packet)
