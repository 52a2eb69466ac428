"""One task for each camera that is to be recorded: begun, ended in order, and watched.

A life that ends by itself is a fault of ours: whoever waits for `broken` hears of it. This module must not know what a
camera does, nor why one is begun or ended.
"""

import asyncio

from kuramori.camera import Camera


class CameraLives:
    """The running cameras. Make it inside the loop."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self, camera: Camera) -> None:
        """Let a camera record; one that does already is left alone."""
        if camera.name in self._tasks:
            return
        task = asyncio.create_task(camera.live(), name=f"camera {camera.name}")
        self._tasks[camera.name] = task
        task.add_done_callback(self._over)

    async def end(self, camera: Camera) -> None:
        """Take leave of the camera, a moment at most. Nothing comes from it afterwards; its last pictures do count."""
        task = self._tasks.pop(camera.name, None)
        if task is None:
            return
        camera.drain(camera.now_utc_ms())
        task.cancel()
        await asyncio.wait([task])

    async def end_all(self, seconds: float) -> None:
        """Take leave of all of them at once; who is not done after so long is left behind."""
        tasks, self._tasks = tuple(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    def __len__(self) -> int:
        return len(self._tasks)

    def _over(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self.broken.done():
            return
        fault = task.exception()
        if fault is not None:
            self.broken.set_exception(fault)
        else:
            self.broken.set_result(None)
