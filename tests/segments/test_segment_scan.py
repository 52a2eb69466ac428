"""The keyless scan finds the exact end, takes nothing of an earlier lap, and names what is damaged."""

from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kuramori_segments.damage import DamageKind
from kuramori_segments.device_key import verify_footer
from kuramori_segments.footer import build_recovered
from kuramori_segments.nal_tree import NalTree
from kuramori_segments.records import CodecConfig, IndexRecord
from kuramori_segments.segment_reader import SegmentReader
from kuramori_segments.segment_scan import ScanResult, ScanState, scan
from tests.fakes.segment_scripts import (
    SCRIPTS,
    SHORT_SCRIPTS,
    SLOT_BYTES,
    Other,
    Recording,
    Step,
    Unit,
    earlier_lap,
    record_script,
)
from tests.fakes.segments import DEVICE_KEY, SIGNER, make_data_key

LAP = earlier_lap()
COMMIT = Other("commit")
BEHIND = ["lap", "zeros", "nothing"]
TWO_COMMITS: list[Step] = [Unit(900, True), Unit(70_000, False), COMMIT, Unit(500, True), Other("sets"), COMMIT]


def scan_bytes(content: bytes | bytearray, slot_bytes: int = SLOT_BYTES) -> ScanResult:
    """Scan a slot's content."""
    return scan(lambda offset, length: bytes(content[offset : offset + length]), slot_bytes)


def read_back(content: bytes | bytearray, recording: Recording, end_bytes: int) -> list[object]:
    """Return all records up to an end, without CONFIG and INDEX."""
    reader = SegmentReader(
        lambda offset, length: bytes(content[offset : offset + length]),
        recording.header,
        make_data_key(recording.header),
        extent_bytes=end_bytes,
    )
    return [record for record in reader.records() if not isinstance(record, CodecConfig | IndexRecord)]


def whole_commits(content: bytes | bytearray, recording: Recording) -> tuple[int, int]:
    """Return end and number of records of the commits that lie in the content as they were written."""
    end, count = 4096, 0
    for commit_end, records in recording.commits:
        if content[:commit_end] != recording.slot.content[:commit_end]:
            break
        end, count = commit_end, records
    return end, count


@given(SCRIPTS)
def test_a_closed_segment_scans_clean(script: list[Step]) -> None:
    """State, counts and footer of what was written in order are right, and nothing is damaged."""
    recording = record_script(script, old_bytes=LAP)
    recording.close()
    result = scan_bytes(recording.slot.content)
    assert (result.state, result.damage, result.header) == (ScanState.CLOSED, (), recording.header)
    assert result.footer == recording.footer
    assert result.footer is not None
    assert result.tally is not None
    units = recording.units
    assert result.tally.access_units == result.footer.access_units == len(units)
    assert result.footer.lost_packets == sum(unit.lost_packets_before for unit in units)
    assert result.footer.key_frames == sum(unit.is_key for unit in units)
    assert result.tally.chain_digest == recording.writer.chain_digest
    verify_footer(result.footer, DEVICE_KEY.public_key())


@settings(max_examples=200)
@given(SCRIPTS, st.data())
def test_cut_anywhere_exactly_the_committed_prefix_is_found_and_recovered(
    script: list[Step], data: st.DataObject
) -> None:
    """Cut at any byte, before zeros, an earlier lap or nothing: the whole commits are found, read and recovered."""
    recording = record_script([*script, COMMIT], old_bytes=LAP)
    written = recording.slot.content
    cut = data.draw(st.integers(4096, recording.commits[-1][0]))
    behind = {"lap": LAP, "zeros": bytes(SLOT_BYTES), "nothing": b""}[data.draw(st.sampled_from(BEHIND))]
    content = bytearray(written[:cut] + behind[cut:])
    end, count = whole_commits(content, recording)

    result = scan_bytes(content)
    assert (result.state, result.footer) == (ScanState.TORN, None)
    assert result.tally is not None
    assert result.extent_bytes == result.tally.end_bytes == end
    assert read_back(content, recording, end) == recording.records[:count]

    footer = build_recovered(recording.header, result.header_digest, result.tally, SIGNER)
    content[end : end + 4096] = footer.pack()
    recovered = scan_bytes(content)
    assert (recovered.state, recovered.footer, recovered.damage) == (ScanState.RECOVERED, footer, ())
    reader = SegmentReader(
        lambda offset, length: bytes(content[offset : offset + length]),
        recording.header,
        make_data_key(recording.header),
        extent_bytes=recovered.extent_bytes,
    )
    units = [record.number for record in reader.verified_access_units(footer, NalTree())]
    assert footer.access_units == len(units)
    assert units == [] or (footer.first_access_unit, footer.last_access_unit) == (units[0], units[-1])


