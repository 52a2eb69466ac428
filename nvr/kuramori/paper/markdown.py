"""A paper as Markdown that reads as text too. Pure. Must not know what papers say.

What people wrote is not markup: signs that Markdown takes for its own are escaped.
"""

import re

from kuramori.paper.document import Block, Document, Form, Grid, Heading, Items, Large, NewPage, Paragraph

HEADLINE_POINTS = 24.0
BLANK = "______________________"
_MARKUP = re.compile(r"([\\`*<>\[\]|#])")


def to_markdown(document: Document) -> str:
    """Return the whole paper."""
    parts = [f"# {_plain(document.title)}"] if document.shows_title else []
    parts += [text for block in document.blocks if (text := _block(block, document))]
    if document.footer:
        parts += ["---", _plain(document.footer)]
    return "\n\n".join(parts) + "\n"


def _block(block: Block, document: Document) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {_plain(block.text)}"
        case Paragraph():
            return _plain(block.text).replace("\n", "  \n")
        case Items():
            return "\n".join(f"{number}. {_cell(text)}" for number, text in enumerate(block.texts, start=1))
        case Form():
            head = document.language("| | |", "| 項目 | 内容 |")
            rows = [f"| {_cell(row.label)} | {_cell(row.value) or BLANK} |" for row in block.rows]
            return "\n".join([head, "|---|---|", *rows])
        case Grid():
            rows = [" | ".join(map(_cell, row)) for row in (block.head, *block.rows)]
            return "\n".join([f"| {rows[0]} |", "|" + "---|" * len(block.head), *(f"| {row} |" for row in rows[1:])])
        case Large():
            return f"{'#' if block.points >= HEADLINE_POINTS else '##'} {_plain(block.text)}"
        case NewPage():
            return "---"


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _cell(text: str) -> str:
    return _plain(text).replace("\n", "<br>")
