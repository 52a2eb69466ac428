"""Looks at every medium while recording goes on, and keeps what is said of it up to date, until cancelled.

The system is asked once a minute, each medium in a thread of its own that nothing waits for: one that does not return
makes that medium unknown and holds nobody. What the recorder itself met counts within seconds. This module must not
know lanes, sockets or Prometheus.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kuramori import log
from kuramori.camera_messages import Light
from kuramori.storage_health.judgement import Seen, judge
from kuramori.storage_health.medium_facts import MediumFacts, OwnFacts
from kuramori.storage_health.medium_history import MediumHistory
from kuramori.storage_health.medium_report import MediumReport
from kuramori.storage_health.medium_texts import report_problems
from kuramori.storage_health.sysfs_medium import Sources, look
from kuramori.texts import joined
from kuramori.timebase import Clock
from kuramori.vault_thread import WorkThread

JUDGE_SECONDS = 2.0
LOOK_SECONDS = 60.0
SILENT_SECONDS = 30.0  # a look that has not ended by then says that the medium is unknown
SAVE_SECONDS = 3600.0  # what was written is counted from the system's own figures: little is lost in between
NS_PER_SECOND = 1_000_000_000
CLOSE_SECONDS = 0.3  # for what is under way at the end
PROBLEM = "health "


async def _no_probe() -> None:
    """Who records there tries it every second."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One place to look at."""

    path: Path
    endurance_bytes: int | None = None
    own: Callable[[], OwnFacts] = OwnFacts
    probe: Callable[[], Awaitable[None]] = _no_probe  # tries by writing where nothing else writes; never raises
    beside_volumes: bool = False  # told only where it lies on another disk than every volume


@dataclass(slots=True)
class _Medium:
    """What is known of one place while this runs."""

    thread: WorkThread = field(default_factory=lambda: WorkThread("medium health"))
    looking: asyncio.Task[None] | None = None
    probing: asyncio.Task[None] | None = None
    asked_boot_ns: int = 0
    facts: MediumFacts | None = None
    looked_utc_ms: int | None = None
    own: OwnFacts = field(default_factory=OwnFacts)  # as taken in last
    was_swapped: bool = False
    report: MediumReport | None = None

    @property
    def identity(self) -> str | None:
        """Which one lies there; None before the first look."""
        return self.report.identity if self.report is not None else None

    @property
    def waits(self) -> bool:
        """Tell whether a look has not ended."""
        return self.looking is not None and not self.looking.done()


