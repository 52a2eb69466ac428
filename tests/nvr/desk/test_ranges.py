"""A part of a download: what a header asks for, and what is never answered with the wrong bytes."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from kuramori.api.ranges import Span, ranged, wanted_span
from kuramori.desk.call_fault import RangeUnsatisfiable

TAG = '"abc"'
CONTENT = bytes(range(256)) * 40


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=10-", Span(10, 100)),
        ("bytes=-10", Span(90, 100)),
        ("bytes=-1000", Span(0, 100)),
        ("bytes=90-1000", Span(90, 100)),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,5-6", None),
        ("seconds=1-2", None),
        ("bytes=a-b", None),
    ],
)
def test_what_a_header_asks_for(header: str, expected: Span | None) -> None:
    """One range of bytes; anything else is the whole."""
    assert wanted_span(header, "", TAG, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999999999-"])
def test_a_part_beyond_the_end_is_refused(header: str) -> None:
    """And says how much there is."""
    with pytest.raises(RangeUnsatisfiable) as refused:
        wanted_span(header, "", TAG, 100)
    assert refused.value.most == 100


def test_a_part_of_something_else_is_never_given() -> None:
    """If-Range with another tag, or with a date: the whole."""
    assert wanted_span("bytes=10-", TAG, TAG, 100) == Span(10, 100)
    for other in ('"other"', 'W/"abc"', "Tue, 24 Nov 2026 00:00:00 GMT"):
        assert wanted_span("bytes=10-", other, TAG, 100) is None


async def answered(header: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer."""

    async def pieces(start: int) -> AsyncIterator[bytes]:
        for at in range(start, len(CONTENT), 999):
            yield CONTENT[at : at + 999]

    scope = {"type": "http", "headers": [(b"range", header.encode())], "method": "GET", "path": "/"}
    answer: Response = ranged(
        Request(scope), size_bytes=len(CONTENT), tag=TAG, pieces=pieces, media_type="application/x-tar", headers={}
    )
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is asked")

    await answer(scope | {"asgi": {"spec_version": "2.4"}}, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


async def test_the_parts_of_a_cut_download_make_the_whole() -> None:
    """Taken up at any place; lengths and places are said."""
    for cut in (1, 998, 999, 1000, 5000, len(CONTENT) - 1):
        status, headers, body = await answered(f"bytes={cut}-")
        assert (status, CONTENT[:cut] + body) == (206, CONTENT)
        assert headers["content-range"] == f"bytes {cut}-{len(CONTENT) - 1}/{len(CONTENT)}"
        assert headers["content-length"] == str(len(body))
        assert (headers["etag"], headers["accept-ranges"]) == (TAG, "bytes")
    assert (await answered(""))[2] == CONTENT
    assert (await answered("bytes=100-2000"))[2] == CONTENT[100:2001]


@given(st.text(max_size=60), st.integers(1, 1 << 50))
def test_any_header_asks_for_something_that_is_there_or_is_refused(header: str, size_bytes: int) -> None:
    """Whatever a caller writes."""
    try:
        span = wanted_span(header, "", TAG, size_bytes)
    except RangeUnsatisfiable:
        return
    assert span is None or 0 <= span.start < span.end <= size_bytes