@given(SHORT_SCRIPTS, st.data())
def test_blocks_of_the_last_commit_that_came_in_any_order_do_not_count(script: list[Step], data: st.DataObject) -> None:
    """Where only some blocks of an unacknowledged commit are on the medium, the one before is the end."""
    recording = record_script([*script, COMMIT, *script, COMMIT], old_bytes=LAP)
    assume(len(recording.commits) > 1)
    written = recording.slot.content
    start, end = recording.commits[-2][0], recording.commits[-1][0]
    missing = data.draw(st.sets(st.sampled_from(range(start, end, 4096)), min_size=1))
    content = bytearray(written)
    for offset in missing:
        content[offset : offset + 4096] = LAP[offset : offset + 4096]
    expected, count = whole_commits(content, recording)
    assert expected == start
    result = scan_bytes(content)
    assert (result.state, result.extent_bytes) == (ScanState.TORN, start)
    assert read_back(content, recording, start) == recording.records[:count]


@settings(max_examples=200)
@given(SCRIPTS, st.data())
def test_one_changed_byte_is_noticed(script: list[Step], data: st.DataObject) -> None:
    """Every byte of a closed segment's extent is covered: change any, and the scan says so."""
    recording = record_script(script, old_bytes=LAP)
    recording.close()
    content = recording.slot.content
    extent = scan_bytes(content).extent_bytes
    offset = data.draw(st.integers(0, extent - 1))
    content[offset] ^= data.draw(st.integers(1, 255))
    result = scan_bytes(content)
    assert result.damage
    if offset < 4096:
        assert result.state is ScanState.UNREADABLE


@given(st.binary(max_size=9000), st.integers(1, 16))
def test_any_bytes_are_scanned(content: bytes, slot_blocks: int) -> None:
    """Whatever stands in a slot, the scan ends with a result."""
    result = scan_bytes(content, slot_blocks * 4096)
    assert result.state in (ScanState.EMPTY, ScanState.UNREADABLE)


@settings(max_examples=200)
@given(SCRIPTS, st.booleans(), st.integers(0, 1 << 30))
def test_pieces_moved_about_are_never_taken_for_the_segment(script: list[Step], closed: bool, seed: int) -> None:
    """Pieces of the segment and of an earlier lap copied over it at random: what counts is what was written there."""
    recording = record_script([*script, COMMIT], old_bytes=LAP)
    if closed:
        recording.close()
    written = bytes(recording.slot.content)
    content = bytearray(written)
    random = Random(seed)
    for _ in range(random.randint(1, 4)):
        unit = random.choice([1, 512, 4096])
        length = unit * random.randint(1, 20)
        source = random.choice([written, LAP, bytes(SLOT_BYTES), random.randbytes(SLOT_BYTES)])
        start, target = (random.randrange(0, SLOT_BYTES - length, unit) for _ in range(2))
        content[max(4096, target) : max(4096, target) + length] = source[start : start + length]
    result = scan_bytes(content[:SLOT_BYTES])
    assert result.tally is not None
    if not any(item.kind is DamageKind.PADDING for item in result.damage):
        assert content[: result.tally.end_bytes] == written[: result.tally.end_bytes]
    if result.footer is not None:
        assert result.footer == recording.footer


