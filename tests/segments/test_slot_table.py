"""The slot table's two copies: whatever a power cut or a failing place does, what was acknowledged is still said."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori_segments.codes import SlotState
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.slot_entry import SLOT_ENTRY_BYTES, SlotEntry
from kuramori_segments.slot_table import ENTRIES_PER_BLOCK, LOST, TRIES_PER_COPY, SlotTable, TableWrite
from kuramori_segments.superblock import table_bytes
from tests.fakes.faulty_disk import SECTOR_BYTES

SLOTS = 150  # three blocks, the last one not full


class Medium:
    """Two copies of a table as they stand on the medium."""

    def __init__(self) -> None:
        self.copies = [bytearray(table_bytes(SLOTS)), bytearray(table_bytes(SLOTS))]

    def write(self, write: TableWrite) -> None:
        start = write.block * BLOCK_BYTES
        self.copies[write.copy][start : start + BLOCK_BYTES] = write.data

    def garble(self, copy: int, block: int, rng: random.Random) -> None:
        start = block * BLOCK_BYTES
        self.copies[copy][start : start + BLOCK_BYTES] = rng.randbytes(BLOCK_BYTES)

    def read(self) -> SlotTable:
        return SlotTable.merge(SLOTS, *self.copies)


def commit(table: SlotTable, medium: Medium) -> list[TableWrite]:
    writes = table.due()
    for write in writes:
        medium.write(write)
    table.settle(writes)
    return writes


def settled() -> tuple[SlotTable, Medium]:
    table, medium = SlotTable.fresh(SLOTS), Medium()
    while table.behind:
        commit(table, medium)
    return table, medium


def closed(sequence: int) -> SlotEntry:
    return SlotEntry(SlotState.CLOSED, 1, sequence, bytes(16), 10, 20, 5)


def facts(entry: SlotEntry | None) -> tuple[SlotState, int] | None:
    return None if entry is None else (entry.state, entry.sequence)


def test_a_new_table_is_all_empty_in_both_copies() -> None:
    """Two commits write a new table, one copy each; read back, every slot is empty and nothing is due."""
    _, medium = settled()
    table = medium.read()
    assert table.states == bytes(SLOTS)
    assert not table.behind
    assert medium.copies[0] == medium.copies[1]


def test_a_change_goes_into_one_copy_and_with_the_next_commit_into_the_other() -> None:
    """At no time are both copies of a block being written."""
    table, medium = settled()
    table.set(3, closed(7))
    (first,) = commit(table, medium)
    (second,) = commit(table, medium)
    assert (first.block, second.block) == (0, 0)
    assert {first.copy, second.copy} == {0, 1}
    assert not table.behind
    assert commit(table, medium) == []


def test_a_second_change_goes_into_the_copy_that_is_behind() -> None:
    """The copy that holds what was acknowledged last is never the one being written."""
    table, medium = settled()
    table.set(3, closed(7))
    (first,) = commit(table, medium)
    table.set(4, closed(8))
    (second,) = table.due()
    assert second.copy != first.copy


def test_the_higher_generation_counts() -> None:
    """An entry that stands in one copy only, newer, is the one that is read, and the other copy is due."""
    table, medium = settled()
    table.set(3, closed(7))
    commit(table, medium)
    again = medium.read()
    assert facts(again.entry(3)) == (SlotState.CLOSED, 7)
    assert again.behind
    commit(again, medium)
    assert not again.behind
    assert medium.copies[0] == medium.copies[1]


@pytest.mark.parametrize("copy", [0, 1])
def test_an_entry_damaged_in_one_copy_is_read_from_the_other_and_mended(copy: int) -> None:
    """One copy is enough, it is counted, and the next commits make it two again."""
    table, medium = settled()
    table.set(140, closed(7))
    commit(table, medium)
    commit(table, medium)
    medium.copies[copy][140 * SLOT_ENTRY_BYTES + 9] ^= 1
    again = medium.read()
    assert facts(again.entry(140)) == (SlotState.CLOSED, 7)
    assert again.damaged_copies == 1
    while again.behind:
        commit(again, medium)
    assert medium.copies[0] == medium.copies[1]
    assert medium.read().damaged_copies == 0


@pytest.mark.parametrize(
    "change", [(0, 5), (1, 1), (2, 1), (56, 1), (60, 255)], ids=["state", "flags", "reserved", "reserved 2", "crc"]
)
def test_an_entry_that_is_not_as_the_format_says_is_not_believed(change: tuple[int, int]) -> None:
    """Unknown states, used reserved bytes and wrong checksums in both copies leave the entry lost."""
    _, medium = settled()
    offset, value = change
    for copy in medium.copies:
        copy[SLOT_ENTRY_BYTES + offset] ^= value
    table = medium.read()
    assert table.entry(1) is None
    assert list(table.slots_in(LOST)) == [1]
    assert table.states.count(SlotState.EMPTY) == SLOTS - 1


def test_a_lost_entry_comes_back_newer_than_anything_seen() -> None:
    """When a lost entry is set again, no stale copy of it can win over it later."""
    table, medium = settled()
    for sequence in range(9):
        table.set(1, closed(sequence))
    while table.behind:
        commit(table, medium)
    kept = bytes(medium.copies[0])
    for copy in medium.copies:
        copy[SLOT_ENTRY_BYTES] ^= 255
    again = medium.read()
    again.set(1, closed(99))
    (write,) = commit(again, medium)
    medium.copies[1 - write.copy][:] = kept  # the old copy turns up again
    assert facts(medium.read().entry(1)) == (SlotState.CLOSED, 99)


def test_bytes_behind_the_last_entry_are_mended_too() -> None:
    """Padding must be zero; where it is not, both copies are written anew."""
    _, medium = settled()
    medium.copies[0][-1] = medium.copies[1][-1] = 7
    table = medium.read()
    assert table.behind
    while table.behind:
        commit(table, medium)
    assert medium.copies[0][-1] == medium.copies[1][-1] == 0


def test_after_a_failed_commit_the_same_copy_is_written_again_and_the_good_one_left() -> None:
    """A failed write leaves one copy unknown; the other, which is good, is not touched before that one is."""
    table, _ = settled()
    table.set(3, closed(7))
    writes = table.due()
    table.doubt(writes)
    (again,) = table.due()
    assert again.copy == writes[0].copy
    assert not table.reached(3, writes[0].version)


def test_a_copy_that_keeps_failing_is_given_up() -> None:
    """One broken block of one copy must not stop all recording: after two tries the other copy serves alone."""
    table, medium = settled()
    version = table.set(3, closed(7))
    broken = table.due()[0].copy
    for _ in range(TRIES_PER_COPY):
        writes = table.due()
        assert [write.copy for write in writes] == [broken]
        table.doubt(writes)
    (other,) = commit(table, medium)
    assert other.copy != broken
    assert table.reached(3, version)
    assert not table.behind
    table.set(4, closed(8))
    assert [write.copy for write in commit(table, medium)] == [other.copy]
    assert facts(medium.read().entry(4)) == (SlotState.CLOSED, 8)


SETS = st.lists(st.tuples(st.integers(0, SLOTS - 1), st.integers(0, 1000)), max_size=6)


@settings(max_examples=60)
@given(st.lists(SETS, min_size=1, max_size=8), st.integers(0, 2**32), st.booleans())
def test_a_power_cut_in_any_commit_leaves_each_entry_old_or_new(
    commits: list[list[tuple[int, int]]], seed: int, garbage: bool
) -> None:
    """With every block of the last commit written, half written or garbage, no acknowledged entry is lost."""
    rng = random.Random(seed)
    table, medium = settled()
    acknowledged = dict.fromkeys(range(SLOTS), (SlotState.EMPTY, 0))
    attempted: dict[int, tuple[SlotState, int]] = {}
    for number, changes in enumerate(commits):
        attempted = {}
        for slot, sequence in changes:
            table.set(slot, closed(sequence))
            attempted[slot] = (SlotState.CLOSED, sequence)
        if number < len(commits) - 1:
            commit(table, medium)
            acknowledged |= attempted
    for write in table.due():
        half = write.data[: rng.randrange(BLOCK_BYTES)]
        start = write.block * BLOCK_BYTES
        medium.copies[write.copy][start : start + len(half)] = half
        if garbage and rng.random() < 0.5:
            medium.garble(write.copy, write.block, rng)
    survivor = medium.read()
    for slot in range(SLOTS):
        allowed = {acknowledged[slot], attempted.get(slot, acknowledged[slot])}
        assert facts(survivor.entry(slot)) in allowed


FLIPS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, BLOCK_BYTES - 1), st.integers(1, 255)), max_size=30)


@given(FLIPS)
def test_any_bytes_are_a_table(flips: list[tuple[int, int, int]]) -> None:
    """Whatever bytes are changed, reading never raises, and an entry is what was written or is lost."""
    entries = b"".join(closed(sequence).pack() for sequence in range(ENTRIES_PER_BLOCK))
    copies = [bytearray(entries), bytearray(entries)]
    for copy, offset, value in flips:
        copies[copy][offset] ^= value
    table = SlotTable.merge(ENTRIES_PER_BLOCK, *copies)
    lost = set(table.slots_in(LOST))
    for slot in range(ENTRIES_PER_BLOCK):
        assert facts(table.entry(slot)) == (None if slot in lost else (SlotState.CLOSED, slot))
    assert set(table.used_slots()) == set(range(ENTRIES_PER_BLOCK)) - lost
    assert len(lost) <= min(sum(copy == 0 for copy, _, _ in flips), sum(copy == 1 for copy, _, _ in flips))


@pytest.mark.parametrize("torn", [0, 1])
def test_of_two_copies_that_both_lack_something_the_torn_one_is_written_again(torn: int) -> None:
    """The whole one holds what was acknowledged last: were it written now, and that torn too, it would be gone."""
    table, medium = settled()
    table.set(3, closed(7))
    (before,) = commit(table, medium)
    if before.copy == torn:  # the next write goes to the other copy: one more turns it round
        table.set(4, closed(8))
        commit(table, medium)
    table.set(40, closed(9))
    (write,) = table.due()
    assert write.copy == torn
    start = 40 * SLOT_ENTRY_BYTES // SECTOR_BYTES * SECTOR_BYTES
    medium.copies[torn][start : start + SECTOR_BYTES] = write.data[start : start + SECTOR_BYTES]
    again = medium.read()
    assert facts(again.entry(3)) == (SlotState.CLOSED, 7)
    assert facts(again.entry(40)) == (SlotState.CLOSED, 9)
    assert [one.copy for one in again.due()] == [torn]
