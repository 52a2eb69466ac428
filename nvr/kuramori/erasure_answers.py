"""Answers what became of a camera's minutes, from the ledger, the ring and the keystore together.

This module must not know sockets, or when keys die.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from kuramori.erasure_messages import PROOF_LIMIT_MS, ErasureProof, ErasureProofRequest, SignedReceipt
from kuramori.erasure_receipts import EPOCH_MOST_MS, shown_until
from kuramori.forgetting import Forgetting, FoundSegment
from kuramori.messages import Failure, FailureCode
from kuramori.recorder import Recorder
from kuramori_segments.canonical_json import canonical
from kuramori_segments.coverage import Gap, coverage
from kuramori_segments.erasure_proof import Fate, Proven, destroyed, prove
from kuramori_segments.erasure_statement import receipt_document
from kuramori_segments.key_records import Epoch, KeptKey
from kuramori_segments.ledger_records import ErasureReceipt
from kuramori_segments.retention import EPOCH_LENGTH_MS


class ErasureAnswers:
    """The handler of one question."""

    def __init__(self, recorder: Recorder, forgetting: Forgetting) -> None:
        self._recorder = recorder
        self._vault = recorder.vault
        self._forgetting = forgetting
        self.handlers: dict[type[Any], Callable[[Any], Awaitable[Any]]] = {ErasureProofRequest: self._proof}

    async def _proof(self, question: ErasureProofRequest) -> ErasureProof | Failure:
        number = self._recorder.numbers.get(question.camera)
        if number is None:
            return Failure(FailureCode.UNKNOWN_CAMERA, f"no camera is called {question.camera}")
        if not 0 < question.to_utc_ms - question.from_utc_ms <= PROOF_LIMIT_MS:
            return Failure(FailureCode.RANGE_INVALID, "name a range of at most 62 days that ends after it begins")
        return await self._recorder.books.call(self.prove, number, question)

    def prove(self, number: int, question: ErasureProofRequest) -> ErasureProof:
        """Blocking: return the fate of these minutes. Raises LedgerFault."""
        begin, end = question.from_utc_ms, question.to_utc_ms
        receipts = self._vault.ledger.erasures_of(number, begin, end)
        spans = prove(
            begin,
            end,
            (
                destroyed(receipts, number),
                self._living(number, begin, end),
                self._gaps(number, begin, end),
                self._openable(number, begin, end),
            ),
        )
        named = {span.receipt for span in spans}
        return ErasureProof(
            recorder_id=self._vault.identity.recorder_id,
            camera=question.camera,
            camera_number=number,
            from_utc_ms=begin,
            to_utc_ms=end,
            utc_ms=self._recorder.now_utc_ms(),
            tier=self._vault.keystore.tier.value,
            spans=spans,
            receipts=self._signed([receipt for receipt in receipts if receipt.erasure_number in named]),
        )

    def _signed(self, receipts: Sequence[ErasureReceipt]) -> tuple[SignedReceipt, ...]:
        names = {entry.camera_number: entry.name for entry in self._vault.ledger.cameras()}
        recorder_id = self._vault.identity.recorder_id
        return tuple(
            SignedReceipt(
                receipt.erasure_number,
                canonical(receipt_document(recorder_id, receipt, names)).decode(),
                receipt.signature,
            )
            for receipt in receipts
        )

    def _gaps(self, number: int, begin: int, end: int) -> Iterator[Proven]:
        """Yield what was never recorded, with the reason."""
        ledger = self._vault.ledger
        camera = self._recorder.camera_numbered(number)
        found = coverage(
            ledger.runs(number, begin, end),
            begin,
            end,
            now_utc_ms=self._recorder.now_utc_ms(),
            live_end_utc_ms=camera.durable.utc_ms if camera is not None and camera.durable is not None else None,
            outages=ledger.outages(number, begin, end),
        )
        for span in found.spans:
            if isinstance(span, Gap):
                reason = span.reason.name.lower()
                yield Proven(Fate.NEVER_RECORDED, span.from_utc_ms, span.to_utc_ms, reason=reason)

    def _living(self, number: int, begin: int, end: int) -> Iterator[Proven]:
        """Yield the times of living keys: if no segment lies there, it was overwritten before its key's time."""
        for epoch in self._vault.keystore.decryptable():
            if (
                epoch.camera_number == number
                and epoch.first_utc_ms < end
                and epoch.first_utc_ms + EPOCH_MOST_MS > begin
            ):
                latest = epoch.first_utc_ms + self._forgetting.retention_ms(number)
                last = min(epoch.first_utc_ms + EPOCH_MOST_MS, self._recorder.now_utc_ms())
                yield Proven(Fate.OVERWRITTEN, epoch.first_utc_ms, last, until_utc_ms=latest)

    def _openable(self, number: int, begin: int, end: int) -> Iterator[Proven]:
        """Yield the segments of the ring that open."""
        epochs = {epoch.epoch_id: epoch for epoch in self._vault.keystore.epochs() if epoch.camera_number == number}
        kept: dict[bytes, list[KeptKey]] = {}
        for key in self._vault.keystore.kept():
            kept.setdefault(key.segment_uid, []).append(key)
        holds = self._forgetting.holds_in_force()
        found = self._forgetting.segments(number, begin, end)
        late = self._forgetting.too_old({item.header.segment_uid: item.header.epoch_id for item in found})
        listed = [(item.header, item.end_utc_ms) for item in found]
        for place, item in enumerate(found):
            keys = kept.get(item.header.segment_uid, [])
            fate = self._fate(item, epochs.get(item.header.epoch_id), keys, holds)
            if fate is not None:
                fate = replace(fate, to_utc_ms=shown_until(listed, place))
                yield fate if item.header.segment_uid not in late else _overdue(fate)

    def _fate(
        self, item: FoundSegment, epoch: Epoch | None, keys: Sequence[KeptKey], holds: frozenset[bytes]
    ) -> Proven | None:
        ends = [key.until_utc_ms + EPOCH_LENGTH_MS for key in keys]  # the first rotation at or after it
        held = any(key.hold_id in holds for key in keys)
        if epoch is not None:
            ends.append(epoch.first_utc_ms + self._forgetting.retention_ms(epoch.camera_number))
        if not ends:
            return None
        fate = Fate.HELD if held else Fate.KEPT
        return Proven(fate, item.header.start_utc_ms, item.end_utc_ms + 1, until_utc_ms=max(ends))


def _overdue(fate: Proven) -> Proven:
    return Proven(Fate.OVERDUE, fate.from_utc_ms, fate.to_utc_ms)
