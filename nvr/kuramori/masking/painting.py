"""One picture of a masked copy: the mosaic, on it what is kept, on that what is covered, on all of it the mark.

A kept box never shows a pixel more than was drawn (edges go inwards), a cover never one less (outwards). Works on the
planes of 4:2:0 pictures, row by row in memory. Must not know codecs or files.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kuramori.masking.boxes import Box
from kuramori.masking.mosaic import Plane


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Whole pixels, even numbers: `right` and `bottom` are the first that do not belong to it."""

    left: int
    top: int
    right: int
    bottom: int


def inside(box: Box, width: int, height: int) -> Rectangle:
    """Return the largest even rectangle within a box."""
    return Rectangle(
        _even_up(box.left * width),
        _even_up(box.top * height),
        _even_down((box.left + box.width) * width),
        _even_down((box.top + box.height) * height),
    )


def around(box: Box, width: int, height: int) -> Rectangle:
    """Return the smallest even rectangle around a box, within the picture."""
    return Rectangle(
        max(0, _even_down(box.left * width)),
        max(0, _even_down(box.top * height)),
        min(width, _even_up((box.left + box.width) * width)),
        min(height, _even_up((box.top + box.height) * height)),
    )


def paint(
    target: Sequence[Plane],
    source: Sequence[Plane],
    mosaic: Sequence[bytes],
    kept: Iterable[Rectangle],
    covered: Iterable[Rectangle],
) -> None:
    """Fill the planes of `target`. The mosaic's rows are as far apart as the target's."""
    for plane, still in zip(target, mosaic, strict=True):
        plane.samples[: len(still)] = still
    for rectangle in kept:
        for number, (plane, other) in enumerate(zip(target, source, strict=True)):
            _copy(plane, other.samples, other.stride, rectangle, 1 if number else 0)
    for rectangle in covered:
        for number, (plane, still) in enumerate(zip(target, mosaic, strict=True)):
            _copy(plane, memoryview(still), plane.stride, rectangle, 1 if number else 0)


def _copy(target: Plane, source: memoryview, source_stride: int, rectangle: Rectangle, halved: int) -> None:
    left, right = rectangle.left >> halved, rectangle.right >> halved
    width, samples = right - left, target.samples
    if width <= 0:
        return
    for row in range(rectangle.top >> halved, rectangle.bottom >> halved):
        at, other = row * target.stride + left, row * source_stride + left
        samples[at : at + width] = source[other : other + width]


def _even_up(value: float) -> int:
    return 2 * math.ceil(value / 2)


def _even_down(value: float) -> int:
    return 2 * math.floor(value / 2)
