"""RTSP messages: what is read, what is refused, and that cutting the bytes anywhere changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture import rtsp_message
from kuramori.capture.rtsp_message import (
    RtspMalformed,
    RtspRequest,
    RtspResponse,
    interleave,
    parse_message,
)

TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-", min_size=1, max_size=20)
VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f\x85\xa0\xad"), max_size=40)
BODY = st.binary(max_size=200)


def with_length(headers: list[tuple[str, str]], body: bytes) -> tuple[tuple[str, str], ...]:
    others = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return (*others, ("Content-Length", str(len(body))))


RESPONSES = st.builds(
    lambda status, reason, headers, body: RtspResponse(status, reason, with_length(headers, body), body),
    st.integers(100, 599),
    TOKEN,
    st.lists(st.tuples(TOKEN, VALUE), max_size=10),
    BODY,
)
REQUESTS = st.builds(
    lambda method, url, headers, body: RtspRequest(method, url, with_length(headers, body), body),
    st.sampled_from(["OPTIONS", "DESCRIBE", "GET_PARAMETER", "REDIRECT"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60),
    st.lists(st.tuples(TOKEN, VALUE), max_size=10),
    BODY,
)


@given(RESPONSES | REQUESTS, st.binary(max_size=20), st.binary(max_size=20))
def test_a_message_reads_back_as_it_was_written(
    message: RtspResponse | RtspRequest, before: bytes, after: bytes
) -> None:
    """Whatever stands around it, a message is found where it begins and ends where it ends."""
    written = message.to_bytes()
    data = before + written + after
    parsed = parse_message(data, len(before), len(data))
    assert parsed == (message, len(before) + len(written))
    assert parsed[0].to_bytes() == written


@given(RESPONSES | REQUESTS, st.data())
def test_a_message_cut_anywhere_asks_for_more(message: RtspResponse | RtspRequest, data: st.DataObject) -> None:
    """An incomplete message is neither an error nor a message."""
    written = message.to_bytes()
    cut = data.draw(st.integers(0, len(written) - 1))
    assert parse_message(written, 0, cut) is None


@given(st.binary(max_size=400))
def test_any_bytes_give_a_message_or_our_error(data: bytes) -> None:
    """Hostile bytes never cause anything but RtspMalformed."""
    try:
        parsed = parse_message(data, 0, len(data))
    except RtspMalformed:
        return
    assert parsed is None or 0 < parsed[1] <= len(data)


def test_folded_headers_and_bare_line_feeds_are_read() -> None:
    """Some cameras fold long headers, end lines with LF alone, or send an empty line first."""
    data = b"\r\nRTSP/1.0 200 OK\nCSeq: 3\nPublic: OPTIONS,\n  PLAY\n\nrest"
    parsed = parse_message(data, 0, len(data))
    assert parsed is not None
    assert parsed[0].header("PUBLIC") == "OPTIONS, PLAY"
    assert data[parsed[1] :] == b"rest"


def test_a_status_without_a_reason_is_read() -> None:
    """ "RTSP/1.0 200" is what some firmware says."""
    parsed = parse_message(b"RTSP/1.0 200\r\n\r\n", 0, 16)
    assert parsed is not None
    assert isinstance(parsed[0], RtspResponse)
    assert (parsed[0].status, parsed[0].reason) == (200, "")


def test_headers_of_the_same_name_are_all_kept() -> None:
    """Two WWW-Authenticate headers are two offers."""
    response = RtspResponse(401, "Unauthorized", (("WWW-Authenticate", "a"), ("www-authenticate", "b")))
    assert response.all_headers("Www-Authenticate") == ("a", "b")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02",
        b"hello world\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"RTSP/1.0 two hundred\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nno colon here\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: many\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * (rtsp_message.MAX_HEADERS + 1) + b"\r\n",
        b"RTSP/1.0 200 OK\r\nA: " + b"b" * rtsp_message.MAX_HEADER_BYTES,
        b"R" * rtsp_message.MAX_START_LINE_BYTES,
    ],
)
def test_do_not_take_what_is_not_rtsp_or_larger_than_any_honest_message(data: bytes) -> None:
    """Each limit is enforced before memory is spent on it."""
    with pytest.raises(RtspMalformed):
        parse_message(data, 0, len(data))


def test_interleaving_names_channel_and_length() -> None:
    """RFC 2326 section 10.12."""
    assert interleave(3, b"abc") == b"$\x03\x00\x03abc"
