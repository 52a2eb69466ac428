"""Access units to JPEGs: a storyboard's few small ones, or all of a stretch as they were recorded.

Runs in the confined worker only: a large C library meets a camera's bytes here. The browser gets JPEGs that were made
here, never the camera's bytes. Must not know pipes, requests or keys.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain

import av.logging
from av.codec import CodecContext
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from kuramori.clips.nal_units import in_start_code_form, nal_units
from kuramori.clips.selection import SourceUnit
from kuramori.viewing.camera_reel import CameraReel
from kuramori.viewing.picture_wire import (
    PICTURES_MOST,
    PIECE_BYTES_WANTED,
    SIDE_MOST,
    STORYBOARD_CELL_MS,
    STORYBOARD_HEIGHT_MOST,
    STORYBOARD_WIDTH_MOST,
    Picture,
    Piece,
)
from kuramori_segments.codes import VideoCodec

PIXELS_MOST = 64 << 20
SIDE_LEAST = 2
_DECODERS = {VideoCodec.H264: "h264", VideoCodec.H265: "hevc"}
_FULL_QUALITY = {"qmin": "2", "qmax": "4"}
_STORYBOARD_QUALITY = {"qmin": "4", "qmax": "8"}
_TICK = Fraction(1, 1_000_000)
_JPEG_TICK = Fraction(1, 25)  # an encoder wants times that go on, whatever they are
_PIXELS = "yuvj420p"  # of a JPEG


def be_silent() -> None:
    """Let the library write nothing: its messages might hold anything."""
    av.logging.set_level(None)


class JpegMaker:
    """Frames to JPEGs of at most a width and height."""

    def __init__(self, width_most: int, height_most: int, quality: dict[str, str]) -> None:
        self._most = width_most, height_most
        self._quality = quality
        self._encoder: VideoCodecContext | None = None
        self._made = 0

    def make(self, frame: VideoFrame, utc_us: int) -> Picture | None:
        """Return the picture; None for a frame that no honest camera sends."""
        if not 0 < frame.width * frame.height <= PIXELS_MOST:
            return None
        width, height = self._size(frame.width, frame.height)
        flat = frame.reformat(width=width, height=height, format=_PIXELS)
        self._made += 1
        flat.pts, flat.time_base = self._made, _JPEG_TICK
        packets = self._encoder_of(width, height).encode(flat)
        return Picture(utc_us, width, height, b"".join(bytes(packet) for packet in packets))

    def _size(self, width: int, height: int) -> tuple[int, int]:
        part = min(Fraction(1), Fraction(self._most[0], width), Fraction(self._most[1], height))
        return max(SIDE_LEAST, int(width * part) & ~1), max(SIDE_LEAST, int(height * part) & ~1)

    def _encoder_of(self, width: int, height: int) -> VideoCodecContext:
        if self._encoder is None or (self._encoder.width, self._encoder.height) != (width, height):
            encoder = CodecContext.create("mjpeg", "w")
            if not isinstance(encoder, VideoCodecContext):
                raise RuntimeError("no encoder of JPEG")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, _PIXELS
            encoder.time_base, encoder.thread_count, encoder.options = _JPEG_TICK, 1, self._quality
            self._encoder = encoder
        return self._encoder


def _frames(reel: CameraReel, units: Iterable[SourceUnit]) -> Iterator[tuple[int, VideoFrame]]:
    """Decode; yield each frame with its time. What cannot be decoded is left out."""
    decoder: VideoCodecContext | None = None
    codec: VideoCodec | None = None
    for unit in units:
        its = reel.codec_of(unit)
        if decoder is None or its is not codec:
            yield from _decoded(decoder, None)
            decoder, codec = _decoder_of(its), its
        yield from _decoded(decoder, unit)
    yield from _decoded(decoder, None)


def _decoder_of(codec: VideoCodec) -> VideoCodecContext:
    decoder = CodecContext.create(_DECODERS[codec], "r")
    if not isinstance(decoder, VideoCodecContext):
        raise RuntimeError("no decoder of this video")
    decoder.thread_count = 1
    return decoder


def _decoded(decoder: VideoCodecContext | None, unit: SourceUnit | None) -> Iterator[tuple[int, VideoFrame]]:
    if decoder is None:
        return
    packet = None
    if unit is not None:
        sets: Iterable[bytes | memoryview] = unit.parameter_sets if unit.record.is_key else ()
        packet = Packet(in_start_code_form(chain(sets, nal_units(unit.record.payload))))
        packet.pts, packet.time_base = unit.record.utc_us, _TICK
    try:
        frames = decoder.decode(packet)
    except (FFmpegError, ValueError):
        return
    yield from ((frame.pts, frame) for frame in frames if frame.pts is not None)


class Player:
    """All pictures of a camera from a moment to the end, piece by piece."""

    def __init__(self, reel: CameraReel, from_utc_ms: int, end_utc_ms: int) -> None:
        self.next_utc_ms = from_utc_ms
        self._frames = (
            (utc_us, frame)
            for utc_us, frame in _frames(reel, reel.units(from_utc_ms, end_utc_ms))
            if from_utc_ms * 1000 <= utc_us < end_utc_ms * 1000
        )
        self._jpegs = JpegMaker(SIDE_MOST, SIDE_MOST, _FULL_QUALITY)
        self._waiting: tuple[int, VideoFrame] | None = None
        self._last_us = -1

    def take(self, to_utc_ms: int) -> Piece:
        """Return the next pictures, those before a moment. Raises ExtractionFailed."""
        pictures: list[Picture] = []
        size_bytes = 0
        while True:
            found = self._waiting if self._waiting is not None else next(self._frames, None)
            self._waiting = found
            if found is None:
                self.next_utc_ms = to_utc_ms
                break
            utc_us, frame = found
            if utc_us >= to_utc_ms * 1000:
                self.next_utc_ms = to_utc_ms if pictures else utc_us // 1000
                break
            if pictures and (size_bytes > PIECE_BYTES_WANTED or len(pictures) >= PICTURES_MOST):
                self.next_utc_ms = utc_us // 1000
                break
            self._waiting = None
            if utc_us <= self._last_us:
                continue  # two at one time: the page shows one
            self._last_us = utc_us
            picture = self._jpegs.make(frame, utc_us)
            if picture is not None:
                pictures.append(picture)
                size_bytes += len(picture.jpeg)
        return Piece(tuple(pictures), self.next_utc_ms)


def storyboard(reel: CameraReel, granted_utc_ms: tuple[int, int], from_utc_ms: int, to_utc_ms: int) -> Piece:
    """Return one small picture of each ten seconds of UTC that hold a key frame. Raises ExtractionFailed.

    Of ten seconds it is always the same one, the first of the granted minutes in them, whatever stretch is asked for.
    """
    jpegs = JpegMaker(STORYBOARD_WIDTH_MOST, STORYBOARD_HEIGHT_MOST, _STORYBOARD_QUALITY)
    pictures: list[Picture] = []
    begin = from_utc_ms
    while begin < to_utc_ms and len(pictures) < PICTURES_MOST:
        cell = begin // STORYBOARD_CELL_MS * STORYBOARD_CELL_MS
        first, last = max(cell, granted_utc_ms[0]), min(cell + STORYBOARD_CELL_MS, granted_utc_ms[1])
        picture = _first_key_picture(reel, jpegs, first, last)
        if picture is not None and begin * 1000 <= picture.utc_us < to_utc_ms * 1000:
            pictures.append(picture)
        begin = min(cell + STORYBOARD_CELL_MS, to_utc_ms)
    return Piece(tuple(pictures), begin)


def _first_key_picture(reel: CameraReel, jpegs: JpegMaker, from_utc_ms: int, to_utc_ms: int) -> Picture | None:
    """Decode the first key frame of a stretch, and nothing else."""
    for unit in reel.units(from_utc_ms, to_utc_ms):
        if not unit.record.is_key or not from_utc_ms * 1000 <= unit.record.utc_us < to_utc_ms * 1000:
            continue
        for utc_us, frame in _frames(reel, [unit]):
            return jpegs.make(frame, utc_us)
    return None
