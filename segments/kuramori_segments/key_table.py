"""All keys that are alive, in memory, with what is known of each; and their layout in a snapshot. Pure.

Keys stand in bytearrays that are overwritten with zeros when they die. That is the best that can be done here and
no proof: Python, the cryptographic library and the kernel may have made copies while a key was used, and memory may
have been swapped out (forbid swap, or encrypt it). What counts as erasure is the destroyed root, not this.

Layout (little-endian), see KEYS.md: counts, reference moment, epochs, kept keys, receipts. This module must not
know files, cells or clocks.
"""

import struct
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import cast

from kuramori_segments.cipher import segment_key
from kuramori_segments.key_records import ID_BYTES, Epoch, ErasureReceipt, KeepRequest, KeptKey, Moment
from kuramori_segments.keystore_faults import EpochKeyGone, KeystoreFull
from kuramori_segments.reference_time import date_of_old
from kuramori_segments.tier import ErasureTier

KEY_BYTES = 32
MAX_EPOCHS = 1 << 18  # 64 cameras, 170 days of hours
MAX_KEPT_KEYS = 1 << 18
RECEIPTS_KEPT = 24  # a day of hourly rotations; the ledger has them all
MAX_CELL_TEXT_BYTES = 1024

HEAD = struct.Struct("<IIIB3xqQ16s")  # epochs, kept, receipts, reference, utc, boot, boot id
EPOCH_ROW = struct.Struct("<16sIqQ16s32s")  # id, camera, first utc ms, first boot ms, boot id, key
KEPT_ROW = struct.Struct("<16s16s16sIqq32s")  # hold, segment, epoch, camera, epoch's first utc ms, until, K_seg
RECEIPT_HEAD = struct.Struct("<QqBxHII")  # generation, utc ms, tier, cell text length, epochs, kept keys
TRUSTED, CERTAIN = 1, 2  # kinds of reference; 0: none
_EPOCH_FACTS = struct.Struct("<16sIqQ16s")
_KEPT_FACTS = struct.Struct("<16s16s16sIqq")
_TIERS = {0: ErasureTier.E0, 2: ErasureTier.E2}
_TIER_NUMBERS = {tier: number for number, tier in _TIERS.items()}


class TableUnreadable(ValueError):
    """Decrypted bytes are not a table: written by another version, or by a bug."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What a rotation leaves out: these epochs and these kept keys (hold id, segment uid)."""

    epochs: frozenset[bytes] = frozenset()
    keeps: frozenset[tuple[bytes, bytes]] = frozenset()


