"""Erasure receipts in the ledger: which keys were destroyed, when, why and how strongly (K4). Never changed again.

This module must not know keys, cells or what a signature covers.
"""

from kuramori_segments.ledger_database import Row
from kuramori_segments.ledger_events import EventTable
from kuramori_segments.ledger_fault import CameraUnknown
from kuramori_segments.ledger_records import ErasedEpochs, ErasureReceipt
from kuramori_segments.ledger_store import number

EPOCH_ID_BYTES = 16
MAX_RECEIPTS = 1000  # of one answer

_ERASURE = (
    "SELECT erasure_number, erasure_id, erased_utc_ms, rule, tier, person, reason, kept_for_holds, signature "
    "FROM erasure "
)


class ErasureTable(EventTable):
    """The part of the ledger that knows erasures."""

    def record_erasure(
        self,
        *,
        erased_utc_ms: int,
        rule: str,
        tier: str,
        erased: tuple[ErasedEpochs, ...],
        signature: bytes,
        erasure_id: str = "",
        person: str = "",
        reason: str = "",
        kept_for_holds: int = 0,
    ) -> ErasureReceipt:
        """Note one destruction of keys and return its receipt, numbered. Durable when this returns.

        A second call with an `erasure_id` that is known returns the first receipt. Raises CameraUnknown,
        LedgerUnwritable.
        """
        with self._store.batch() as write:
            known = self.erasure(erasure_id) if erasure_id else None
            if known is not None:
                return known
            for part in erased:
                if not self._store.rows("SELECT 1 FROM camera WHERE camera_number = ?", part.camera_number):
                    raise CameraUnknown(part.camera_number)
            erasure_number = self._store.next_number("erasure", write)
            write(
                "INSERT INTO erasure VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(erasure_number, erasure_id, erased_utc_ms, rule, tier, person, reason, kept_for_holds, signature),
            )
            for part in erased:
                write(
                    "INSERT INTO erased VALUES (?, ?, ?, ?, ?)",
                    *(erasure_number, part.camera_number, part.first_utc_ms, part.last_utc_ms),
                    b"".join(part.epoch_ids),
                )
            return self._erasures("WHERE erasure_number = ?", erasure_number)[0]

    def erasure(self, erasure_id: str) -> ErasureReceipt | None:
        """Return the receipt of a person's order, None when nothing was done for it yet."""
        found = self._erasures("WHERE erasure_id = ?", erasure_id) if erasure_id else ()
        return found[0] if found else None

    def erasures(self, after_number: int = 0, limit: int = MAX_RECEIPTS) -> tuple[ErasureReceipt, ...]:
        """Return at most `limit` receipts after that number, oldest first."""
        return self._erasures(
            "WHERE erasure_number > ? ORDER BY erasure_number LIMIT ?", after_number, min(limit, MAX_RECEIPTS)
        )

    def _erasures(self, where: str, *values: int | str) -> tuple[ErasureReceipt, ...]:
        return tuple(self._to_receipt(row) for row in self._store.rows(_ERASURE + where, *values))

    def _to_receipt(self, row: Row) -> ErasureReceipt:
        erasure_number, erasure_id, erased_utc_ms, rule, tier, person, reason, kept, signature = row
        parts = self._store.rows(
            "SELECT camera_number, epoch_ids, first_utc_ms, last_utc_ms FROM erased WHERE erasure_number = ? "
            "ORDER BY camera_number",
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
        )


def _to_epochs(row: Row) -> ErasedEpochs:
    camera_number, joined, first_utc_ms, last_utc_ms = row
    ids = joined if isinstance(joined, bytes) else b""
    return ErasedEpochs(
        number(camera_number),
        tuple(ids[at : at + EPOCH_ID_BYTES] for at in range(0, len(ids), EPOCH_ID_BYTES)),
        number(first_utc_ms),
        number(last_utc_ms),
    )
