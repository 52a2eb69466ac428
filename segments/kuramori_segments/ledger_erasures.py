"""Erasure receipts in the ledger: which keys were destroyed, when, why and how strongly (K4). Never changed again.

This module must not know keys, cells or what a signature covers.
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import replace

from kuramori_segments.ledger_database import Row
from kuramori_segments.ledger_events import EventTable
from kuramori_segments.ledger_fault import CameraUnknown
from kuramori_segments.ledger_records import ErasedEpochs, ErasureReceipt, KeySpan
from kuramori_segments.ledger_store import number

EPOCH_ID_BYTES = 16
MAX_RECEIPTS = 1000  # of one answer

_SPAN = struct.Struct("<16sqq")
_ERASURE = (
    "SELECT erasure_number, erasure_id, erased_utc_ms, rule, tier, person, reason, kept_for_holds, signature, cell "
    "FROM erasure "
)


class ErasureTable(EventTable):
    """The part of the ledger that knows erasures."""

    def record_erasure(
        self, receipt: ErasureReceipt, sign: Callable[[ErasureReceipt], bytes] | None = None
    ) -> ErasureReceipt:
        """Note one destruction of keys and return its receipt, numbered and signed. Durable when this returns.

        `sign` is given the receipt with its number. A second call with an `erasure_id` that is known returns the
        first receipt. Raises CameraUnknown, LedgerUnwritable.
        """
        with self._store.batch() as write:
            known = self.erasure(receipt.erasure_id) if receipt.erasure_id else None
            if known is not None:
                return known
            for part in receipt.erased:
                if not self._store.rows("SELECT 1 FROM camera WHERE camera_number = ?", part.camera_number):
                    raise CameraUnknown(part.camera_number)
            noted = replace(receipt, erasure_number=self._store.next_number("erasure", write))
            signature = sign(noted) if sign is not None else receipt.signature
            write(
                "INSERT INTO erasure VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(noted.erasure_number, noted.erasure_id, noted.erased_utc_ms, noted.rule, noted.tier),
                *(noted.person, noted.reason, noted.kept_for_holds, signature, noted.cell),
            )
            for part in noted.erased:
                write(
                    "INSERT INTO erased VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    *(noted.erasure_number, part.camera_number, part.first_utc_ms, part.last_utc_ms),
                    b"".join(part.epoch_ids),
                    *(_packed(part.epochs), _packed(part.segments), _packed(part.kept)),
                )
            return self._erasures("WHERE erasure_number = ?", noted.erasure_number)[0]

    def erasure(self, erasure_id: str) -> ErasureReceipt | None:
        """Return the receipt of a person's order, None when nothing was done for it yet."""
        found = self._erasures("WHERE erasure_id = ?", erasure_id) if erasure_id else ()
        return found[0] if found else None

    def erasures(self, after_number: int = 0, limit: int = MAX_RECEIPTS) -> tuple[ErasureReceipt, ...]:
        """Return at most `limit` receipts after that number, oldest first."""
        return self._erasures(
            "WHERE erasure_number > ? ORDER BY erasure_number LIMIT ?", after_number, min(limit, MAX_RECEIPTS)
        )

    def erasures_of(self, camera_number: int, from_utc_ms: int, to_utc_ms: int) -> tuple[ErasureReceipt, ...]:
        """Return all receipts that say something of this camera and time, oldest first."""
        return self._erasures(
            "WHERE erasure_number IN (SELECT erasure_number FROM erased WHERE camera_number = ? AND last_utc_ms > ? "
            "AND first_utc_ms < ?) ORDER BY erasure_number",
            *(camera_number, from_utc_ms, to_utc_ms),
        )

    def _erasures(self, where: str, *values: int | str) -> tuple[ErasureReceipt, ...]:
        return tuple(self._to_receipt(row) for row in self._store.rows(_ERASURE + where, *values))

    def _to_receipt(self, row: Row) -> ErasureReceipt:
        erasure_number, erasure_id, erased_utc_ms, rule, tier, person, reason, kept, signature, cell = row
        parts = self._store.rows(
            "SELECT camera_number, epoch_ids, first_utc_ms, last_utc_ms, epochs, segments, kept FROM erased "
            "WHERE erasure_number = ? ORDER BY camera_number",
            erasure_number,
        )
        return ErasureReceipt(
            erasure_number=number(erasure_number),
            erased_utc_ms=number(erased_utc_ms),
            rule=str(rule),
            tier=str(tier),
            erased=tuple(_to_epochs(part) for part in parts),
            erasure_id=str(erasure_id),
            person=str(person),
            reason=str(reason),
            kept_for_holds=number(kept),
            signature=signature if isinstance(signature, bytes) else b"",
            cell=str(cell),
        )


def _to_epochs(row: Row) -> ErasedEpochs:
    camera_number, joined, first_utc_ms, last_utc_ms, *spans = row
    ids = joined if isinstance(joined, bytes) else b""
    return ErasedEpochs(
        number(camera_number),
        tuple(ids[at : at + EPOCH_ID_BYTES] for at in range(0, len(ids), EPOCH_ID_BYTES)),
        number(first_utc_ms),
        number(last_utc_ms),
        *(_unpacked(one if isinstance(one, bytes) else b"") for one in spans),
    )


def _packed(spans: Iterable[KeySpan]) -> bytes:
    return b"".join(_SPAN.pack(span.key_id, span.from_utc_ms, span.to_utc_ms) for span in spans)


def _unpacked(data: bytes) -> tuple[KeySpan, ...]:
    return tuple(KeySpan(*fields) for fields in _SPAN.iter_unpack(data))
