"""What every slot of a volume is doing right now: pure; the slot table, the catalogue and who may touch what.

A commit goes through it in three moves: `check` (is it allowed?), `begin` (what must the table say before and with
these bytes?), then `succeed` or `fail`. The rule behind the moves: the table never claims more than what is durable.
It must not know the medium, the clock or threads.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kuramori_segments.catalogue import OPEN_END, Catalogue, CataloguedSegment
from kuramori_segments.codes import SlotState
from kuramori_segments.disk import total_bytes
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.ring import CameraPlan, ChoiceReason, SlotChoice, choose_slot
from kuramori_segments.slot_change import (
    CloseSlot,
    DateSlot,
    EmptySlot,
    OpenSlot,
    SlotChange,
    SlotWrite,
)
from kuramori_segments.slot_entry import SlotEntry
from kuramori_segments.slot_table import AS_READ, LOST, SlotTable, TableWrite
from kuramori_segments.storage_fault import SlotMisuse

FINISHED = frozenset({SlotState.CLOSED, SlotState.RECOVERED, SlotState.BAD})


class _Untouchable:
    """The slots that the ring must not overwrite, as one container over several sets."""

    __slots__ = ("_sets",)

    def __init__(self, *sets: Collection[int]) -> None:
        self._sets = sets

    def __contains__(self, slot: object) -> bool:
        return any(slot in members for members in self._sets)


class RingState:
    """The slots of one volume. Not safe for use by two threads at once."""

    def __init__(self, table: SlotTable, slot_bytes: int, usable_slots: int) -> None:
        """Start from a slot table as it was read; the first `usable_slots` are zero-filled."""
        self.table = table
        self.catalogue = Catalogue()
        used = len(bytes(table.states).rstrip(bytes([SlotState.EMPTY])))
        self.usable_slots = max(usable_slots, used)
        self.doubtful: dict[int, int] = {}  # a write failed: not touched before `adopt`; acknowledged bytes
        self._slot_bytes = slot_bytes
        self._cursor = 0
        self._reserved: dict[int, int] = {}  # slots taken and not yet opened -> camera number
        self._withdrawn: dict[int, int] = {}  # emptied, but not yet durably -> version of the table block
        self._ends: dict[int, int] = {}  # slots being written: where their durable bytes end
        self._closing: dict[int, CloseSlot] = {}  # durable, but the table does not say so yet
        self._bad = set(table.slots_in(SlotState.BAD))
        self._held: frozenset[int] = frozenset()
        self._overdue: dict[int, int] = {}  # slots that are taken first, in order -> sequence of what was overdue
        self._leases: Counter[int] = Counter()
        self.catalogue.load(table.owned_rows())

    # taking a slot

    def take(
        self, camera_number: int, plans: Mapping[int, CameraPlan], now_utc_ms: int
    ) -> tuple[SlotChoice, SlotEntry | None] | None:
        """Reserve the next slot for a camera and withdraw what stood there; None when all must stay."""
        untouchable = _Untouchable(self._held, self._leases, self.doubtful, self._bad)
        reserved = sum(taker == camera_number for taker in self._reserved.values())
        choice = choose_slot(
            camera_number,
            free_slot=self._next_free(),
            owned_slots=self.catalogue.count(camera_number) + reserved,
            queues=self.catalogue,
            plans=plans,
            untouchable=untouchable,
            now_utc_ms=now_utc_ms,
            overdue=self._overdue_slots(),
        )
        if choice is None:
            return None
        displaced = None
        if choice.reason is not ChoiceReason.FREE:
            displaced = self.entry(choice.slot)
            self._empty(choice.slot)
        self._reserved[choice.slot] = camera_number
        self._cursor = choice.slot + 1
        return choice, displaced

    def _next_free(self) -> int | None:
        for start, end in ((self._cursor, self.usable_slots), (0, min(self._cursor, self.usable_slots))):
            slot = self.table.states.find(SlotState.EMPTY, start, end)
            while slot >= 0:
                if slot not in self._reserved and slot not in self.doubtful:
                    return slot
                slot = self.table.states.find(SlotState.EMPTY, slot + 1, end)
        if self.usable_slots < self.table.slot_count:  # rather a slower first write than a day overwritten
            self.usable_slots += 1
            return self.usable_slots - 1
        return None

    def is_ready(self, slot: int) -> bool:
        """Tell whether a reserved slot may be written at once: nothing durable claims its old bytes.

        A slot that was found empty counts as withdrawn only where a whole copy of its block says so: after a power cut
        in a commit the copy that was being written may be the only one, and the next write to it may leave the other.
        """
        return self.table.reached(slot, self._withdrawn.get(slot, AS_READ))

    def give_back(self, slot: int) -> None:
        """Free a reserved slot that was not written. Raises SlotMisuse."""
        if self._reserved.pop(slot, None) is None:
            raise SlotMisuse(slot, "is given back, but was not taken")

    # a commit

    def check(self, batch: Sequence[SlotWrite], changes: Sequence[SlotChange]) -> None:
        """Raise SlotMisuse unless all of it is allowed. Changes nothing."""
        for change in changes:
            self._check_change(change, batch)
        if len({(type(change), change.slot) for change in changes}) < len(changes):
            raise SlotMisuse(changes[0].slot, "or another slot is changed twice in the same way")
        ends = dict.fromkeys((change.slot for change in changes if isinstance(change, OpenSlot)), 0)
        for write in batch:
            slot = write.slot
            end = ends.get(slot, self._ends.get(slot, -1))
            length = total_bytes(write.buffers)
            if end < 0:
                raise SlotMisuse(slot, "is written, but no segment is open in it")
            if write.offset_bytes != end:
                raise SlotMisuse(slot, f"is written at {write.offset_bytes}, but its bytes end at {end}")
            if length == 0 or length % BLOCK_BYTES:
                raise SlotMisuse(slot, f"is written with {length} bytes, which is not whole blocks")
            if end + length > self._slot_bytes:
                raise SlotMisuse(slot, f"would end at {end + length}, behind its last byte")
            ends[slot] = end + length
        for change in changes:
            if isinstance(change, CloseSlot) and change.state is not SlotState.BAD:
                end = ends.get(change.slot, self._ends.get(change.slot, -1))
                if end != change.extent_blocks * BLOCK_BYTES:
                    raise SlotMisuse(change.slot, f"is closed at block {change.extent_blocks}, but ends at {end}")

    def _check_change(self, change: SlotChange, batch: Sequence[SlotWrite]) -> None:
        slot = change.slot
        if not 0 <= slot < self.table.slot_count:
            raise SlotMisuse(slot, "does not exist")
        match change:
            case OpenSlot():
                if slot not in self._reserved:
                    raise SlotMisuse(slot, "is opened, but was not taken")
                if not any(write.slot == slot and write.offset_bytes == 0 for write in batch):
                    raise SlotMisuse(slot, "is opened without its header in the same commit")
            case CloseSlot():
                if slot not in self._ends and not any(write.slot == slot for write in batch):
                    raise SlotMisuse(slot, "is closed, but no segment is open in it")
                ends = change.end_utc_ms != OPEN_END or change.state is SlotState.BAD
                if change.state not in FINISHED or not ends:
                    raise SlotMisuse(slot, f"cannot be closed as {change.state.name} at {change.end_utc_ms}")
            case EmptySlot():
                if slot in self._ends or slot in self._reserved or slot in self._leases:
                    raise SlotMisuse(slot, "is emptied while it is taken, written or extracted")
            case DateSlot():
                if self.table.states[slot] not in FINISHED and slot not in self._closing:
                    raise SlotMisuse(slot, "is dated, but holds no finished segment")

    def must_withdraw_first(self, changes: Iterable[SlotChange]) -> bool:
        """Tell whether a slot is opened whose old entry may still stand on the medium."""
        return any(isinstance(change, OpenSlot) and not self.is_ready(change.slot) for change in changes)

    def begin(self, changes: Iterable[SlotChange]) -> list[TableWrite]:
        """Bring the table up to what may be said with this commit, and return its blocks to be written."""
        for closed in self._closing.values():
            self._finish(closed)
        self._closing.clear()
        for change in changes:
            match change:
                case OpenSlot():
                    del self._reserved[change.slot]
                    self._open(change)
                case EmptySlot():
                    self._empty(change.slot)
                case DateSlot():
                    self._date(change)
        return self.table.due()

    def succeed(self, batch: Iterable[SlotWrite], changes: Iterable[SlotChange], writes: Iterable[TableWrite]) -> None:
        """Everything of the commit is durable; what was closed in it goes into the table with the next one."""
        self.table.settle(writes)
        for slot in [slot for slot, version in self._withdrawn.items() if self.table.reached(slot, version)]:
            del self._withdrawn[slot]
        for write in batch:
            self._ends[write.slot] = write.offset_bytes + total_bytes(write.buffers)
        for change in changes:
            if isinstance(change, CloseSlot):
                del self._ends[change.slot]
                self._closing[change.slot] = change
                entry = self.table.entry(change.slot)
                if entry is not None:
                    self._catalogue(change.slot, entry, change.end_utc_ms)

    def fail(self, slots: Iterable[int], writes: Iterable[TableWrite]) -> None:
        """The commit failed: nobody knows what stands in these slots and table blocks."""
        self.table.doubt(writes)
        for slot in slots:
            self.doubtful[slot] = self._ends.pop(slot, 0)
            self._reserved.pop(slot, None)

    def retract(self, ends: Mapping[int, int | None]) -> None:
        """Give up segments that are being written. See Volume.retract; slots that are doubtful already stay so."""
        for slot, end in ends.items():
            durable = self._ends.pop(slot, None)
            closing = self._closing.pop(slot, None)
            if durable is None and closing is not None:
                durable = closing.extent_blocks * BLOCK_BYTES
            if durable is not None:
                self.doubtful[slot] = durable if end is None else min(end, durable)

    @property
    def unsettled(self) -> bool:
        """Tell whether another commit would write something although nothing new is recorded."""
        return bool(self._closing) or self.table.behind

    # recovery, holds, leases

    def adopt(self, found: OpenSlot, end_bytes: int) -> None:
        """Take up a segment that was found in a slot, so that it can be closed. Raises SlotMisuse."""
        slot = found.slot
        if slot in self._ends or slot in self._reserved:
            raise SlotMisuse(slot, "is adopted while it is being written")
        if self.table.states[slot] in FINISHED:
            raise SlotMisuse(slot, "is adopted, but its segment is finished")
        entry = self.table.entry(slot)
        if entry is None or (entry.camera_number, entry.sequence) != (found.camera_number, found.sequence):
            self._open(found)
        self.doubtful.pop(slot, None)
        self._ends[slot] = end_bytes

    def lease(self, slots: Collection[int]) -> None:
        """Keep slots from being overwritten while they are read; counts. Raises SlotMisuse for an empty one."""
        for slot in slots:
            if self.table.states[slot] in (SlotState.EMPTY, LOST):
                raise SlotMisuse(slot, "holds nothing (any more) that could be read")
        self._leases.update(slots)

    def end_lease(self, slots: Iterable[int]) -> None:
        """Give up a lease taken before. Raises SlotMisuse."""
        for slot in slots:
            if slot not in self._leases:
                raise SlotMisuse(slot, "was not leased")
            self._leases[slot] -= 1
            if not self._leases[slot]:
                del self._leases[slot]

    def hold(self, slots: Iterable[int]) -> None:
        """Name all slots that holds keep (K5); replaces what was named before."""
        self._held = frozenset(slots)

    def take_first(self, slots: Iterable[int]) -> None:
        """Name the slots that are overwritten before any other, in this order; replaces what was named before."""
        self._overdue = {slot: entry.sequence for slot in slots if (entry := self.entry(slot)) is not None}

    def _overdue_slots(self) -> Iterator[int]:
        """Yield what was named and is still there, finished."""
        for slot, sequence in self._overdue.items():
            entry = self.entry(slot)
            if entry is not None and entry.sequence == sequence and entry.state in FINISHED:
                yield slot

    # looking

    @property
    def held(self) -> frozenset[int]:
        """The slots that holds keep."""
        return self._held

    def entry(self, slot: int) -> SlotEntry | None:
        """Return what is known of a slot, also what the table will say only with the next commit."""
        entry = self.table.entry(slot)
        closed = self._closing.get(slot)
        if entry is None or closed is None:
            return entry
        return replace(entry, state=closed.state, end_utc_ms=closed.end_utc_ms, extent_blocks=closed.extent_blocks)

    def end_bytes(self, slot: int) -> int:
        """Return how many bytes of the slot, from its start, are durable and belong to its segment."""
        written = self._ends.get(slot, self.doubtful.get(slot))
        if written is not None:
            return written
        entry = self.entry(slot)
        return 0 if entry is None else entry.extent_blocks * BLOCK_BYTES

    def epochs(self) -> frozenset[bytes]:
        """Return the ids of all epochs that a slot names."""
        found = (self.entry(slot) for slot in range(self.table.slot_count))
        return frozenset(entry.epoch_id for entry in found if entry is not None and entry.camera_number)

    def retire(self) -> None:
        """Mark every slot: nothing is taken here again, and nothing is found."""
        for slot in range(self.table.slot_count):
            if self.table.states[slot] != SlotState.BAD or self.table.entry(slot) != SlotEntry(SlotState.BAD):
                self.table.set(slot, SlotEntry(SlotState.BAD))
        self._bad = set(range(self.table.slot_count))
        self._reserved.clear()
        self._withdrawn.clear()
        self._closing.clear()
        self._ends.clear()
        self.doubtful.clear()
        self.catalogue = Catalogue()

    def unfinished(self) -> list[int]:
        """Return the slots that recovery must look at: left open or doubtful, or with a lost entry."""
        left_open = {slot for slot in self.table.slots_in(SlotState.OPEN) if slot not in self._ends}
        return sorted((left_open - self._closing.keys()) | set(self.table.slots_in(LOST)) | self.doubtful.keys())

    # what the moves are made of

    def _open(self, opened: OpenSlot) -> None:
        entry = SlotEntry(SlotState.OPEN, opened.camera_number, opened.sequence, opened.epoch_id, opened.start_utc_ms)
        self._uncatalogue(opened.slot)
        self.table.set(opened.slot, entry)
        self._catalogue(opened.slot, entry, OPEN_END)

    def _finish(self, closed: CloseSlot) -> None:
        entry = self.entry(closed.slot)
        if entry is not None:
            self.table.set(closed.slot, entry)
        if closed.state is SlotState.BAD:
            self._bad.add(closed.slot)

    def _date(self, dated: DateSlot) -> None:
        entry = self.table.entry(dated.slot)
        if entry is not None:
            new = replace(entry, start_utc_ms=dated.start_utc_ms, end_utc_ms=dated.end_utc_ms)
            self.table.set(dated.slot, new)
            self._catalogue(dated.slot, new, dated.end_utc_ms)

    def _empty(self, slot: int) -> None:
        self._uncatalogue(slot)
        self._closing.pop(slot, None)
        self._bad.discard(slot)
        self.doubtful.pop(slot, None)
        self._withdrawn[slot] = self.table.set(slot, SlotEntry(SlotState.EMPTY))

    def _catalogue(self, slot: int, entry: SlotEntry, end_utc_ms: int) -> None:
        if not entry.camera_number:  # a broken place in which nothing is readable
            return
        segment = CataloguedSegment(slot, entry.sequence, entry.start_utc_ms, end_utc_ms)
        self.catalogue.put(entry.camera_number, segment)

    def _uncatalogue(self, slot: int) -> None:
        entry = self.table.entry(slot)
        if entry is not None and entry.state is not SlotState.EMPTY:
            self.catalogue.remove(entry.camera_number, entry.sequence, slot)
