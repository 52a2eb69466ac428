"""What the processes of a still say: every value comes back as it was, and nothing else is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.source import Codec
from kuramori.stills.still_wire import (
    KeyFrame,
    Still,
    StillFailed,
    StillOrder,
    annex_b,
    encode_failure,
    encode_frame,
    encode_order,
    encode_still,
    parse_frame,
    parse_order,
    parse_still,
)

FRAME = KeyFrame(Codec.H265, (b"\x40\x01", b"\x42\x01"), b"\0\0\0\2ab\0\0\0\1c")
STILL = Still(1920, 1080, b"\xff\xd8\xff picture \xff\xd9")


def test_orders_frames_and_pictures_come_back() -> None:
    """Also paths and names in other scripts."""
    order = StillOrder("/etc/蔵守/k.toml", "gate")
    assert parse_order(encode_order(order)) == order
    assert parse_frame(encode_frame(FRAME)) == FRAME
    assert parse_still(encode_still(STILL)) == STILL
    assert annex_b(FRAME) == b"\0\0\0\1\x40\x01\0\0\0\1\x42\x01\0\0\0\1ab\0\0\0\1c"


def test_a_failure_says_its_reason_without_playing_with_a_terminal() -> None:
    """From either child; what is not printable goes."""
    line = encode_failure(StillFailed("refused", "no \x1b[31m entry" + "x" * 1000))
    for parse in (parse_frame, parse_still):
        with pytest.raises(StillFailed) as caught:
            parse(line)
        assert caught.value.reason == "refused"
        assert "\x1b" not in caught.value.detail
        assert len(caught.value.detail) <= 300


def test_a_picture_stands_in_no_repr() -> None:
    """A log line or a trace never holds it."""
    assert "picture" not in repr(STILL)


@given(
    st.binary(max_size=200)
    | st.binary(max_size=80).map(lambda tail: b'{"bytes": 3, "codec": "h264", "sets": []}\n' + tail)
)
def test_any_bytes_give_a_value_or_our_failure(data: bytes) -> None:
    """A child that was taken over can say nothing that does harm."""
    for parse in (parse_order, parse_frame, parse_still):
        try:
            parse(data)
        except StillFailed:
            continue


@given(st.binary(max_size=64))
def test_any_payload_is_cut_or_refused(payload: bytes) -> None:
    """Lengths that reach beyond the end, or nowhere, are refused."""
    try:
        joined = annex_b(KeyFrame(Codec.H264, (), payload))
    except StillFailed:
        return
    assert len(joined) == len(payload)
