"""The volume: a preallocated file cut into slots, and the one commit that makes writes durable.

The only writer of ring files. The order of its writes is argued in DURABILITY.md, "The ring"; the rule behind it:
**the table never claims more than what is durable** (an entry is withdrawn before its bytes are overwritten, and
written after its bytes are durable; OPEN claims nothing but "look here"). It must not know what a segment holds, nor
keys, cameras' names or the clock.

Threads: `commit`, `flush`, `zero_fill_step` and `close` block; call them from one worker thread. Everything else only
looks at memory and may be called from any thread at any time.
"""

import errno
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock

from kuramori_segments.block_window import ReadAt
from kuramori_segments.catalogue import CataloguedSegment
from kuramori_segments.codes import Provenance, SlotState
from kuramori_segments.disk import Disk, FileDisk
from kuramori_segments.head_scrub import decayed_blocks, decayed_superblocks
from kuramori_segments.limits import BLOCK_BYTES, MEBIBYTE, SLOT_BYTES
from kuramori_segments.ring import CameraPlan
from kuramori_segments.ring_state import RingState
from kuramori_segments.slot_change import (
    CloseSlot,
    CommitResult,
    FillProgress,
    LeasedSegment,
    OpenSlot,
    SlotChange,
    SlotUsage,
    SlotWrite,
    TakenSlot,
    VolumeStatistics,
)
from kuramori_segments.slot_entry import SlotEntry
from kuramori_segments.slot_table import LOST, FinishedRow, SlotTable, TableWrite, finished_rows
from kuramori_segments.storage_fault import MediumFault, StorageFault, VolumeCut, VolumeTooSmall, storage_fault
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume_head import (
    SUPERBLOCK_OFFSETS,
    least_volume_bytes,
    read_superblocks,
    read_tables,
    slots_that_fit,
)
from kuramori_segments.write_runs import merged_runs
from kuramori_segments.zero_fill import ZeroFill

_ZEROS = bytes(MEBIBYTE)


