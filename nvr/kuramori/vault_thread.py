"""The threads in which the vault blocks: one per volume, one for the ledger, one for keys. The loop waits on no disk.

One thread each keeps the order of writes without a lock. A thread whose disk hangs is left alone, with everything
that it holds; the others go on. This module must not know cameras' streams.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from kuramori import log
from kuramori.recording_values import Batch
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_fault import LedgerFault, LedgerMisuse
from kuramori_segments.ledger_records import DurableEnd
from kuramori_segments.ledger_store import Mend
from kuramori_segments.run_tracker import RunChange, RunClosed, RunOpened
from kuramori_segments.slot_change import CommitResult
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume

P = ParamSpec("P")
T = TypeVar("T")


class WorkThread:
    """Runs blocking calls one after another in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` after everything that was handed over before it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*args, **kwargs))

    def close(self, *, wait: bool = True) -> None:
        """Finish what was handed over and end the thread; without `wait` it ends by itself, or never."""
        self._executor.shutdown(wait=wait)


@dataclass(frozen=True, slots=True)
class FilledRun:
    """A run that is being filled from the camera's card, as far as it reaches with the next commit."""

    begin: DurableEnd
    end: DurableEnd


@dataclass(frozen=True, slots=True)
class RunCut:
    """Nothing behind this access unit was kept, whatever was told of runs before: they end here at the latest."""

    end: DurableEnd
    reason: GapReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LedgerNews:
    """What the ledger must know of one camera before the next commit."""

    camera_number: int
    run_changes: tuple[RunChange | FilledRun | RunCut, ...]
    outages: tuple[tuple[int, GapReason, str], ...]  # utc_ms, reason, detail


@dataclass(frozen=True, slots=True)
class CommitOutcome:
    """What became of one tick's writes on one volume."""

    result: CommitResult
    fault: StorageFault | None = None


@dataclass(slots=True)
class LedgerWriter:
    """Puts news into the ledger; what could not be written is kept, in order, for the next time."""

    ledger: Ledger
    waiting: list[LedgerNews] = field(default_factory=list)
    undated_since: Mapping[int, int] = field(default_factory=dict)  # by camera number: the event, while time is unknown
    mended: Mend = Mend.IN_PLACE  # the worst that was found of the ledger's own file

    def offer(self, news: list[LedgerNews]) -> None:
        """Let news wait for the next `write`. May be called while one is under way."""
        self.waiting += news

    def write(self) -> LedgerFault | None:
        """Write everything that waits in one batch. Blocking, from one thread only."""
        found = self.ledger.mend()
        if found is not Mend.IN_PLACE:
            self.mended = found
        news = list(self.waiting)
        if not news:
            return None
        try:
            with self.ledger.batch():
                for item in news:
                    try:
                        self._write_one(item)
                    except LedgerMisuse as misuse:  # one camera's confusion must not hold the others' news back
                        log.get(camera_number=item.camera_number).error("ledger_refused", detail=str(misuse))
        except LedgerFault as fault:
            return fault
        del self.waiting[: len(news)]
        return None

    def _write_one(self, item: LedgerNews) -> None:
        for change in item.run_changes:
            match change:
                case RunOpened(start_utc_ms=utc_ms, start_access_unit=unit):
                    self.ledger.open_run(item.camera_number, utc_ms, unit)
                case RunClosed(end_utc_ms=utc_ms, end_access_unit=unit, reason=reason, detail=detail):
                    self.ledger.close_run(item.camera_number, utc_ms, unit, reason, detail)
                case FilledRun(begin=begin, end=end):
                    self.ledger.note_filled(item.camera_number, begin, end)
                case RunCut(end=end, reason=reason, detail=detail):
                    self.ledger.cut_runs(item.camera_number, end, reason, detail)
        for utc_ms, reason, detail in item.outages:
            since = self.undated_since.get(item.camera_number, 0)
            self.ledger.note_outage(item.camera_number, utc_ms, reason, detail, since)


def commit(volume: Volume, batches: Sequence[Batch]) -> CommitOutcome:
    """Make one tick durable on one volume, with one sync. Blocking."""
    writes = [write for batch in batches for write in batch.writes]
    changes = [change for batch in batches for change in batch.changes]
    try:
        return CommitOutcome(volume.commit(writes, changes))
    except StorageFault as fault:
        return CommitOutcome(CommitResult(), fault)
