"""AAC out of RTP payloads: whole frames, several to a packet, fragments, and whatever a hostile camera writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.aac import MAX_FRAMES_PER_PACKET, AacDepacketizer
from tests.fakes.sound import aac_fragments, aac_payload

FRAMES = st.binary(min_size=1, max_size=400)


def fed(*payloads: bytes) -> list[tuple[int, bytes] | None]:
    """Feed payloads; None for each that is malformed."""
    depacketizer = AacDepacketizer()
    found: list[tuple[int, bytes] | None] = []
    for payload in payloads:
        frames = depacketizer.feed(memoryview(payload))
        found += [None] if frames is None else frames
    return found


@given(st.lists(FRAMES, min_size=1, max_size=8))
def test_frames_come_out_as_they_went_in(frames: list[bytes]) -> None:
    """Several frames of one packet, each with its place behind the time stamp."""
    assert fed(aac_payload(*frames)) == list(enumerate(frames))


@given(st.binary(min_size=2, max_size=8191), st.integers(1, 1400))
def test_a_frame_in_pieces_is_put_together(frame: bytes, most_bytes: int) -> None:
    """However it is cut, it comes out once, whole."""
    assert fed(*aac_fragments(frame, most_bytes)) == [(0, frame)]


def test_a_lost_piece_loses_its_frame_only() -> None:
    """Behind a gap the rest of the frame is no frame, and the next one is whole."""
    depacketizer = AacDepacketizer()
    first, _, third = aac_fragments(b"x" * 300, 100)
    assert depacketizer.feed(memoryview(first)) == []
    depacketizer.lose_step()
    assert depacketizer.feed(memoryview(third)) == []
    assert depacketizer.feed(memoryview(aac_payload(b"whole"))) == [(0, b"whole")]


def test_a_piece_of_another_frame_ends_it() -> None:
    """A length that changes between pieces begins another frame; nothing is made of the two."""
    other = aac_fragments(b"y" * 250, 200)
    assert fed(aac_fragments(b"x" * 300, 200)[0], *other, aac_payload(b"z")) == [(0, b"y" * 250), (0, b"z")]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00",
        b"\x00\x10",
        b"\x00\x10\x00\x08",  # a header and no byte of the frame
        b"\x00\x00abc",  # no header
        b"\x00\x0d\x00\x08a",  # a header of 13 bits
        b"\x00\x10\x00\x00a",  # a frame of no length
        b"\x00\x10\x00\x09a",  # interleaved
        b"\x00\x20\x00\x10\x00\x10abc",  # more told than there is
        b"\xff\xf0" + b"\x00\x08" * 100,
        (16 * (MAX_FRAMES_PER_PACKET + 1)).to_bytes(2, "big") + b"\x00\x08" * (MAX_FRAMES_PER_PACKET + 1) + b"a" * 99,
    ],
    ids=range(11),
)
def test_a_malformed_payload_gives_nothing(payload: bytes) -> None:
    """Impossible lengths, interleaving and empty frames are told as malformed, and the next packet is taken."""
    assert fed(payload, aac_payload(b"next")) == [None, (0, b"next")]


def test_what_stands_behind_the_last_frame_is_left_out() -> None:
    """Some cameras fill packets up."""
    assert fed(aac_payload(b"frame") + b"\0\0\0") == [(0, b"frame")]


@given(st.lists(st.binary(max_size=64), max_size=12))
def test_any_bytes_give_frames_or_nothing(payloads: list[bytes]) -> None:
    """Whatever comes, no frame is empty or longer than all that came, and none outlives a bound of memory."""
    depacketizer = AacDepacketizer()
    taken = 0
    for payload in payloads:
        taken += len(payload)
        for frame in depacketizer.feed(memoryview(payload)) or []:
            assert 0 < len(frame.payload) <= taken
            assert 0 <= frame.position < MAX_FRAMES_PER_PACKET


def test_a_frame_of_endless_pieces_is_bounded() -> None:
    """A camera that sends a byte at a time is kept to the length it told."""
    pieces = aac_fragments(b"x" * 8191, 1)
    found = fed(*pieces, *pieces[:5])
    assert found == [(0, b"x" * 8191)]
