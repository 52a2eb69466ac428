"""Answers what is overdue, and takes what custodians vouch for: checked here again, against the set in use.

Whoever speaks to this socket cannot make keys die by a date that custodians did not sign. This module must not know
sockets, or when keys die.
"""

from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Any

from kuramori import log
from kuramori.erasure_messages import ConfirmTimeRequest, EraseRequest, Erasure, Overdue, OverdueHours, OverdueRequest
from kuramori.erasure_receipts import EPOCH_MOST_MS
from kuramori.forgetting import Forgetting
from kuramori.messages import Failure, FailureCode
from kuramori.recorder import Recorder
from kuramori_segments.key_faults import TimeRefused
from kuramori_segments.ledger_records import ErasureReceipt
from kuramori_segments.time_statement import check_confirmations


class OverdueAnswers:
    """The handler of two questions. `told` makes of a receipt what the protocol says."""

    def __init__(self, recorder: Recorder, forgetting: Forgetting, told: Callable[[ErasureReceipt], Erasure]) -> None:
        self._recorder = recorder
        self._forgetting = forgetting
        self._told = told
        self.handlers: dict[type[Any], Callable[[Any], Awaitable[Any]]] = {
            OverdueRequest: self._overdue,
            ConfirmTimeRequest: self.confirm,
        }

    async def _overdue(self, _question: OverdueRequest) -> Overdue:
        return await self._recorder.books.call(self.overdue)

    def overdue(self) -> Overdue:
        """Blocking: return what a clock that is not trusted calls over, by camera."""
        names = {number: name for name, number in self._recorder.numbers.items()}
        epochs = sorted(self._forgetting.overdue(), key=lambda epoch: (epoch.camera_number, epoch.first_utc_ms))
        cameras = []
        for number, group in groupby(epochs, key=lambda epoch: epoch.camera_number):
            mine = list(group)
            end = mine[-1].first_utc_ms + EPOCH_MOST_MS
            cameras.append(OverdueHours(names.get(number, f"camera {number}"), len(mine), mine[0].first_utc_ms, end))
        return Overdue(self._recorder.now_utc_ms(), tuple(cameras))

    async def confirm(self, question: ConfirmTimeRequest) -> Erasure | Failure:
        """Destroy what is overdue by a date that k custodians in office confirm. Raises KeystoreFault, LedgerFault."""
        vault = self._recorder.vault
        try:
            statement, signers = check_confirmations(
                question.confirmations, vault.identity.recorder_id, vault.office.current
            )
        except TimeRefused as refusal:
            return Failure(FailureCode.TIME_UNPROVEN, str(refusal))
        if statement.statement_id.hex() != question.erasure_id:
            return Failure(FailureCode.TIME_UNPROVEN, "the confirmations are of another statement")
        names = ", ".join(card.name for card in signers)
        log.get().warning("time_confirmed", later_than_utc_ms=statement.later_than_utc_ms, custodians=len(signers))
        date = statement.later_than_utc_ms
        order = EraseRequest(question.erasure_id, "", 0, date, question.person, f"custodians confirm the time: {names}")
        receipt = await self._forgetting.destroy_overdue(date, order)
        if receipt is None:
            return Failure(FailureCode.STORAGE, "the keystore gave no receipt")
        return self._told(receipt)
