"""Whole pictures with a time from the pieces that FFmpeg hands out."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.av_units import MAX_PIECE_BYTES, RTP_TIME_ORIGIN, Piece, timed, whole
from kuramori.capture.source import Codec

START = b"\x00\x00\x00\x01"
SETS = START + b"\x67\x42" + START + b"\x68\xce"
RATE = Fraction(30)


def first_slice(codec: Codec) -> bytes:
    return START + (b"\x65\x88" if codec is Codec.H264 else b"\x26\x01\x80")


def next_slice(codec: Codec) -> bytes:
    return START + (b"\x65\x08" if codec is Codec.H264 else b"\x26\x01\x20")


@pytest.mark.parametrize("codec", list(Codec))
def test_a_picture_that_was_cut_before_its_second_slice_is_whole_again(codec: Codec) -> None:
    """At the beginning, where the first half has no time yet, and later, where both have the same."""
    halves = [SETS + first_slice(codec), SETS + next_slice(codec)]
    pieces = [
        Piece(halves[0], None, 1),
        Piece(halves[1], 0, 2),
        Piece(first_slice(codec), 3000, 0),
        Piece(halves[0], 6000, 0),
        Piece(halves[1], 6000, 4),
    ]
    assert list(whole(pieces, codec)) == [
        Piece(b"".join(halves), 0, 3),
        Piece(first_slice(codec), 3000, 0),
        Piece(b"".join(halves), 6000, 4),
    ]


@pytest.mark.parametrize("codec", list(Codec))
def test_two_pictures_stay_two(codec: Codec) -> None:
    """Two beginnings without a time; a second slice whose own first one was lost."""
    pieces = [
        Piece(first_slice(codec), None, 0),
        Piece(first_slice(codec), 3000, 0),
        Piece(next_slice(codec), 6000, 1),
    ]
    assert list(whole(pieces, codec)) == pieces


def test_nothing_grows_beyond_what_may_be_handed_on() -> None:
    """A camera that never moves its time makes no endless picture."""
    large = START + b"\x65\x88" + b"x" * (MAX_PIECE_BYTES // 3)
    sizes = [len(piece.data) for piece in whole((Piece(large, 7, 0) for _ in range(20)), Codec.H264)]
    assert len(sizes) == 10
    assert max(sizes) <= MAX_PIECE_BYTES


def test_the_first_picture_is_dated_by_the_second() -> None:
    """One spacing before it; two without a time follow what came before."""
    slice_of = first_slice(Codec.H264)
    pieces = [Piece(slice_of, time, 0) for time in (None, 9000, 12_000, None, None)]
    times = [unit.rtp_time - RTP_TIME_ORIGIN for unit in timed(pieces, RATE)]
    assert times == [6000, 9000, 12_000, 15_000, 18_000]


@given(
    st.lists(
        st.builds(Piece, st.binary(max_size=60), st.none() | st.integers(-(1 << 40), 1 << 40), st.integers(0, 9)),
        max_size=12,
    ),
    st.sampled_from(list(Codec)),
)
def test_any_pieces_make_units_that_can_be_told_to_the_parent(pieces: list[Piece], codec: Codec) -> None:
    """No byte of a piece is lost in putting together; no time is negative; no unit is empty."""
    joined = list(whole(pieces, codec))
    assert b"".join(piece.data for piece in joined) == b"".join(piece.data for piece in pieces)
    assert sum(piece.lost_packets for piece in joined) == sum(piece.lost_packets for piece in pieces)
    for unit in timed(joined, RATE):
        assert unit.rtp_time >= 0
        assert unit.nal_count > 0
