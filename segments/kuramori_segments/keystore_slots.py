"""The two slots of a keystore: how one is written and read back, how one is opened, and which of them counts.

A slot is a snapshot and a journal under the root in its cell. The steps are those of KEYS.md. This module must not
know what is to be destroyed, or when.
"""

import os
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from kuramori_segments.erasable_cell import ROOT_BYTES, Cell
from kuramori_segments.key_journal import (
    MAX_JOURNAL_BYTES,
    JournalBlockForged,
    JournalBroken,
    Operation,
    Replay,
    journal_master,
    replay,
)
from kuramori_segments.key_records import KeptKey
from kuramori_segments.key_snapshot import (
    HEAD,
    MAX_SNAPSHOT_BYTES,
    SnapshotHead,
    SnapshotUnreadable,
    open_snapshot,
    seal_snapshot,
)
from kuramori_segments.key_table import KeyTable, TableUnreadable, wipe
from kuramori_segments.keystore_faults import (
    CellUnusable,
    JournalForged,
    KeystoreDamaged,
    KeystoreExists,
    KeystoreFault,
    KeystoreMissing,
    KeystoreUnreadable,
    KeystoreUnwritable,
    PlaceRefused,
    RootGone,
    RotationFailed,
)
from kuramori_segments.store_files import StoreFiles

SNAPSHOT_NAMES = ("snapshot-a", "snapshot-b")
JOURNAL_NAMES = ("journal-a", "journal-b")
MAKING_NAME = "making"  # there while a keystore is made: what is half-made may be cleared away
MEDIUM_FAULTS = (OSError, PlaceRefused, CellUnusable)


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that opens: its keys, its journal, and which later generations it declares void."""

    head: SnapshotHead
    table: KeyTable
    master: bytes
    journal_blocks: int
    voided: frozenset[int]
    dropped: tuple[KeptKey, ...]  # holds that ended since the snapshot; erased with the next rotation


def random_into(view: memoryview) -> None:
    """Fill memory with random bytes of the kernel, in place, so that no second copy of a key exists."""
    os.getrandom(1)  # waits, at the very start of a machine, until there is randomness at all
    with open("/dev/urandom", "rb", buffering=0) as source:
        place = 0
        while place < len(view):
            place += source.readinto(view[place:]) or 0


def write_slot(files: StoreFiles, cell: Cell, head: SnapshotHead, table: bytearray) -> bytes:
    """Steps 2 to 5: root, journal, snapshot, read back. Returns the journal's master key. Raises RotationFailed."""
    root = bytearray(ROOT_BYTES)
    random_into(memoryview(root))
    try:
        _step(2, lambda: cell.write(root))
        _step(3, lambda: files.create(JOURNAL_NAMES[head.slot], b""))
        sealed = seal_snapshot(root, head, table)
        _step(4, lambda: files.create(SNAPSHOT_NAMES[head.slot], sealed))
        _step(5, lambda: _read_back(files, cell, head, root, table))
        return journal_master(root, head)
    finally:
        wipe(root)


def _step(number: int, action: Callable[[], None]) -> None:
    try:
        action()
    except (*MEDIUM_FAULTS, SnapshotUnreadable) as fault:
        raise RotationFailed(number, str(fault)) from fault


def _read_back(files: StoreFiles, cell: Cell, head: SnapshotHead, root: bytearray, table: bytearray) -> None:
    found = cell.read()
    if found is None or not secrets.compare_digest(found, root):
        raise SnapshotUnreadable("the cell gives another root back")
    data = files.read(SNAPSHOT_NAMES[head.slot], MAX_SNAPSHOT_BYTES) or b""
    opened = open_snapshot(found, head.slot, data)
    same = opened.head == head and opened.table == table
    wipe(opened.table)
    if not same:
        raise SnapshotUnreadable("the snapshot gives other keys back")


def begin_making(files: StoreFiles, cells: tuple[Cell, Cell]) -> None:
    """See that nothing is here that a new keystore would destroy. Raises KeystoreExists, KeystoreUnwritable, ..."""
    if not _present(files, MAKING_NAME):
        there = any(_present(files, name) for name in (*SNAPSHOT_NAMES, *JOURNAL_NAMES))
        if there or any(cell.read() is not None for cell in cells):
            raise KeystoreExists(files.place)
        _change(files, lambda: files.create(MAKING_NAME, b""))
        return
    try:
        choose_slot(files, cells)
    except (KeystoreDamaged, KeystoreMissing, RootGone):
        for cell in cells:
            cell.destroy()
        for name in (*SNAPSHOT_NAMES, *JOURNAL_NAMES):
            _change(files, partial(files.remove, name))
        return
    raise KeystoreExists(files.place)


def mark_ending(files: StoreFiles) -> None:
    """Say that what is here may be cleared away once its root is gone. Raises KeystoreUnwritable."""
    if not _present(files, MAKING_NAME):
        _change(files, lambda: files.create(MAKING_NAME, b""))


