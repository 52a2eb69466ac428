"""The reader: what was appended comes out, from any moment on; nothing that does not authenticate is used."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.chunk import ChunkHead, chunk_checksum
from kuramori_segments.chunk_buffers import Commit
from kuramori_segments.cipher import segment_key
from kuramori_segments.commit_reader import records_of_commits
from kuramori_segments.nal_tree import NalTree, verify_range
from kuramori_segments.records import AccessUnitRecord, CodecConfig, IndexRecord, ParameterSetsRecord, Record
from kuramori_segments.segment_error import (
    ChunkForged,
    FooterMismatch,
    KeyCommitmentMismatch,
    SegmentDamaged,
    SegmentError,
)
from kuramori_segments.segment_reader import ReadAt, SegmentReader
from tests.fakes.segment_scripts import (
    FRAME_MS,
    SCRIPTS,
    SLOT_BYTES,
    Other,
    Recording,
    Step,
    Unit,
    earlier_lap,
    record_script,
)
from tests.fakes.segments import DEK, EPOCH_KEY, NAL_SALT, START_UTC_MS, make_data_key, make_header, make_writer

COMMIT = Other("commit")
LAP = earlier_lap()
LONG: list[Step] = [
    step
    for number in range(12)
    for step in (Unit(9000, True), Other("sets"), Unit(30_000, number == 6), Unit(500, False), Other("report"), COMMIT)
]


def reader_of(recording: Recording, **options: object) -> SegmentReader:
    """Return a reader of a recording."""
    key = make_data_key(recording.header)
    return SegmentReader(recording.slot.read_at, recording.header, key, **options)  # type: ignore[arg-type]


def expected_between(recording: Recording, from_ms: int | None, to_ms: int | None) -> list[AccessUnitRecord]:
    """Return what `access_units` must give, worked out from what was appended."""
    units = recording.units
    start = 0
    for position, unit in enumerate(units):
        if from_ms is not None and unit.is_key and unit.utc_us <= from_ms * 1000:
            start = position
    chosen = []
    for unit in units[start:]:
        if to_ms is not None and unit.utc_us >= to_ms * 1000:
            break
        chosen.append(unit)
    return chosen


@given(SCRIPTS, st.booleans())
def test_all_records_come_out_in_order(script: list[Step], closed: bool) -> None:
    """CONFIG, everything appended, and, if closed, INDEX."""
    recording = record_script([*script, COMMIT], old_bytes=LAP)
    if closed:
        recording.close()
    reader = reader_of(recording)
    found = list(reader.records())
    assert isinstance(found[0], CodecConfig)
    assert found[0] == reader.config
    assert isinstance(found[-1], IndexRecord) == closed
    assert found[1 : len(found) - closed] == recording.records


@given(SCRIPTS, st.booleans(), st.none() | st.integers(-2, 27), st.none() | st.integers(-2, 27), st.integers(0, 1))
def test_reading_begins_at_the_key_frame_before_a_moment(
    script: list[Step], closed: bool, first: int | None, last: int | None, off: int
) -> None:
    """With or without index, the run from the last key frame at or before `from` up to before `to` comes out."""
    recording = record_script([*script, COMMIT], old_bytes=LAP)
    if closed:
        recording.close()
    from_ms = None if first is None else START_UTC_MS + first * FRAME_MS + off
    to_ms = None if last is None else START_UTC_MS + last * FRAME_MS + off
    found = list(reader_of(recording).access_units(from_ms, to_ms))
    assert found == expected_between(recording, from_ms, to_ms)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("moment", range(0, 36, 5))
def test_the_parameter_sets_in_force_come_first(closed: bool, moment: int) -> None:
    """Begin anywhere: the first record says which parameter sets the first unit needs."""
    recording = record_script(LONG)
    if closed:
        recording.close()
    found = list(reader_of(recording).records_between(START_UTC_MS + moment * FRAME_MS))
    assert isinstance(found[0], ParameterSetsRecord)
    first = next(record for record in found if isinstance(record, AccessUnitRecord))
    in_force: tuple[bytes, ...] = reader_of(recording).config.parameter_sets
    for record in recording.records[: recording.records.index(first)]:
        if isinstance(record, ParameterSetsRecord):
            in_force = record.parameter_sets
    before = [record for record in found[: found.index(first)] if isinstance(record, ParameterSetsRecord)]
    assert found[0].parameter_sets == in_force == before[-1].parameter_sets


def test_a_moment_needs_only_its_own_chunks() -> None:
    """In a closed segment, a late moment is found without reading the bodies before it."""
    recording = record_script(LONG)
    recording.close()
    read: list[tuple[int, int]] = []

    def read_at(offset: int, length: int) -> bytes:
        read.append((offset, min(length, 65536)))
        return recording.slot.read_at(offset, min(length, 65536))

    reader = SegmentReader(read_at, recording.header, make_data_key(recording.header))
    units = list(reader.access_units(START_UTC_MS + 33 * FRAME_MS))
    assert units == expected_between(recording, START_UTC_MS + 33 * FRAME_MS, None)
    between = range(recording.commits[2][0], recording.commits[8][0])
    assert [offset for offset, length in read if length > 64 and offset in between] == []


@given(SCRIPTS, st.data())
def test_a_footer_proves_the_whole_and_each_run(script: list[Step], data: st.DataObject) -> None:
    """Leaves handed out lead to the signed root; a run of units is provable by them."""
    recording = record_script(script)
    recording.close()
    tree = NalTree()
    reader = reader_of(recording)
    units = list(reader.verified_access_units(recording.footer, tree))
    assert recording.footer is not None
    assert (tree.root, tree.count) == (recording.footer.nal_root, recording.footer.nal_leaves)
    assert [replace(unit, first_leaf=0, leaves=()) for unit in units] == recording.units
    if units:
        first = data.draw(st.integers(0, len(units) - 1))
        run = units[first : data.draw(st.integers(first + 1, len(units)))]
        leaves = [leaf for unit in run for leaf in unit.leaves]
        proof = tree.range_proof(run[0].first_leaf, len(leaves))
        verify_range(recording.footer.nal_root, recording.footer.nal_leaves, run[0].first_leaf, leaves, proof)


@pytest.mark.parametrize("field", ["header_digest", "chain_digest", "nal_root"])
def test_another_footer_is_told(field: str) -> None:
    """A footer whose digests are others is FooterMismatch, naming the field, once all is read."""
    recording = record_script(LONG)
    recording.close()
    assert recording.footer is not None
    with pytest.raises(FooterMismatch) as caught:
        list(reader_of(recording).verified_access_units(replace(recording.footer, **{field: bytes(32)}), NalTree()))  # type: ignore[arg-type]
    assert caught.value.field == field


def test_both_locks_open_and_one_does_not() -> None:
    """With DEK and segment key it opens; with either of them wrong it is refused before any chunk."""
    recording = record_script(LONG)
    k_seg = segment_key(EPOCH_KEY, recording.header.segment_uid)
    reader = SegmentReader.open(recording.slot.read_at, DEK, k_seg)
    assert reader.config.nal_salt == NAL_SALT
    for dek, other in ((bytes(32), k_seg), (DEK, bytes(32))):
        with pytest.raises(KeyCommitmentMismatch):
            SegmentReader.open(recording.slot.read_at, dek, other)


@pytest.mark.parametrize("offset", [70, 4000])
def test_a_forged_chunk_is_never_used(offset: int) -> None:
    """Whatever checksum it bears, a changed chunk is ChunkForged, and no record of it comes out."""
    recording = record_script(LONG)
    place = recording.commits[2][0]
    recording.slot.content[place + offset] ^= 1
    found: list[Record] = []
    with pytest.raises(ChunkForged):
        found.extend(reader_of(recording).records())
    assert found[1:] == recording.records[: recording.commits[2][1]]


@pytest.mark.parametrize("kind", ["forged", "decayed", "missing"])
@pytest.mark.parametrize("closed", [True, False])
def test_damage_may_be_stepped_over_and_is_told(kind: str, closed: bool) -> None:
    """With a handler, everything but the damaged chunk's records comes out, and the handler hears of it once."""
    recording = record_script(LONG)
    end = recording.commits[-1][0]
    if closed:
        recording.close()
        end = 0
    place = recording.commits[3][0]
    if kind == "missing":
        recording.slot.content[place : place + 4096] = bytes(4096)
    else:
        recording.slot.content[place + 99] ^= 1
    if kind == "forged":  # whoever alters a chunk with care mends its checksum
        chunk = memoryview(recording.slot.content)[place:]
        checksum = chunk_checksum(chunk[: ChunkHead.unpack(chunk).length_bytes])
        recording.slot.content[place + 60 : place + 64] = checksum.to_bytes(4, "little")
    told: list[SegmentError] = []
    reader = reader_of(recording, on_damage=told.append, extent_bytes=end or SLOT_BYTES)
    found = [record for record in reader.records() if not isinstance(record, CodecConfig | IndexRecord)]
    before, behind = recording.commits[3][1], recording.commits[4][1]
    assert found == recording.records[:before] + recording.records[behind:]
    assert [type(fault) for fault in told] == [ChunkForged if kind == "forged" else SegmentDamaged]
    late = list(
        reader_of(recording, on_damage=told.append, extent_bytes=end or SLOT_BYTES).access_units(
            START_UTC_MS + 33 * FRAME_MS
        )
    )
    assert late == expected_between(recording, START_UTC_MS + 33 * FRAME_MS, None)


