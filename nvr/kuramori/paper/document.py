"""A paper as a tree of plain values, before it is Markdown or PDF: both are drawn from the same tree.

Pure. Must not know what papers say, nor fonts or pages.
"""

from dataclasses import dataclass, field

from kuramori.paper.language import Language


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading under the title: level 2 or 3."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `right`: at the right margin, as dates and signatures stand."""

    text: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A numbered list: (1), (2) …"""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A label and what is written beside it; `lines` is the room to write by hand."""

    label: str
    value: str = ""
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Form:
    """A ruled form of two columns."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A ruled table; `shares` are the columns' parts of the width."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Large:
    """A line in large letters, for a notice that is read from afar."""

    text: str
    points: float


@dataclass(frozen=True, slots=True)
class NewPage:
    """What follows begins a page."""


Block = Heading | Paragraph | Items | Form | Grid | Large | NewPage


@dataclass(frozen=True, slots=True)
class Document:
    """One paper. Without `shows_title` the title is a name only: a notice says it in large letters."""

    title: str
    language: Language
    blocks: tuple[Block, ...] = field(default=())
    footer: str = ""
    shows_title: bool = True
    landscape: bool = False
