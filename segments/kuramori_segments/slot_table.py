"""The slot table in memory and its two copies on the medium: pure; it says which blocks to write, and where.

Rules (DURABILITY.md, "The two copies of the table"):
- one write touches one copy of a block only, and always the copy that is behind; so while it is under way the other
  copy holds what was acknowledged last, whole, even if the block being written turns into garbage;
- the copy left behind is written with the next commit;
- of two valid entries the one with the higher generation counts; with none the slot's own header is asked;
- generations grow over a whole block, so that of two copies of which neither is up to date, the one with the highest
  generation is the one that was being written: it is written again, and the other one kept.
It must not know files, nor what a slot holds.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from struct import Struct
from typing import NamedTuple

from crc32c import crc32c

from kuramori_segments.block_layout import BytesLike
from kuramori_segments.codes import SlotState
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.slot_entry import SLOT_ENTRY_BYTES, SlotEntry
from kuramori_segments.superblock import table_bytes

ENTRIES_PER_BLOCK = BLOCK_BYTES // SLOT_ENTRY_BYTES
COPIES = (0, 1)
LOST = 0xFF  # in `states`: neither copy of the entry is valid
TRIES_PER_COPY = 2  # after so many failed commits in a row a copy of a block is left alone until the next start
GENERATION_LEAP = 1 << 16  # a lost entry is set anew beyond whatever it can have reached: some 20,000 laps ahead

_ENTRY = Struct("<BBHIQ16sqqIIII")  # as SLOT_ENTRY, reserved fields included: read 65,536 times at start
_FRAME = Struct("<BBH48xIII")  # of the same: state, flags, reserved, generation, reserved, checksum
_SUMMED = Struct("<60s4x")  # of the same: what the checksum is over
_OWNER = Struct("<4xIQ16xqq16x")  # of the same: camera number, sequence, start and end
_KNOWN_STATES = frozenset(map(int, SlotState))
_UNUSED = frozenset({int(SlotState.EMPTY), LOST})
AS_READ = 1  # the version of a block that nothing has changed since the table was read
_UNKNOWN_VERSION = -1  # after a failed commit nobody knows what that copy holds


class TableWrite(NamedTuple):
    """One block of one copy to be written now. `version` is what `settle` hands back."""

    copy: int
    block: int
    version: int
    data: bytes


class FinishedRow(NamedTuple):
    """Of a slot with a finished segment: whose it is, its end, and the generation that tells it from a later one."""

    slot: int
    camera_number: int
    sequence: int
    end_utc_ms: int
    extent_bytes: int
    generation: int


class SlotTable:
    """All entries, and how far each copy of each block is behind. Not safe for use by two threads at once."""

    def __init__(self, slot_count: int, image: bytearray) -> None:
        """Take over the merged image; use `fresh` or `merge`."""
        blocks = len(image) // BLOCK_BYTES
        self.slot_count = slot_count
        self.states = bytearray(image[0 : slot_count * SLOT_ENTRY_BYTES : SLOT_ENTRY_BYTES])
        self.damaged_copies = 0  # entries that were valid in one copy only when the table was read
        self._image = image
        self._version = array("q", [AS_READ]) * blocks
        self._durable = (array("q", [0]) * blocks, array("q", [0]) * blocks)
        self._failures = (bytearray(blocks), bytearray(blocks))
        self._behind: set[int] = set()
        self._next_generation_of_lost = 1
        self._highest = array("Q", [0]) * blocks  # generation in any copy of the block

    @classmethod
    def fresh(cls, slot_count: int) -> "SlotTable":
        """Return the table of a new volume: all slots empty, no copy written yet."""
        image = bytearray(table_bytes(slot_count))
        image[: slot_count * SLOT_ENTRY_BYTES] = SlotEntry(SlotState.EMPTY).pack() * slot_count
        table = cls(slot_count, image)
        table._behind.update(range(len(table._version)))
        return table

    @classmethod
    def merge(cls, slot_count: int, copy_a: BytesLike, copy_b: BytesLike) -> "SlotTable":
        """Return the table that two copies amount to; a copy that differs from it is due to be written."""
        image = bytearray(copy_a)
        views = (memoryview(copy_a), memoryview(copy_b))
        lost: list[int] = []
        damaged = 0
        tops: list[tuple[int, int]] = []  # highest generation of each copy, by block
        for block in range(len(image) // BLOCK_BYTES):
            start = block * BLOCK_BYTES
            end = min(start + BLOCK_BYTES, slot_count * SLOT_ENTRY_BYTES)
            first = _valid_generations(views[0][start:end])
            if views[0][start : start + BLOCK_BYTES] == views[1][start : start + BLOCK_BYTES]:
                second = first
            else:
                second = _valid_generations(views[1][start:end])
            image[end : start + BLOCK_BYTES] = bytes(start + BLOCK_BYTES - end)
            tops.append((max(first), max(second)))
            for place, (one, two) in enumerate(zip(first, second, strict=True)):
                damaged += (one < 0) != (two < 0)
                offset = start + place * SLOT_ENTRY_BYTES
                if one < 0 and two < 0:
                    lost.append(offset // SLOT_ENTRY_BYTES)
                elif two > one:
                    image[offset : offset + SLOT_ENTRY_BYTES] = views[1][offset : offset + SLOT_ENTRY_BYTES]
        table = cls(slot_count, image)
        table.damaged_copies = damaged
        table._highest = array("Q", [max(0, *both) for both in tops])
        table._next_generation_of_lost = max(table._highest, default=0) + GENERATION_LEAP
        for slot in lost:
            table.states[slot] = LOST
        table._compare(views, tops)
        return table

    def grown(self, slot_count: int) -> bytes:
        """Return the image of a table with more slots, the new ones empty; a lost entry stays as invalid as it was."""
        image = bytearray(table_bytes(slot_count))
        used = self.slot_count * SLOT_ENTRY_BYTES
        image[:used] = self._image[:used]
        empty = SlotEntry(SlotState.EMPTY).pack()
        image[used : slot_count * SLOT_ENTRY_BYTES] = empty * (slot_count - self.slot_count)
        return bytes(image)

    def _compare(self, views: tuple[memoryview, memoryview], tops: list[tuple[int, int]]) -> None:
        """Find which copies are to be written. Where neither is up to date, the one that was being written is torn."""
        merged = memoryview(self._image)
        for block, (first, second) in enumerate(tops):
            start = block * BLOCK_BYTES
            for copy in COPIES:
                if views[copy][start : start + BLOCK_BYTES] == merged[start : start + BLOCK_BYTES]:
                    self._durable[copy][block] = AS_READ
                else:
                    self._behind.add(block)
            if not any(durable[block] for durable in self._durable):
                self._durable[1 if second > first else 0][block] = _UNKNOWN_VERSION

    def entry(self, slot: int) -> SlotEntry | None:
        """Return what the table says of a slot; None when both copies of the entry are lost."""
        if self.states[slot] == LOST:
            return None
        offset = slot * SLOT_ENTRY_BYTES
        return SlotEntry.unpack(memoryview(self._image)[offset : offset + SLOT_ENTRY_BYTES])

    def set(self, slot: int, entry: SlotEntry) -> int:
        """Replace an entry (its generation is set here) and return the version of its block, for `reached`."""
        block = slot // ENTRIES_PER_BLOCK
        generation = self._highest[block] + 1 if self.states[slot] != LOST else self._next_generation_of_lost
        self._highest[block] = max(self._highest[block], generation)
        offset = slot * SLOT_ENTRY_BYTES
        self._image[offset : offset + SLOT_ENTRY_BYTES] = replace(entry, generation=generation).pack()
        self.states[slot] = entry.state
        self._version[block] += 1
        self._behind.add(block)
        return self._version[block]

    def reached(self, slot: int, version: int) -> bool:
        """Tell whether that version of the slot's block is durable in at least one copy."""
        block = slot // ENTRIES_PER_BLOCK
        return max(self._durable[0][block], self._durable[1][block]) >= version

    def slots_in(self, state: int) -> Iterator[int]:
        """Yield the slots in that state (a SlotState, or LOST), lowest first."""
        slot = self.states.find(state)
        while slot >= 0:
            yield slot
            slot = self.states.find(state, slot + 1)

    def used_slots(self) -> Iterator[int]:
        """Yield the slots that are neither empty nor lost, lowest first."""
        return (slot for slot, state in enumerate(self.states) if state not in _UNUSED)

    def owned_rows(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield what the catalogue needs of all slots that a camera owns: see `Catalogue.load`."""
        entries = memoryview(self._image)[: self.slot_count * SLOT_ENTRY_BYTES]
        rows = zip(self.states, _OWNER.iter_unpack(entries), strict=True)
        for slot, (state, (camera_number, sequence, start_utc_ms, end_utc_ms)) in enumerate(rows):
            if camera_number and state not in _UNUSED:
                yield camera_number, sequence, slot, start_utc_ms, end_utc_ms

    def copy(self) -> tuple[bytes, bytes]:
        """Return states and entries as they are now, for `finished_rows`."""
        return bytes(self.states), bytes(self._image)

    @property
    def behind(self) -> bool:
        """Tell whether a copy of any block is due to be written."""
        return bool(self._behind)

    def due(self) -> list[TableWrite]:
        """Return what the next commit writes: of each block that is behind, the copy that is further behind."""
        writes = []
        for block in sorted(self._behind):
            start = block * BLOCK_BYTES
            data = bytes(self._image[start : start + BLOCK_BYTES])
            writes.append(TableWrite(self._copy_to_write(block), block, self._version[block], data))
        return writes

    def settled(self, blocks: Iterable[int]) -> list[TableWrite]:
        """Return what the medium must hold of these blocks: every copy that is up to date, as it was written."""
        found = []
        for block in blocks:
            start = block * BLOCK_BYTES
            for copy in COPIES:
                if start < len(self._image) and self._durable[copy][block] == self._version[block]:
                    data = bytes(self._image[start : start + BLOCK_BYTES])
                    found.append(TableWrite(copy, block, self._version[block], data))
        return found

    def _copy_to_write(self, block: int) -> int:
        behind = 1 if self._durable[1][block] < self._durable[0][block] else 0
        other = 1 - behind
        given_up = self._failures[behind][block] >= TRIES_PER_COPY > self._failures[other][block]
        return other if given_up else behind

    def settle(self, writes: Iterable[TableWrite]) -> None:
        """Note that these writes are durable."""
        for write in writes:
            self._durable[write.copy][write.block] = write.version
            self._failures[write.copy][write.block] = 0
            if all(self._is_up_to_date(copy, write.block) for copy in COPIES):
                self._behind.discard(write.block)

    def _is_up_to_date(self, copy: int, block: int) -> bool:
        given_up = self._failures[copy][block] >= TRIES_PER_COPY
        return given_up or self._durable[copy][block] == self._version[block]

    def doubt(self, writes: Iterable[TableWrite]) -> None:
        """Note that these writes failed: nobody knows what those copies hold now."""
        for write in writes:
            self._durable[write.copy][write.block] = _UNKNOWN_VERSION
            failures = self._failures[write.copy]
            failures[write.block] = min(failures[write.block] + 1, 255)
            self._behind.add(write.block)


def finished_rows(states: bytes, image: bytes) -> Iterator[FinishedRow]:
    """Yield the slots of a copied table that hold a finished segment, lowest first."""
    entries = memoryview(image)[: len(states) * SLOT_ENTRY_BYTES]
    for slot, fields in enumerate(_ENTRY.iter_unpack(entries)):
        if states[slot] in (SlotState.CLOSED, SlotState.RECOVERED):
            yield FinishedRow(slot, fields[3], fields[4], fields[7], fields[8] * BLOCK_BYTES, fields[9])


def _valid_generations(entries: memoryview) -> list[int]:
    """Return the generation of each entry, or -1 where it is not valid."""
    fields = zip(_FRAME.iter_unpack(entries), _SUMMED.iter_unpack(entries), strict=True)
    return [
        generation
        if state in _KNOWN_STATES and not (flags or reserved or reserved_too) and crc32c(summed) == stored
        else -1
        for (state, flags, reserved, generation, reserved_too, stored), (summed,) in fields
    ]
