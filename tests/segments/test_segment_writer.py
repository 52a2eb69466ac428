"""The writer: what fits, how commits lie on the medium, and that nothing changes what was handed over."""

import tracemalloc
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.chunk import ChunkHead
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.codes import VideoCodec
from kuramori_segments.format_error import FieldInvalid
from kuramori_segments.limits import MAX_ACCESS_UNIT_BYTES, MIN_SLOT_BYTES, SLOT_BYTES
from kuramori_segments.records import FLAG_KEY_FRAME, CodecConfig
from kuramori_segments.segment_error import (
    AccessUnitMalformed,
    AccessUnitOutOfOrder,
    AccessUnitTooLarge,
    SegmentAlreadyClosed,
    SegmentFull,
)
from kuramori_segments.segment_reader import SegmentReader
from kuramori_segments.segment_scan import ScanState, scan
from kuramori_segments.segment_writer import SegmentWriter
from tests.bench.bench_writer import Camera, make_group, run
from tests.fakes.segment_scripts import SCRIPTS, Other, Step, Unit, record_script
from tests.fakes.segments import (
    NAL_SALT,
    SIGNER,
    SlotInMemory,
    length_prefixed,
    make_data_key,
    make_header,
    make_nal,
    make_writer,
)

SMALL = length_prefixed(make_nal(0x41, 100))


def append(writer: SegmentWriter, number: int, payload: bytes, flags: int = 0) -> None:
    """Append one unit with made-up times."""
    writer.append_access_unit(number, number * 1000, 0, 0, flags, 0, payload, 1)


@given(SCRIPTS)
def test_commits_follow_one_another_in_whole_blocks(script: list[Step]) -> None:
    """Each commit begins where the one before ended, on a block, with a record; the first brings the header."""
    writer = record_script([]).writer
    recording = record_script([])
    recording.writer = writer
    end = 0
    for step in [*script, Other("commit")]:
        if step != Other("commit"):
            recording.play([step])
            continue
        commit = writer.take_commit()
        if commit is None:
            continue
        assert commit.offset_bytes == end
        assert commit.length_bytes % 4096 == 0
        assert sum(len(buffer) for buffer in commit.buffers) == commit.length_bytes
        chunks = commit.buffers[1:] if end == 0 else commit.buffers
        heads = [ChunkHead.unpack(chunk) for chunk in chunks]
        assert heads[0].index == commit.first_chunk
        assert heads[0].first_record_offset == 0
        assert [head.commit_end for head in heads] == [False] * (len(heads) - 1) + [True]
        end += commit.length_bytes
        commit.release()


@pytest.mark.parametrize("off", [-1, 0, 1])
@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_a_commit_ends_with_its_flag_where_records_fill_chunks_exactly(chunks: int, off: int) -> None:
    """Records that end on a chunk's last byte, or next to it, leave the last chunk to bear the commit's end."""
    writer = make_writer(make_header(), SLOT_BYTES)
    first = writer.take_commit()
    assert first is not None
    plaintext_bytes = chunks * 65456 + off
    append(writer, 0, length_prefixed(make_nal(0x65, plaintext_bytes - 48 - 4)))
    commit = writer.take_commit()
    assert commit is not None
    heads = [ChunkHead.unpack(chunk) for chunk in commit.buffers]
    assert [head.commit_end for head in heads] == [False] * (len(heads) - 1) + [True]
    assert sum(head.body_bytes - 16 for head in heads) == plaintext_bytes


def test_a_commit_tells_what_becomes_durable_with_it() -> None:
    """Number and time of the last access unit, or nothing before the first; and nothing pending, no commit."""
    writer = make_writer(make_header(first_access_unit=5), MIN_SLOT_BYTES)
    first = writer.take_commit()
    assert first is not None
    assert (first.last_access_unit, first.last_utc_ms) == (None, None)
    assert not writer.has_pending
    assert writer.take_commit() is None
    append(writer, 5, SMALL)
    append(writer, 6, SMALL)
    assert writer.has_pending
    second = writer.take_commit()
    assert second is not None
    assert (second.last_access_unit, second.last_utc_ms) == (6, 6)
    assert writer.access_units == 2


