"""The watcher: a long-lived small process that listens to the events of all cameras, one subscription each.

It reads orders from standard input and writes reports to standard output; at the end of its input, or told by
SIGTERM, it gives every subscription back and ends. It never loads the SOAP library. A camera that floods is heard
slowly and told briefly, at the lowest priority, so that a storm of events costs nobody a picture. This module must
not know configuration, the recorder, or what an event means to anybody.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
from dataclasses import dataclass, field

from kuramori import log
from kuramori.camera_messages import EventsState
from kuramori.door.watch_messages import (
    LINE_LIMIT_BYTES,
    MOST_STATES,
    Heard,
    Pending,
    Report,
    Watch,
    brief,
    decode_order,
    encode,
)
from kuramori.process import end_with_parent
from kuramori.timebase import Clock, SystemClock
from kuramori_onvif.errors import (
    CredentialsMissing,
    CredentialsRefused,
    EventsUnsupported,
    OnvifError,
    SubscriptionLost,
)
from kuramori_onvif.event_models import EventKind
from kuramori_onvif.event_states import EventStates
from kuramori_onvif.events import EventSubscription
from kuramori_onvif.events import Heard as Step

ADDRESS_SPACE_BYTES = 768 << 20
LOW_PRIORITY = 10  # added to the niceness: recording goes first
REPORT_SECONDS = 0.5  # between two reports of one camera
ALIVE_SECONDS = 10.0
EVENTFUL_SECONDS = 0.5  # pause after a pull that brought something: a storm is heard in gulps
AFTER_FAULT_SECONDS = 60.0  # a fault of ours with this camera
GRANT_SECONDS = 0.5  # for a subscription that was just asked for
FAREWELL_SECONDS = 1.0  # for giving back all subscriptions


@dataclass(slots=True)
class CameraWatch:
    """One camera: its subscription, and what is to be told of it. `run` until cancelled or refused."""

    order: Watch
    clock: Clock
    state: EventsState = EventsState.LOST
    problem: str = ""
    refused: bool = False
    news: bool = False  # something is to be told
    _restarted: bool = False
    _pending: Pending = field(default_factory=Pending)
    _subscription: EventSubscription | None = None

    async def run(self) -> None:
        """Listen for ever; a fault of the camera is told and waited out."""
        try:
            device = self.order.access.device(self.clock.utc_ms)
        except OnvifError as error:
            self._failed(error)
            return
        async with device:
            subscription = EventSubscription(device, boot_ns=self.clock.boot_ns)
            self._subscription = subscription
            try:
                while not self.refused:
                    step = await _step(subscription)
                    self._note(step)
                    await asyncio.sleep(max(step.wait_seconds, EVENTFUL_SECONDS if step.events else 0.0))
            finally:
                await subscription.close()

    def heard(self) -> Heard:
        """Return what is to be told now, and count it as told."""
        subscription = self._subscription if self.state is EventsState.SUBSCRIBED else None
        states = subscription.states if subscription is not None else EventStates()
        events, dropped = self._pending.take()
        restarted, self._restarted, self.news = self._restarted, False, False
        return Heard(
            camera=self.order.camera,
            state=self.state,
            problem=self.problem,
            refused=self.refused,
            restarted=restarted,
            tampers=tuple(one.value for one in states.tampers()),
            states=tuple(brief(one) for one in states.latest[-MOST_STATES:]),
            events=events,
            dropped=dropped,
        )

    def _note(self, step: Step) -> None:
        if step.problem is not None:
            self._failed(step.problem)
        elif self._subscription is not None and self._subscription.subscribed and not step.wait_seconds:
            self._set(EventsState.SUBSCRIBED, "")
        if step.events:
            self.news = True
            self._pending.add(step.events, self.clock.utc_ms())
            self._restarted = self._restarted or any(event.kind is EventKind.REBOOT for event in step.events)

    def _failed(self, problem: OnvifError) -> None:
        self.refused = isinstance(problem, CredentialsRefused | CredentialsMissing)
        self._restarted = self._restarted or isinstance(problem, SubscriptionLost)
        unsupported = isinstance(problem, EventsUnsupported)
        self._set(EventsState.UNSUPPORTED if unsupported else EventsState.LOST, str(problem))

    def _set(self, state: EventsState, problem: str) -> None:
        if (self.state, self.problem) != (state, problem):
            self.state, self.problem, self.news = state, problem, True

    def broke(self) -> None:
        """A fault of ours ended `run`."""
        self._set(EventsState.LOST, "Listening to this camera failed; it is tried again.")


@dataclass(slots=True)
class Watcher:
    """All cameras."""

    clock: Clock
    _watches: dict[str, CameraWatch] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _ending: set[asyncio.Task[None]] = field(default_factory=set)

    def obey(self, line: bytes) -> None:
        """Take an order. Raises LineUnreadable."""
        order = decode_order(line)
        if order.watch is not None:
            self._end(order.watch.camera)
            self._begin(CameraWatch(order.watch, self.clock))
        if order.unwatch is not None:
            self._end(order.unwatch.camera)

    def reports(self) -> list[bytes]:
        """Return the lines that are to be told now."""
        return [encode(Report(one.heard())) for one in self._watches.values() if one.news]

    async def close(self) -> None:
        """Give every subscription back, within FAREWELL_SECONDS."""
        for camera in tuple(self._watches):
            self._end(camera)
        if self._ending:
            await asyncio.wait(self._ending, timeout=FAREWELL_SECONDS)

    def _begin(self, watch: CameraWatch, after_seconds: float = 0.0) -> None:
        camera = watch.order.camera
        self._watches[camera] = watch
        self._tasks[camera] = task = asyncio.create_task(_run(watch, after_seconds), name=f"watch {camera}")
        task.add_done_callback(lambda done: self._ended(watch, done))

    def _end(self, camera: str) -> None:
        self._watches.pop(camera, None)
        task = self._tasks.pop(camera, None)
        if task is not None and not task.done():
            task.cancel()
            self._ending.add(task)

    def _ended(self, watch: CameraWatch, task: asyncio.Task[None]) -> None:
        """A fault of ours with one camera is not the others': it is logged, and the camera tried again later."""
        self._ending.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is None or self._watches.get(watch.order.camera) is not watch:
            return
        log.get(camera=watch.order.camera).error("watch_failed", exc_info=fault)
        watch.broke()
        self._begin(watch, AFTER_FAULT_SECONDS)


