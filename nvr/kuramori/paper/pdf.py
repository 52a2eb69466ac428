"""PDF pages of the office: text, ruled forms and tables on A4, in Japanese, the font inside the file.

The one place that knows the PDF library (fpdf2) and the font (Noto Sans CJK, SIL Open Font License). Times are
arguments, so that the same content gives the same bytes. Must not know what the pages say. Loading the font takes a
second or two of CPU: never call it on an event loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from kuramori.paper.line_breaking import broken_into_lines

MARGIN_MM = 20.0
FOOTER_MM = 12.0
TEXT_POINTS = 10.5
SMALL_POINTS = 8.0
HEADING_POINTS = (16.0, 13.0, 11.5)
LINE_HEIGHT = 1.5  # of the font's size
CELL_PADDING_MM = 1.5
LABEL_SHARE = 0.28  # of a form's width
GROUP_SHARE = 0.14
MISSING = "〓"  # what printers in Japan put where they have no type
FAMILY = "NotoSansCJKjp"
_FONT_PACKAGE = "noto_cjk_sans_jp_regular"
_MM_PER_POINT = 25.4 / 72
_TITLE_LEVEL = 1
_REGIONS = {"ja": "ja-JP"}


@dataclass(frozen=True, slots=True)
class FormRow:
    """A label and what is written beside it. A label that repeats the `group` of the row before shares its cell."""

    label: str
    value: str
    group: str = ""
    least_lines: int = 1  # room to write by hand


def font_file() -> Path:
    """Return the font that is embedded."""
    return Path(str(import_module(_FONT_PACKAGE).FONT_PATH))


class PdfDocument:
    """Pages that grow from top to bottom; `to_bytes` ends them."""

    def __init__(
        self, title: str, *, created: datetime, footer: str = "", landscape: bool = False, language: str = "ja"
    ) -> None:
        """Begin with an empty page. `footer` stands on every page, with the page's number."""
        self._pages = _Pages(footer, landscape)
        self._pages.set_title(_printable_title(title))
        self._pages.set_creation_date(created)
        self._pages.set_lang(_REGIONS.get(language, language))
        self._pages.add_page()

    def heading(self, text: str, level: int = _TITLE_LEVEL, *, centred: bool = False) -> None:
        """Write a heading of level 1 to 3."""
        points = HEADING_POINTS[level - 1]
        self._lines(text, points, centred=centred)
        self.space(points * _MM_PER_POINT / 2)

    def paragraph(self, text: str, points: float = TEXT_POINTS, *, right: bool = False) -> None:
        """Write a paragraph, at the right margin where that is wanted (dates, signatures)."""
        self._lines(text, points, right=right)
        self.space(points * _MM_PER_POINT / 3)

    def large(self, text: str, points: float) -> None:
        """Write centred lines in letters of any size."""
        self._lines(text, points, centred=True)

    def space(self, height_mm: float) -> None:
        """Leave room."""
        self._pages.ln(height_mm)

    def new_page(self) -> None:
        """Go on at the top of another page."""
        self._pages.add_page()

    def form(self, rows: Sequence[FormRow], points: float = TEXT_POINTS) -> None:
        """Draw a ruled form of two columns; rows of one group share a cell at the left."""
        whole = self._pages.epw
        shares = {True: (GROUP_SHARE, LABEL_SHARE - GROUP_SHARE), False: (0.0, LABEL_SHARE)}
        for number, row in enumerate(rows):
            group_share, label_share = shares[bool(row.group)]
            widths = [group_share * whole, label_share * whole, (1 - LABEL_SHARE) * whole]
            first_of_group = number == 0 or rows[number - 1].group != row.group
            last_of_group = number + 1 == len(rows) or rows[number + 1].group != row.group
            texts = [row.group if first_of_group else "", row.label, row.value]
            self._row(texts, widths, points, open_cell=(first_of_group, last_of_group), least_lines=row.least_lines)

    def table(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[float], points: float = SMALL_POINTS
    ) -> None:
        """Draw a ruled table; `shares` are the columns' parts of the width. The head is repeated on every page."""
        widths = [self._pages.epw * share / sum(shares) for share in shares]
        self._row(head, widths, points)
        for row in rows:
            if self._height(row, widths, points) > self._room_mm:
                self._pages.add_page()
                self._row(head, widths, points)
            self._row(row, widths, points)

    def to_bytes(self) -> bytes:
        """Return the finished file."""
        return bytes(self._pages.output())

    @property
    def _room_mm(self) -> float:
        return float(self._pages.h - MARGIN_MM - self._pages.get_y())

    def _line_mm(self, points: float) -> float:
        return points * _MM_PER_POINT * LINE_HEIGHT

    def _broken(self, text: str, width_mm: float, points: float) -> list[str]:
        self._pages.set_font(FAMILY, size=points)
        return broken_into_lines(self._pages.printable(text), width_mm, self._pages.get_string_width)

    def _lines(self, text: str, points: float, *, right: bool = False, centred: bool = False) -> None:
        for line in self._broken(text, self._pages.epw, points):
            if self._line_mm(points) > self._room_mm:
                self._pages.add_page()
            self._pages.set_font(FAMILY, size=points)
            align = "R" if right else "C" if centred else "L"
            self._pages.cell(
                self._pages.epw, self._line_mm(points), line, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT
            )

    def _height(self, texts: Sequence[str], widths: Sequence[float], points: float) -> float:
        most = max(
            len(self._broken(text, width - 2 * CELL_PADDING_MM, points))
            for text, width in zip(texts, widths, strict=True)
            if width
        )
        return most * self._line_mm(points) + 2 * CELL_PADDING_MM

    def _row(
        self,
        texts: Sequence[str],
        widths: Sequence[float],
        points: float,
        *,
        open_cell: tuple[bool, bool] = (True, True),
        least_lines: int = 1,
    ) -> None:
        """Draw one row, over as many pages as it needs. `open_cell`: whether the first cell begins and ends here."""
        waiting = [
            self._broken(text, width - 2 * CELL_PADDING_MM, points) if width else []
            for text, width in zip(texts, widths, strict=True)
        ]
        line_mm = self._line_mm(points)
        wanted = max(least_lines, *map(len, waiting))
        height_mm = wanted * line_mm + 2 * CELL_PADDING_MM
        if self._room_mm < height_mm <= self._pages.h - 2 * MARGIN_MM or self._room_mm < line_mm + 2 * CELL_PADDING_MM:
            self._pages.add_page()
        while wanted > 0:
            fitting = max(1, min(wanted, int((self._room_mm - 2 * CELL_PADDING_MM) / line_mm)))
            self._draw([lines[:fitting] for lines in waiting], widths, points, fitting, open_cell)
            waiting = [lines[fitting:] for lines in waiting]
            wanted -= fitting
            if wanted > 0:
                self._pages.add_page()

    def _draw(
        self,
        cells: Sequence[Sequence[str]],
        widths: Sequence[float],
        points: float,
        lines: int,
        open_cell: tuple[bool, bool],
    ) -> None:
        pages = self._pages
        pages.set_font(FAMILY, size=points)
        left, top = pages.l_margin, pages.get_y()
        height = lines * self._line_mm(points) + 2 * CELL_PADDING_MM
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            if not width:
                continue
            begins, ends = open_cell if number == 0 else (True, True)
            pages.line(left, top, left, top + height)
            if begins or top == pages.t_margin:
                pages.line(left, top, left + width, top)
            if ends:
                pages.line(left, top + height, left + width, top + height)
            for position, line in enumerate(cell):
                pages.set_xy(left + CELL_PADDING_MM, top + CELL_PADDING_MM + position * self._line_mm(points))
                pages.cell(width - 2 * CELL_PADDING_MM, self._line_mm(points), line)
            left += width
        pages.line(left, top, left, top + height)
        pages.set_xy(pages.l_margin, top + height)


