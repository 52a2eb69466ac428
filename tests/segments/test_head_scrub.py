"""The head of a volume is read back: a copy that decayed is found, written anew from the good one, and nothing else."""

import errno

import pytest

from kuramori_segments.finding import FindingKind
from kuramori_segments.scrub import Scrub
from kuramori_segments.scrub_record import ScrubRecord
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume_head import SUPERBLOCK_OFFSETS
from tests.fakes.faulty_disk import SECTOR_BYTES
from tests.segments.test_check import KEYS, Recorded


def scrub_of(recorded: Recorded) -> Scrub:
    return Scrub(recorded.volume, ScrubRecord(b"v" * 16), KEYS, lambda _length: None)


def places_of(recorded: Recorded) -> list[int]:
    superblock = recorded.volume.superblock
    return [*SUPERBLOCK_OFFSETS, superblock.table_a_offset, superblock.table_b_offset]


def test_a_head_that_is_whole_is_left_alone() -> None:
    """Nothing is found and nothing is written, however often."""
    recorded = Recorded()
    before = recorded.disk.snapshot()
    for _ in range(3):
        assert scrub_of(recorded).verify_head() == []
        assert not recorded.volume.unsettled
    assert recorded.disk.snapshot() == before


@pytest.mark.parametrize("place", range(4), ids=["superblock A", "superblock B", "table A", "table B"])
def test_a_copy_that_decayed_is_found_and_written_anew(place: int) -> None:
    """A flipped bit: the other copy is untouched while it is mended; then the checker finds nothing."""
    recorded = Recorded()
    places = places_of(recorded)
    recorded.flip(places[place] + 20)
    assert recorded.kinds() != []
    scrub = scrub_of(recorded)
    assert scrub.verify_head() == [places[place]]
    recorded.volume.flush()
    assert recorded.kinds() == []
    assert scrub.verify_head() == []


@pytest.mark.parametrize("pair", [(0, 1), (2, 3)], ids=["superblocks", "tables"])
def test_both_copies_that_decayed_are_written_anew_from_what_was_acknowledged(pair: tuple[int, int]) -> None:
    """A start would have to ask the slots, or find no volume; while it is open nothing is lost."""
    recorded = Recorded()
    places = places_of(recorded)
    for one in pair:
        recorded.flip(places[one] + 20)
    assert scrub_of(recorded).verify_head() == [places[one] for one in pair]
    recorded.volume.flush()
    assert recorded.kinds() == []


def test_a_place_that_cannot_be_read_is_written_anew() -> None:
    """The medium does not give one block of one copy."""
    recorded = Recorded()
    offset = places_of(recorded)[2]
    recorded.disk.bad_sectors = {offset // SECTOR_BYTES}
    scrub = scrub_of(recorded)
    assert scrub.verify_head() == [offset]
    recorded.disk.bad_sectors = set()
    recorded.volume.flush()
    assert FindingKind.TABLE_UNREADABLE not in recorded.kinds()


def test_a_copy_that_is_only_behind_is_no_decay() -> None:
    """Between two commits one copy is older: that is as it must be."""
    recorded = Recorded()
    recorded.volume.mend_superblock()
    slot = recorded.volume.take_slot(1, plans={}, now_utc_ms=1)
    assert slot is not None
    recorded.volume.commit()
    assert scrub_of(recorded).verify_head() == []


def test_a_medium_that_takes_nothing_is_a_fault_and_not_called_mended() -> None:
    """The copy that decayed cannot be written."""
    recorded = Recorded()
    recorded.flip(SUPERBLOCK_OFFSETS[0] + 20)
    recorded.disk.faults = dict.fromkeys(range(len(recorded.disk.log), 1 << 12), errno.EROFS)
    with pytest.raises(StorageFault):
        scrub_of(recorded).verify_head()
    recorded.disk.faults = {}
    assert scrub_of(recorded).verify_head() == [SUPERBLOCK_OFFSETS[0]]
