"""Takes up volumes that were away at the start, without a restart, and makes the rest of the recorder agree with them.

Before a camera is recorded into a volume that is new here, holds name their slots on it and the ledger's runs reach as
far as it holds. This module must not know how a volume is opened or why it was away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from kuramori import log
from kuramori.recorder import Recorder
from kuramori.storage_fault_texts import storage_fault_text
from kuramori.storage_texts import volume_problem
from kuramori.storage_watch import StorageWatch
from kuramori.vault import durable_ends_of, tell_recovery
from kuramori.vault_thread import WorkThread
from kuramori.volume_health import NS_PER_SECOND, VolumeHealth, VolumeState
from kuramori.volume_lane import VolumeLane
from kuramori.volume_return import Returned, VolumeAway, open_volume
from kuramori_segments.ledger_fault import LedgerFault
from kuramori_segments.recovery import RecoveryReport
from kuramori_segments.storage_fault import StorageFault, VolumeRefused

LOOK_SECONDS = 2.0  # between two looks at a volume that is away


class VolumeArrivals:
    """Looks for the volumes that are away, each in a thread of its own: one that hangs holds up none."""

    def __init__(self, recorder: Recorder, renew_holds: Callable[[], Awaitable[None]]) -> None:
        self._recorder = recorder
        self._renew_holds = renew_holds
        self._threads: dict[Path, WorkThread] = {}
        self._tasks: dict[Path, asyncio.Task[None]] = {}
        self._began_boot_ns = recorder.clock.boot_ns()
        self.watch: StorageWatch | None = None

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        recorder = self._recorder
        try:
            while True:
                for path, why in list(recorder.vault.shelf.away.items()):
                    self._tell(path, storage_fault_text(why))
                    if path not in self._tasks or self._tasks[path].done():
                        self._tasks[path] = asyncio.create_task(self._look(path), name="volume's arrival")
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in self._tasks.values():
                task.cancel()
            for thread in self._threads.values():
                thread.close(wait=False)

    async def expect(self, paths: Iterable[Path]) -> None:
        """The configuration names these volumes now: those that are new are watched and taken up at once."""
        recorder = self._recorder
        shelf, keeping = recorder.vault.shelf, recorder.vault.media
        for path in paths:
            if path in shelf.places or await recorder.books.call(keeping.is_retired, path):
                continue
            shelf.add(path)
            if recorder.media is not None:
                recorder.media.add(path)
            log.get(volume=str(path)).info("volume_added")
            self._tasks[path] = asyncio.create_task(self._look(path), name="volume's arrival")

    async def _look(self, path: Path) -> None:
        recorder = self._recorder
        vault = recorder.vault
        thread = self._threads.setdefault(path, WorkThread("volume"))
        try:
            returned = await thread.call(open_volume, path, vault.signer, vault.identity.recorder_id)
        except (VolumeAway, VolumeRefused, StorageFault) as fault:
            if str(fault) != str(vault.shelf.away.get(path, "")):
                log.get(volume=str(path)).error("volume_away", detail=str(fault))
            vault.shelf.miss(path, fault)
            return
        lane = VolumeLane(returned.volume, [], path, thread=self._threads.pop(path))
        await self.welcome(lane, returned)
        recorder.lanes.append(lane)
        lane.health.note_return(recorder.clock.boot_ns())
        lane.health.since_boot_ns = recorder.clock.boot_ns()
        recorder.problems.pop(f"volume {path}", None)
        log.get(volume=str(path)).warning("volume_arrived")
        await recorder.note("volume_arrived", volume=str(path))

    async def welcome(self, lane: VolumeLane, returned: Returned) -> None:
        """A volume was opened, or opened anew: everybody who must know it is told before it is written."""
        if returned.report is None or lane.path is None:
            await self._renew_holds()  # what could not be read meanwhile
            return
        vault = self._recorder.vault
        tell_recovery(returned.report)
        vault.shelf.put(lane.path, returned.volume)
        try:
            await self._recorder.commits.call(self._reach_further, returned.report)
        except LedgerFault as fault:
            log.get().error("ledger_unwritable", detail=str(fault))
        await self._renew_holds()

    def _reach_further(self, report: RecoveryReport) -> None:
        """Blocking: let runs that were cut for want of this volume reach as far as it holds."""
        ends = durable_ends_of({tail.camera_number: tail for tail in report.tails})
        for camera_number, end in ends.items():
            self._recorder.vault.ledger.reach_further(camera_number, end)

    def _tell(self, path: Path, why: str) -> None:
        media = self._recorder.media
        seconds = (self._recorder.clock.boot_ns() - self._began_boot_ns) / NS_PER_SECOND
        if media is not None and media.excuses(path, seconds):
            self._recorder.problems.pop(f"volume {path}", None)
            return
        health = VolumeHealth(VolumeState.AWAY, detail=why)
        problem = volume_problem(str(path), health, self._recorder.clock.boot_ns(), alone=False)
        if problem is not None:
            self._recorder.problems[f"volume {path}"] = problem