class KeyTable:
    """Epoch keys by epoch id, kept segment keys by segment and hold, the last receipts, the reference moment."""

    def __init__(self) -> None:
        self.reference: Moment | None = None
        self.receipts: tuple[ErasureReceipt, ...] = ()
        self._epochs: dict[bytes, bytearray] = {}
        self._keeps: dict[bytes, dict[bytes, bytearray]] = {}
        self._kept_count = 0

    # ---- asking ------------------------------------------------------------------------------------------

    def epoch_facts(self) -> bytes:
        """Return what is known of all epochs whose key is alive, for `epochs_of`; quick, and without any key."""
        return b"".join([memoryview(row)[:-KEY_BYTES] for row in self._epochs.values()])

    def kept(self) -> tuple[KeptKey, ...]:
        """Return all kept keys."""
        return tuple(_kept(row) for rows in self._keeps.values() for row in rows.values())

    def segment_key(self, epoch_id: bytes, segment_uid: bytes) -> bytes:
        """Return K_seg: derived from the epoch key where that is alive, else kept. Raises EpochKeyGone."""
        row = self._epochs.get(epoch_id)
        if row is not None:
            # A view, so that no copy of the epoch key is left behind; HKDF takes any buffer.
            return segment_key(cast("bytes", memoryview(row)[-KEY_BYTES:]), segment_uid)
        for kept in self._keeps.get(segment_uid, {}).values():
            if _kept(kept).epoch_id == epoch_id:
                return bytes(kept[-KEY_BYTES:])
        raise EpochKeyGone(epoch_id, segment_uid)

    def keep_row(self, request: KeepRequest) -> bytearray:
        """Return the row that keeps a segment's key. Raises EpochKeyGone, KeystoreFull."""
        key = self.segment_key(request.epoch_id, request.segment_uid)
        camera_number, first_utc_ms = self._origin(request)
        if request.hold_id not in self._keeps.get(request.segment_uid, {}) and self._kept_count >= MAX_KEPT_KEYS:
            raise KeystoreFull("kept segment keys", MAX_KEPT_KEYS)
        row = bytearray(KEPT_ROW.size)
        KEPT_ROW.pack_into(
            row,
            0,
            request.hold_id,
            request.segment_uid,
            request.epoch_id,
            camera_number,
            first_utc_ms,
            request.until_utc_ms,
            key,
        )
        return row

    def _origin(self, request: KeepRequest) -> tuple[int, int]:
        row = self._epochs.get(request.epoch_id)
        if row is not None:
            epoch = Epoch(*_EPOCH_FACTS.unpack_from(row))
            return epoch.camera_number, epoch.first_utc_ms
        other = _kept(next(iter(self._keeps[request.segment_uid].values())))
        return other.camera_number, other.epoch_first_utc_ms

    def require_room(self) -> None:
        """Raises KeystoreFull where no further epoch fits."""
        if len(self._epochs) >= MAX_EPOCHS:
            raise KeystoreFull("epochs", MAX_EPOCHS)

    def ended_keeps(self, utc_ms: int) -> frozenset[tuple[bytes, bytes]]:
        """Return which kept keys have reached their end."""
        return frozenset((kept.hold_id, kept.segment_uid) for kept in self.kept() if kept.until_utc_ms <= utc_ms)

    def removed(self, removal: Removal) -> tuple[tuple[Epoch, ...], tuple[KeptKey, ...]]:
        """Return what a removal takes away, of what is here."""
        rows = (self._epochs[epoch_id] for epoch_id in sorted(removal.epochs) if epoch_id in self._epochs)
        kept = (
            self._keeps[segment_uid][hold_id]
            for hold_id, segment_uid in sorted(removal.keeps)
            if hold_id in self._keeps.get(segment_uid, {})
        )
        return tuple(Epoch(*_EPOCH_FACTS.unpack_from(row)) for row in rows), tuple(map(_kept, kept))

    # ---- changing ----------------------------------------------------------------------------------------

    def add_epoch(self, row: bytearray) -> Epoch:
        """Take over an epoch row. Raises TableUnreadable for one that is there already."""
        epoch = Epoch(*_EPOCH_FACTS.unpack_from(row))
        if epoch.epoch_id in self._epochs:
            raise TableUnreadable("an epoch twice")
        self._epochs[epoch.epoch_id] = row
        return epoch

    def add_kept(self, row: bytearray) -> KeptKey:
        """Take over a kept key's row; it replaces the one of the same hold and segment."""
        kept = _kept(row)
        holds = self._keeps.setdefault(kept.segment_uid, {})
        before = holds.get(kept.hold_id)
        if before is None:
            self._kept_count += 1
        else:
            wipe(before)
        holds[kept.hold_id] = row
        return kept

    def redate(self, reference: Moment) -> None:
        """Date all epochs again, as this boot has its trusted reference now (reference_time, D3)."""
        for row in self._epochs.values():
            epoch = Epoch(*_EPOCH_FACTS.unpack_from(row))
            date_utc_ms = date_of_old(epoch, reference)
            if date_utc_ms != epoch.first_utc_ms:
                facts = epoch.epoch_id, epoch.camera_number, date_utc_ms, epoch.first_boot_ms, epoch.boot_id
                _EPOCH_FACTS.pack_into(row, 0, *facts)

    def drop_hold(self, hold_id: bytes) -> int:
        """Forget all kept keys of a hold and return how many those were."""
        ended = [(hold_id, segment_uid) for segment_uid, holds in self._keeps.items() if hold_id in holds]
        self.remove(Removal(keeps=frozenset(ended)))
        return len(ended)

    def remove(self, removal: Removal) -> None:
        """Overwrite and forget keys."""
        for epoch_id in removal.epochs:
            row = self._epochs.pop(epoch_id, None)
            if row is not None:
                wipe(row)
        for hold_id, segment_uid in removal.keeps:
            holds = self._keeps.get(segment_uid, {})
            kept = holds.pop(hold_id, None)
            if kept is not None:
                wipe(kept)
                self._kept_count -= 1
            if not holds:
                self._keeps.pop(segment_uid, None)

    def clear(self) -> None:
        """Overwrite and forget everything."""
        keeps = frozenset((hold_id, uid) for uid, holds in self._keeps.items() for hold_id in holds)
        self.remove(Removal(frozenset(self._epochs), keeps))

    # ---- layout ------------------------------------------------------------------------------------------

    def encode(self, removal: Removal, receipts: Collection[ErasureReceipt], reference: Moment | None) -> bytearray:
        """Return the table without what is removed, as it stands in a snapshot. The caller wipes it."""
        epochs = [row for epoch_id, row in self._epochs.items() if epoch_id not in removal.epochs]
        keeps = [
            row
            for segment_uid, holds in self._keeps.items()
            for hold_id, row in holds.items()
            if (hold_id, segment_uid) not in removal.keeps
        ]
        tail = b"".join(map(_encode_receipt, receipts))
        size = HEAD.size + len(epochs) * EPOCH_ROW.size + len(keeps) * KEPT_ROW.size + len(tail)
        table = bytearray(size)
        moment = reference or Moment(0, 0)
        HEAD.pack_into(
            table,
            0,
            len(epochs),
            len(keeps),
            len(receipts),
            _reference_kind(reference),
            moment.utc_ms,
            moment.boot_ms,
            moment.boot_id,
        )
        place = HEAD.size
        for row in (*epochs, *keeps):
            end = place + len(row)
            table[place:end] = row
            place = end
        table[place:] = tail
        return table

    @classmethod
    def decode(cls, data: memoryview) -> "KeyTable":
        """Read a table. Raises TableUnreadable."""
        try:
            return cls._decode(data)
        except (struct.error, UnicodeDecodeError, KeyError) as fault:
            raise TableUnreadable(str(fault)) from None

    @classmethod
    def _decode(cls, data: memoryview) -> "KeyTable":
        epochs, keeps, receipts, kind, utc_ms, boot_ms, boot_id = HEAD.unpack_from(data)
        if epochs > MAX_EPOCHS or keeps > MAX_KEPT_KEYS or receipts > RECEIPTS_KEPT or kind > CERTAIN:
            raise TableUnreadable("a count beyond its limit")
        table = cls()
        kept_from = HEAD.size + epochs * EPOCH_ROW.size
        receipts_from = kept_from + keeps * KEPT_ROW.size
        if receipts_from > len(data):
            raise TableUnreadable("cut short")
        for start in range(HEAD.size, kept_from, EPOCH_ROW.size):
            table.add_epoch(bytearray(data[start : start + EPOCH_ROW.size]))
        for start in range(kept_from, receipts_from, KEPT_ROW.size):
            table.add_kept(bytearray(data[start : start + KEPT_ROW.size]))
        if kind:
            table.reference = Moment(utc_ms, boot_ms, boot_id, trusted=kind == TRUSTED)
        table.receipts = tuple(_decode_receipts(data[receipts_from:], receipts))
        return table


