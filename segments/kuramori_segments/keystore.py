"""The keystore: every epoch key that is alive, sealed under the root in an erasable cell. Erasing happens here.

A directory with two slots (snapshot and journal each) and two cells. One slot counts; new keys go into its journal,
durably, before anybody uses them. A rotation writes the whole store under a fresh root into the other slot and cell,
reads it back, and destroys the old root: *that* is the moment of erasure, also for every copy of the directory made
before. The steps are numbered here and in KEYS.md, with what a stop after each leaves.

All calls block on the medium (run them in one worker thread); `segment_key` and the questions do not, and may come
from any thread. This module must not know retention, cameras or custodians; it is told what to destroy.
"""

import secrets
import struct
import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack

from kuramori_segments.erasable_cell import Cell
from kuramori_segments.key_journal import MAX_JOURNAL_BYTES, Entry, Journal, Operation, pack_entries
from kuramori_segments.key_records import NO_BOOT_ID, Epoch, ErasureReceipt, KeepRequest, KeptKey, Moment
from kuramori_segments.key_snapshot import SnapshotHead
from kuramori_segments.key_table import RECEIPTS_KEPT, KeyTable, Removal, epoch_row, epochs_of, require_id, wipe
from kuramori_segments.keystore_faults import (
    ErasureIncomplete,
    KeystoreClosed,
    KeystoreFull,
    KeystoreUnwritable,
    RotationFailed,
)
from kuramori_segments.keystore_slots import (
    JOURNAL_NAMES,
    MEDIUM_FAULTS,
    SNAPSHOT_NAMES,
    Slot,
    begin_making,
    choose_slot,
    end_making,
    mark_ending,
    random_into,
    write_slot,
)
from kuramori_segments.reference_time import anchored, date_of_new, next_reference
from kuramori_segments.store_files import StoreFiles
from kuramori_segments.tier import ErasureTier