class Volume:
    """One ring file, open for recording. See the module for threads and order of writes."""

    def __init__(
        self, disk: Disk, superblock: Superblock, stale_copy: int, table: SlotTable, *, one_superblock: bool = False
    ) -> None:
        """Take over an open disk; use `create`, `open`, `create_file` or `open_file`."""
        self.superblock = superblock
        self.statistics = VolumeStatistics()
        self._disk = disk
        self._stale_superblock = stale_copy
        self._one_superblock = one_superblock  # the stale copy is damaged, or names tables of before the volume grew
        self._table_offsets = (superblock.table_a_offset, superblock.table_b_offset)
        self._ring = RingState(table, superblock.slot_bytes, superblock.filled_slots)
        self._fill = ZeroFill.resume(superblock.slot_bytes, superblock.slot_count, superblock.filled_slots)
        self._memory = Lock()  # what the ring state says; never held while the medium works
        self._medium = Lock()  # one commit or fill step at a time; always taken before the other

    # making and opening

    @classmethod
    def create(
        cls,
        disk: Disk,
        *,
        slot_count: int,
        volume_id: bytes,
        recorder_id: bytes,
        created_utc_ms: int,
        slot_bytes: int = SLOT_BYTES,
    ) -> "Volume":
        """Lay out an empty volume: tables first, durable, then the superblocks that make it one.

        Raises VolumeTooSmall, StorageFault, FieldInvalid.
        """
        superblock = Superblock(slot_count, volume_id, recorder_id, created_utc_ms, slot_bytes=slot_bytes)
        block = superblock.pack()
        if disk.size_bytes < superblock.volume_bytes:
            raise VolumeTooSmall("the medium", disk.size_bytes, superblock.volume_bytes)
        volume = cls(disk, superblock, 0, SlotTable.fresh(slot_count))
        volume.flush()  # step 2, tables
        for offset in SUPERBLOCK_OFFSETS:
            disk.write_at(offset, [block])  # step 3, superblocks
        disk.sync()
        return volume

    @classmethod
    def create_file(
        cls,
        path: Path,
        *,
        size_bytes: int,
        volume_id: bytes,
        recorder_id: bytes,
        created_utc_ms: int,
        slot_bytes: int = SLOT_BYTES,
    ) -> "Volume":
        """Make a volume of at most that size as a new, preallocated file; nothing is left when it fails.

        Raises VolumeTooSmall, NoSpace, VolumeExists, VolumeInUse, StorageFault.
        """
        slot_count = slots_that_fit(size_bytes, slot_bytes)
        if not slot_count:
            raise VolumeTooSmall(str(path), size_bytes, least_volume_bytes(slot_bytes))
        geometry = Superblock(slot_count, volume_id, recorder_id, created_utc_ms, slot_bytes=slot_bytes)
        with ExitStack() as undo:  # half a volume must not stay
            disk = FileDisk.create(path, geometry.volume_bytes)  # step 1, preallocate
            undo.callback(disk.discard)
            volume = cls.create(
                disk,
                slot_count=slot_count,
                volume_id=volume_id,
                recorder_id=recorder_id,
                created_utc_ms=created_utc_ms,
                slot_bytes=slot_bytes,
            )
            disk.publish()  # step 4
            undo.pop_all()
        return volume

    @classmethod
    def open(cls, disk: Disk, place: str = "the medium") -> "Volume":
        """Open a volume; reads superblocks and slot table only. `recovery` must see it before it is written.

        Raises NotAVolume, VolumeCut, StorageFault.
        """
        pair = read_superblocks(disk.read_at, place)
        superblock = pair.superblock
        if disk.size_bytes < superblock.volume_bytes:
            raise VolumeCut(place, disk.size_bytes, superblock.volume_bytes)
        tables = read_tables(disk.read_at, superblock)
        table = SlotTable.merge(superblock.slot_count, tables.copy_a, tables.copy_b)
        return cls(disk, superblock, pair.stale_copy, table, one_superblock=not pair.agree)

    @classmethod
    def open_file(cls, path: Path) -> "Volume":
        """Open and lock the volume in a file or block device. Raises VolumeInUse and what `open` raises."""
        with ExitStack() as undo:
            disk = FileDisk.open(path, writable=True)
            undo.callback(disk.close)
            volume = cls.open(disk, str(path))
            undo.pop_all()
        return volume

    def close(self) -> None:
        """Let go of the medium without writing; `flush` before an orderly stop. May be called twice."""
        with self._medium:
            self._disk.close()

    # recording

    def take_slot(self, camera_number: int, *, plans: Mapping[int, CameraPlan], now_utc_ms: int) -> TakenSlot | None:
        """Reserve the next slot for a camera (see ring.py for the rules); None when every slot must stay.

        What stood there is gone from the catalogue at once and from the table with the next commit.
        """
        with self._memory:
            taken = self._ring.take(camera_number, plans, now_utc_ms)
            if taken is None:
                return None
            choice, displaced = taken
            ready = self._ring.is_ready(choice.slot)
        return TakenSlot(choice.slot, self.superblock.slot_offset(choice.slot), choice, displaced, ready)

    def give_back(self, slot: int) -> None:
        """Free a slot that was taken and not written. Raises SlotMisuse."""
        with self._memory:
            self._ring.give_back(slot)

    def commit(self, batch: Sequence[SlotWrite] = (), changes: Sequence[SlotChange] = ()) -> CommitResult:
        """Write the batch and what the table may say with it, and make all of it durable with one sync.

        Two syncs when a slot is opened whose old entry is not yet durably withdrawn (TakenSlot.ready False and no
        commit since). What CloseSlot says reaches the table with the next commit, after its bytes are durable.
        Raises SlotMisuse (nothing was written), or StorageFault: nothing of the batch may be taken for durable;
        its slots (`fault.slots`) are doubtful and refuse writes until `recovery.recover_slots` has looked at them.
        The caller seals the same access units again, in other slots. Nothing is tried twice.
        """
        with self._medium:
            with self._memory:
                self._ring.check(batch, changes)
                withdraw_first = self._ring.must_withdraw_first(changes)
            at_stake = {write.slot for write in batch}
            at_stake |= {change.slot for change in changes if isinstance(change, OpenSlot | CloseSlot)}
            # Step 1, withdraw: what the table still claims of bytes that are overwritten now.
            before = self._commit_once((), (), at_stake) if withdraw_first else CommitResult()
            result = self._commit_once(batch, changes, at_stake)
        return CommitResult(
            result.data_bytes,
            before.table_bytes + result.table_bytes,
            before.runs + result.runs,
            before.syncs + result.syncs,
        )

    def _commit_once(
        self, batch: Sequence[SlotWrite], changes: Sequence[SlotChange], at_stake: Iterable[int]
    ) -> CommitResult:
        with self._memory:
            table_writes = self._ring.begin(changes)
        runs = merged_runs(
            [(self.superblock.slot_offset(w.slot) + w.offset_bytes, w.buffers) for w in batch]
            + [(self._table_offset(write), (write.data,)) for write in table_writes]
        )
        try:  # steps 2 and 3, write and sync
            written_bytes = sum(self._disk.write_at(offset, buffers) for offset, buffers in runs)
            if runs:
                self._disk.sync()
        except StorageFault as fault:
            fault.slots = tuple(sorted(at_stake))
            with self._memory:
                self._ring.fail(fault.slots, table_writes)
                self.statistics.faults += 1
            raise
        table_bytes = len(table_writes) * BLOCK_BYTES
        result = CommitResult(written_bytes - table_bytes, table_bytes, len(runs), int(bool(runs)))
        with self._memory:
            self._ring.succeed(batch, changes, table_writes)
            self.statistics.add(result)
        self._leave_cache(batch)
        return result

    def _leave_cache(self, batch: Sequence[SlotWrite]) -> None:
        """What is durable is rarely read: let the next commit use its pages, instead of ever more memory."""
        for write in batch:
            offset = self.superblock.slot_offset(write.slot) + write.offset_bytes
            self._disk.forget_cached(offset, sum(map(len, write.buffers)))

    def _table_offset(self, write: TableWrite) -> int:
        return self._table_offsets[write.copy] + write.block * BLOCK_BYTES

    def flush(self) -> None:
        """Bring both copies of the slot table up to date. Raises StorageFault."""
        while self.unsettled:
            self.commit()

    def mend_superblock(self) -> None:
        """Write the copy anew that was found damaged, or of before the volume grew. Raises StorageFault.

        Before anything is written into a slot: the tables that an old copy names may lie under new slots.
        """
        with self._medium:
            if self._one_superblock:
                self._publish(self.superblock.filled_slots)

    @property
    def unsettled(self) -> bool:
        """Tell whether a commit would have to write something although nothing new is recorded."""
        with self._memory:
            return self._ring.unsettled

    def adopt(self, found: OpenSlot, end_bytes: int) -> None:
        """For recovery: take up a segment that was found in a slot, so that a commit can close it there."""
        with self._memory:
            self._ring.adopt(found, end_bytes)

    def retract(self, ends: Mapping[int, int | None]) -> None:
        """Give up segments that are being written: their slots are doubtful from now on, until recovery ends them.

        `ends`: how many bytes of each slot count as acknowledged; None: those that are durable. What a commit wrote
        behind that is nobody's, although it succeeded: its access units were sealed again elsewhere meanwhile.
        """
        with self._memory:
            self._ring.retract(ends)

    def acknowledged_bytes(self, slot: int) -> int | None:
        """Return how many bytes of a doubtful slot were acknowledged; None for a slot that is not doubtful."""
        with self._memory:
            return self._ring.doubtful.get(slot)

    def probe(self) -> None:
        """Write, sync and read back one block, to see whether the medium works; costs no slot. Raises StorageFault.

        The block is the superblock copy that is behind, under the same rule as ever: the other copy stays.
        """
        with self._medium:
            copy = self._stale_superblock
            self._publish(self.superblock.filled_slots)
            offset = SUPERBLOCK_OFFSETS[copy]
            self._disk.forget_cached(offset, BLOCK_BYTES)
            if self._disk.read_at(offset, BLOCK_BYTES) != self.superblock.pack():
                raise storage_fault(OSError(errno.EIO, "another block came back"), "read", ((offset, BLOCK_BYTES),))

    def scrub_superblocks(self) -> list[int]:
        """Read both superblocks back, write anew what decayed, and return where it was. Raises StorageFault."""
        with self._medium:
            decayed = decayed_superblocks(self._disk, self.superblock, self._stale_superblock)
            for copy in decayed:
                self._stale_superblock = copy
                self._publish(self.superblock.filled_slots)
        return [SUPERBLOCK_OFFSETS[copy] for copy in decayed]

    def scrub_table(self, first_block: int, blocks: int) -> list[int]:
        """Read table blocks back; return which copies decayed: the next commits write them. Raises StorageFault."""
        with self._medium:
            with self._memory:
                expected = self._ring.table.settled(range(first_block, first_block + blocks))
            decayed = decayed_blocks(self._disk, expected, self._table_offsets)
            with self._memory:
                self._ring.table.doubt(write for _, write in decayed)
        return [offset for offset, _ in decayed]

    def is_at(self, path: Path) -> bool:
        """Tell whether the open medium is what lies at that path now: nobody closed, moved or unmounted it."""
        return isinstance(self._disk, FileDisk) and self._disk.is_at(path)

    def take_over(self, before: "Volume") -> None:
        """Hold what was held while the volume was open before, so that nothing of it is overwritten now."""
        held = before.held_slots()
        with self._memory:
            self._ring.hold(held)

    def held_slots(self) -> frozenset[int]:
        """Return the slots that holds keep."""
        with self._memory:
            return self._ring.held

    def unfinished_slots(self) -> list[int]:
        """Return the slots that recovery must look at: left open, doubtful, or with a lost table entry."""
        with self._memory:
            return self._ring.unfinished()

    # zero-filling

    def zero_fill_step(self, max_bytes: int) -> FillProgress:
        """Write the next stretch of zeros, durably, and publish progress now and then; resumable after a restart.

        Has its own sync, so that a bad place among unused slots costs no camera a frame. The caller sets the pace.
        Raises StorageFault; after a MediumFault the stretch is stepped over and its slots are doubtful.
        """
        with self._medium:
            with self._memory:
                self._fill.leave_alone(self._ring.usable_slots)
            offset, length = self._fill.next_stretch(max_bytes)
            if length:  # step 1, fill
                self._fill_stretch(offset, length)
            slots = self._fill.to_publish()
            if slots is not None:  # step 2, publish
                self._publish(slots)
            return FillProgress(self._fill.published_slots, self._fill.slot_count, self._fill.done)

    def _fill_stretch(self, offset: int, length: int) -> None:
        start = self.superblock.data_offset + offset
        whole, rest = divmod(length, len(_ZEROS))
        try:
            self._disk.write_at(start, [_ZEROS] * whole + [memoryview(_ZEROS)[:rest]])
            self._disk.sync()
        except StorageFault as fault:
            self.statistics.faults += 1
            if isinstance(fault, MediumFault):
                with self._memory:
                    doubtful = self._fill.skip(length)
                    fault.slots = tuple(doubtful)
                    self._ring.doubtful.update(dict.fromkeys(doubtful, 0))
            raise
        self._fill.synced_bytes += length
        self.statistics.fill_bytes += length
        self._disk.forget_cached(start, length)

    def _publish(self, slots: int) -> None:
        superblock = replace(self.superblock, generation=self.superblock.generation + 1, filled_slots=slots)
        self._disk.write_at(SUPERBLOCK_OFFSETS[self._stale_superblock], [superblock.pack()])
        self._disk.sync()
        self.superblock = superblock
        self._stale_superblock = 1 - self._stale_superblock
        self._one_superblock = False
        self._fill.published_slots = slots
        with self._memory:
            self._ring.usable_slots = max(self._ring.usable_slots, slots)

    # looking, holding, leasing

    def reader(self, slot: int) -> ReadAt:
        """Return a function that reads from the slot: offset (from the slot's start) and length, in bytes."""
        return partial(self._read_slot, self.superblock.slot_offset(slot))

    def _read_slot(self, start: int, offset_bytes: int, length_bytes: int) -> bytes:
        return self._disk.read_at(start + offset_bytes, length_bytes)

    def forget_cached(self, slot: int) -> None:
        """Let the next read of the slot come from the medium, where the system can."""
        self._disk.forget_cached(self.superblock.slot_offset(slot), self.superblock.slot_bytes)

    def require_readable(self) -> None:
        """Read the head from the medium. Raises StorageFault where the medium gives nothing (any more)."""
        for offset in SUPERBLOCK_OFFSETS:
            self._disk.forget_cached(offset, BLOCK_BYTES)
            self._disk.read_at(offset, BLOCK_BYTES)

    def finished_rows(self) -> Iterator[FinishedRow]:
        """Yield all finished segments, by slot, as of now."""
        with self._memory:
            states, image = self._ring.table.copy()
        return finished_rows(states, image)

    def entry(self, slot: int) -> SlotEntry | None:
        """Return what is known of a slot; None when both copies of its table entry are lost."""
        with self._memory:
            return self._ring.entry(slot)

    def durable_bytes(self, slot: int) -> int:
        """Return how much of the slot, from its start, is durable and belongs to its segment."""
        with self._memory:
            return self._ring.end_bytes(slot)

    def cameras(self) -> list[int]:
        """Return the numbers of all cameras that own a segment."""
        with self._memory:
            return list(self._ring.catalogue.cameras())

    def latest(self, camera_number: int, provenance: Provenance = Provenance.LIVE) -> CataloguedSegment | None:
        """Return the camera's live (or filled) segment with the highest sequence."""
        with self._memory:
            return self._ring.catalogue.latest(camera_number, provenance)

    def oldest(self, camera_number: int) -> CataloguedSegment | None:
        """Return the camera's first live segment, or the filled one that begins before it."""
        with self._memory:
            return self._ring.catalogue.oldest(camera_number)

    def overlapping(self, camera_number: int, from_utc_ms: int, to_utc_ms: int) -> list[CataloguedSegment]:
        """Return the camera's segments that touch [from, to), in the order of recording."""
        with self._memory:
            return self._ring.catalogue.overlapping(camera_number, from_utc_ms, to_utc_ms)

    def find(self, camera_number: int, sequence: int) -> CataloguedSegment | None:
        """Return the camera's segment with this sequence, when it stands in the ring."""
        with self._memory:
            return self._ring.catalogue.find(camera_number, sequence)

    def lease(self, camera_number: int, from_utc_ms: int, to_utc_ms: int) -> list[LeasedSegment]:
        """Find the segments that touch [from, to) and keep them from being overwritten until `end_lease`."""
        with self._memory:
            found = self._ring.catalogue.overlapping(camera_number, from_utc_ms, to_utc_ms)
            leased = []
            for segment in found:
                entry = self._ring.entry(segment.slot)
                if entry is not None:
                    offset = self.superblock.slot_offset(segment.slot)
                    leased.append(LeasedSegment(segment.slot, offset, self._ring.end_bytes(segment.slot), entry))
            self._ring.lease([segment.slot for segment in leased])
        return leased

    def end_lease(self, slots: Iterable[int]) -> None:
        """Give leased slots up. Raises SlotMisuse for one that is not leased."""
        with self._memory:
            self._ring.end_lease(slots)

    def hold(self, slots: Collection[int]) -> None:
        """Name all slots that holds keep (K5); replaces what was named before."""
        with self._memory:
            self._ring.hold(slots)

    def take_first(self, slots: Iterable[int]) -> None:
        """Name the slots that are overwritten before any other, in this order; replaces what was named before."""
        found = tuple(slots)
        with self._memory:
            self._ring.take_first(found)

    def epochs(self) -> frozenset[bytes]:
        """Return the ids of all epochs that a segment here belongs to."""
        with self._memory:
            return self._ring.epochs()

    def retire(self) -> None:
        """Mark every slot as never to be used again, durably. Raises StorageFault."""
        with self._memory:
            self._ring.retire()
        self.flush()

    def usage(self) -> SlotUsage:
        """Count the slots by state."""
        with self._memory:
            states = self._ring.table.states
            return SlotUsage(
                empty=states.count(SlotState.EMPTY),
                open=states.count(SlotState.OPEN),
                closed=states.count(SlotState.CLOSED),
                recovered=states.count(SlotState.RECOVERED),
                bad=states.count(SlotState.BAD),
                lost=states.count(LOST),
                doubtful=len(self._ring.doubtful),
                usable=self._ring.usable_slots,
                damaged_entry_copies=self._ring.table.damaged_copies,
            )