class HealthWatch:
    """Keeps `reports`; what an operator must know stands in `problems`."""

    def __init__(
        self,
        watched: Callable[[], Sequence[Watched]],
        history: MediumHistory,
        sources: Sources,
        clock: Clock,
        now_utc_ms: Callable[[], int],
        boot_id: str,
        problems: dict[str, str],
        noted: Callable[[str, Mapping[str, str]], None] = lambda _kind, _facts: None,
    ) -> None:
        self._watched = watched
        self._history = history
        self._sources = sources
        self._clock = clock
        self._now_utc_ms = now_utc_ms
        self._boot_id = boot_id
        self._problems = problems
        self._noted = noted
        self._media: dict[Path, _Medium] = {}
        self._keeper = WorkThread("medium history")
        self._saving: asyncio.Task[None] | None = None
        self._saved_boot_ns = 0
        self.hangs = False  # at the end: a thread still waits for a medium, and cannot be ended
        self.save_fault = ""  # why what is remembered could not be written

    @property
    def reports(self) -> tuple[MediumReport, ...]:
        """What is said of every medium now, volumes first."""
        found, devices = [], set()
        for one in sorted(self._watched(), key=lambda one: one.beside_volumes):
            medium = self._media.get(one.path)
            report = medium.report if medium is not None else None
            if report is None:
                report = MediumReport(str(one.path), endurance_bytes=one.endurance_bytes)
            if not (one.beside_volumes and report.device in devices):
                found.append(report)
            if report.device:
                devices.add(report.device)
        return tuple(found)

    async def run(self) -> None:
        """Look again and again."""
        try:
            await self._keeper.call(self._history.read)
            while True:
                self.step()
                await asyncio.sleep(JUDGE_SECONDS)
        finally:
            await self._close()

    def step(self) -> None:
        """Judge everything by what is known now, and begin the looks that are due. Never waits."""
        watched = self._watched()
        boot_ns = self._clock.boot_ns()
        for path in self._media.keys() - {one.path for one in watched}:
            self._forget(path)
        for one in watched:
            medium = self._media.setdefault(one.path, _Medium())
            due = not medium.asked_boot_ns or boot_ns - medium.asked_boot_ns >= LOOK_SECONDS * NS_PER_SECOND
            if due and not medium.waits:
                medium.asked_boot_ns = boot_ns
                medium.looking = asyncio.create_task(self._look(one, medium), name="medium health")
            if medium.probing is None or medium.probing.done():
                medium.probing = asyncio.ensure_future(one.probe())
            self._judge(one, medium)
        if self._history.changed or boot_ns - self._saved_boot_ns >= SAVE_SECONDS * NS_PER_SECOND:
            self._save(boot_ns)

    def accept(self, volume: str, identity: str) -> MediumReport | None:
        """The medium of this identity is the right one; None: nobody looks at such a place, or another lies there."""
        for one in self._watched():
            medium = self._media.get(one.path)
            if str(one.path) == volume and medium is not None and medium.identity == identity:
                self._history.accept(volume)
                self._judge(one, medium)
                return medium.report
        return None

    async def _look(self, one: Watched, medium: _Medium) -> None:
        """Ask the system; nothing waits for this."""
        facts = await medium.thread.call(look, one.path, self._sources, self._now_utc_ms() / 1000)
        volume, utc_ms = str(one.path), self._now_utc_ms()
        medium.facts, medium.looked_utc_ms = facts, utc_ms
        self._history.look(volume, facts, self._boot_id, utc_ms)
        own, before = one.own(), medium.own
        self._history.paced(volume, own.commits - before.commits, own.commit_seconds - before.commit_seconds)
        medium.own = replace(medium.own, commits=own.commits, commit_seconds=own.commit_seconds)
        if self._media.get(one.path) is medium:
            self._judge(one, medium)

    def _judge(self, one: Watched, medium: _Medium) -> None:
        volume, utc_ms, boot_ns = str(one.path), self._now_utc_ms(), self._clock.boot_ns()
        own = one.own()
        if own.io_errors > medium.own.io_errors:
            self._history.met(volume, own.io_errors - medium.own.io_errors, utc_ms)
        medium.own = replace(medium.own, io_errors=own.io_errors)
        waited_seconds = (boot_ns - medium.asked_boot_ns) / NS_PER_SECOND if medium.waits else 0.0
        silent = waited_seconds >= SILENT_SECONDS
        seen = Seen(
            volume,
            None if silent else medium.facts,
            waited_seconds if silent else 0.0,
            own,
            self._history.place(volume),
            self._history.life(volume),
            one.endurance_bytes,
        )
        report = judge(seen, utc_ms)
        before = medium.report
        if medium.facts is not None or silent:  # before the first look nothing is said that would be remembered
            since = self._history.lit(volume, report.light, utc_ms)
            report = replace(report, light_since_utc_ms=since)
        medium.report = replace(report, looked_utc_ms=medium.looked_utc_ms)
        self._tell(medium.report, before, medium)

    def _tell(self, report: MediumReport, before: MediumReport | None, medium: _Medium) -> None:
        found = joined(report_problems(report))
        if found:
            self._problems[PROBLEM + report.volume] = found
        else:
            self._problems.pop(PROBLEM + report.volume, None)
        shown = before.light if before is not None and before.light_since_utc_ms is not None else None
        if report.light_since_utc_ms is not None and shown is not report.light:
            line = log.get(volume=report.volume, device=report.device, light=report.light.value)
            keys = ",".join(one.key for one in report.evidence if one.light is report.light)
            (line.error if report.light is Light.RED else line.info)("medium_light", evidence=keys)
        if report.swapped and not medium.was_swapped:
            facts = {"volume": report.volume, "identity": report.identity, "accepted": report.accepted_identity}
            log.get(**facts).error("medium_swapped")
            self._noted("medium_swapped", facts)
        medium.was_swapped = report.swapped

    def _forget(self, path: Path) -> None:
        medium = self._media.pop(path)
        medium.thread.close(wait=False)
        self._problems.pop(PROBLEM + str(path), None)

    def _save(self, boot_ns: int) -> None:
        if self._saving is None or self._saving.done():
            self._saved_boot_ns = boot_ns
            self._saving = asyncio.create_task(self._keep(), name="medium history")

    async def _keep(self) -> None:
        try:
            await self._keeper.call(self._history.save, self._history.snapshot())
            self.save_fault = ""
        except OSError as fault:
            self.save_fault = fault.strerror or str(fault)
            log.get().error("storage_history_unwritable", detail=str(fault))

    async def _close(self) -> None:
        """Write what is known once more, unless a write hangs already, and leave the threads."""
        if self._saving is None or self._saving.done():
            self._save(self._clock.boot_ns())
        looks = [medium.looking for medium in self._media.values() if medium.looking is not None]
        probes = [medium.probing for medium in self._media.values() if medium.probing is not None]
        waited = [*looks, *([self._saving] if self._saving is not None else [])]
        pending = (await asyncio.wait(waited, timeout=CLOSE_SECONDS))[1] if waited else set()
        self.hangs = bool(pending)
        for task in (*pending, *probes):
            task.cancel()
        for medium in self._media.values():
            medium.thread.close(wait=False)
        self._keeper.close(wait=False)
