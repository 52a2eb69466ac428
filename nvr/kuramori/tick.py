"""One tick a second: drain every camera, seal what is there, make it durable with one sync per volume.

There is no other timer on the path of a frame. While a slow medium still works on the last commit, sockets are
drained all the same and the next commit takes what came meanwhile. A commit that failed is never tried again: its
access units are sealed anew into other slots (see `recording`). This module must not know sockets or SQL.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kuramori import log
from kuramori.camera import Camera
from kuramori.recording import Batch, CameraRecording, DurableMark
from kuramori.timebase import Clock, ClockStep, UtcAnchor
from kuramori.vault_thread import CommitOutcome, FilledRun, LedgerNews, LedgerWriter, WorkThread, commit
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.run_tracker import RunChange
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume

COMMIT_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CAMERAS_IN_A_ROW = 8  # drained without a break: 10 to 20 ms at 4 Mbit/s
NS_PER_SECOND = 1_000_000_000


@dataclass(slots=True)
class TickFigures:
    """Plain figures of the tick, read at scrape time."""

    ticks: int = 0
    late_ticks: int = 0  # found the commit before still at work
    loop_lag_seconds: float = 0.0  # how late the last tick began
    loop_lag_most_seconds: float = 0.0
    commits: int = 0
    commit_seconds: float = 0.0
    commit_buckets: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_BUCKETS_SECONDS) + 1))
    write_errors: dict[int, int] = field(default_factory=dict)  # by errno
    ledger_errors: int = 0

    def note_commit(self, seconds: float) -> None:
        """Count one commit and how long it took."""
        self.commits += 1
        self.commit_seconds += seconds
        self.commit_buckets[bisect_left(COMMIT_BUCKETS_SECONDS, seconds)] += 1


class Filled(Protocol):
    """What is filled from one camera's card: committed with the ticks like a camera, but never drained by them."""

    durable: DurableMark | None

    @property
    def recording(self) -> CameraRecording: ...

    def take_ledger_changes(self) -> tuple[list[RunChange | FilledRun], list[tuple[int, GapReason, str]]]:
        """Return what the ledger must know before the next commit, and forget it here."""

    def break_run(self, reason: GapReason, detail: str = "") -> None:
        """What was to be written could not be kept."""


@dataclass(slots=True, eq=False)
class VolumeLane:
    """One volume with the cameras that are written to it, and its commit under way."""

    volume: Volume
    cameras: list[Camera]
    filled: list[Filled] = field(default_factory=list)
    under_way: asyncio.Task[None] | None = None
    doubtful: set[int] = field(default_factory=set)  # slots of failed commits, until they are looked at

    @property
    def busy(self) -> bool:
        return self.under_way is not None and not self.under_way.done()