def test_buffers_stay_as_they_are_until_released() -> None:
    """What a commit handed over is not touched by later appends, and its buffers are reused once given back."""
    pool = ChunkBuffers()
    header = make_header()
    config = CodecConfig(header.codec, 90_000, (), NAL_SALT)
    writer = SegmentWriter(
        header, make_data_key(header), codec_config=config, signer=SIGNER, slot_bytes=SLOT_BYTES, buffers=pool
    )
    append(writer, 0, length_prefixed(make_nal(0x65, 200_000)))
    commit = writer.take_commit()
    assert commit is not None
    before = [bytes(buffer) for buffer in commit.buffers]
    for number in range(1, 20):
        append(writer, number, length_prefixed(make_nal(0x41, 50_000, number)))
    assert [bytes(buffer) for buffer in commit.buffers] == before
    handed_out = pool.handed_out_bytes
    commit.release()
    commit.release()
    assert handed_out - pool.handed_out_bytes == 4 * 65536 == pool.spare_bytes


def test_the_pool_gives_back_what_a_burst_took() -> None:
    """Beyond its spare limit the pool keeps nothing; a buffer given back twice is not handed out twice."""
    pool = ChunkBuffers(spare_bytes=2 * 65536)
    buffers = [pool.take() for _ in range(5)]
    pool.give_back(buffers)
    pool.give_back(buffers)
    assert (pool.spare_bytes, pool.handed_out_bytes) == (2 * 65536, 0)
    assert pool.take() is not pool.take()