def is_half_made(files: StoreFiles) -> bool:
    """Tell whether the making of a keystore, or its end, was interrupted here."""
    return _present(files, MAKING_NAME)


def end_making(files: StoreFiles) -> None:
    """Declare the keystore made: from now on nothing clears it away. Raises KeystoreUnwritable."""
    if _present(files, MAKING_NAME):
        _change(files, lambda: files.remove(MAKING_NAME))


def _change(files: StoreFiles, action: Callable[[], None]) -> None:
    try:
        action()
    except OSError as error:
        raise KeystoreUnwritable(files.place, error.errno or 0) from error


def _read(files: StoreFiles, name: str, limit_bytes: int) -> bytes | None:
    try:
        return files.read(name, limit_bytes)
    except OSError as error:
        raise KeystoreUnreadable(files.place, name, error.errno or 0) from error


def _present(files: StoreFiles, name: str) -> bool:
    return _read(files, name, 0) is not None


def choose_slot(files: StoreFiles, cells: tuple[Cell, Cell]) -> Slot:
    """Return the slot that counts."""
    faults: list[KeystoreFault] = []
    slots: list[Slot] = []
    for number in (0, 1):
        try:
            slot = _open_slot(files, cells[number], number)
        except (KeystoreDamaged, CellUnusable) as fault:
            faults.append(fault)
            continue
        if slot is not None:
            slots.append(slot)
    if len(slots) == 2:
        older, newer = sorted(slots, key=lambda slot: slot.head.generation)
        return older if newer.head.generation in older.voided else newer
    if slots:
        _require_newest(files, slots[0], faults)
        return slots[0]
    if faults:
        raise faults[0]
    if any(_present(files, name) for name in SNAPSHOT_NAMES):
        raise RootGone(files.place, (cells[0].description, cells[1].description))
    raise KeystoreMissing(files.place)


def _require_newest(files: StoreFiles, slot: Slot, faults: list[KeystoreFault]) -> None:
    """Refuse to fall back to an older slot because the newer one's *cell* cannot be read just now."""
    data = _read(files, SNAPSHOT_NAMES[1 - slot.head.slot], HEAD.size)
    if data is None:
        return
    try:
        other = SnapshotHead.unpack(data[: HEAD.size])
    except SnapshotUnreadable:
        return
    if other.generation > slot.head.generation and other.generation not in slot.voided:
        for fault in faults:
            if isinstance(fault, CellUnusable):
                raise fault


def _open_slot(files: StoreFiles, cell: Cell, number: int) -> Slot | None:
    """Open a slot; None where its cell holds no root. Raises KeystoreDamaged, JournalForged, CellUnusable."""
    root = cell.read()
    if root is None:
        return None
    name = SNAPSHOT_NAMES[number]
    data = _read(files, name, MAX_SNAPSHOT_BYTES)
    if data is None:
        raise KeystoreDamaged(files.place, f"{name} is missing")
    try:
        opened = open_snapshot(root, number, data)
        table = KeyTable.decode(memoryview(opened.table))
    except (SnapshotUnreadable, TableUnreadable) as fault:
        raise KeystoreDamaged(files.place, f"{name}: {fault}") from None
    wipe(opened.table)
    master = journal_master(root, opened.head)
    past = _replay(files, JOURNAL_NAMES[number], master, opened.head)
    try:
        voided, dropped = _apply(table, past)
    except TableUnreadable as fault:
        raise KeystoreDamaged(files.place, f"{JOURNAL_NAMES[number]}: {fault}") from None
    return Slot(opened.head, table, master, past.blocks, voided, dropped)


def _replay(files: StoreFiles, name: str, master: bytes, head: SnapshotHead) -> Replay:
    data = _read(files, name, MAX_JOURNAL_BYTES)
    if data is None:
        raise KeystoreDamaged(files.place, f"{name} is missing")
    try:
        return replay(master, head, data)
    except JournalBroken as fault:
        raise KeystoreDamaged(files.place, f"{name}: {fault}") from None
    except JournalBlockForged as fault:
        raise JournalForged(files.place, fault.sequence) from None


def _apply(table: KeyTable, past: Replay) -> tuple[frozenset[int], tuple[KeptKey, ...]]:
    """Do again what the journal says; return which generations are void, and which kept keys were dropped."""
    voided: set[int] = set()
    dropped: list[KeptKey] = []
    for entry in past.entries:
        if entry.operation is Operation.ADD_EPOCH:
            table.add_epoch(bytearray(entry.body))
        elif entry.operation is Operation.KEEP:
            table.add_kept(bytearray(entry.body))
        elif entry.operation is Operation.DROP_HOLD:
            hold_id = bytes(entry.body)
            dropped.extend(kept for kept in table.kept() if kept.hold_id == hold_id)
            table.drop_hold(hold_id)
        else:
            voided.update(struct.unpack("<Q", entry.body))
    return frozenset(voided), tuple(dropped)