def epochs_of(facts: bytes) -> tuple[Epoch, ...]:
    """Return the epochs of `KeyTable.epoch_facts`."""
    return tuple(Epoch(*values) for values in _EPOCH_FACTS.iter_unpack(facts))


def epoch_row(epoch: Epoch, fill_key: Callable[[memoryview], None]) -> bytearray:
    """Return an epoch's row, its key filled in place by `fill_key`, so that no second copy of it exists.

    Raises ValueError for a camera number or a time out of range.
    """
    row = bytearray(EPOCH_ROW.size)
    facts = epoch.epoch_id, epoch.camera_number, epoch.first_utc_ms, epoch.first_boot_ms, epoch.boot_id
    try:
        _EPOCH_FACTS.pack_into(row, 0, *facts)
    except struct.error as fault:
        raise ValueError(f"an epoch with a number out of range: {fault}") from None
    fill_key(memoryview(row)[-KEY_BYTES:])
    return row


def _reference_kind(reference: Moment | None) -> int:
    if reference is None:
        return 0
    return TRUSTED if reference.trusted else CERTAIN


def wipe(secret: bytearray) -> None:
    """Overwrite a secret with zeros, in place."""
    secret[:] = bytes(len(secret))


def _kept(row: bytearray) -> KeptKey:
    return KeptKey(*_KEPT_FACTS.unpack_from(row))


def _encode_receipt(receipt: ErasureReceipt) -> bytes:
    cell = receipt.cell.encode("utf-8", "replace")[:MAX_CELL_TEXT_BYTES]
    head = RECEIPT_HEAD.pack(
        receipt.generation,
        receipt.erased_utc_ms,
        _TIER_NUMBERS[receipt.tier],
        len(cell),
        len(receipt.epochs),
        len(receipt.keeps),
    )
    epochs = (
        _EPOCH_FACTS.pack(e.epoch_id, e.camera_number, e.first_utc_ms, e.first_boot_ms, e.boot_id)
        for e in receipt.epochs
    )
    keeps = (
        _KEPT_FACTS.pack(k.hold_id, k.segment_uid, k.epoch_id, k.camera_number, k.epoch_first_utc_ms, k.until_utc_ms)
        for k in receipt.keeps
    )
    return b"".join((head, cell, *epochs, *keeps))


def _decode_receipts(data: memoryview, count: int) -> Iterator[ErasureReceipt]:
    place = 0
    for _ in range(count):
        generation, utc_ms, tier, text_bytes, epochs, keeps = RECEIPT_HEAD.unpack_from(data, place)
        place += RECEIPT_HEAD.size
        cell = str(data[place : place + text_bytes], "utf-8", "replace")
        place += text_bytes
        kept_from = place + epochs * _EPOCH_FACTS.size
        end = kept_from + keeps * _KEPT_FACTS.size
        if epochs > MAX_EPOCHS or keeps > MAX_KEPT_KEYS or end > len(data):
            raise TableUnreadable("a receipt beyond the end")
        yield ErasureReceipt(
            generation,
            utc_ms,
            _TIERS[tier],
            cell,
            tuple(Epoch(*facts) for facts in _EPOCH_FACTS.iter_unpack(data[place:kept_from])),
            tuple(KeptKey(*facts) for facts in _KEPT_FACTS.iter_unpack(data[kept_from:end])),
        )
        place = end
    if place != len(data):
        raise TableUnreadable("bytes behind the end")


def require_id(value: bytes, name: str) -> None:
    """Raise ValueError unless an id has 16 bytes."""
    if len(value) != ID_BYTES:
        raise ValueError(f"{name} has {len(value)} bytes; an id has {ID_BYTES}")
