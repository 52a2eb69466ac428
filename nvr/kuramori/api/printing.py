"""What is drawn for paper is drawn in one thread of its own, one at a time: it takes seconds of CPU.

Must not know what is drawn.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from fastapi import Response

from kuramori.desk.fault import RegisterAway
from kuramori.desk.register import RegisterDamaged
from kuramori.paper.document import Document
from kuramori.paper.document_pdf import to_pdf
from kuramori.paper.markdown import to_markdown

PDF = "application/pdf"
MARKDOWN = "text/markdown"
_NOT_KEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_printer = ThreadPoolExecutor(1, "printer")  # one at a time: the threads of the register stay free


class PaperFormat(StrEnum):
    """As what a paper is wanted."""

    PDF = "pdf"
    MARKDOWN = "markdown"


OF_PAPER: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {}, MARKDOWN: {}}}}


async def printed(work: Callable[[], bytes]) -> bytes:
    """Draw something. Raises RegisterAway where the register turns out damaged."""
    try:
        return await asyncio.get_running_loop().run_in_executor(_printer, work)
    except RegisterDamaged as damage:
        raise RegisterAway(str(damage)) from damage


def file_answer(content: bytes, media_type: str, name: str) -> Response:
    """Return a file to keep; the browser keeps nothing itself."""
    headers = {**_NOT_KEPT, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


async def paper_answer(make: Callable[[], Document], shape: PaperFormat, name: str, utc_ms: int) -> Response:
    """Make a paper and draw it. Raises what making raises."""

    def work() -> bytes:
        document = make()
        if shape is PaperFormat.MARKDOWN:
            return to_markdown(document).encode("utf-8")
        return to_pdf(document, datetime.fromtimestamp(utc_ms / 1000, UTC))

    content = await printed(work)
    if shape is PaperFormat.MARKDOWN:
        return file_answer(content, f"{MARKDOWN}; charset=utf-8", f"{name}.md")
    return file_answer(content, PDF, f"{name}.pdf")
