"""From opened pictures to a masked copy: decoded, painted over, marked, encoded anew, with its strips.

Runs inside the worker, in memory and a sealed spool file. Must not know processes, papers or the desk.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import pairwise

from av.video.frame import VideoFrame

from kuramori.clips.chosen_units import ChosenUnit
from kuramori.clips.mux import Target
from kuramori.masking.boxes import Box, Drawing
from kuramori.masking.decoding import DecodedPicture, Decoding, as_planar
from kuramori.masking.encoding import CopyEncoder
from kuramori.masking.mark import Mark, mark_lines
from kuramori.masking.mosaic import REFRESH_US, Plane, mosaic_of
from kuramori.masking.painting import around, inside, paint
from kuramori.masking.strip_sheets import seconds_between
from kuramori.masking.strips import Strips

LookAt = Callable[[VideoFrame, int, tuple[Box, ...]], None]  # the opened picture, its time, what is kept of it


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """What is to be made. The range is half open."""

    number: int
    request_id: str
    drawing: Drawing
    from_utc_ms: int
    to_utc_ms: int
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What was made."""

    width: int
    height: int
    pictures: int
    undecodable: int
    first_utc_us: int
    last_utc_us: int
    seconds_between: int  # of the strips


@dataclass(slots=True)
class CopyMaker:
    """Makes one copy. Use once."""

    order: CopyOrder
    target: Target
    threads: int
    tell: Callable[[float], None] = lambda share: None
    look_at: LookAt | None = None
    _begun: "_Begun | None" = field(default=None, init=False)

    def make(self, units: Iterable[ChosenUnit]) -> tuple[CopyFacts, tuple[bytes, ...]] | None:
        """Return facts and sheets; None where the range shows no picture. Raises EncodingFailed, …"""
        order, decoding = self.order, Decoding(self.threads)
        span = order.from_utc_ms * 1000, order.to_utc_ms * 1000
        for picture in decoding.pictures(units):
            if span[0] <= picture.utc_us < span[1]:
                self._take(picture)
                self.tell((picture.utc_us - span[0]) / (span[1] - span[0]))
        if self._begun is None:
            return None
        return self._begun.finish(decoding.undecodable)

    def _take(self, picture: DecodedPicture) -> None:
        if self._begun is None:
            self._begun = _Begun(self.order, self.target, self.threads, picture, self.look_at)
        self._begun.add(picture)


class _Begun:
    """A copy from its first picture on: all pictures get the size of that one."""

    def __init__(
        self, order: CopyOrder, target: Target, threads: int, first: DecodedPicture, look_at: LookAt | None
    ) -> None:
        frame = first.frame
        self._order = order
        self._look_at = look_at
        self._size = frame.width & ~1, frame.height & ~1
        self._origin_us = first.media_us
        self._first_utc_us = self._last_utc_us = first.utc_us
        self._seconds = seconds_between(order.from_utc_ms, order.to_utc_ms)
        self._strips = Strips(*self._size, order.zone, self._seconds)
        self._mark = Mark(mark_lines(order.number, order.request_id), *self._size)
        self._encoder = CopyEncoder(target, as_planar(frame, *self._size), self._size, threads)
        self._mosaic: tuple[bytes, ...] = ()
        self._mosaic_until_us = 0

    def add(self, picture: DecodedPicture) -> None:
        """Paint a picture over and encode it."""
        width, height = self._size
        source = as_planar(picture.frame, width, height)
        copy = VideoFrame(width, height, "yuv420p")
        target, planes = planes_of(copy), planes_of(source, self._size)
        if picture.media_us >= self._mosaic_until_us or not self._mosaic:
            drawing = self._order.drawing
            self._mosaic = mosaic_of(planes, [plane.stride for plane in target], drawing.blocks, drawing.outside)
            self._mosaic_until_us = picture.media_us + REFRESH_US
        kept = self._order.drawing.kept_at(picture.utc_us)
        covered = self._order.drawing.covered_at(picture.utc_us)
        paint(
            target,
            planes,
            self._mosaic,
            [inside(box, width, height) for box in kept],
            [around(box, width, height) for box in covered],
        )
        self._mark.lay_on(target)
        if self._strips.wants(picture.utc_us):
            self._strips.add(_samples(copy, self._strips.size), picture.utc_us)
            if self._look_at is not None and kept:
                self._look_at(copy, picture.utc_us, kept)
        self._encoder.add(copy, picture.media_us - self._origin_us)
        self._first_utc_us = min(self._first_utc_us, picture.utc_us)
        self._last_utc_us = max(self._last_utc_us, picture.utc_us)

    def finish(self, undecodable: int) -> tuple[CopyFacts, tuple[bytes, ...]]:
        """End the file."""
        self._encoder.finish()
        facts = CopyFacts(
            *self._size,
            pictures=self._encoder.pictures,
            undecodable=undecodable,
            first_utc_us=self._first_utc_us,
            last_utc_us=self._last_utc_us,
            seconds_between=self._seconds,
        )
        return facts, self._strips.finish()


def planes_of(frame: VideoFrame, size: tuple[int, int] | None = None) -> list[Plane]:
    """Return the planes of a 4:2:0 picture, cut to `size` where given."""
    width, height = size or (frame.width, frame.height)
    halves = ((width, height), ((width + 1) // 2, (height + 1) // 2), ((width + 1) // 2, (height + 1) // 2))
    return [Plane(*half, plane.line_size, memoryview(plane)) for half, plane in zip(halves, frame.planes, strict=True)]


def _samples(frame: VideoFrame, size: tuple[int, int]) -> bytes:
    """Return the picture in another size, 24 bits a pixel, without padding."""
    small = frame.reformat(*size, "rgb24", interpolation="AREA").planes[0]
    view, row_bytes = memoryview(small), size[0] * 3
    if small.line_size == row_bytes:
        return bytes(view[: row_bytes * size[1]])
    starts = [row * small.line_size for row in range(size[1] + 1)]
    return b"".join(view[start : start + row_bytes] for start, _ in pairwise(starts))
