"""The mark that is burnt into each picture of a masked copy: its number and request, in both languages.

Drawn once, white on black, in the office's font; then laid on brightness and colour of each picture. Must not know
where in a stream a picture stands.
"""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from kuramori.masking.mosaic import Plane
from kuramori.paper.pdf import font_file

_HEIGHT_SHARE = 30  # a line is a thirtieth of the picture's height, if it fits its width
_LINE_LEAST = 10  # pixels
_BLACK, _COLOURLESS = 16, 128
_WHITE = 235


def mark_lines(number: int, request_id: str) -> tuple[str, str]:
    """Return what is burnt in."""
    return f"マスキング済み写し 第{number}号({request_id})", f"masked copy no. {number} ({request_id})"


class Mark:
    """A mark for pictures of one size."""

    def __init__(self, lines: Sequence[str], width: int, height: int) -> None:
        """Draw it: as large as wanted, or as fits."""
        size = max(_LINE_LEAST, height // _HEIGHT_SHARE)
        font, wide = _measured(lines, size)
        if wide > width * 0.96:
            font, wide = _measured(lines, max(4, int(size * width * 0.96 / wide)))
        line_height = int(font.size * 1.3)
        self._width = min(width, wide + line_height) // 2 * 2
        self._height = min(height, line_height * len(lines) + line_height // 2) // 2 * 2
        picture = Image.new("L", (self._width, self._height), _BLACK)
        draw = ImageDraw.Draw(picture)
        for row, line in enumerate(lines):
            draw.text((line_height // 2, line_height // 4 + row * line_height), line, fill=_WHITE, font=font)
        self._rows = [picture.tobytes()[row * self._width : (row + 1) * self._width] for row in range(self._height)]

    def lay_on(self, planes: Sequence[Plane]) -> None:
        """Lay it into the upper left corner of a 4:2:0 picture."""
        bright, *colours = planes
        for row, samples in enumerate(self._rows):
            at = row * bright.stride
            bright.samples[at : at + self._width] = samples
        half = bytes([_COLOURLESS]) * (self._width // 2)
        for plane in colours:
            for row in range(self._height // 2):
                at = row * plane.stride
                plane.samples[at : at + len(half)] = half


def _measured(lines: Sequence[str], size: int) -> tuple[ImageFont.FreeTypeFont, int]:
    font = ImageFont.truetype(font_file(), size)
    return font, max(int(font.getlength(line)) + 1 for line in lines)
