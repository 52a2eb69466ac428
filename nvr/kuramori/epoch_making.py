"""Makes the hour's key that a camera asks for, as soon as the first rotation of this start is over, never before.

Cameras are connected while that rotation still runs: what they send waits in bounded memory, for nothing is sealed
without an epoch. A keystore that makes none is asked again after longer and longer waits; one that does not answer at
all is told. This module must not know ticks, volumes or when keys die.
"""

import asyncio
import contextlib
from collections.abc import Iterator

from kuramori import log
from kuramori.camera import Camera
from kuramori.epoch_pause import NS_PER_SECOND, EpochPause
from kuramori.epoch_plan import NS_PER_MS
from kuramori.recorder import Recorder
from kuramori.storage_texts import keystore_late_problem, keystore_problem
from kuramori_segments.keystore_faults import KeystoreFault

PROBLEM = "keystore"
LATE_SECONDS = 10.0  # a key that is not made by then is told


class EpochMaking:
    """The epochs of one recorder's cameras."""

    def __init__(self, recorder: Recorder, late_seconds: float = LATE_SECONDS) -> None:
        self._recorder = recorder
        self._late_seconds = late_seconds
        self._begun = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause = EpochPause()
        self._one_at_a_time = asyncio.Lock()

    def begin(self) -> None:
        """The reference of this boot dates new epochs from now on (`Keystore.rotate`): make what was asked for."""
        self._begun.set()

    def request(self, camera: Camera) -> None:
        """Make an epoch for a camera; its plan hears of it once it is durable."""
        camera.recording.plan.requested = True
        task = asyncio.create_task(self._make(camera), name=f"epoch {camera.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, seconds: float) -> None:
        """At the stop: wait a moment for the epochs under which waiting pictures are to be sealed; give up the rest."""
        for camera in self._recorder.cameras.values():
            if camera.recording.waiting_units and camera.recording.wants_epoch(self._recorder.clock.boot_ns()):
                self.request(camera)
        tasks = tuple(self._tasks)
        if tasks and self._begun.is_set():
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, camera: Camera) -> None:
        """Make an epoch, however often that must be tried; the tick does not ask again meanwhile."""
        with self._told_when_late():
            await self._begun.wait()
        made = False
        while not made:
            async with self._one_at_a_time:
                while (left_ns := self._pause.left_ns(self._recorder.clock.boot_ns())) > 0:
                    await asyncio.sleep(left_ns / NS_PER_SECOND)
                made = await self._try(camera)

    async def _try(self, camera: Camera) -> bool:
        """Make an epoch that begins no later than the oldest access unit that will be sealed under it."""
        recorder = self._recorder
        boot_ms = recorder.clock.boot_ns() // NS_PER_MS
        utc_ms = recorder.anchor.utc_ms(boot_ms * NS_PER_MS)
        waiting = camera.recording.waiting_since_us
        if waiting is not None:
            utc_ms, boot_ms = min(utc_ms, waiting[0] // 1000), min(boot_ms, waiting[1] // 1000)
        number = camera.recording.camera_number
        try:
            with self._told_when_late():
                epoch = await recorder.keys.call(recorder.vault.keystore.new_epoch, number, utc_ms, boot_ms)
        except KeystoreFault as fault:
            recorder.problems[PROBLEM] = keystore_problem(str(fault))
            if self._pause.note_refusal(recorder.clock.boot_ns()):
                log.get(camera=camera.name).error("epoch_refused", detail=str(fault))
            return False
        recorder.problems.pop(PROBLEM, None)
        refused = self._pause.note_success()
        if refused:
            log.get(camera=camera.name).warning("epochs_again", tries=refused)
        camera.recording.plan.arrived(epoch)
        return True

    @contextlib.contextmanager
    def _told_when_late(self) -> Iterator[None]:
        """Tell if what happens meanwhile takes too long; the problem stands until a key is made."""
        timer = asyncio.get_running_loop().call_later(self._late_seconds, self._tell_late)
        try:
            yield
        finally:
            timer.cancel()

    def _tell_late(self) -> None:
        """The keystore does not answer: its medium hangs, or something before this hangs on it."""
        problems, late = self._recorder.problems, keystore_late_problem()
        if problems.get(PROBLEM) != late:
            problems[PROBLEM] = late
            log.get().error("keystore_late", seconds=self._late_seconds)
