"""Looks at the rings once a minute and says beforehand when a promise will be missed: status, metrics, one log line.

It must not know sockets or Prometheus.
"""

import asyncio
from zoneinfo import ZoneInfo

from kuramori import log
from kuramori.capacity.capacity_texts import capacity_problems
from kuramori.capacity.survey import plan_of_recorder
from kuramori.capacity_messages import CapacityPlan, CapacityRequest
from kuramori.forgetting import Forgetting
from kuramori.recorder import Recorder
from kuramori_segments.ledger_fault import LedgerFault

LOOK_SECONDS = 60.0
PROBLEM = "capacity"


class CapacityWatch:
    """Keeps `recorder.capacity` and the problem of that name up to date."""

    def __init__(self, recorder: Recorder, forgetting: Forgetting) -> None:
        self._recorder = recorder
        self._forgetting = forgetting
        self.handlers = {CapacityRequest: self._answer}

    async def run(self) -> None:
        """Look, once a minute, until cancelled."""
        while True:
            try:
                await self.look()
            except LedgerFault as fault:
                log.get().error("capacity_unknown", detail=str(fault))
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> CapacityPlan:
        """Look now. Raises LedgerFault."""
        plan = await self._recorder.books.call(self._plan)
        self._recorder.capacity = plan
        found = "; ".join(capacity_problems(plan, ZoneInfo(self._recorder.configuration.site.time_zone)))
        known = self._recorder.problems.pop(PROBLEM, "")
        if found:
            self._recorder.problems[PROBLEM] = found
        if bool(found) != bool(known):
            log.get().warning("retention_short" if found else "retention_fits", detail=found)
        return plan

    def _plan(self) -> CapacityPlan:
        return plan_of_recorder(self._recorder, self._forgetting.hold_budget())

    async def _answer(self, _question: CapacityRequest) -> CapacityPlan:
        return await self.look()
