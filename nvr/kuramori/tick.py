"""One tick a second: drain every camera, seal what is there, make it durable with one sync per volume.

There is no other timer on the path of a frame. While a slow medium still works on the last commit, sockets are
drained all the same and the next commit takes what came meanwhile. A commit that failed is never tried again: its
access units are sealed anew into other slots (see `recording`), and the watch over storage says where (see
`storage_watch`). This module must not know sockets or SQL.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from kuramori import log
from kuramori.camera import Camera
from kuramori.recording_values import Batch
from kuramori.storage_texts import ledger_lost_problem, ledger_problem
from kuramori.storage_watch import NOT_KEPT, StorageWatch
from kuramori.timebase import Clock, ClockStep, UtcAnchor
from kuramori.vault_thread import CommitOutcome, LedgerNews, LedgerWriter, WorkThread, commit
from kuramori.volume_lane import CommitFigures, CommitUnderWay, Filled, VolumeLane
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger_store import Mend
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume

CAMERAS_IN_A_ROW = 8  # drained without a break: 10 to 20 ms at 4 Mbit/s
NS_PER_SECOND = 1_000_000_000
LEDGER_PATIENCE_SECONDS = 2.0  # longer than that no commit waits for the ledger
LEDGER_LOOK_TICKS = 5  # so often its file is looked for, also without news
LAGS_KEPT = 60  # ticks: the longest lag of a minute is told
STOP_PATIENCE_SECONDS = 5.0  # longer than that no stop waits for a medium that hangs


@dataclass(slots=True)
class TickFigures(CommitFigures):
    """Plain figures of the tick, and of the commits of all volumes, read at scrape time."""

    ticks: int = 0
    late_ticks: int = 0  # found the commit before still at work
    loop_lag_seconds: float = 0.0  # how late the last tick began
    recent_lags_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=LAGS_KEPT))
    ledger_errors: int = 0

    @property
    def loop_lag_most_seconds(self) -> float:
        """How late the latest of the last LAGS_KEPT ticks began."""
        return max(self.recent_lags_seconds, default=0.0)


@dataclass(slots=True, eq=False)
class Tick:
    """The heart of the recorder."""

    lanes: Sequence[VolumeLane]
    thread: WorkThread  # of the ledger; each volume has its own
    writer: LedgerWriter
    clock: Clock
    anchor: UtcAnchor
    interval_seconds: float
    request_epoch: Callable[[Camera], None]
    clock_stepped: Callable[[ClockStep], Awaitable[None]]
    watch: StorageWatch
    recover: Callable[[Volume, Sequence[int]], object] = lambda _volume, _slots: None  # ends doubtful slots; blocking
    beaten: Callable[[], None] = lambda: None  # told after every tick: the recorder's pulse
    figures: TickFigures = field(default_factory=TickFigures)
    _telling: asyncio.Task[None] | None = None  # the ledger is being written
    _ledger_hangs: bool = False
    _told_mended: Mend = Mend.IN_PLACE

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; then the commits under way are waited for."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self.interval_seconds
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), max(0.0, due - loop.time()))
            except TimeoutError:
                lag = loop.time() - due
                self.figures.loop_lag_seconds = lag
                self.figures.recent_lags_seconds.append(lag)
                await self._beat()
                due = max(due + self.interval_seconds, loop.time())
        await self.settle()

    async def settle(self) -> None:
        """Wait for the commits under way, but not for a medium that hangs."""
        tasks = [lane.under_way for lane in self.lanes if lane.under_way is not None and not _is_given_up(lane)]
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_PATIENCE_SECONDS)
            for task in tasks:
                if task.done():
                    task.result()

    async def _beat(self) -> None:
        self.figures.ticks += 1
        boot_ns = self.clock.boot_ns()
        step = self.anchor.observe(self.clock.utc_ms(), boot_ns)
        if step is not None:
            await self.clock_stepped(step)
        utc_ms = self.anchor.utc_ms(boot_ns)
        for lane in list(self.lanes):
            for position, camera in enumerate(lane.cameras):
                if position % CAMERAS_IN_A_ROW == 0:
                    await asyncio.sleep(0)  # whoever asks the recorder something waits for a few cameras, not for all
                camera.drain(utc_ms)
                if camera.recording.wants_epoch(boot_ns):
                    camera.recording.plan.requested = True
                    self.request_epoch(camera)
            if lane.busy:
                self.figures.late_ticks += 1
            if self.watch.mind(lane, boot_ns):
                self._begin_commit(lane, boot_ns, utc_ms, finishing=False)
            else:
                self._offer_news(lane)
        due = self.writer.waiting or self.figures.ticks % LEDGER_LOOK_TICKS == 0
        if due and not self._is_telling:
            self._telling = asyncio.create_task(self._write_ledger(), name="ledger")
        self.beaten()

    def _offer_news(self, lane: VolumeLane) -> None:
        news: list[LedgerNews] = []
        for camera in lane.writers:
            changes, outages = camera.take_ledger_changes()
            if changes or outages:
                news.append(LedgerNews(camera.recording.camera_number, tuple(changes), tuple(outages)))
        self.writer.offer(news)

    def _begin_commit(self, lane: VolumeLane, boot_ns: int, utc_ms: int, *, finishing: bool) -> None:
        batches: list[tuple[Camera | Filled, Batch]] = []
        for camera in lane.writers:
            recording = camera.recording
            ends = finishing or recording.camera_number in lane.leaving
            batch = recording.finish(boot_ns, utc_ms) if ends else recording.collect(boot_ns, utc_ms)
            if batch is not None:
                batches.append((camera, batch))
        self._offer_news(lane)
        if batches or lane.doubtful or lane.left or lane.volume.unsettled:
            lane.commit = CommitUnderWay(batches, boot_ns)
            lane.under_way = asyncio.create_task(self._commit(lane, lane.commit), name="commit")

    async def _commit(self, lane: VolumeLane, under_way: CommitUnderWay) -> None:
        if self.writer.waiting:  # the ledger first: every durable access unit has its run
            await self._tell_ledger()
        if under_way.given_up:
            return self._release(under_way)
        began_ns = under_way.began_boot_ns = self.clock.boot_ns()
        batches = under_way.batches
        outcome = await lane.thread.call(commit, lane.volume, [batch for _, batch in batches])
        if under_way.given_up:  # its pictures went elsewhere meanwhile
            return self._release(under_way)
        for figures in (self.figures, lane.figures):
            figures.note_commit((self.clock.boot_ns() - began_ns) / NS_PER_SECOND)
        for camera, batch in batches:
            if outcome.fault is None:
                camera.recording.acknowledge(batch)
                if batch.mark is not None:
                    camera.durable = batch.mark
            elif not camera.recording.seal_again(batch):
                camera.cut_run(GapReason.STORAGE_FAULT, NOT_KEPT)
            for slot in camera.recording.left_slots:
                lane.left.setdefault(slot, None)
            camera.recording.left_slots.clear()
        self._release(under_way)
        self._note_fault(lane, outcome)
        await self._mind_doubtful(lane, outcome)
        if outcome.fault is None:
            self.watch.commit_succeeded(lane)
        else:
            self.watch.commit_failed(lane, outcome.fault)
        return None

    def _release(self, under_way: CommitUnderWay) -> None:
        for _, batch in under_way.batches:
            batch.release()

    async def _mind_doubtful(self, lane: VolumeLane, outcome: CommitOutcome) -> None:
        """Once the medium takes writes again, end the segments that a failed commit left without an end."""
        if outcome.fault is not None:
            lane.doubtful.update(outcome.fault.slots)
            return
        left, lane.left = lane.left, {}
        slots, lane.doubtful = lane.doubtful | left.keys(), set()
        if slots:
            lane.volume.retract(left)
            try:
                await lane.thread.call(self.recover, lane.volume, sorted(slots))
            except StorageFault as fault:
                log.get().error("slots_stay_doubtful", slots=sorted(slots), detail=str(fault))

    def _note_fault(self, lane: VolumeLane, outcome: CommitOutcome) -> None:
        fault = outcome.fault
        if fault is not None:
            for figures in (self.figures, lane.figures):
                figures.write_errors[fault.errno] = figures.write_errors.get(fault.errno, 0) + 1
            log.get(volume=lane.name).error(
                "volume_unwritable", errno=fault.errno, detail=str(fault), slots=fault.slots
            )

    # ---- the ledger ------------------------------------------------------------------------------------------

    @property
    def _is_telling(self) -> bool:
        return self._telling is not None and not self._telling.done()

    async def _tell_ledger(self) -> None:
        """Wait until what waits now is in the ledger. One that cannot be written, or hangs, costs no frame."""
        if self._ledger_hangs and self._is_telling:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LEDGER_PATIENCE_SECONDS
        began = self._is_telling  # then perhaps before the latest news came
        for _ in range(1 + began):
            if not self._is_telling and self.writer.waiting:
                self._telling = asyncio.create_task(self._write_ledger(), name="ledger")
            if self._telling is not None:
                await asyncio.wait([self._telling], timeout=max(0.0, deadline - loop.time()))
        self._ledger_hangs = self._is_telling
        if self._ledger_hangs:
            self._note_ledger("a write has not ended")

    async def _write_ledger(self) -> None:
        fault = await self.thread.call(self.writer.write)
        self._ledger_hangs = False
        self._tell_mended()
        if fault is None:
            self.watch.problems.pop("ledger", None)
        else:
            self._note_ledger(str(fault))

    def _tell_mended(self) -> None:
        """The ledger's file went away while it was in use: told until the recorder is restarted."""
        found = self.writer.mended
        if found is not self._told_mended:
            self._told_mended = found
            self.watch.problems["ledger-file"] = ledger_lost_problem(found)
            log.get().error("ledger_vanished", mended=found.value)

    def _note_ledger(self, detail: str) -> None:
        self.figures.ledger_errors += 1
        self.watch.problems["ledger"] = ledger_problem(detail, len(self.writer.waiting))
        log.get().error("ledger_unwritable", detail=detail)

    # ---- the end ---------------------------------------------------------------------------------------------

    async def finish(self) -> None:
        """After the last drain: close every segment, make it durable, and bring the slot tables up to date."""
        await self.settle()
        boot_ns = self.clock.boot_ns()
        for lane in self.lanes:
            self._offer_news(lane)
            if lane.busy or lane.is_returning:
                continue
            if lane.health.needs_return:
                lane.health.next_try_boot_ns = 0  # a last look: perhaps what waits can be written after all
                self.watch.mind(lane, boot_ns)
                if lane.returning is not None:
                    await asyncio.wait([lane.returning], timeout=STOP_PATIENCE_SECONDS)
            if not lane.health.needs_return:
                self._begin_commit(lane, boot_ns, self.anchor.utc_ms(boot_ns), finishing=True)
        await self.settle()
        if self.writer.waiting:
            await self._tell_ledger()
        for lane in self.lanes:
            if lane.health.needs_return or lane.busy:
                continue
            try:
                await lane.thread.call(lane.volume.flush)
            except StorageFault as fault:
                log.get(volume=lane.name).error("volume_unwritable", detail=str(fault))


def _is_given_up(lane: VolumeLane) -> bool:
    return lane.commit is not None and lane.commit.given_up
