"""Writes that carry a key are done once: the same key gives the same answer, another body under it is refused.

    async with calls.turn(call):
        kept = await calls.begin(call)           # an answer to give again, or None: do it
        ...
        await calls.end(call, answer, effect)    # kept if it succeeded or something was registered, else forgotten

Must not know HTTP.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kuramori.desk.call_fault import AnswerGone, CallsUnkept, KeyReused, OutcomeUnknown
from kuramori.desk.call_store import KEPT_MS, Call, CallStore, CallStoreFault, KeptAnswer
from kuramori.timebase import Clock

SUCCESS = range(200, 300)


class Calls:
    """The calls of the last day. Use from one event loop."""

    def __init__(self, store: CallStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._turns: dict[tuple[str, str, str], tuple[asyncio.Lock, int]] = {}  # and how many want it

    @asynccontextmanager
    async def turn(self, call: Call) -> AsyncIterator[None]:
        """Wait until nobody else makes the same call."""
        lock, wanted = self._turns.get(call.place, (asyncio.Lock(), 0))
        self._turns[call.place] = lock, wanted + 1
        try:
            async with lock:
                yield
        finally:
            lock, wanted = self._turns.pop(call.place)
            if wanted > 1:
                self._turns[call.place] = lock, wanted - 1

    async def begin(self, call: Call) -> KeptAnswer | None:
        """Return the answer to give again, or None where the call is to be made; it is noted durably before.

        Raises KeyReused, OutcomeUnknown, AnswerGone, CallsUnkept.
        """
        try:
            kept = await asyncio.to_thread(self._store.begin, call, self._clock.utc_ms())
        except CallStoreFault as fault:
            raise CallsUnkept from fault
        if kept is None:
            return None
        if kept.body_digest != call.body_digest:
            raise KeyReused
        if kept.answer is None:
            raise OutcomeUnknown
        if kept.answer.content is None:
            raise AnswerGone(kept.answer.status)
        return kept.answer

    async def end(self, call: Call, answer: KeptAnswer, *, is_registered: bool) -> None:
        """Keep an answer that stands for an effect; forget a call that had none. Raises CallsUnkept."""
        try:
            if answer.status in SUCCESS or is_registered:
                await asyncio.to_thread(self._store.keep, call, answer)
            else:
                await asyncio.to_thread(self._store.drop, call)
        except CallStoreFault as fault:
            raise CallsUnkept from fault

    async def drop(self, call: Call) -> None:
        """Forget a call that broke off before anything was registered. Raises CallsUnkept."""
        await self.end(call, KeptAnswer(0, "", None, b""), is_registered=False)

    async def tidy(self) -> None:
        """Forget what is older than a day. Raises CallStoreFault."""
        await asyncio.to_thread(self._store.forget_before, self._clock.utc_ms() - KEPT_MS)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._store.close()
