"""From coded pictures to decoded ones, each with the time at which it was taken and its place in the copy.

A camera's bytes are read by a large C library here: only ever inside the confined worker. What cannot be decoded is
left out and counted. Must not know boxes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kuramori.clips.chosen_units import ChosenUnit
from kuramori.clips.media_clock import PresentationClock
from kuramori.clips.nal_units import in_start_code_form, is_parameter_set, nal_units
from kuramori_segments.codes import VideoCodec

PIXELS_MOST = 8192 * 4352
WAITING_MOST = 256  # pictures that a decoder may hold back
_MICROSECOND = Fraction(1, 1_000_000)
_DECODERS = {VideoCodec.H264: "h264", VideoCodec.H265: "hevc"}


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A picture as it was taken."""

    frame: VideoFrame
    utc_us: int
    media_us: int  # from the first


class Decoding:
    """Decodes the units of one camera. Iterate `pictures` once."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._clock = PresentationClock()
        self._taken: dict[int, int] = {}  # when the picture at a place in the copy was taken
        self.undecodable = 0

    def pictures(self, units: Iterable[ChosenUnit]) -> Iterator[DecodedPicture]:
        """Yield the pictures in the order in which they are shown."""
        decoder: VideoCodecContext | None = None
        codec: VideoCodec | None = None
        for chosen in units:
            if decoder is None or chosen.codec is not codec:
                if decoder is not None:
                    yield from self._decoded(decoder, None)
                codec, decoder = chosen.codec, self._decoder(chosen.codec)
            yield from self._decoded(decoder, self._packet(chosen))
        if decoder is not None:
            yield from self._decoded(decoder, None)

    def _decoder(self, codec: VideoCodec) -> VideoCodecContext:
        decoder = cast(VideoCodecContext, VideoCodecContext.create(_DECODERS[codec], "r"))
        decoder.thread_count = self._threads
        decoder.thread_type = "AUTO" if self._threads > 1 else "SLICE"
        decoder.options = {"max_pixels": str(PIXELS_MOST)}
        return decoder

    def _packet(self, chosen: ChosenUnit) -> "Packet[VideoStream]":
        unit = chosen.unit
        record = unit.record
        nals: list[bytes | memoryview] = list(nal_units(record.payload))
        if record.is_key and not any(is_parameter_set(chosen.codec, nal[0]) for nal in nals if nal):
            nals = [*unit.parameter_sets, *nals]
        packet = cast("Packet[VideoStream]", Packet(in_start_code_form(nals)))
        media_us = self._clock.media_us(record.utc_us, record.rtp_time)
        packet.pts, packet.time_base = media_us, _MICROSECOND
        self._taken[media_us] = record.utc_us
        while len(self._taken) > WAITING_MOST:
            self._taken.pop(next(iter(self._taken)))
        return packet

    def _decoded(self, decoder: VideoCodecContext, packet: "Packet[VideoStream] | None") -> Iterator[DecodedPicture]:
        try:
            frames = decoder.decode(packet)
        except FFmpegError:
            self.undecodable += 1
            return
        for frame in frames:
            utc_us = self._taken.pop(frame.pts, None) if frame.pts is not None else None
            if utc_us is None or frame.pts is None:
                self.undecodable += 1
            else:
                yield DecodedPicture(frame, utc_us, frame.pts)


def as_planar(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """Return the picture in 4:2:0 of eight bits and this size."""
    if frame.format.name in ("yuv420p", "yuvj420p") and (frame.width, frame.height) == (width, height):
        return frame
    return frame.reformat(width, height, "yuv420p")