def test_a_missing_chunk_is_told_with_its_place() -> None:
    """Where the extent goes on and no chunk stands, SegmentDamaged says where; also where the data ends early."""
    recording = record_script(LONG)
    end, place = recording.commits[-1][0], recording.commits[3][0]
    whole = recording.slot.content
    for content, offset in (
        (whole[:place] + bytes(4096) + whole[place + 4096 :], place),
        (whole[: place + 2000], place),
    ):

        def read_at(start: int, length: int, content: bytearray = content) -> bytes:
            return bytes(content[start : start + length])

        reader = SegmentReader(read_at, recording.header, make_data_key(recording.header), extent_bytes=end)
        with pytest.raises(SegmentDamaged) as caught:
            list(reader.records())
        assert (caught.value.offset_bytes, caught.value.chunk_index) == (offset, 4)


def test_a_segment_in_the_making_opens_up_to_its_last_commit() -> None:
    """What is durable is readable while the writer goes on; the extent says how far."""
    recording = record_script(LONG, old_bytes=LAP)
    for end, count in recording.commits:
        found = list(reader_of(recording, extent_bytes=end).records())
        assert found[1:] == recording.records[:count]


@given(SCRIPTS, st.integers(0, 3))
def test_unwritten_commits_give_their_records_back(script: list[Step], written: int) -> None:
    """After a storage fault the commits still held give exactly what the medium did not take."""
    header = make_header(first_access_unit=100)
    recording = record_script([])
    recording.writer = make_writer(header, SLOT_BYTES)
    held: list[tuple[Commit, int]] = []
    for step in [*script, COMMIT]:
        if step != COMMIT:
            recording.play([step])
        elif (commit := recording.writer.take_commit()) is not None:
            held.append((commit, len(recording.records)))
    lost = [commit for commit, _ in held[written:]]
    found = list(records_of_commits(lost, header, make_data_key(header)))
    start = held[written - 1][1] if 0 < written <= len(held) else 0
    expected = recording.records[start:] if lost else []
    assert [record for record in found if not isinstance(record, CodecConfig)] == expected


@given(st.binary(max_size=20_000))
def test_any_bytes_behind_a_header_are_read_or_refused(content: bytes) -> None:
    """Whatever follows a valid header, reading ends, or a SegmentError says why not."""
    header = make_header()
    slot = header.pack() + content

    def read_at(offset: int, length: int) -> bytes:
        return slot[offset : offset + length]

    source: ReadAt = read_at
    for extent in (None, len(slot)):
        try:
            found = list(SegmentReader(source, header, make_data_key(header), extent_bytes=extent).records())
        except SegmentError:
            continue
        assert found == []