@pytest.mark.parametrize(
    ("offset_in_chunk", "kind"),
    [
        (0, DamageKind.CHUNK_HEAD),
        (4, DamageKind.CHUNK_ORDER),
        (16, DamageKind.CHUNK_FOREIGN),
        (60, DamageKind.CHUNK_CHECKSUM),
        (200, DamageKind.CHUNK_CHECKSUM),
    ],
)
def test_damage_inside_a_closed_segment_is_named(offset_in_chunk: int, kind: DamageKind) -> None:
    """One wrong byte of one chunk: kind, place and chunk are told, and the footer is still found."""
    recording = record_script(TWO_COMMITS)
    recording.close()
    place = recording.commits[0][0]
    recording.slot.content[place + offset_in_chunk] ^= 0x40
    result = scan_bytes(recording.slot.content)
    assert result.state is ScanState.CLOSED
    found = [(item.kind, item.offset_bytes, item.chunk_index) for item in result.damage]
    assert found == [(kind, place, 2)]


def test_damage_inside_an_open_segment_is_named_with_what_stands_behind() -> None:
    """A hole in a segment without footer ends it there; that more stands behind is said."""
    recording = record_script([*TWO_COMMITS, Unit(100, False), COMMIT])
    place = recording.commits[0][0]
    recording.slot.content[place + 200] ^= 1
    result = scan_bytes(recording.slot.content)
    assert (result.state, result.extent_bytes) == (ScanState.TORN, place)
    assert [item.kind for item in result.damage] == [DamageKind.CHUNK_CHECKSUM, DamageKind.CHUNKS_BEHIND_END]


def test_looking_ahead_may_be_limited() -> None:
    """A short look ahead does not see what stands far behind a hole, and finds the same end."""
    recording = record_script([Unit(100, True), COMMIT, Unit(140_000, False), COMMIT, Unit(100, False), COMMIT])
    place, end = recording.commits[0][0], recording.commits[1][0]
    recording.slot.content[place:end] = bytes(end - place)
    far = scan_bytes(recording.slot.content)
    near = scan(recording.slot.read_at, SLOT_BYTES, look_ahead_bytes=8192)
    assert far.tally == near.tally
    assert [item.kind for item in far.damage] == [DamageKind.CHUNK_HEAD, DamageKind.CHUNKS_BEHIND_END]
    assert near.damage == ()


def test_a_final_chunk_without_its_footer_is_torn() -> None:
    """The crash between index and footer: all chunks count, the final one too, and recovery closes behind it."""
    recording = record_script(TWO_COMMITS, old_bytes=LAP)
    recording.close()
    extent = scan_bytes(recording.slot.content).extent_bytes
    recording.slot.content[extent - 4096 : extent] = LAP[:4096]
    result = scan_bytes(recording.slot.content)
    assert (result.state, result.extent_bytes, result.damage) == (ScanState.TORN, extent - 4096, ())
    assert result.tally is not None
    assert result.tally.final_seen


def test_a_footer_that_stands_elsewhere_is_not_the_segments() -> None:
    """A copy of the footer at another block than its extent says does not make a torn segment whole."""
    recording = record_script(TWO_COMMITS)
    recording.close()
    content = recording.slot.content
    extent = scan_bytes(content).extent_bytes
    content[extent : extent + 4096] = content[extent - 4096 : extent]
    content[extent - 4096 : extent] = bytes(4096)
    assert scan_bytes(content).state is ScanState.TORN
    torn = recording.commits[-1][0]
    content[torn : torn + 4096] = content[extent : extent + 4096]
    assert scan_bytes(content).state is ScanState.TORN


def test_an_empty_slot_and_rubbish_are_told_apart() -> None:
    """Zeros, or nothing at all, are empty; anything else without a valid header is unreadable."""
    assert scan_bytes(bytes(SLOT_BYTES)).state is ScanState.EMPTY
    assert scan_bytes(b"").state is ScanState.EMPTY
    result = scan_bytes(b"\1" + bytes(SLOT_BYTES))
    assert (result.state, result.extent_bytes) == (ScanState.UNREADABLE, 0)
    assert [item.kind for item in result.damage] == [DamageKind.HEADER]


def test_a_chunk_that_leaves_no_room_for_the_footer_does_not_count() -> None:
    """A slot shorter than the segment: nothing is accepted whose footer would stand outside."""
    recording = record_script([Unit(100, True), COMMIT, Unit(100, False), COMMIT])
    ends = [end for end, _ in recording.commits]
    assert scan_bytes(recording.slot.content, ends[1] + 4096).extent_bytes == ends[1]
    assert scan_bytes(recording.slot.content, ends[1]).extent_bytes == ends[0]