@given(SCRIPTS, st.integers(MIN_SLOT_BYTES // 4096, 40))
def test_a_segment_never_leaves_its_slot(script: list[Step], slot_blocks: int) -> None:
    """Whatever was appended while there was room, index and footer still fit, and it scans as closed."""
    slot_bytes = slot_blocks * 4096
    recording = record_script([], slot_bytes=slot_bytes)
    for step in script * 3:
        if isinstance(step, Unit) and step.length_bytes + 4 > recording.writer.room_bytes:
            break
        try:
            recording.play([step])
        except SegmentFull:
            break
    recording.close()
    assert len(recording.slot.content) == slot_bytes
    result = scan(recording.slot.read_at, slot_bytes)
    assert (result.state, result.damage) == (ScanState.CLOSED, ())


def test_a_growing_index_keeps_its_room() -> None:
    """A slot filled with nothing but tiny key frames still has room for the index of them all."""
    writer = make_writer(make_header(), MIN_SLOT_BYTES)
    slot = SlotInMemory(MIN_SLOT_BYTES)
    tiny = length_prefixed(b"\x65x")
    while writer.room_bytes >= len(tiny):
        append(writer, writer.access_units, tiny, FLAG_KEY_FRAME)
    slot.write(writer.close(0, ()))
    assert len(slot.content) == MIN_SLOT_BYTES
    result = scan(slot.read_at, MIN_SLOT_BYTES)
    assert (result.state, result.damage) == (ScanState.CLOSED, ())
    assert writer.access_units > 600


@pytest.mark.parametrize("committed", [0, 1, 7])
def test_room_is_exact(committed: int) -> None:
    """A unit as long as the room fits; one byte more does not, and says so."""
    slot_bytes = 40 * 4096
    for extra in (0, 1):
        header = make_header()
        writer = make_writer(header, slot_bytes)
        slot = SlotInMemory(slot_bytes)
        for number in range(committed):
            append(writer, number, SMALL)
            commit = writer.take_commit()
            assert commit is not None
            slot.write(commit)
        payload = length_prefixed(make_nal(0x65, writer.room_bytes - 4 + extra))
        if extra:
            with pytest.raises((SegmentFull, AccessUnitTooLarge)):
                append(writer, committed, payload, FLAG_KEY_FRAME)
            continue
        append(writer, committed, payload, FLAG_KEY_FRAME)
        assert writer.room_bytes < 4096
        slot.write(writer.close(0, ()))
        assert scan(slot.read_at, slot_bytes).state is ScanState.CLOSED


def test_a_full_segment_leaves_the_unit_for_the_next() -> None:
    """SegmentFull tells what was needed and what is left, and the segment closes as if nothing had been tried."""
    writer, untouched = (make_writer(make_header(), MIN_SLOT_BYTES) for _ in range(2))
    for number in range(40):
        append(writer, number, length_prefixed(make_nal(0x41, 1000)))
        append(untouched, number, length_prefixed(make_nal(0x41, 1000)))
    with pytest.raises(SegmentFull) as caught:
        append(writer, 40, length_prefixed(make_nal(0x41, 30_000)))
    assert caught.value.needed_bytes == 30_004
    assert caught.value.room_bytes == writer.room_bytes < 30_004
    with pytest.raises(SegmentFull):
        writer.append_timeline("x", 0, (("text", "x" * 60_000),))
    assert writer.close(1, ()).length_bytes == untouched.close(1, ()).length_bytes
    assert writer.chain_digest == untouched.chain_digest


def test_wrong_units_change_nothing() -> None:
    """A number out of order and lengths that do not add up are refused, and leave no trace."""
    writer, untouched = (make_writer(make_header(first_access_unit=7), MIN_SLOT_BYTES) for _ in range(2))
    for number in (6, 8):
        with pytest.raises(AccessUnitOutOfOrder) as caught:
            append(writer, number, SMALL)
        assert (caught.value.number, caught.value.expected) == (number, 7)
    for payload, count in ((SMALL[:-1], 1), (SMALL + SMALL[:-1], 2), (SMALL, 2), (b"\0\0\0\0", 1)):
        with pytest.raises(AccessUnitMalformed):
            writer.append_access_unit(7, 0, 0, 0, 0, 0, payload, count)
    for each in (writer, untouched):
        append(each, 7, SMALL)
        each.close(1, ())
    assert writer.chain_digest == untouched.chain_digest


def test_a_unit_of_too_many_nal_units_is_malformed() -> None:
    """More NAL units than the count can say are refused like any other malformed unit."""
    payload = length_prefixed(b"\x09") * 65_536
    writer = make_writer(make_header(), SLOT_BYTES)
    with pytest.raises(AccessUnitMalformed):
        writer.append_access_unit(0, 0, 0, 0, 0, 0, payload, 65_536)


def test_rtp_time_below_its_start_is_kept() -> None:
    """A camera whose RTP time runs below its first value is recorded modulo 2^64."""
    header = make_header()
    writer = make_writer(header, MIN_SLOT_BYTES)
    writer.append_access_unit(0, 0, -3000, 0, 0, 0, SMALL, 1)
    writer.append_sender_report(1, -3000, 2)
    slot = SlotInMemory(MIN_SLOT_BYTES)
    slot.write(writer.close(0, ()))
    reader = SegmentReader(slot.read_at, header, make_data_key(header))
    assert [unit.rtp_time for unit in reader.access_units()] == [2**64 - 3000]


def test_units_that_no_segment_takes_are_told_apart() -> None:
    """A unit beyond the limit, or beyond an empty slot of this size, is AccessUnitTooLarge, not SegmentFull."""
    small, large = make_writer(make_header(), MIN_SLOT_BYTES), make_writer(make_header(), SLOT_BYTES)
    append(small, 0, SMALL)
    for writer, number, length in ((small, 1, MIN_SLOT_BYTES), (large, 0, MAX_ACCESS_UNIT_BYTES + 1)):
        with pytest.raises(AccessUnitTooLarge) as caught:
            append(writer, number, bytes(length))
        assert caught.value.length_bytes == length > caught.value.limit_bytes


def test_the_largest_unit_goes_in_and_comes_out() -> None:
    """An access unit of 8 MiB lies across chunks and is read back whole."""
    header = make_header()
    writer = make_writer(header, SLOT_BYTES)
    payload = length_prefixed(make_nal(0x65, MAX_ACCESS_UNIT_BYTES - 4))
    append(writer, 0, payload, FLAG_KEY_FRAME)
    slot = SlotInMemory(SLOT_BYTES)
    slot.write(writer.close(0, ()))
    units = list(SegmentReader(slot.read_at, header, make_data_key(header)).access_units())
    assert [unit.payload == payload for unit in units] == [True]


def test_nothing_follows_a_closed_segment() -> None:
    """After the footer every append, and closing again, is SegmentAlreadyClosed; there is nothing to commit."""
    writer = make_writer(make_header(), MIN_SLOT_BYTES)
    writer.close(0, ())
    attempts: list[Callable[[], object]] = [
        lambda: append(writer, 0, SMALL),
        lambda: writer.append_sender_report(0, 0, 0),
        lambda: writer.append_parameter_sets(()),
        lambda: writer.append_timeline("x", 0),
        lambda: writer.close(0, ()),
    ]
    for attempt in attempts:
        with pytest.raises(SegmentAlreadyClosed):
            attempt()
    assert writer.room_bytes == 0
    assert writer.take_commit() is None


def test_the_configuration_must_be_of_the_headers_codec() -> None:
    """A writer for H.264 does not begin with H.265 parameter sets; a slot must have an allowed length."""
    header = make_header()
    config = CodecConfig(VideoCodec.H265, 90_000, (), NAL_SALT)
    with pytest.raises(FieldInvalid):
        SegmentWriter(header, make_data_key(header), codec_config=config, signer=SIGNER)
    for slot_bytes in (MIN_SLOT_BYTES - 4096, MIN_SLOT_BYTES + 1):
        with pytest.raises(FieldInvalid):
            make_writer(header, slot_bytes)


@pytest.mark.parametrize(("key_frames", "stride"), [(2048, 1), (2049, 2), (4097, 4), (5000, 4)])
def test_a_long_index_is_thinned_evenly(key_frames: int, stride: int) -> None:
    """Beyond 2048 key frames every second (fourth, ...) is listed; the footer counts them all."""
    header = make_header()
    slot_bytes = 2 << 20
    writer = make_writer(header, slot_bytes)
    slot = SlotInMemory(slot_bytes)
    for number in range(key_frames):
        append(writer, number, length_prefixed(b"\x65x"), FLAG_KEY_FRAME)
    slot.write(writer.close(0, ()))
    index = SegmentReader(slot.read_at, header, make_data_key(header)).index()
    footer = scan(slot.read_at, slot_bytes).footer
    assert index is not None
    assert footer is not None
    assert footer.key_frames == key_frames
    assert [entry.number for entry in index.key_frames] == list(range(0, key_frames, stride))


def test_too_many_parameter_sets_are_not_listed() -> None:
    """With more than 256 changes the index says that it does not list them."""
    header = make_header()
    slot_bytes = 1 << 20
    for count in (256, 257):
        writer = make_writer(header, slot_bytes)
        slot = SlotInMemory(slot_bytes)
        for number in range(count):
            writer.append_parameter_sets((b"%d" % number,))
        slot.write(writer.close(0, ()))
        index = SegmentReader(slot.read_at, header, make_data_key(header)).index()
        assert index is not None
        assert (index.parameter_sets is None) == (count == 257)


def test_a_camera_takes_at_most_one_and_a_half_megabytes() -> None:
    """At 4 Mbit/s with a commit a second, writer and buffers stay below 1.5 MB."""
    group = make_group()
    tracemalloc.start()
    try:
        run(Camera(), group, 6)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_500_000


@pytest.mark.parametrize(
    ("bits_per_second", "pictures_per_second", "group_seconds", "at_most"),
    [(4_000_000, 30, 2, 0.03), (500_000, 30, 2, 0.06), (200_000, 15, 4, 0.11), (200_000, 30, 4, 0.14)],
)
def test_waste_stays_within_the_arithmetic(
    bits_per_second: int, pictures_per_second: int, group_seconds: int, at_most: float
) -> None:
    """Of a full slot at most this share is not NAL bytes: FORMAT.md's table holds for what is really written."""
    writer = make_writer(make_header(), SLOT_BYTES)
    pictures = pictures_per_second * group_seconds
    delta = bits_per_second // 8 * group_seconds // (pictures + 7)  # a key frame is as long as eight others
    spread = Random(3)
    payloads = [length_prefixed(make_nal(0x41, int(delta * spread.uniform(0.6, 1.4)))) for _ in range(997)]
    key = length_prefixed(make_nal(0x65, 8 * delta))
    received = number = 0
    while True:
        payload = key if number % pictures == 0 else payloads[number % 997]
        if len(payload) > writer.room_bytes:
            break
        append(writer, number, payload, FLAG_KEY_FRAME if payload is key else 0)
        received += len(payload)
        number += 1
        if number % pictures_per_second == 0:
            commit = writer.take_commit()
            assert commit is not None
            commit.release()
    assert 1 - received / SLOT_BYTES < at_most
