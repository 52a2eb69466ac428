"""The NAL units inside any MP4, Matroska, MPEG-TS or elementary stream, in decode order, read by the media library.

The file is a stranger's: only formats that hold pictures themselves are opened, so that none can send the library to
other files or into the network. Must not know hashes or manifests.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import av
import av.logging
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from kuramori_segments.codes import VideoCodec

FORMATS = "mov,matroska,mpegts,h264,hevc,avi,flv"
READ_BYTES = 1 << 20
_CODECS = {"h264": VideoCodec.H264, "hevc": VideoCodec.H265}
# Odd bytes in a stranger's titles are no fault. PyAV 19 always takes them; before, it had to be told.
_TOLERANT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
_ADTS_BYTES = 7
_START_CODE = re.compile(b"\0\0\1")


class ClipUnreadable(Exception):
    """No pictures of a codec that is recorded can be read from the file."""


@dataclass(frozen=True, slots=True)
class OpenedClip:
    """A container, open for reading."""

    codec: VideoCodec
    other_tracks: tuple[str, ...]  # kinds of the tracks beside the first video track
    parameter_sets: tuple[bytes, ...]  # those that stand beside the samples
    units: Iterator[bytes]  # raises ClipUnreadable


def sound_frames(file: BinaryIO) -> Iterator[bytes]:
    """Yield the frames of the first track of sound, without ADTS. Raises ClipUnreadable."""
    av.logging.set_level(None)
    try:
        options = {"format_whitelist": FORMATS}
        with av.open(file, "r", options=options, buffer_size=READ_BYTES, **_TOLERANT) as container:
            stream = container.streams.audio[0]
            if stream.codec_context.name != "aac":
                raise ClipUnreadable
            described = bool(stream.codec_context.extradata)
            for packet in container.demux(stream):
                if packet.size:
                    data = bytes(packet)
                    yield from (data,) if described else without_adts(data)
    except (FFmpegError, IndexError, ValueError, OSError):
        raise ClipUnreadable from None


def without_adts(data: bytes) -> Iterator[bytes]:
    """Yield the frames behind their ADTS headers (ISO/IEC 14496-3, 1.A.2.2); what has none is one frame."""
    at = 0
    while at < len(data):
        head = data[at : at + _ADTS_BYTES]
        if len(head) < _ADTS_BYTES or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
            yield data[at:]
            return
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        begin = at + (_ADTS_BYTES if head[1] & 1 else _ADTS_BYTES + 2)
        at = max(at + length, begin)
        yield data[begin:at]


@contextmanager
def open_clip(file: BinaryIO) -> Iterator[OpenedClip]:
    """Open a file that can be read and sought. Raises ClipUnreadable."""
    av.logging.set_level(None)
    try:
        options = {"format_whitelist": FORMATS}
        with av.open(file, "r", options=options, buffer_size=READ_BYTES, **_TOLERANT) as container:
            if not container.streams.video:
                raise ClipUnreadable
            stream = container.streams.video[0]
            codec = _CODECS.get(stream.codec_context.name)
            if codec is None:
                raise ClipUnreadable
            extra = bytes(stream.codec_context.extradata or b"")
            others = tuple(sorted(other.type for other in container.streams if other.index != stream.index))
            length_bytes = _length_bytes(codec, extra)
            sets = tuple(_sets_beside(codec, extra) if length_bytes else split_start_codes(extra))
            yield OpenedClip(codec, others, sets, _units(container, stream, length_bytes))
    except (FFmpegError, ValueError, OSError):
        raise ClipUnreadable from None


def _units(container: InputContainer, stream: VideoStream, length_bytes: int) -> Iterator[bytes]:
    try:
        for packet in container.demux(stream):
            if packet.size:
                data = bytes(packet)
                yield from split_lengths(data, length_bytes) if length_bytes else split_start_codes(data)
    except FFmpegError:
        raise ClipUnreadable from None


def split_start_codes(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units behind start codes (annex B)."""
    starts = [match.end() for match in _START_CODE.finditer(data)]
    ends = [start - 3 for start in starts[1:]]
    for start, following in zip(starts, [*ends, len(data)], strict=False):
        if following > start:
            yield data[start:following]


def split_lengths(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """Yield the NAL units behind big-endian lengths; what is cut off at the end is yielded as far as it goes."""
    at = 0
    while at + length_bytes < len(data):
        start = at + length_bytes
        at = start + int.from_bytes(data[at:start], "big")
        if at > start:
            yield data[start:at]


def _length_bytes(codec: VideoCodec, extra: bytes) -> int:
    """Return how long NAL lengths are (avcC, hvcC); 0 where start codes are used."""
    place = 4 if codec is VideoCodec.H264 else 21
    return (extra[place] & 3) + 1 if len(extra) > place + 1 and extra[0] == 1 else 0


def _sets_beside(codec: VideoCodec, extra: bytes) -> Iterator[bytes]:
    """Yield the parameter sets of avcC or hvcC (ISO/IEC 14496-15); stops where the bytes end."""
    if codec is VideoCodec.H264:
        at, counts = 5, [extra[5] & 31, None]
        for count in counts:
            if count is None:
                count = extra[at] if at < len(extra) else 0
            at += 1
            for _ in range(count):
                found, at = _behind_u16(extra, at)
                yield found
        return
    at = 23
    for _ in range(extra[22]) if len(extra) > 22 else ():
        count = int.from_bytes(extra[at + 1 : at + 3], "big")
        at += 3
        for _ in range(min(count, len(extra))):
            found, at = _behind_u16(extra, at)
            yield found


def _behind_u16(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    return data[at + 2 : end], end
