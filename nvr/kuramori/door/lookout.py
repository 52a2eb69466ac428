"""The lookout: keeps the watcher process running while a camera is to be watched, and hands on what it hears.

The watcher is started when it is needed, started again when it dies, killed when it is held, and told to give its
subscriptions back at the end. This module must not know SOAP, the recorder or what an event means.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from kuramori import log
from kuramori.camera_messages import EventsState
from kuramori.door.camera_access import Access
from kuramori.door.watch_messages import (
    LINE_LIMIT_BYTES,
    Heard,
    LineUnreadable,
    Order,
    Unwatch,
    Watch,
    decode_report,
    encode,
)

COMMAND = (sys.executable, "-m", "kuramori.door.watcher")
HELD_SECONDS = 60.0  # without a word; it says every ten seconds that it lives
RESTART_FIRST_SECONDS = 1.0
RESTART_LONGEST_SECONDS = 60.0
STEADY_SECONDS = 60.0
FAREWELL_SECONDS = 1.3  # the supervisor leaves the door a little more

OnHeard = Callable[[Heard], None]


def _nobody(_heard: Heard) -> None:
    return


@dataclass(slots=True)
class Lookout:
    """Watches cameras while `run` runs. `on_heard` is called from the loop."""

    on_heard: OnHeard = _nobody
    command: tuple[str, ...] = COMMAND
    held_seconds: float = HELD_SECONDS
    restart_first_seconds: float = RESTART_FIRST_SECONDS
    _wanted: dict[str, Access] = field(default_factory=dict)
    _process: asyncio.subprocess.Process | None = None
    _some: asyncio.Event = field(default_factory=asyncio.Event)
    _dismissed: bool = False

    @property
    def pid(self) -> int | None:
        """The watcher's process id while it lives."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def watch(self, camera: str, access: Access) -> None:
        """Watch a camera; nothing happens where it is watched in just this way."""
        if self._wanted.get(camera) != access:
            self._wanted[camera] = access
            self._some.set()
            self._order(Order(watch=Watch(camera, access)))

    def unwatch(self, camera: str) -> None:
        """Watch it no more."""
        if self._wanted.pop(camera, None) is not None:
            self._order(Order(unwatch=Unwatch(camera)))
            self._dismiss_if_idle()

    async def run(self) -> None:
        """Keep the watcher alive while a camera is to be watched; for ever. Cancelled: it ends within a moment."""
        loop = asyncio.get_running_loop()
        wait_seconds = self.restart_first_seconds
        while True:
            await self._some.wait()
            began_seconds = loop.time()
            self._dismissed = False
            await self._live()
            if self._dismissed:
                continue
            for camera in tuple(self._wanted):
                self.on_heard(Heard(camera, EventsState.LOST, "The process that listens to events ended."))
            if loop.time() - began_seconds >= STEADY_SECONDS:
                wait_seconds = self.restart_first_seconds
            log.get().error("watcher_died", restart_in_seconds=wait_seconds)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, RESTART_LONGEST_SECONDS)

    async def _live(self) -> None:
        """Start the watcher, order what is wanted, and read until it ends or says nothing any more."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_LIMIT_BYTES,
            )
        except OSError as error:
            log.get().error("watcher_not_started", why=error.strerror)
            return
        self._process = process
        try:
            for camera, access in self._wanted.items():
                self._order(Order(watch=Watch(camera, access)))
            await self._read(process)
        finally:
            self._process = None
            await _end(process)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        with contextlib.suppress(LineUnreadable, ValueError):  # a line that is too long is a ValueError
            while True:
                try:
                    async with asyncio.timeout(self.held_seconds):
                        line = await process.stdout.readline()
                except TimeoutError:
                    log.get().error("watcher_held", seconds=self.held_seconds)
                    return
                if not line:
                    return
                heard = decode_report(line).heard
                if heard is not None and heard.camera in self._wanted:
                    if heard.refused:
                        self.unwatch(heard.camera)  # until the keeper has been let in again
                    self.on_heard(heard)

    def _dismiss_if_idle(self) -> None:
        """Let the watcher end where nobody is to be watched."""
        if not self._wanted:
            self._some.clear()
            self._dismissed = True
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()

    def _order(self, order: Order) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(encode(order))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let the watcher give its subscriptions back; kill it when it takes longer than a moment."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
