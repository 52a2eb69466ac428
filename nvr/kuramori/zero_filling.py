"""Zero-fills new volumes in the background: throttled, resumable, and never in the way of a commit for long.

Recording begins when the first gibibyte of every volume (or all of a smaller one) is ready. This module must not know
what is recorded.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from kuramori import log
from kuramori.recorder import Recorder
from kuramori_segments.limits import MEBIBYTE
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume

READY_BYTES = 1024 * MEBIBYTE
STEP_BYTES = 8 * MEBIBYTE  # a commit waits for at most one step
HURRIED_STEP_BYTES = 64 * MEBIBYTE  # before recording begins nobody waits
FAULT_PAUSE_SECONDS = 5.0


class ZeroFilling:
    """Fills all volumes, one after another; `ready` is set when recording may begin."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._rate_bytes = recorder.configuration.recorder.zero_fill_per_second.total_bytes
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Fill until every volume is done."""
        loop = asyncio.get_running_loop()
        volumes = self._recorder.vault.volumes
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="zero-fill") as executor:
            for volume in volumes:
                while not _ready(volume):
                    await self._step(loop, executor, volume, HURRIED_STEP_BYTES)
            self.ready.set()
            for volume in volumes:
                while not await self._step(loop, executor, volume, STEP_BYTES):
                    await asyncio.sleep(STEP_BYTES / self._rate_bytes)
        await asyncio.Event().wait()  # filled: nothing more to do until the stop

    async def _step(
        self, loop: asyncio.AbstractEventLoop, executor: ThreadPoolExecutor, volume: Volume, size_bytes: int
    ) -> bool:
        try:
            progress = await loop.run_in_executor(executor, volume.zero_fill_step, size_bytes)
        except StorageFault as fault:
            self._recorder.problems["zero-fill"] = str(fault)
            log.get().error("zero_fill_failed", detail=str(fault))
            await asyncio.sleep(FAULT_PAUSE_SECONDS)
            return False
        self._recorder.problems.pop("zero-fill", None)
        return progress.done


def _ready(volume: Volume) -> bool:
    usable = volume.usage().usable
    slots = volume.superblock.slot_count
    return usable >= slots or usable * volume.superblock.slot_bytes >= READY_BYTES
