"""Writes the signed receipt of each destruction of keys into the ledger: which time of which camera opens no more.

A receipt names what lived on beside it too: held minutes, and the rest of an hour that was erased in part. All calls
block. This module must not know why or when keys die.
"""

from collections.abc import Callable, Iterable, Sequence

from kuramori import log
from kuramori.messages import EraseRequest, ErasureCause
from kuramori.recorder import Recorder
from kuramori_segments.catalogue import OPEN_END
from kuramori_segments.erasure_statement import receipt_document, statement
from kuramori_segments.header import SegmentHeader
from kuramori_segments.key_records import Epoch, ErasureReceipt, KeptKey
from kuramori_segments.keystore_pair import joined
from kuramori_segments.ledger_records import ErasedEpochs, KeySpan
from kuramori_segments.ledger_records import ErasureReceipt as LedgerReceipt
from kuramori_segments.retention import EPOCH_LENGTH_MS

DESTROYED_EVENT = "keys_destroyed"
EPOCH_MOST_MS = EPOCH_LENGTH_MS + 60_000  # an epoch ends at a key frame, a little after its hour
MAX_UTC_MS = 1 << 52
Find = Callable[[int, int, int], Iterable[tuple[SegmentHeader, int]]]  # camera, from, to -> headers, with their ends


def shown_until(listed: Sequence[tuple[SegmentHeader, int]], place: int) -> int:
    """Return until when a segment's last picture shows: to the next segment of its epoch, if one follows."""
    header, end_utc_ms = listed[place]
    following = listed[place + 1][0] if place + 1 < len(listed) else None
    if following is None or (following.epoch_id, following.sequence) != (header.epoch_id, header.sequence + 1):
        return end_utc_ms + 1
    return max(end_utc_ms + 1, following.start_utc_ms)


class ErasureReceipts:
    """The receipts of one recorder. `find` reads the segments of a camera and time from the ring."""

    def __init__(self, recorder: Recorder, find: Find) -> None:
        self._recorder = recorder
        self._vault = recorder.vault
        self._find = find

    def enter_missing(self) -> None:
        """Enter what a stop, or a fault, left in the keystore alone. Raises LedgerFault."""
        receipts = self._vault.keystore.sure_erasures
        if not receipts:
            return
        first_utc_ms = min(receipt.erased_utc_ms for receipt in receipts)
        events = self._vault.ledger.events(first_utc_ms, MAX_UTC_MS, kind=DESTROYED_EVENT)
        entered = {event.fact("generation") for event in events}
        for receipt in receipts:
            if receipt.generation not in entered:
                self.enter((receipt,), ErasureCause.RETENTION, None)

    def enter(
        self,
        receipts: Sequence[ErasureReceipt],
        cause: ErasureCause,
        order: EraseRequest | None,
        kept_for_holds: int = 0,
    ) -> LedgerReceipt:
        """Enter what the keystores say of one moment as one receipt, and return it. Raises LedgerFault."""
        receipt, ledger = joined(receipts), self._vault.ledger
        log.get().info("keys_destroyed", cause=cause.value, epochs=len(receipt.epochs), tier=receipt.tier.value)
        with ledger.batch():
            for one in receipts:
                if one.epochs or one.keeps:
                    ledger.record_event(DESTROYED_EVENT, utc_ms=one.erased_utc_ms, generation=one.generation)
            return ledger.record_erasure(
                LedgerReceipt(
                    erasure_number=0,
                    erased_utc_ms=receipt.erased_utc_ms,
                    rule=cause.value,
                    tier=receipt.tier.value,
                    erased=self._by_camera(receipt),
                    erasure_id=order.erasure_id if order else "",
                    person=order.person if order else "",
                    reason=order.reason if order else "",
                    kept_for_holds=kept_for_holds,
                    cell=receipt.cell,
                ),
                self._sign,
            )

    def _sign(self, receipt: LedgerReceipt) -> bytes:
        names = {entry.camera_number: entry.name for entry in self._vault.ledger.cameras()}
        document = receipt_document(self._vault.identity.recorder_id, receipt, names)
        return self._vault.signer.sign(statement(document))

    def _by_camera(self, receipt: ErasureReceipt) -> tuple[ErasedEpochs, ...]:
        numbers = {epoch.camera_number for epoch in receipt.epochs} | {key.camera_number for key in receipt.keeps}
        living = self._vault.keystore.kept()
        return tuple(
            self._of_camera(
                number,
                [epoch for epoch in receipt.epochs if epoch.camera_number == number],
                [key for key in receipt.keeps if key.camera_number == number],
                [key for key in living if key.camera_number == number],
                receipt.erased_utc_ms,
            )
            for number in sorted(numbers)
        )

    def _of_camera(
        self,
        number: int,
        epochs: Sequence[Epoch],
        keys: Sequence[KeptKey],
        living: Sequence[KeptKey],
        erased_utc_ms: int,
    ) -> ErasedEpochs:
        ids = {epoch.epoch_id for epoch in epochs} | {key.epoch_id for key in keys}
        alive = {key.segment_uid: key for key in living if key.epoch_id in ids}
        dead = {key.segment_uid: key for key in keys if key.segment_uid not in alive}
        gone = tuple(
            KeySpan(epoch.epoch_id, epoch.first_utc_ms, max(epoch.first_utc_ms, self._end_of(epoch, erased_utc_ms)))
            for epoch in epochs
        )
        segments, kept = self._spans(number, dead), self._spans(number, alive)
        spans = (*gone, *segments)
        first_utc_ms = min((span.from_utc_ms for span in spans), default=erased_utc_ms)
        return ErasedEpochs(
            number,
            tuple(epoch.epoch_id for epoch in epochs),
            first_utc_ms,
            max((span.to_utc_ms for span in spans), default=first_utc_ms),
            gone,
            segments,
            kept,
        )

    def _end_of(self, epoch: Epoch, erased_utc_ms: int) -> int:
        """Return when an epoch's last frame was over: as the ring says, else the latest that can be."""
        latest_utc_ms = min(epoch.first_utc_ms + EPOCH_MOST_MS, max(erased_utc_ms, epoch.first_utc_ms + 1))
        ends = [
            segment.end_utc_ms
            for volume in self._vault.volumes
            for segment in volume.overlapping(epoch.camera_number, epoch.first_utc_ms, latest_utc_ms)
            if segment.end_utc_ms != OPEN_END
            and (entry := volume.entry(segment.slot)) is not None
            and entry.epoch_id == epoch.epoch_id
        ]
        return max(ends) + 1 if ends else latest_utc_ms

    def _spans(self, number: int, keys: dict[bytes, KeptKey]) -> tuple[KeySpan, ...]:
        """Return the times of kept keys: as the ring says, else those of their hour."""
        missing = dict(keys)
        found = []
        for first_utc_ms in sorted({key.epoch_first_utc_ms for key in keys.values()}):
            listed = list(self._find(number, first_utc_ms, first_utc_ms + 2 * EPOCH_LENGTH_MS))
            for place, (header, _) in enumerate(listed):
                key = missing.pop(header.segment_uid, None)
                if key is not None:
                    begin = header.start_utc_ms
                    if place == 0 or listed[place - 1][0].epoch_id != header.epoch_id:
                        begin = min(begin, key.epoch_first_utc_ms)
                    found.append(KeySpan(header.segment_uid, begin, shown_until(listed, place)))
        for uid, key in missing.items():
            found.append(KeySpan(uid, key.epoch_first_utc_ms, key.epoch_first_utc_ms + EPOCH_MOST_MS))
        return tuple(sorted(found, key=lambda span: (span.from_utc_ms, span.key_id)))
