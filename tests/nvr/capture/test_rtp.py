"""RTP numbers: exact loss, time that never wraps, payloads found or refused."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.rtp import (
    MAX_LATE_PACKETS,
    TIMESTAMP_MODULUS,
    Arrival,
    SequenceCounter,
    TimestampUnwrapper,
    locate_payload,
)


@given(st.integers(0, 65535), st.lists(st.booleans(), min_size=1, max_size=300), st.integers(0, 30_000))
def test_loss_is_counted_exactly_across_wraps(first: int, kept: list[bool], long_gap: int) -> None:
    """Whatever is left out between the first and the last packet received is the loss."""
    counter = SequenceCounter()
    numbers = [first, *(first + 1 + index for index, keep in enumerate(kept) if keep)]
    numbers.append(numbers[-1] + 1 + long_gap)
    for number in numbers:
        assert counter.take(number % 65536) is Arrival.IN_ORDER
    assert counter.lost == numbers[-1] - numbers[0] + 1 - len(numbers)
    assert counter.expected == (numbers[-1] + 1) % 65536


@given(st.integers(0, 65535), st.lists(st.integers(1, 200), max_size=10))
def test_rounds_are_counted_alike_one_by_one_and_in_runs(first: int, runs: list[int]) -> None:
    """Following the expected number and skipping over a run lead to the same place, wraps included."""
    single, skipping = SequenceCounter(), SequenceCounter()
    single.take(first)
    skipping.take(first)
    for length in runs:
        for _ in range(length):
            single.follow()
        skipping.skip_to((skipping.expected + length) % 65536)
    assert (single.expected, single.cycles) == (skipping.expected, skipping.cycles)


def test_a_repeated_packet_is_told_apart_from_a_camera_that_counts_anew() -> None:
    """A little behind is a repetition, far behind is a restart; neither is loss."""
    counter = SequenceCounter()
    counter.take(20_000)
    assert counter.take(20_000 - MAX_LATE_PACKETS + 1) is Arrival.REPEATED
    assert counter.take(20_001) is Arrival.IN_ORDER
    assert counter.take(100) is Arrival.RESTARTED
    assert counter.take(101) is Arrival.IN_ORDER
    assert counter.lost == 0


@given(
    st.integers(0, TIMESTAMP_MODULUS - 1),
    st.lists(st.integers(-9000, 2**31 - 1), min_size=1, max_size=50),
)
def test_time_is_extended_without_ever_wrapping(first: int, steps: list[int]) -> None:
    """Differences survive, B-frames' steps back too; the low 32 bits are the camera's."""
    unwrapper = TimestampUnwrapper()
    assert unwrapper.extend(first) == TIMESTAMP_MODULUS + first
    true = TIMESTAMP_MODULUS + first
    for step in steps:
        true += step
        assert unwrapper.extend(true % TIMESTAMP_MODULUS) == true


@given(st.lists(st.integers(0, TIMESTAMP_MODULUS - 1), max_size=100))
def test_no_time_stamps_make_time_negative(stamps: list[int]) -> None:
    """A camera that jumps about cannot bring the extended time below zero."""
    unwrapper = TimestampUnwrapper()
    for stamp in stamps:
        extended = unwrapper.extend(stamp)
        assert extended >= 0
        assert extended % TIMESTAMP_MODULUS == stamp


def rtp(payload: bytes, csrcs: int = 0, extension: bytes | None = None, padding: int = 0) -> bytes:
    first = 0x80 | csrcs | (0x10 if extension is not None else 0) | (0x20 if padding else 0)
    head = struct.pack(">BBHII", first, 96, 1, 2, 3) + b"CSRC" * csrcs
    if extension is not None:
        head += struct.pack(">HH", 0xBEDE, len(extension) // 4) + extension
    return head + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


@given(
    st.binary(min_size=1, max_size=50),
    st.integers(0, 15),
    st.none() | st.integers(0, 8).map(lambda words: bytes(4 * words)),
    st.integers(0, 255),
    st.binary(max_size=8),
)
def test_the_payload_is_found_behind_any_header(
    payload: bytes, csrcs: int, extension: bytes | None, padding: int, before: bytes
) -> None:
    """Contributing sources, extension and padding are passed over, wherever the packet lies."""
    packet = before + rtp(payload, csrcs, extension, padding)
    located = locate_payload(packet, len(before), len(packet))
    assert located is not None
    assert packet[located[0] : located[1]] == payload


@given(st.binary(max_size=60))
def test_any_bytes_have_a_payload_or_none(packet: bytes) -> None:
    """Hostile headers never point outside the packet."""
    located = locate_payload(packet, 0, len(packet))
    assert located is None or 12 <= located[0] < located[1] <= len(packet)
