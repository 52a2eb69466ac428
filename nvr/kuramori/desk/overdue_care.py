"""Statements of time at the desk: made for the custodians in office, taken back with k signatures, each once.

Order: checked, registered as *time_confirmed*, and only then is the recorder told; if it is away it is told again.
Must not know HTTP; never sees a private key.
"""

import asyncio
from collections.abc import Callable, Sequence

from kuramori.desk.custody_fault import CustodyRefused
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.keeping import Keeping
from kuramori.desk.recorder import Recorder, asking
from kuramori.desk.steps import TimeConfirmed
from kuramori.erasure_messages import Overdue
from kuramori.key_texts import key_sentences
from kuramori.messages import Erasure
from kuramori.timebase import Clock
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.key_faults import TimeRefused
from kuramori_segments.time_statement import TimeStatement, check_confirmations, new_statement


class OverdueCare:
    """What could not be destroyed for want of a trusted clock."""

    def __init__(
        self,
        *,
        recorder_id: bytes,
        journal: Journal,
        recorder: Recorder,
        keeping: Keeping,
        custodians: Callable[[], CustodianSet],
        clock: Clock,
    ) -> None:
        self._recorder_id = recorder_id
        self._journal = journal
        self._recorder = recorder
        self._keeping = keeping
        self._custodians = custodians
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def overdue(self) -> Overdue:
        """Return what is overdue. Raises DeskFault."""
        async with asking():
            return await self._recorder.overdue()

    def state(self, later_than_utc_ms: int | None) -> TimeStatement:
        """Return a new statement; without a date it names what this machine's clock shows. Raises DeskFault."""
        date = self._clock.utc_ms() if later_than_utc_ms is None else later_than_utc_ms
        return new_statement(self._recorder_id, self._custodians(), date)

    async def take(self, confirmations: Sequence[bytes], actor: Actor) -> Erasure:
        """Take k confirmations of one statement, once; return the receipt of what died. Raises DeskFault."""
        async with self._one_at_a_time:
            try:
                statement, signers = check_confirmations(confirmations, self._recorder_id, self._custodians())
            except TimeRefused as refusal:
                raise CustodyRefused(refusal.reason.value, *key_sentences(refusal)) from refusal
            statement_id = statement.statement_id.hex()
            if statement_id in self._journal.holds.statements_used:
                raise CustodyRefused(
                    "used",
                    "This statement has been handed in before and counts once: make a new one.",
                    "この時刻確認書は提出済みです。新しい時刻確認書を作成してください。",
                )
            names = tuple(f"{card.name} ({card.title})" for card in signers)
            step = TimeConfirmed(statement_id, statement.later_than_utc_ms, names, tuple(confirmations))
            return await self._keeping.confirm_time(step, actor)