class _Pages(FPDF):
    """The library's document with the font, the margins and the foot of every page."""

    def __init__(self, footer: str, landscape: bool) -> None:
        super().__init__(orientation="landscape" if landscape else "portrait", unit="mm", format="A4")
        self.c_margin = 0
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(False)
        self.add_font(FAMILY, fname=font_file())
        font = self.fonts[FAMILY.lower()]
        self._glyphs = frozenset(font.cmap if isinstance(font, TTFFont) else ())
        self._foot = self.printable(footer)

    def printable(self, text: str) -> str:
        """Return a text with a sign where the font has no glyph; marks that only choose a variant are left out."""
        shown = []
        for letter in text:
            if letter == "\n" or ord(letter) in self._glyphs:
                shown.append(letter)
            elif not _chooses_variant(letter):
                shown.append(MISSING if letter.isprintable() else " ")
        return "".join(shown)

    def footer(self) -> None:
        """Write the foot of a page."""
        self.set_font(FAMILY, size=SMALL_POINTS)
        self.set_xy(MARGIN_MM, self.h - FOOTER_MM)
        self.cell(self.epw * 0.8, SMALL_POINTS * _MM_PER_POINT, self._foot)
        self.cell(self.epw * 0.2, SMALL_POINTS * _MM_PER_POINT, f"{self.page_no()}", align="R")


def _chooses_variant(letter: str) -> bool:
    """Tell whether a character only selects a variant of the one before (Unicode 15.0 section 23.4)."""
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def _printable_title(title: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in title)
