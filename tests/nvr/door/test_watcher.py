"""The watcher: one small process that listens to all cameras, gives back what it took, and drowns in no storm."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.camera_messages import EventsState
from kuramori.door.camera_access import Access
from kuramori.door.lookout import Lookout
from kuramori.door.watch_messages import (
    MOST_PENDING,
    Heard,
    LineUnreadable,
    Order,
    Pending,
    Report,
    Unwatch,
    Watch,
    decode_order,
    decode_report,
    encode,
)
from kuramori.simulator.onvif.event_topics import EventKind
from kuramori.simulator.onvif_camera import OnvifCamera
from kuramori.timebase import SystemClock
from kuramori_onvif.event_models import EventKind as Reported
from kuramori_onvif.event_models import ReportedEvent
from tests.fakes.hostile_camera import HostileCamera, always, response
from tests.nvr.door.test_door import ACCOUNT, PATIENCE_SECONDS, _camera, _serving

NOW_MS = 1_790_000_000_000
MEMORY_MOST_KB = 90_000
LOST, SUBSCRIBED, UNSUPPORTED = EventsState.LOST, EventsState.SUBSCRIBED, EventsState.UNSUPPORTED


@dataclass
class Ears:
    """What a lookout heard, by camera; lets a test wait."""

    heard: dict[str, list[Heard]] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, heard: Heard) -> None:
        self.heard.setdefault(heard.camera, []).append(heard)
        self.news.set()

    async def until(self, camera: str, wanted: Callable[[Heard], bool], *, after: int = 0) -> Heard:
        """Return the first report of a camera, from number `after` on, that is as wanted."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for heard in self.heard.get(camera, [])[after:]:
                    if wanted(heard):
                        return heard
                self.news.clear()
                await self.news.wait()

    def events(self, camera: str) -> list[str]:
        """The kinds of all events of a camera, in order."""
        return [event.kind for heard in self.heard.get(camera, []) for event in heard.events]


def _access(camera: OnvifCamera, password: str = ACCOUNT.password) -> Access:
    return Access(camera.device_url, ACCOUNT.user, password)


@asynccontextmanager
async def _watching(*cameras: OnvifCamera, password: str = ACCOUNT.password) -> AsyncIterator[tuple[Lookout, Ears]]:
    ears = Ears()
    lookout = Lookout(ears, restart_first_seconds=0.1)
    for camera in cameras:
        lookout.watch(camera.name, _access(camera, password))
    running = asyncio.create_task(lookout.run())
    try:
        yield lookout, ears
    finally:
        running.cancel()
        await asyncio.wait([running])


def _subscribed(heard: Heard) -> bool:
    return heard.state is SUBSCRIBED


async def test_what_a_camera_reports_is_heard_and_the_subscription_given_back() -> None:
    """Motion and tampering arrive with their time; at the end the camera has no subscriber left."""
    camera = _camera()
    async with _serving(camera):
        async with _watching(camera) as (_, ears):
            await ears.until("c1", _subscribed)
            camera.emit(EventKind.MOTION, True, SystemClock().utc_ms())
            moved = await ears.until("c1", lambda heard: bool(heard.events))
            camera.emit(EventKind.TOO_DARK, True, SystemClock().utc_ms())
            dark = await ears.until("c1", lambda heard: "too_dark" in heard.tampers)
        assert not camera.events.subscriptions
    (motion,) = moved.events
    assert (motion.kind, motion.begins) == ("motion", True)
    assert abs((motion.camera_utc_ms or 0) - motion.received_utc_ms) < PATIENCE_SECONDS * 1000
    assert dark.events[-1].kind == "tamper"
    assert camera.events.opened == 1


