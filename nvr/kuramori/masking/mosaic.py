"""The mosaic: what is left of a picture where nothing is kept.

Each block is the mean of its pixels, rounded to sixteen steps, of brightness and of colour; blocks begin at the upper
left corner and never move; a new mosaic is taken twice a second. Together that bounds what can be won back from many
pictures of one face (THREATS.md). A part of a block at the right or lower edge shows its neighbour. Must not know
boxes or codecs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from kuramori.masking.boxes import Outside

REFRESH_US = 500_000  # how long one mosaic stands
STEPS = 16
_BLOCK_LEAST = 8  # pixels: of a picture that is small already
_GREY = (96, 128, 128)
_ROUNDED = bytes((value & 0xF0) | 8 for value in range(256))  # the middle of each of sixteen steps


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane of a planar 4:2:0 picture: its samples, row after row, `stride` bytes apart."""

    width: int
    height: int
    stride: int
    samples: memoryview


def block_pixels(width: int, height: int, blocks: int) -> int:
    """Return the side of a block: even, so that colour has the same blocks; never more than `blocks` on a side."""
    side = max(_BLOCK_LEAST, -(-min(width, height) // blocks))
    return side + side % 2


def mosaic_of(planes: Sequence[Plane], strides: Sequence[int], blocks: int, outside: Outside) -> tuple[bytes, ...]:
    """Return the planes of the mosaic, rows `strides` bytes apart."""
    side = block_pixels(planes[0].width, planes[0].height, blocks)
    if outside is Outside.GREY:
        return tuple(
            bytes([level]) * (stride * plane.height)
            for plane, stride, level in zip(planes, strides, _GREY, strict=True)
        )
    return tuple(
        _expanded(_means(plane, block), plane, stride, block)
        for plane, stride, block in zip(planes, strides, (side, side // 2, side // 2), strict=True)
    )


def _means(plane: Plane, block: int) -> list[bytes]:
    """Return the rounded means of the whole blocks, row by row."""
    columns, rows = max(1, plane.width // block), max(1, plane.height // block)
    samples: Any = plane.samples  # whatever shows its bytes will do
    picture = Image.frombuffer("L", (plane.width, plane.height), samples, "raw", "L", plane.stride, 1)
    small = picture.crop((0, 0, columns * block, rows * block)).reduce(block).tobytes().translate(_ROUNDED)
    return [small[row * columns : (row + 1) * columns] for row in range(rows)]


def _expanded(means: Sequence[bytes], plane: Plane, stride: int, block: int) -> bytes:
    """Return each mean as a block; the last of a row and the last row go on to the edge."""
    lines = []
    for row in means:
        line = b"".join(bytes([value]) * block for value in row)
        lines.append(line + bytes([row[-1]]) * (stride - len(line)) if len(line) < stride else line[:stride])
    rest = plane.height - (len(means) - 1) * block
    return b"".join([line * block for line in lines[:-1]] + [lines[-1] * rest])