class Keystore:
    """An open keystore. Make one with `create` or `open`; `close` it."""

    def __init__(self, files: StoreFiles, cells: tuple[Cell, Cell], boot_id: bytes, slot: Slot) -> None:
        """Use `create` or `open`."""
        self._files = files
        self._cells = cells
        self._boot_id = boot_id
        self._head = slot.head
        self._table = slot.table
        self._journal = Journal(slot.master, slot.head, slot.journal_blocks)
        self._journal_sound = True
        self._last_generation = max(slot.head.generation, *slot.voided, 0)
        self._dropped = slot.dropped
        self._erasure_pending = False
        self._seen_utc_ms = slot.table.reference.utc_ms if slot.table.reference else 0
        self._closed = False
        self._changing = threading.RLock()  # one change at a time; held while the medium works
        self._memory = threading.Lock()  # held for moments only: keys are not wiped while they are used

    def __repr__(self) -> str:
        return f"Keystore({self._files.place!r}, generation {self._head.generation})"

    # ---- making and opening ------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        files: StoreFiles,
        cells: tuple[Cell, Cell],
        *,
        boot_id: bytes = NO_BOOT_ID,
        first_generation: int = 1,
    ) -> "Keystore":
        """Make an empty keystore; what a stop left of an earlier attempt is cleared away.

        `first_generation`: where its receipts must not have the numbers of another keystore's.
        Raises KeystoreExists, KeystoreInUse, RotationFailed, KeystoreUnwritable, CellUnusable, PlaceRefused.
        """
        with ExitStack() as stack:
            files.lock()
            stack.callback(files.close)
            begin_making(files, cells)
            head = SnapshotHead(0, first_generation, secrets.token_bytes(16))
            master = write_slot(files, cells[0], head, KeyTable().encode(Removal(), (), None))
            end_making(files)
            stack.pop_all()
        return cls(files, cells, boot_id, Slot(head, KeyTable(), master, 0, frozenset(), ()))

    @classmethod
    def open(cls, files: StoreFiles, cells: tuple[Cell, Cell], *, boot_id: bytes = NO_BOOT_ID) -> "Keystore":
        """Open a keystore and finish what a stop interrupted. `boot_id`: see boot_identity.

        The slot of the higher generation counts, unless the other one's journal declares it void; the other cell is
        destroyed before anything else happens. If that fails, `erasure_pending` is true: raise the alarm.
        Raises KeystoreMissing, RootGone, KeystoreDamaged, JournalForged, KeystoreInUse, KeystoreUnreadable,
        KeystoreUnwritable, CellUnusable, PlaceRefused.
        """
        with ExitStack() as stack:
            files.lock()
            stack.callback(files.close)
            slot = choose_slot(files, cells)
            end_making(files)
            stack.pop_all()
        store = cls(files, cells, boot_id, slot)
        other = 1 - slot.head.slot
        store._erasure_pending = store._destroy_cell(other) is not None
        store._remove_files(other)
        return store

    def close(self) -> None:
        """Forget all keys and let go of the directory. May be called twice."""
        with self._changing, self._memory:
            self._closed = True
            self._journal.forget()
            self._table.clear()
            self._files.close()

    # ---- asking ------------------------------------------------------------------------------------------

    @property
    def tier(self) -> ErasureTier:
        """Return how strong an erasure is: the weaker of the two cells."""
        return min((cell.tier for cell in self._cells), key=lambda tier: tier.value)

    @property
    def generation(self) -> int:
        """Return how many times the store was written whole."""
        return self._head.generation

    @property
    def erasure_pending(self) -> bool:
        """Tell whether an old root may still exist although it should not; the next rotation tries again."""
        return self._erasure_pending

    @property
    def rotation_wanted(self) -> bool:
        """Tell whether something waits for the next rotation to be erased: keys of dropped holds, or an old root."""
        return self._erasure_pending or bool(self._dropped)

    @property
    def reference(self) -> Moment | None:
        """Return the moment from which time is counted (reference_time); `retention` asks for it."""
        return self._table.reference

    @property
    def erasures(self) -> tuple[ErasureReceipt, ...]:
        """Return the last receipts, oldest first; while `erasure_pending`, the last one is not yet true."""
        return self._table.receipts

    @property
    def sure_erasures(self) -> tuple[ErasureReceipt, ...]:
        """Return the last receipts that are true already, oldest first."""
        return self.erasures[:-1] if self._erasure_pending else self.erasures

    def epochs(self) -> tuple[Epoch, ...]:
        """Return all epochs whose key is alive."""
        with self._memory:
            facts = self._table.epoch_facts()
        return epochs_of(facts)

    def decryptable(self) -> tuple[Epoch, ...]:
        """Return all epochs whose key exists under any root: those alive, and those of a pending erasure."""
        pending = self.erasures[-1:] if self._erasure_pending else ()
        return (*self.epochs(), *(epoch for receipt in pending for epoch in receipt.epochs))

    def kept(self) -> tuple[KeptKey, ...]:
        """Return all segment keys that are kept beyond or beside their epoch's."""
        with self._memory:
            return self._table.kept()

    def segment_key(self, epoch_id: bytes, segment_uid: bytes) -> bytes:
        """Return K_seg (32 bytes, secret) of a segment. Raises EpochKeyGone."""
        with self._memory:
            return self._table.segment_key(epoch_id, segment_uid)

    # ---- changing ----------------------------------------------------------------------------------------

    def new_epoch(self, camera_number: int, first_utc_ms: int, first_boot_ms: int) -> Epoch:
        """Make an epoch with a random key, durable when this returns. Raises KeystoreUnwritable, KeystoreFull.

        Its date is `first_utc_ms`, unless what is known better says otherwise (reference_time, D1 and D2).
        """
        with self._changing:
            date_utc_ms = date_of_new(first_utc_ms, first_boot_ms, self._boot_id, self._table.reference)
            epoch = Epoch(secrets.token_bytes(16), camera_number, date_utc_ms, first_boot_ms, self._boot_id)
            return self._add_epoch(epoch)

    def _add_epoch(self, epoch: Epoch) -> Epoch:
        with self._changing:
            self._require_open()
            self._table.require_room()
            row = epoch_row(epoch, random_into)
            self._seen_utc_ms = max(self._seen_utc_ms, epoch.first_utc_ms)
            self._append([Entry(Operation.ADD_EPOCH, row)])
            with self._memory:
                return self._table.add_epoch(row)

    def new_filmed_epoch(self, camera_number: int, first_utc_ms: int, first_boot_ms: int | None) -> Epoch:
        """Make an epoch for pictures that were filmed earlier; it dies as one that was made when they were.

        `first_boot_ms` is what CLOCK_BOOTTIME said when they were filmed; None where that was before this boot: such
        an epoch is of no known boot, and its date alone decides (retention, rules 2 to 4). The date is the caller's
        word: ask only while the clock can be believed. Raises KeystoreUnwritable, KeystoreFull.
        """
        if first_boot_ms is not None:
            return self.new_epoch(camera_number, first_utc_ms, first_boot_ms)
        return self._add_epoch(Epoch(secrets.token_bytes(16), camera_number, first_utc_ms, 0, NO_BOOT_ID))

    def keep_segment_key(self, epoch_id: bytes, segment_uid: bytes, until_utc_ms: int, hold_id: bytes) -> None:
        """Keep one segment's key for a hold; see `keep_segment_keys`."""
        self.keep_segment_keys([KeepRequest(epoch_id, segment_uid, until_utc_ms, hold_id)])

    def keep_segment_keys(self, requests: Sequence[KeepRequest]) -> None:
        """Keep K_seg of these segments, durably, until the first rotation at or after their time.

        The same hold and segment again replaces the time. Raises EpochKeyGone (then nothing is kept of this call),
        KeystoreFull, KeystoreUnwritable (then some may be kept: ask again).
        """
        with self._changing:
            self._require_open()
            for request in requests:
                require_id(request.hold_id, "a hold")
                require_id(request.segment_uid, "a segment")
            with self._memory:
                rows = [self._table.keep_row(request) for request in requests]
            self._append([Entry(Operation.KEEP, row) for row in rows])
            with self._memory:
                for row in rows:
                    self._table.add_kept(row)

    def drop_hold(self, hold_id: bytes) -> int:
        """Forget a hold's keys, durably, and return how many. They are erased with the next rotation."""
        require_id(hold_id, "a hold")
        with self._changing:
            self._require_open()
            ended = tuple(kept for kept in self.kept() if kept.hold_id == hold_id)
            if ended:
                self._append([Entry(Operation.DROP_HOLD, hold_id)])
                with self._memory:
                    self._table.drop_hold(hold_id)
                    self._dropped += ended
            return len(ended)

    def rotate(
        self,
        destroy: Collection[bytes],
        now_utc_ms: int,
        *,
        now_boot_ms: int | None = None,
        time_trusted: bool = True,
        confirmed_utc_ms: int | None = None,
    ) -> ErasureReceipt:
        """Destroy these epochs' keys, and kept keys whose time is over; what is named but not there is fine.

        With `now_boot_ms` the reference moves on (reference_time). Rotate once at start, before the first epoch is
        made, so that the reference of this boot dates it. A kept key ends by the reference too, never by a wall
        clock alone; with no reference at all none ends (E1, E2). `confirmed_utc_ms`: k custodians vouch that it is
        later than that (R4).
        Raises RotationFailed (nothing happened), ErasureIncomplete (see there).
        """
        with self._changing:
            self._require_open()
            self._seen_utc_ms = now_utc_ms
            reference = self._table.reference
            judged_utc_ms: int | None = now_utc_ms if time_trusted else None
            if now_boot_ms is not None:
                now = Moment(now_utc_ms, now_boot_ms, self._boot_id, time_trusted)
                reference = self._advance(reference, now, confirmed_utc_ms)
                judged_utc_ms = None if reference is None else reference.utc_ms
            keeps = (
                frozenset[tuple[bytes, bytes]]() if judged_utc_ms is None else self._table.ended_keeps(judged_utc_ms)
            )
            return self._renew(Removal(frozenset(destroy), keeps), now_utc_ms, reference)

    def _advance(self, reference: Moment | None, now: Moment, confirmed_utc_ms: int | None) -> Moment | None:
        """Return the next reference; where it is a boot's first trusted one, date all epochs by it."""
        following = next_reference(reference, now, confirmed_utc_ms=confirmed_utc_ms)
        moved = confirmed_utc_ms is not None or not anchored(reference, now.boot_id)
        if following is not None and following.trusted and moved:
            with self._memory:
                self._table.redate(following)
        return following

    # ---- the steps of a rotation (KEYS.md) ---------------------------------------------------------------

    def _renew(self, removal: Removal, now_utc_ms: int, reference: Moment | None) -> ErasureReceipt:
        old, new = self._head.slot, 1 - self._head.slot
        epochs, keeps = self._table.removed(removal)
        cell = self._cells[old]
        keeps = (*keeps, *self._dropped)
        receipt = ErasureReceipt(self._last_generation + 1, now_utc_ms, cell.tier, cell.description, epochs, keeps)
        receipts = self._table.receipts
        if epochs or keeps:
            receipts = (*receipts, receipt)[-RECEIPTS_KEPT:]
        head = SnapshotHead(new, receipt.generation, self._head.store_id)
        master = self._prepare(head, self._table.encode(removal, receipts, reference))
        fault = self._destroy_cell(old)  # step 6: the moment of erasure
        self._erasure_pending = fault is not None
        with self._memory:  # step 7
            self._table.remove(removal)
            self._table.receipts, self._table.reference = receipts, reference
            self._journal.forget()
            self._journal = Journal(master, head, 0)
            self._journal_sound = True
            self._head, self._last_generation, self._dropped = head, head.generation, ()
        self._remove_files(old)  # step 8
        if fault is not None:
            raise ErasureIncomplete(receipt, str(fault)) from fault
        return receipt

    def _prepare(self, head: SnapshotHead, table: bytearray) -> bytes:
        """Steps 1 to 5. A failure leaves the old slot in force and makes sure that the new one never counts."""
        try:
            self._clear_slot(head.slot)  # step 1
            return write_slot(self._files, self._cells[head.slot], head, table)  # steps 2 to 5
        except RotationFailed:
            self._abandon(head)
            raise
        finally:
            wipe(table)

    def _abandon(self, head: SnapshotHead) -> None:
        """Make sure that a half-made slot never counts: destroy its root, else declare it void in our journal.

        If neither works, nothing more goes into this journal, so that it does not matter which of the two counts.
        """
        if self._destroy_cell(head.slot) is None or not self._journal_sound:
            return
        self._last_generation = head.generation
        try:
            self._append_once([Entry(Operation.VOID, struct.pack("<Q", head.generation))])
        except MEDIUM_FAULTS:
            self._journal_sound = False

    def end(self) -> None:
        """Destroy both roots and all files of a store that holds no key any more, and close it.

        Raises RotationFailed, KeystoreUnwritable: it is open still, or the next `open` finds it half ended.
        """
        with self._changing:
            self._require_open()
            if self._table.epoch_facts() or self._table.kept():
                raise ValueError("a keystore that holds keys is not ended")
            mark_ending(self._files)  # a stop from here on leaves what `create` clears away
            for slot in (1 - self._head.slot, self._head.slot):
                self._clear_slot(slot)
            end_making(self._files)
            self.close()

    def _clear_slot(self, slot: int) -> None:
        """Step 1. Raises RotationFailed."""
        fault = self._destroy_cell(slot)
        if fault is not None:
            raise RotationFailed(1, str(fault)) from fault
        self._erasure_pending = False
        if not self._remove_files(slot):
            raise RotationFailed(1, f"{SNAPSHOT_NAMES[slot]} or {JOURNAL_NAMES[slot]} cannot be removed")

    def _destroy_cell(self, slot: int) -> Exception | None:
        """Destroy a cell and return what went wrong; None: its root is gone."""
        try:
            self._cells[slot].destroy()
        except MEDIUM_FAULTS as fault:
            return fault
        return None

    def _remove_files(self, slot: int) -> bool:
        """Remove a dead slot's files and tell whether they are gone. Without its root they are noise."""
        try:
            for name in (SNAPSHOT_NAMES[slot], JOURNAL_NAMES[slot]):
                self._files.remove(name)
        except MEDIUM_FAULTS:
            return False
        return True

    # ---- the journal -------------------------------------------------------------------------------------

    def _append(self, entries: Sequence[Entry]) -> None:
        """Make entries durable: in the journal, or, where that failed, in a journal behind a new snapshot.

        A journal that failed once is never written again: what it holds is unknown.
        """
        if self._journal.length_bytes >= MAX_JOURNAL_BYTES:
            raise KeystoreFull("journal bytes without a rotation", MAX_JOURNAL_BYTES)
        try:
            if self._journal_sound:
                self._append_once(entries)
                return
        except MEDIUM_FAULTS:
            self._journal_sound = False
        try:
            self._renew_only()
            self._append_once(entries)
        except (*MEDIUM_FAULTS, RotationFailed) as fault:
            self._journal_sound = False
            raise KeystoreUnwritable(self._files.place, getattr(fault, "errno", 0) or 0) from fault

    def _append_once(self, entries: Sequence[Entry]) -> None:
        for payload in pack_entries(entries):
            place = self._journal.length_bytes
            block = self._journal.seal(payload)
            wipe(payload)
            self._files.write(JOURNAL_NAMES[self._head.slot], place, block)

    def _require_open(self) -> None:
        """A closed store knows no keys: a rotation of it would erase everything."""
        if self._closed:
            raise KeystoreClosed(self._files.place)

    def _renew_only(self) -> None:
        """Write the store anew without erasing anything. A root that survives stays pending."""
        try:
            self._renew(Removal(), self._seen_utc_ms, self._table.reference)
        except ErasureIncomplete:
            return
