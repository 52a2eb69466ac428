"""Where the whole slot table is lost: what each slot says of itself, from two short reads."""

import pytest

from kuramori_segments.block_window import ReadAt
from kuramori_segments.footer_search import REACHES, find_finished
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.recovery import Outcome, recover
from kuramori_segments.volume import Volume
from tests.fakes.segments import SIGNER
from tests.segments.test_check import SLOT_BYTES, Recorded


def test_the_table_is_rebuilt_from_the_slots() -> None:
    """Every segment has its camera, number, times, length and state again; what was empty is empty."""
    recorded = Recorded()
    superblock = recorded.volume.superblock
    before = [recorded.volume.entry(slot) for slot in range(superblock.slot_count)]
    length = superblock.data_offset - superblock.table_a_offset
    recorded.disk.corrupt(superblock.table_a_offset, b"\xa5" * length)
    volume = Volume.open(recorded.disk)
    assert volume.usage().lost == superblock.slot_count
    report = recover(volume, SIGNER)
    assert {slot.outcome for slot in report.slots} == {Outcome.CLOSED, Outcome.DISCARDED}
    assert len(report.tails) == 2
    for slot, old in enumerate(before):
        new = volume.entry(slot)
        assert old is not None
        assert new is not None
        told = ("state", "camera_number", "sequence", "epoch_id", "start_utc_ms", "end_utc_ms", "extent_blocks")
        assert [getattr(new, field) for field in told] == [getattr(old, field) for field in told]
    assert volume.usage().lost == 0


def counted(read_at: ReadAt, lengths: list[int]) -> ReadAt:
    def read(offset_bytes: int, length_bytes: int) -> bytes:
        lengths.append(length_bytes)
        return read_at(offset_bytes, length_bytes)

    return read


def test_a_full_segment_costs_two_short_reads() -> None:
    """Its header, and what stands at the end of the slot."""
    recorded = Recorded()
    lengths: list[int] = []
    found = find_finished(counted(recorded.volume.reader(recorded.first.slot), lengths), SLOT_BYTES)
    assert found is not None
    assert found[1].extent_blocks == recorded.entry().extent_blocks
    assert lengths[:2] == [BLOCK_BYTES, REACHES[0]]


@pytest.mark.parametrize("offset", [200, -100])
def test_what_is_damaged_is_not_found_and_not_taken_for_another(offset: int) -> None:
    """A flipped bit in the header or in the footer: a scan has to tell."""
    recorded = Recorded()
    recorded.flip(recorded.start + offset if offset > 0 else recorded.footer_offset() + BLOCK_BYTES + offset)
    assert find_finished(recorded.volume.reader(recorded.first.slot), SLOT_BYTES) is None


def test_the_footer_of_another_segment_is_never_taken() -> None:
    """The bytes of an earlier lap stand behind a new header."""
    recorded = Recorded()
    reader = recorded.volume.reader(recorded.second.slot)
    recorded.disk.corrupt(recorded.start, reader(0, BLOCK_BYTES))
    assert find_finished(recorded.volume.reader(recorded.first.slot), SLOT_BYTES) is None
