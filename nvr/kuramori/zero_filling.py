"""Zero-fills new volumes in the background: throttled, resumable, and never in the way of a commit for long.

Recording begins when the first gibibyte of every volume (or all of a smaller one) is ready. This module must not know
what is recorded.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from kuramori import log
from kuramori.recorder import Recorder
from kuramori.storage_fault_texts import storage_fault_text
from kuramori_segments.limits import MEBIBYTE
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume

READY_BYTES = 1024 * MEBIBYTE
STEP_BYTES = 8 * MEBIBYTE  # a commit waits for at most one step
HURRIED_STEP_BYTES = 64 * MEBIBYTE  # before recording begins nobody waits
FAULT_PAUSE_SECONDS = 5.0
READY_PATIENCE_SECONDS = 30.0  # so long one slow volume may hold up the others
FIRST_LOOK_SECONDS = 0.05
LOOK_SECONDS = 5.0


class ZeroFilling:
    """Fills all volumes, each at its own pace; `ready` is set when recording may begin."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._rate_bytes = recorder.configuration.recorder.zero_fill_per_second.total_bytes
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by id of the volume
        self._tried: set[int] = set()  # ready, or failed already
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Fill every volume, those too that appear later, until cancelled."""
        began = asyncio.get_running_loop().time()
        try:
            while True:
                volumes = self._recorder.vault.volumes
                for volume in volumes:
                    if id(volume) not in self._tasks:
                        if _ready(volume):
                            self._tried.add(id(volume))
                        self._tasks[id(volume)] = asyncio.create_task(self._fill(volume), name="zero-fill")
                waited = asyncio.get_running_loop().time() - began
                some = any(_ready(volume) for volume in volumes)
                if all(id(volume) in self._tried for volume in volumes) or (some and waited >= READY_PATIENCE_SECONDS):
                    self.ready.set()
                await asyncio.sleep(LOOK_SECONDS if self.ready.is_set() else FIRST_LOOK_SECONDS)
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def _fill(self, volume: Volume) -> None:
        """Fill one volume in a thread of its own, until it is done."""
        loop = asyncio.get_running_loop()
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="zero-fill")
        try:
            while not _ready(volume):
                await self._step(loop, executor, volume, HURRIED_STEP_BYTES)
            self._tried.add(id(volume))
            while not await self._step(loop, executor, volume, STEP_BYTES):
                await asyncio.sleep(STEP_BYTES / self._rate_bytes)
        finally:
            executor.shutdown(wait=False)

    async def _step(
        self, loop: asyncio.AbstractEventLoop, executor: ThreadPoolExecutor, volume: Volume, size_bytes: int
    ) -> bool:
        try:
            progress = await loop.run_in_executor(executor, volume.zero_fill_step, size_bytes)
        except StorageFault as fault:
            self._tried.add(id(volume))
            self._recorder.problems["zero-fill"] = storage_fault_text(fault)
            log.get().error("zero_fill_failed", detail=str(fault))
            await asyncio.sleep(FAULT_PAUSE_SECONDS)
            return False
        self._recorder.problems.pop("zero-fill", None)
        return progress.done


def _ready(volume: Volume) -> bool:
    usable = volume.usage().usable
    slots = volume.superblock.slot_count
    return usable >= slots or usable * volume.superblock.slot_bytes >= READY_BYTES
