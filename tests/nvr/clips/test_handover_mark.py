"""The hand-over mark: what it carries, that it hides nothing, and that nothing else is taken for one."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from kuramori.clips.handover_mark import (
    MARK_UUID,
    HandOverMark,
    MarkInvalid,
    escaped,
    mark_in,
    mark_unit,
    unescaped,
)
from kuramori.device_certificate import new_device_key
from kuramori_segments.codes import VideoCodec

KEY = new_device_key()
CODECS = list(VideoCodec)
MARK = HandOverMark(b"r" * 16, "20261124-1", 2, 41, b"g" * 32).signed(KEY)
FORBIDDEN = (b"\0\0\0", b"\0\0\1", b"\0\0\2")

marks = st.builds(
    HandOverMark,
    st.binary(min_size=16, max_size=16) | st.just(bytes(16)),
    st.from_regex(r"\A[0-9]{8}-[0-9]{1,5}\Z"),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, (1 << 64) - 1),
    st.binary(min_size=32, max_size=32) | st.just(bytes(31) + b"\1"),
    st.binary(min_size=64, max_size=64) | st.just(bytes(64)),
)


@given(content=st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255]), max_size=200).map(bytes))
def test_emulation_prevention_hides_start_codes_and_is_taken_out_again(content: bytes) -> None:
    """No three bytes look like a start code, and the content comes back."""
    made = escaped(content)
    assert not any(one in made for one in FORBIDDEN)
    assert unescaped(made) == content


@pytest.mark.parametrize("codec", CODECS)
@given(mark=marks)
def test_every_mark_comes_back_from_its_unit(codec: VideoCodec, mark: HandOverMark) -> None:
    """Whatever it carries: a whole NAL unit without start codes, also with zeros behind it, gives the mark back."""
    unit = mark_unit(codec, mark)
    assert not any(one in unit for one in FORBIDDEN)
    assert mark_in(codec, unit) == mark
    assert mark_in(codec, memoryview(unit + b"\0\0")) == mark


@pytest.mark.parametrize("codec", CODECS)
@given(unit=st.binary(max_size=300))
def test_any_bytes_are_a_mark_or_not(codec: VideoCodec, unit: bytes) -> None:
    """No bytes bring the reader down, with or without the UUID in its place."""
    mark_in(codec, unit)
    head = mark_unit(codec, MARK)[: -len(MARK_UUID)]
    found = mark_in(codec, head[: len(head) // 8] + unit)
    assert found is None or found.signature


@pytest.mark.parametrize("codec", CODECS)
@given(extra=st.binary(min_size=1, max_size=40).filter(lambda content: content.rstrip(b"\0")))
def test_a_unit_that_holds_anything_more_is_no_mark(codec: VideoCodec, extra: bytes) -> None:
    """A second message behind the mark could change how pictures are shown, so verification does not pass it over."""
    unit = mark_unit(codec, MARK)
    assert mark_in(codec, unit[:-1] + extra) in (None, MARK)
    assert mark_in(codec, unit[:-1] + escaped(extra) + b"\x80") is None


@given(place=st.integers(0, 300), bit=st.integers(0, 7))
def test_a_mark_cannot_be_made_up(place: int, bit: int) -> None:
    """One changed bit of a mark: no mark, or one that the device key did not sign."""
    unit = bytearray(mark_unit(VideoCodec.H264, MARK))
    unit[place % len(unit)] ^= 1 << bit
    found = mark_in(VideoCodec.H264, bytes(unit))
    assert found is None or not found.is_signed_by(KEY.public_key())


def test_the_signature_is_of_this_device_key() -> None:
    """The recorder's key fits, a stranger's does not."""
    assert MARK.is_signed_by(KEY.public_key())
    assert not MARK.is_signed_by(ec.generate_private_key(ec.SECP256R1()).public_key())


@pytest.mark.parametrize("request_id", ["", "x" * 33])
def test_facts_that_do_not_fit_are_refused(request_id: str) -> None:
    """A request without a number, or with an endless one, gets no mark."""
    with pytest.raises(MarkInvalid):
        HandOverMark(b"r" * 16, request_id, 1, 1, b"g" * 32).body()


def test_a_mark_without_signature_is_not_packed() -> None:
    """What is not signed is never put into a clip."""
    with pytest.raises(MarkInvalid):
        mark_unit(VideoCodec.H265, HandOverMark(b"r" * 16, "20261124-1", 1, 1, b"g" * 32))
