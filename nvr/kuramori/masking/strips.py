"""The frame strips that a second person looks through: pictures of the finished masked copy, with their times.

They are taken from the very pictures that go into the file. JPEG, so many to a sheet. Must not know boxes or codecs.
"""

import io
from datetime import UTC, datetime, tzinfo

from PIL import Image, ImageDraw, ImageFont

from kuramori.masking.strip_sheets import COLUMNS, PICTURE_WIDTH, ROWS, SHEETS_MOST
from kuramori.paper.pdf import font_file

JPEG_QUALITY = 85
_CAPTION = 24  # pixels below each picture


class Strips:
    """Sheets in the making, of pictures of one size."""

    def __init__(self, width: int, height: int, zone: tzinfo, seconds: int) -> None:
        self.size = (PICTURE_WIDTH, max(2, PICTURE_WIDTH * height // width // 2 * 2))
        self._zone = zone
        self._every_us = seconds * 1_000_000
        self._due_us: int | None = None
        self._font = ImageFont.truetype(font_file(), _CAPTION * 2 // 3)
        self._sheet: Image.Image | None = None
        self._place = 0
        self._sheets: list[bytes] = []

    def wants(self, utc_us: int) -> bool:
        """Tell whether the picture of this moment belongs on a sheet."""
        if self._due_us is not None and self._due_us - self._every_us <= utc_us < self._due_us:
            return False
        return len(self._sheets) < SHEETS_MOST

    def add(self, samples: bytes, utc_us: int) -> None:
        """Add a picture of `size`, 24 bits a pixel."""
        self._due_us = utc_us + self._every_us
        if self._sheet is None:
            self._sheet = Image.new("RGB", (COLUMNS * self.size[0], ROWS * (self.size[1] + _CAPTION)), "white")
        column, row = self._place % COLUMNS, self._place // COLUMNS
        left, top = column * self.size[0], row * (self.size[1] + _CAPTION)
        self._sheet.paste(Image.frombytes("RGB", self.size, samples), (left, top))
        moment = datetime.fromtimestamp(utc_us // 1_000_000, UTC).astimezone(self._zone)
        text = f"{moment:%Y-%m-%d %H:%M:%S}.{utc_us // 100_000 % 10}"
        ImageDraw.Draw(self._sheet).text((left + 4, top + self.size[1] + 2), text, fill="black", font=self._font)
        self._place += 1
        if self._place == COLUMNS * ROWS:
            self._end_sheet()

    def finish(self) -> tuple[bytes, ...]:
        """Return the sheets."""
        self._end_sheet()
        return tuple(self._sheets)

    def _end_sheet(self) -> None:
        sheet, self._sheet, self._place = self._sheet, None, 0
        if sheet is not None:
            content = io.BytesIO()
            sheet.save(content, "JPEG", quality=JPEG_QUALITY)
            self._sheets.append(content.getvalue())
