"""The picture of a simulated camera: a card with its number, a running clock and something that moves.

Pure: an index in, the three planes of a YUV 4:2:0 picture out, drawn with slices, so that no drawing library is
needed. The clock shows the position in the clip, which is played over and over. It must not know codecs.
"""

import random
from dataclasses import dataclass, field

_SEGMENTS = {  # which of the seven strokes a character has: top, upper left, upper right, middle, lower left, …
    "0": "tlrLRb", "1": "rR", "2": "trmLb", "3": "trmRb", "4": "lrmR", "5": "tlmRb",
    "6": "tlmLRb", "7": "trR", "8": "tlrmLRb", "9": "tlrmRb", " ": "", "-": "m",
}  # fmt: skip
_INK, _PAPER = 235, 16
_NOISE_MASK = 0x7F
_NOISE_SOURCE_BYTES = 1 << 16


@dataclass(slots=True)
class ClockCard:
    """Draws the pictures of one clip. `number` None: no camera number; `noisy`: a band of snow below, so that an
    encoder needs its whole bit rate."""

    width: int
    height: int
    frames_per_second: int
    number: int | None = None
    noisy: bool = False
    _snow: bytes = field(default=b"", repr=False)

    def planes(self, index: int) -> tuple[bytes, bytes, bytes]:
        """Return Y, U and V of picture `index`, each without padding."""
        width, height = self.width, self.height
        luma = bytearray(self._background(index))
        unit = max(2, height // 60)
        seconds, frame = divmod(index, self.frames_per_second)
        self._write(luma, f"{seconds // 60:02d} {seconds % 60:02d} {frame:02d}", unit, unit * 3, unit * 30)
        if self.number is not None:
            self._write(luma, str(self.number), unit * 2, unit * 3, unit * 4)
        side = unit * 4
        left = (index * unit) % max(1, width - side)
        self._fill(luma, left, height - side - unit * 14, side, side, _INK)
        if self.noisy:
            self._let_it_snow(luma, index)
        chroma = (width // 2) * (height // 2)
        tint = (self.number or 0) * 37
        return bytes(luma), bytes([96 + tint % 64]) * chroma, bytes([112 + tint % 48]) * chroma

    def _background(self, index: int) -> bytes:
        row = bytes(48 + (x // 4 + index) % 96 for x in range(self.width * 2))
        return b"".join(row[y % self.width :][: self.width] for y in range(self.height))

    def _write(self, luma: bytearray, words: str, unit: int, left: int, top: int) -> None:
        for character in words:
            self._fill(luma, left - unit, top - unit, unit * 8, unit * 13, _PAPER)
            for stroke in _SEGMENTS[character]:
                x, y, wide, tall = {
                    "t": (0, 0, 6, 1), "m": (0, 5, 6, 1), "b": (0, 10, 6, 1),
                    "l": (0, 0, 1, 6), "r": (5, 0, 1, 6), "L": (0, 5, 1, 6), "R": (5, 5, 1, 6),
                }[stroke]  # fmt: skip
                self._fill(luma, left + x * unit, top + y * unit, wide * unit, tall * unit, _INK)
            left += unit * 8

    def _fill(self, luma: bytearray, left: int, top: int, wide: int, tall: int, value: int) -> None:
        left, right = max(0, left), min(self.width, left + wide)
        stroke = bytes([value]) * max(0, right - left)
        for y in range(max(0, top), min(self.height, top + tall)):
            luma[y * self.width + left : y * self.width + left + len(stroke)] = stroke

    def _let_it_snow(self, luma: bytearray, index: int) -> None:
        if not self._snow:
            noise = random.Random(self.number or 0).randbytes(_NOISE_SOURCE_BYTES)  # noqa: S311 - a picture
            self._snow = bytes(64 + (value & _NOISE_MASK) for value in noise) * 2
        chance = random.Random(index)  # noqa: S311 - a picture
        for y in range(self.height - self.height // 4, self.height):
            start = chance.randrange(_NOISE_SOURCE_BYTES)
            piece = self._snow[start : start + self.width]
            luma[y * self.width : (y + 1) * self.width] = piece.ljust(self.width, b"\x80")
