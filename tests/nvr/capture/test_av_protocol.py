"""Words between the compatibility child and its parent: read back as written, never believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.av_protocol import (
    ChildEnded,
    ChildGarbled,
    ChildMessage,
    ChildOrder,
    ChildReader,
    ChildStarted,
    ChildUnit,
    count_nals,
    encode,
    parse_order,
)
from kuramori.capture.av_units import length_prefixed
from kuramori.capture.source import EndReason
from tests.fakes.rtp_wire import pieces


def unit(rtp_time: int, lost: int, nals: list[bytes]) -> ChildUnit:
    payload = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
    return ChildUnit(rtp_time, lost, len(nals), memoryview(payload))


MESSAGES = st.one_of(
    st.just(ChildStarted()),
    st.builds(
        unit,
        st.integers(0, 2**62),
        st.integers(0, 2**31),
        st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=5),
    ),
    st.builds(ChildEnded, st.sampled_from(EndReason), st.text("abc (:カメラ", max_size=40), st.booleans()),
)


@given(st.lists(MESSAGES, max_size=6), st.lists(st.integers(0, 500)))
def test_messages_read_back_however_the_pipe_cuts_them(messages: list[ChildMessage], cuts: list[int]) -> None:
    """Every kind, in order."""
    reader = ChildReader()
    stream = b"".join(encode(message) for message in messages)
    assert [message for piece in pieces(stream, cuts) for message in reader.feed(piece)] == messages


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda body: len(body).to_bytes(4, "big") + body))
def test_any_bytes_give_messages_or_our_error(data: bytes) -> None:
    """A child that was taken over by a camera's bytes can only be believed or ended."""
    try:
        messages = ChildReader().feed(data)
    except ChildGarbled:
        return
    for message in messages:
        if isinstance(message, ChildUnit):
            assert count_nals(message.payload) == message.nal_count > 0


@pytest.mark.parametrize(
    "message",
    [
        ChildUnit(0, 0, 2, memoryview(b"\0\0\0\1x")),
        ChildUnit(0, 0, 1, memoryview(b"\0\0\0\2x")),
        ChildUnit(0, 0, 1, memoryview(b"\0\0\0\0")),
        ChildUnit(-5, 0, 1, memoryview(b"\0\0\0\1x")),
    ],
)
def test_do_not_believe_units_that_do_not_add_up(message: ChildUnit) -> None:
    """Lengths, counts and times are checked."""
    with pytest.raises(ChildGarbled):
        ChildReader().feed(encode(message))


def test_the_order_is_read_back_and_never_shown() -> None:
    """It holds the password."""
    order = ChildOrder("rtsp://u:hunter2@cam/", "udp", 10.0)
    assert parse_order(order.to_line()) == order
    assert "hunter2" not in repr(order)


@given(st.lists(st.binary(min_size=1, max_size=30).map(lambda nal: nal.replace(b"\0", b"\1")), max_size=6))
def test_start_codes_become_lengths(nals: list[bytes]) -> None:
    """Three or four bytes long, as FFmpeg mixes them."""
    stream = b"".join((b"\0\0\1" if index % 2 else b"\0\0\0\1") + nal for index, nal in enumerate(nals))
    payload, count = length_prefixed(stream)
    assert count == len(nals)
    assert bytes(payload) == b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
