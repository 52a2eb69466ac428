"""A download that was cut is taken up where it broke off: one byte range of what waits, as RFC 9110 section 14 has it.

`ranged` answers whole (200), in part (206) or not at all (416). `If-Range` with another entity tag gives the whole.
Several ranges at once get the whole, as the standard allows. Must not know what is downloaded.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from kuramori.desk.call_fault import RangeUnsatisfiable

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from `start` up to but without `end`."""

    start: int
    end: int


def wanted_span(header: str, if_range: str, tag: str, size_bytes: int) -> Span | None:
    """Return which part is wanted; None for the whole. Raises RangeUnsatisfiable. Pure."""
    found = _RANGE.fullmatch(header.strip().replace(" ", ""))
    if found is None or found.group(1, 2) == ("", "") or (if_range and if_range.strip() != tag):
        return None
    first, last = found.group(1, 2)
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start, end = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
        if last and int(last) < start:
            return None  # such a range is no range: it is ignored
    if start >= end:
        raise RangeUnsatisfiable(size_bytes)
    return Span(start, end)


def ranged(
    request: Request,
    *,
    size_bytes: int,
    tag: str,
    pieces: Callable[[int], AsyncIterator[bytes]],
    media_type: str,
    headers: Mapping[str, str],
) -> Response:
    """Return the answer that streams what is wanted; `pieces(start)` yields the content from a place on.

    `tag` is a strong entity tag in its quotes. Raises RangeUnsatisfiable.
    """
    asked = request.headers
    span = wanted_span(asked.get("range", ""), asked.get("if-range", ""), tag, size_bytes)
    told = {**headers, "Accept-Ranges": "bytes", "ETag": tag}
    start, end = (span.start, span.end) if span is not None else (0, size_bytes)
    told["Content-Length"] = str(end - start)
    if span is not None:
        told["Content-Range"] = f"bytes {start}-{end - 1}/{size_bytes}"
    part = _cut(pieces(start), end - start)
    return StreamingResponse(part, 206 if span is not None else 200, told, media_type)


async def _cut(pieces: AsyncIterator[bytes], missing: int) -> AsyncIterator[bytes]:
    """Yield so many bytes and no more."""
    async for piece in pieces:
        yield piece[:missing]
        missing -= len(piece)
        if missing <= 0:
            return