@dataclass(slots=True, eq=False)
class Tick:
    """The heart of the recorder."""

    lanes: Sequence[VolumeLane]
    thread: WorkThread
    writer: LedgerWriter
    clock: Clock
    anchor: UtcAnchor
    interval_seconds: float
    request_epoch: Callable[[Camera], None]
    clock_stepped: Callable[[ClockStep], Awaitable[None]]
    recover: Callable[[Volume, Sequence[int]], object] = lambda _volume, _slots: None  # ends doubtful slots; blocking
    figures: TickFigures = field(default_factory=TickFigures)

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; then the last commit under way is waited for."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self.interval_seconds
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), max(0.0, due - loop.time()))
            except TimeoutError:
                lag = loop.time() - due
                self.figures.loop_lag_seconds = lag
                self.figures.loop_lag_most_seconds = max(self.figures.loop_lag_most_seconds, lag)
                await self._beat()
                due = max(due + self.interval_seconds, loop.time())
        await self.settle()

    async def settle(self) -> None:
        """Wait for the commits under way."""
        for lane in self.lanes:
            if lane.under_way is not None:
                await lane.under_way

    async def _beat(self) -> None:
        self.figures.ticks += 1
        boot_ns = self.clock.boot_ns()
        step = self.anchor.observe(self.clock.utc_ms(), boot_ns)
        if step is not None:
            await self.clock_stepped(step)
        utc_ms = self.anchor.utc_ms(boot_ns)
        for lane in self.lanes:
            for position, camera in enumerate(lane.cameras):
                if position % CAMERAS_IN_A_ROW == 0:
                    await asyncio.sleep(0)  # whoever asks the recorder something waits for a few cameras, not for all
                camera.drain(utc_ms)
                if camera.recording.wants_epoch(boot_ns):
                    camera.recording.plan.requested = True
                    self.request_epoch(camera)
            if lane.busy:
                self.figures.late_ticks += 1
                continue
            self._begin_commit(lane, boot_ns, utc_ms, finishing=False)

    def _begin_commit(self, lane: VolumeLane, boot_ns: int, utc_ms: int, *, finishing: bool) -> None:
        news: list[LedgerNews] = []
        batches: list[tuple[Camera | Filled, Batch]] = []
        writers: list[Camera | Filled] = [*lane.cameras, *lane.filled]
        for camera in writers:
            recording = camera.recording
            batch = recording.finish(boot_ns, utc_ms) if finishing else recording.collect(boot_ns, utc_ms)
            if batch is not None:
                batches.append((camera, batch))
            changes, outages = camera.take_ledger_changes()
            if changes or outages:
                news.append(LedgerNews(recording.camera_number, tuple(changes), tuple(outages)))
        if news or batches or self.writer.waiting or lane.volume.unsettled:
            lane.under_way = asyncio.create_task(self._commit(lane, news, batches), name="commit")

    async def _commit(
        self, lane: VolumeLane, news: list[LedgerNews], batches: list[tuple[Camera | Filled, Batch]]
    ) -> None:
        began_ns = self.clock.boot_ns()
        outcome = await self.thread.call(commit, lane.volume, self.writer, news, [batch for _, batch in batches])
        self.figures.note_commit((self.clock.boot_ns() - began_ns) / NS_PER_SECOND)
        self._note_faults(outcome)
        await self._mind_doubtful(lane, outcome)
        for camera, batch in batches:
            if outcome.fault is None:
                camera.recording.acknowledge(batch)
                if batch.mark is not None:
                    camera.durable = batch.mark
            elif not camera.recording.seal_again(batch):
                camera.break_run(GapReason.STORAGE_FAULT, "what was to be written could not be kept")
            batch.release()

    async def _mind_doubtful(self, lane: VolumeLane, outcome: CommitOutcome) -> None:
        """Once the medium takes writes again, end the segments that a failed commit left without an end."""
        if outcome.fault is not None:
            lane.doubtful.update(outcome.fault.slots)
            return
        slots, lane.doubtful = lane.doubtful, set()
        if slots:
            try:
                await self.thread.call(self.recover, lane.volume, sorted(slots))
            except StorageFault as fault:
                log.get().error("slots_stay_doubtful", slots=sorted(slots), detail=str(fault))

    def _note_faults(self, outcome: CommitOutcome) -> None:
        if outcome.ledger_fault is not None:
            self.figures.ledger_errors += 1
            log.get().error("ledger_unwritable", detail=str(outcome.ledger_fault))
        if outcome.fault is not None:
            errno = outcome.fault.errno
            self.figures.write_errors[errno] = self.figures.write_errors.get(errno, 0) + 1
            log.get().error("volume_unwritable", errno=errno, detail=str(outcome.fault), slots=outcome.fault.slots)

    async def finish(self) -> None:
        """After the last drain: close every segment, make it durable, and bring the slot tables up to date."""
        await self.settle()
        boot_ns = self.clock.boot_ns()
        for lane in self.lanes:
            self._begin_commit(lane, boot_ns, self.anchor.utc_ms(boot_ns), finishing=True)
        await self.settle()
        for lane in self.lanes:
            await self.thread.call(lane.volume.flush)
