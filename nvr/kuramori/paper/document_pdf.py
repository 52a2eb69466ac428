"""A paper as PDF, drawn from its tree by the one wrapper over the PDF library.

Loading the font takes a second or two of CPU: never call this on an event loop. Must not know what papers say.
"""

from datetime import datetime

from kuramori.paper.document import Document, Form, Grid, Heading, Items, Large, NewPage, Paragraph
from kuramori.paper.pdf import FormRow, PdfDocument

GRID_POINTS = 9.0


def to_pdf(document: Document, created: datetime) -> bytes:
    """Return the whole paper."""
    pages = PdfDocument(
        document.title,
        created=created,
        footer=document.footer,
        landscape=document.landscape,
        language=document.language.value,
    )
    if document.shows_title:
        pages.heading(document.title, centred=True)
    for block in document.blocks:
        match block:
            case Heading():
                pages.heading(block.text, block.level)
            case Paragraph():
                pages.paragraph(block.text, right=block.right)
            case Items():
                for number, text in enumerate(block.texts, start=1):
                    pages.paragraph(f"({number}) {text}")
            case Form():
                pages.form([FormRow(row.label, row.value, least_lines=row.lines) for row in block.rows])
                pages.space(4)
            case Grid():
                pages.table(block.head, block.rows, block.shares, GRID_POINTS)
                pages.space(4)
            case Large():
                pages.large(block.text, block.points)
            case NewPage():
                pages.new_page()
    return pages.to_bytes()