async def test_a_camera_that_restarts_is_subscribed_to_again() -> None:
    """It forgot us: a new subscription, said as a restart, and what it tells afterwards is heard."""
    camera = _camera()
    async with _serving(camera), _watching(camera) as (_, ears):
        await ears.until("c1", _subscribed)
        camera.reboot(SystemClock().utc_ms())
        await ears.until("c1", lambda heard: heard.restarted)
        seen = len(ears.heard["c1"])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while camera.events.opened < 2:
                await asyncio.sleep(0.02)
        camera.emit(EventKind.MOTION, True, SystemClock().utc_ms())
        await ears.until("c1", lambda heard: any(e.kind == "motion" for e in heard.events), after=seen)
        assert len(camera.events.subscriptions) == 1


async def test_each_camera_is_told_apart() -> None:
    """One without events says so, one with a wrong password is asked no more, and both cost the third nothing."""
    mute, strict, good = _camera(1), _camera(2), _camera(3)
    mute.events.offered = False
    async with _serving(mute, strict, good), _watching(mute, good) as (lookout, ears):
        lookout.watch("c2", _access(strict, "wrong"))
        assert (await ears.until("c1", lambda heard: heard.state is not LOST)).state is UNSUPPORTED
        refused = await ears.until("c2", lambda heard: heard.refused)
        assert "user and password" in refused.problem
        asked = len(strict.operations)
        await ears.until("c3", _subscribed)
        good.emit(EventKind.MOTION, True, SystemClock().utc_ms())
        await ears.until("c3", lambda heard: bool(heard.events))
        assert len(strict.operations) == asked


async def test_a_storm_of_events_is_told_briefly_and_hides_nothing_grave() -> None:
    """Thousands of motions: few are told, the others counted; tampering in between arrives, the other camera too."""
    loud, calm = _camera(1), _camera(2)
    async with _serving(loud, calm), _watching(loud, calm) as (lookout, ears):
        await ears.until("c1", _subscribed)
        await ears.until("c2", _subscribed)
        storm = asyncio.create_task(_storm(loud))
        loud.emit(EventKind.SCENE_CHANGE, True, SystemClock().utc_ms())
        calm.emit(EventKind.MOTION, True, SystemClock().utc_ms())
        await ears.until("c2", lambda heard: bool(heard.events))
        await ears.until("c1", lambda heard: "scene_change" in heard.tampers)
        await ears.until("c1", lambda heard: heard.dropped > 0)
        storm.cancel()
        await asyncio.wait([storm])
        assert all(len(heard.events) <= MOST_PENDING for heard in ears.heard["c1"])
        assert "tamper" in ears.events("c1")
        assert lookout.pid is not None
        status = Path(f"/proc/{lookout.pid}/status").read_text()
        assert int(status.split("VmHWM:")[1].split()[0]) < MEMORY_MOST_KB


async def _storm(camera: OnvifCamera) -> None:
    while True:
        for _ in range(200):
            camera.emit(EventKind.MOTION, True, SystemClock().utc_ms())
        await asyncio.sleep(0.01)


async def test_a_watcher_that_dies_is_started_again() -> None:
    """Its cameras are said to be unheard, then they are heard again."""
    camera = _camera()
    async with _serving(camera), _watching(camera) as (lookout, ears):
        await ears.until("c1", _subscribed)
        assert lookout.pid is not None
        os.kill(lookout.pid, signal.SIGKILL)
        seen = len(ears.heard["c1"])
        await ears.until("c1", lambda heard: heard.state is LOST, after=seen)
        await ears.until("c1", _subscribed, after=seen)


