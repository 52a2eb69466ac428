"""From the pieces that FFmpeg's demuxer hands out to whole access units with a time.

FFmpeg cuts where its parser sees a beginning. A camera that repeats its parameter sets before each slice (GStreamer's
payloader does) has its key pictures cut in two, both with the same time: they are put together again here. Its first
piece has no time; that comes from the second. Pure: bytes and numbers; the media library is not known here.
"""

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from kuramori.capture.av_protocol import MAX_UNIT_BYTES, ChildUnit
from kuramori.capture.nal_kind import PICTURE, kinds_of
from kuramori.capture.source import Codec

CLOCK_RATE_HZ = 90_000
RTP_TIME_ORIGIN = 1 << 32  # so that a step back before the first picture stays positive
MAX_PIECE_BYTES = MAX_UNIT_BYTES // 2  # with a length of four bytes for each start code of three
_START_CODE = re.compile(b"\x00\x00\x01")


class Piece(NamedTuple):
    """What the demuxer hands out at once: Annex-B bytes, clock units (None: not known), packets missing before it."""

    data: bytes
    time: int | None
    lost_packets: int


def whole(pieces: Iterable[Piece], codec: Codec) -> Iterator[Piece]:
    """Put together what belongs to one picture. Each is handed on when the next one begins; the last one at the end."""
    held: Piece | None = None
    for piece in pieces:
        if held is None:
            held = piece
        elif _belong_together(held, piece, codec):
            time = piece.time if held.time is None else held.time
            held = Piece(held.data + piece.data, time, held.lost_packets + piece.lost_packets)
        else:
            yield held
            held = piece
    if held is not None:
        yield held


def _belong_together(held: Piece, piece: Piece, codec: Codec) -> bool:
    if len(held.data) + len(piece.data) > MAX_PIECE_BYTES:
        return False
    if held.time is None or piece.time is None:
        return _continues_a_picture(piece.data, codec)
    return held.time == piece.time


def _continues_a_picture(annexb: bytes, codec: Codec) -> bool:
    """Tell whether the first slice is not the first of its picture: H.264 first_mb_in_slice (section 7.3.3), H.265
    first_slice_segment_in_pic_flag (section 7.3.6.1).
    """
    kinds, header_bytes = kinds_of(codec), 1 if codec is Codec.H264 else 2
    for match in _START_CODE.finditer(annexb):
        at = match.end()
        if at + header_bytes >= len(annexb):
            break
        nal_type = annexb[at] & 31 if codec is Codec.H264 else annexb[at] >> 1 & 63
        if kinds[nal_type] & PICTURE:
            return annexb[at + header_bytes] < 0x80
    return False


def timed(pieces: Iterable[Piece], frames_per_second: Fraction) -> Iterator[ChildUnit]:
    """Give each a time and make units of them; the first one without a time waits for the second."""
    spacing = max(1, round(CLOCK_RATE_HZ / frames_per_second))
    waiting: list[Piece] = []
    last_time = RTP_TIME_ORIGIN
    for piece in pieces:
        waiting.append(piece)
        if piece.time is not None:
            first_time = RTP_TIME_ORIGIN + piece.time - spacing * (len(waiting) - 1)
        elif len(waiting) < 2:
            continue
        else:
            first_time = last_time + spacing
        for index, one in enumerate(waiting):
            last_time = max(0, first_time + spacing * index)
            payload, count = length_prefixed(one.data)
            if count:
                yield ChildUnit(last_time, one.lost_packets, count, payload)
        waiting.clear()


def length_prefixed(annexb: bytes) -> tuple[memoryview, int]:
    """Turn start codes into 32-bit lengths; return the payload and the number of NAL units."""
    out, count = bytearray(), 0
    starts = [match.end() for match in _START_CODE.finditer(annexb)]
    for index, start in enumerate(starts):
        end = starts[index + 1] - 3 if index + 1 < len(starts) else len(annexb)
        nal = annexb[start:end].rstrip(b"\x00")
        if nal:
            out += len(nal).to_bytes(4, "big") + nal
            count += 1
    return memoryview(bytes(out)), count