async def _step(subscription: EventSubscription) -> Step:
    """Do what is due. Cancelled while a subscription is being granted, wait for it a moment: it is to be given back."""
    doing = asyncio.ensure_future(subscription.step())
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        if not subscription.subscribed:
            await asyncio.wait([doing], timeout=GRANT_SECONDS)
        doing.cancel()
        await asyncio.wait([doing])
        raise


async def _run(watch: CameraWatch, after_seconds: float) -> None:
    await asyncio.sleep(after_seconds)
    await watch.run()


async def main() -> None:
    """Watch until standard input ends or SIGTERM comes."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reader = asyncio.StreamReader(limit=LINE_LIMIT_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    pipe, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    writer = asyncio.StreamWriter(pipe, protocol, reader, loop)
    watcher = Watcher(SystemClock())
    telling = asyncio.create_task(_tell(watcher, writer))
    obeying = asyncio.create_task(_obey(watcher, reader))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([obeying, telling, stopping], return_when=asyncio.FIRST_COMPLETED)
    await watcher.close()
    for task in (obeying, telling, stopping):
        task.cancel()
    await asyncio.wait([obeying, telling, stopping])
    writer.close()


async def _obey(watcher: Watcher, reader: asyncio.StreamReader) -> None:
    while line := await reader.readline():
        watcher.obey(line)


async def _tell(watcher: Watcher, writer: asyncio.StreamWriter) -> None:
    """Tell what is new, and now and then that we live; while the door takes nothing, nothing piles up."""
    loop = asyncio.get_running_loop()
    said_seconds = loop.time()
    with contextlib.suppress(OSError):
        while True:
            lines = watcher.reports()
            if not lines and loop.time() - said_seconds >= ALIVE_SECONDS:
                lines = [encode(Report())]
            for line in lines:
                writer.write(line)
                await writer.drain()
                said_seconds = loop.time()
            await asyncio.sleep(REPORT_SECONDS)


if __name__ == "__main__":
    end_with_parent()
    log.configure("watcher")
    with contextlib.suppress(PermissionError):  # a sandbox may refuse to change priorities
        os.nice(LOW_PRIORITY)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    asyncio.run(main())