async def test_nobody_to_watch_no_watcher() -> None:
    """It ends when the last camera is watched no more, its subscription given back, and comes when one is."""
    camera = _camera()
    async with _serving(camera), _watching(camera) as (lookout, ears):
        await ears.until("c1", _subscribed)
        lookout.unwatch("c1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while lookout.pid is not None:
                await asyncio.sleep(0.02)
        assert not camera.events.subscriptions
        seen = len(ears.heard["c1"])
        lookout.watch("c1", _access(camera))
        await ears.until("c1", _subscribed, after=seen)


async def test_a_camera_that_talks_nonsense_is_unheard_and_the_others_are_heard() -> None:
    """Rubbish, and a body without end: each is a problem of that camera only."""
    camera = _camera(3)

    async def flood(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400000000\r\n\r\n")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    async with (
        HostileCamera(always(response("<html/>"))) as nonsense,
        HostileCamera(flood) as endless,
        _serving(camera),
        _watching(camera) as (lookout, ears),
    ):
        lookout.watch("nonsense", Access(nonsense.address))
        lookout.watch("endless", Access(endless.address))
        for name in ("nonsense", "endless"):
            assert (await ears.until(name, lambda heard: bool(heard.problem))).state is LOST
        await ears.until("c3", _subscribed)
        assert lookout.pid is not None
        status = Path(f"/proc/{lookout.pid}/status").read_text()
        assert int(status.split("VmHWM:")[1].split()[0]) < MEMORY_MOST_KB


@pytest.mark.parametrize(
    "program",
    ["import time; time.sleep(60)", "print('rubbish', flush=True); input()", "raise SystemExit(3)"],
    ids=["held", "rubbish", "dies"],
)
async def test_a_watcher_that_is_of_no_use_is_said_and_tried_again(program: str) -> None:
    """Held, talking nonsense, dying at once: its cameras are unheard, the door goes on."""
    ears = Ears()
    lookout = Lookout(ears, (sys.executable, "-c", program), held_seconds=0.3, restart_first_seconds=0.05)
    lookout.watch("c1", Access("http://127.0.0.1/"))
    running = asyncio.create_task(lookout.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(ears.heard.get("c1", ())) < 2:
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.wait([running])
    assert {heard.state for heard in ears.heard["c1"]} == {LOST}


def test_the_process_never_loads_the_soap_library() -> None:
    """It is what costs 40 MB; listening needs none of it."""
    program = (
        "import sys, kuramori.door.watcher; sys.exit(any(m.split('.')[0] in ('zeep', 'onvif') for m in sys.modules))"
    )
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", program) == 0


def _event(number: int, kind: Reported = Reported.MOTION, **facts: bool) -> ReportedEvent:
    return ReportedEvent(kind, f"topic {number}", True, facts.get("initialized", False), None)


def test_when_too_many_wait_the_frequent_go_first() -> None:
    """The oldest motions make room, what is grave stays; what was let go is counted once."""
    pending = Pending()
    pending.add([_event(0, Reported.TAMPER)], NOW_MS)
    pending.add([_event(number) for number in range(1, MOST_PENDING + 10)], NOW_MS)
    events, dropped = pending.take()
    assert (len(events), dropped) == (MOST_PENDING, 10)
    assert events[0].kind == "tamper"
    assert events[-1].topic == f"topic {MOST_PENDING + 9}"
    assert pending.take() == ((), 0)


def test_that_a_state_does_not_hold_is_no_news_at_the_beginning() -> None:
    """Told at the subscription: only what is on is an event; a state that is forgotten is none."""
    pending = Pending()
    off = ReportedEvent(Reported.TAMPER, "off", False, True, None)
    gone = ReportedEvent(Reported.TAMPER, "gone", None, False, None, deleted=True)
    pending.add([off, gone, _event(1, Reported.TAMPER, initialized=True)], NOW_MS)
    assert [event.topic for event in pending.take()[0]] == ["topic 1"]


@given(st.from_type(Report), st.from_type(Access))
def test_what_crosses_the_pipe_comes_out_the_same(report: Report, access: Access) -> None:
    """Any report, any order."""
    assert decode_report(encode(report)) == report
    for order in (Order(watch=Watch("gate", access)), Order(unwatch=Unwatch("gate"))):
        assert decode_order(encode(order)) == order


@given(st.binary(max_size=80))
def test_any_line_is_read_or_refused(line: bytes) -> None:
    """No line raises anything but LineUnreadable."""
    for decode in (decode_order, decode_report):
        try:
            decode(line)
        except LineUnreadable:
            continue


def test_the_password_of_an_order_is_not_shown() -> None:
    """Not by its repr."""
    assert "hunter2" not in repr(Order(watch=Watch("gate", Access("http://h/", "u", "hunter2"))))
