"""Drills at the desk: a challenge for each custodian in office, and the day on which each last showed the key.

Must not know HTTP; never sees a private key.
"""

import asyncio
from collections.abc import Callable

from kuramori.desk.custody_fault import CustodyRefused, refused
from kuramori.desk.custody_steps import CustodyDrilled
from kuramori.desk.custody_store import CustodyStore
from kuramori.desk.journal import Actor, Journal
from kuramori.timebase import Clock
from kuramori_segments.custodian_card import CustodianCard
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.drill import Challenge, check_answer, new_challenge, read_answer
from kuramori_segments.key_faults import DrillRefused

CHALLENGE_DAYS = 60  # how long a challenge may wait for its custodian
CHALLENGE_MS = CHALLENGE_DAYS * 24 * 3600 * 1000


class Drilling:
    """Challenges out, answers in."""

    def __init__(
        self,
        *,
        recorder_id: bytes,
        journal: Journal,
        store: CustodyStore,
        custodians: Callable[[], CustodianSet],
        clock: Clock,
    ) -> None:
        self._recorder_id = recorder_id
        self._journal = journal
        self._store = store
        self._custodians = custodians
        self._clock = clock

    async def begin(self) -> list[tuple[CustodianCard, Challenge]]:
        """Return a new challenge for each custodian in office; earlier ones count no more. Raises DeskFault."""
        found, now = [], self._clock.utc_ms()
        for card in self._custodians().custodians:
            challenge, digest = new_challenge(self._recorder_id, card, now)
            await asyncio.to_thread(self._store.ask, challenge.drill_id, card.custodian_id, digest, now)
            found.append((card, challenge))
        return found

    async def take(self, document: bytes, identified_by: str) -> CustodianCard:
        """Take an answer, once; register it; return whose it is. Raises DeskFault."""
        try:
            answer = read_answer(document)
        except DrillRefused as fault:
            raise refused(fault) from fault
        asked = await asyncio.to_thread(self._store.asked, answer.drill_id)
        now = self._clock.utc_ms()
        custodians = {card.custodian_id: card for card in self._custodians().custodians}
        card = custodians.get(answer.custodian_id)
        if asked is None or card is None or asked[0] != answer.custodian_id or now - asked[2] > CHALLENGE_MS:
            raise CustodyRefused(
                "not-asked",
                "Nobody asked for this answer, or it was taken already, or too long ago: begin a new drill.",
                "この回答に対応する訓練がないか、受付済み又は期限切れです。改めて訓練を開始してください。",
            )
        try:
            check_answer(answer, asked[1], card)
        except DrillRefused as fault:
            raise refused(fault) from fault
        step = CustodyDrilled(card.custodian_id, card.name, answer.drill_id)
        await self._journal.write(step, Actor(card.name, identified_by), now)
        await asyncio.to_thread(self._store.answered, answer.drill_id)
        return card
