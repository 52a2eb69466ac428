"""The life of cameras under a running recorder: paused, added, changed, removed; the others lose no picture."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from kuramori.camera_messages import (
    CameraEvent,
    CameraEvents,
    CameraFacts,
    CardFacts,
    Light,
    PauseCameraRequest,
)
from kuramori.capture.source import Codec
from kuramori.messages import CameraState, CameraStatus, FailureCode, RecorderStatus, SpanKind
from kuramori.recorder_client import RecorderClient, RecorderFault, RecorderRefused
from kuramori.simulator.rtsp_server import Mount, RtspServer
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.opening import numbers, opened
from tests.fakes.rtsp_camera import clip_material, running_camera

PATHS = ("/gate", "/yard", "/roof", "/other")
PATIENCE_SECONDS = 30.0


@pytest.fixture
async def server() -> AsyncIterator[RtspServer]:
    """A camera at each of four addresses."""
    material = clip_material(Codec.H264)
    async with running_camera(*(Mount(path, material) for path in PATHS)) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, server: RtspServer) -> Iterator[Installation]:
    """A recorder of two of them."""
    cameras = [CameraAt(name, server.url(f"/{name}")) for name in ("gate", "yard")]
    made = Installation(tmp_path / "site", cameras, volume_size="200 MiB").make()
    yield made
    made.kill()


def now_ms() -> int:
    return int(time.time() * 1000)


async def until(site: Installation, done: Callable[[RecorderStatus], bool]) -> RecorderStatus:
    """Wait until the recorder's status is so. The configuration may be broken meanwhile."""
    recorder = RecorderClient(site.folder / "run" / "recorder.sock")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                status = await recorder.status()
            except RecorderFault:
                site.require_alive()
            else:
                if done(status):
                    return status
            await asyncio.sleep(0.05)


async def until_logged(site: Installation, event: str) -> None:
    """Wait until the recorder has logged that event."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not site.events(event):
            await asyncio.sleep(0.05)


def camera_in(status: RecorderStatus, name: str) -> CameraStatus:
    return next(camera for camera in status.cameras if camera.name == name)


def is_recorded(name: str) -> Callable[[RecorderStatus], bool]:
    """A condition: the camera is there, records, and something of it is durable."""

    def holds(status: RecorderStatus) -> bool:
        found = [camera for camera in status.cameras if camera.name == name]
        return bool(found and found[0].last_durable_utc_ms and not found[0].gap_reason)

    return holds


def plays(server: RtspServer, path: str) -> int:
    """How often somebody asked the camera to play."""
    return sum(request.method == "PLAY" and path in request.url for request in server.requests)


async def gaps(site: Installation, name: str, since_utc_ms: int) -> list[str]:
    """The reasons of the camera's gaps since then, without the time before it ever recorded."""
    spans = (await site.recorder.coverage(name, since_utc_ms, now_ms() + 1000)).spans
    return [span.reason for span in spans if span.kind is SpanKind.GAP and span.reason != "not_yet_started"]


def reload(site: Installation, change: Callable[[str], str]) -> None:
    """Change the configuration as an operator would, and have it read again."""
    site.config_path.write_text(change(site.config_path.read_text()))
    assert site.process is not None
    site.process.send_signal(signal.SIGHUP)


def table_of(name: str, url: str, more: str = "") -> str:
    return (
        f'\n[[camera]]\nname = "{name}"\nplace = "Test bench"\nretention = "3 hours"\nfloor = "1 hour"\n'
        f'rtsp = "{url}"\nexpected_mbit_per_second = 0.02\n{more}'
    )


def without_table(text: str, name: str) -> str:
    """The configuration without that camera."""
    tables = text.split("\n[[camera]]\n")
    return "\n[[camera]]\n".join(table for table in tables if f'name = "{name}"' not in table)


async def refuses_what_makes_no_sense(site: Installation) -> None:
    """A camera that is not there, a pause of years; the end of a pause that never was is no fault."""
    for request, code in (
        (PauseCameraRequest("nobody", now_ms() + 1000, "x", "y"), FailureCode.UNKNOWN_CAMERA),
        (PauseCameraRequest("gate", now_ms() + 10**11, "x", "y"), FailureCode.RANGE_INVALID),
    ):
        with pytest.raises(RecorderRefused) as caught:
            await site.recorder.pause_camera(request)
        assert caught.value.code is code
    ended = await site.recorder.pause_camera(PauseCameraRequest("gate", 0, "x", "y"))
    assert ended.from_utc_ms == ended.until_utc_ms
    assert is_recorded("gate")(await site.recorder.status())


class TestPause:
    async def test_nothing_is_recorded_until_the_end_which_comes_by_itself(
        self, site: Installation, server: RtspServer
    ) -> None:
        """The connection is ended, the gap is maintenance, the other camera notices nothing; then it goes on."""
        began = now_ms()
        site.start()
        await site.until_recording()
        await refuses_what_makes_no_sense(site)
        until_ms = now_ms() + 2500
        pause = await site.recorder.pause_camera(PauseCameraRequest("gate", until_ms, "Sato Hanako", "new lens"))
        assert (pause.camera, pause.person, pause.reason) == ("gate", "Sato Hanako", "new lens")
        status = await site.recorder.status()
        gate = camera_in(status, "gate")
        assert gate.state is CameraState.PAUSED
        assert gate.gap_reason == "maintenance"
        assert gate.pause is not None
        assert abs(gate.pause.until_utc_ms - until_ms) < 100
        figures = {camera.name: camera for camera in (await site.recorder.statistics()).cameras}
        assert (figures["gate"].paused, figures["yard"].paused) == (True, False)
        assert len([c for c in server.connections if c.stream is not None]) == 1
        await until(site, is_recorded("gate"))
        assert now_ms() >= until_ms
        assert await gaps(site, "gate", began) == ["maintenance"]
        assert await gaps(site, "yard", began) == []
        status = await site.recorder.status()
        assert (camera_in(status, "gate").pause, camera_in(status, "yard").reconnects) == (None, 0)
        site.stop()

    async def test_it_outlives_a_kill_and_ends_when_asked(self, site: Installation, server: RtspServer) -> None:
        """kill -9 and an orderly stop: paused again at once, though changed meanwhile; ended before its time."""
        began = now_ms()
        site.start()
        await site.until_recording()
        await site.recorder.pause_camera(PauseCameraRequest("gate", now_ms() + 600_000, "Sato Hanako", "painting"))
        site.kill()
        played = plays(server, "/gate")
        site.start()
        await until(site, is_recorded("yard"))
        site.stop()
        site.start()
        status = await until(site, is_recorded("yard"))
        assert camera_in(status, "gate").state is CameraState.PAUSED
        reload(site, lambda text: text.replace(server.url("/gate"), server.url("/other")))
        await until_logged(site, "camera_changed")
        assert (plays(server, "/gate"), plays(server, "/other")) == (played, 0)
        ended = await site.recorder.pause_camera(PauseCameraRequest("gate", 0, "Sato Hanako", "done"))
        assert ended.until_utc_ms <= now_ms()
        await until(site, is_recorded("gate"))
        assert plays(server, "/other") == 1
        assert await gaps(site, "gate", began) == ["maintenance"]
        site.stop()


class TestWhatTheDoorTells:
    async def test_events_open_with_the_pictures_and_stand_nowhere_else(self, site: Installation) -> None:
        """Motion is in the sealed segment; neither log, state nor volume holds a word of it; a storm is cut."""
        site.start()
        await site.until_recording()
        motion = CameraEvent("motion", "tns1:Rule/PASSERBY", True, None, now_ms(), "PASSERBY at the gate")
        await site.recorder.camera_events(CameraEvents("gate", (motion,)))
        await site.recorder.camera_events(CameraEvents("yard", (motion,) * 5000))
        figures = {camera.name: camera for camera in (await site.recorder.statistics()).cameras}
        assert (figures["gate"].events_received, figures["gate"].events_dropped) == (1, 0)
        assert figures["yard"].events_received == 5000
        assert figures["yard"].events_dropped > 4900
        await asyncio.to_thread(site.stop)
        assert not [path for path in site.files() if not path.is_socket() and b"PASSERBY" in path.read_bytes()]
        site.start()
        await site.until_recording()
        (event,) = [event for segment in await opened(site, "gate") for event in segment.events]
        assert (event.kind, event.begins, event.detail) == ("motion", True, "PASSERBY at the gate")
        kept = [event for segment in await opened(site, "yard") for event in segment.events]
        assert 0 < len(kept) <= 60
        site.stop()

    async def test_facts_are_kept_over_a_restart_and_say_what_is_wrong(self, site: Installation) -> None:
        """A red card is a problem in the status and in the figures, before and after kill -9."""
        site.start()
        await site.until_recording()
        facts = CameraFacts("gate", now_ms(), card=CardFacts(Light.RED, "StorageFailure"), tampered=("too_dark",))
        await site.recorder.camera_facts(facts)
        with pytest.raises(RecorderRefused):
            await site.recorder.camera_facts(CameraFacts("nobody", 1))
        for _ in range(2):
            status = await until(site, lambda found: any(camera.facts for camera in found.cameras))
            assert camera_in(status, "gate").facts == facts
            assert camera_in(status, "yard").facts is None
            assert len(status.problems) == 2
            figures = {camera.name: camera for camera in (await site.recorder.statistics()).cameras}
            assert (figures["gate"].card_light, figures["yard"].card_light) == ("red", "unknown")
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not site.places.camera_facts.exists():
                    await asyncio.sleep(0.05)
            site.kill()
            site.start()
        await until(site, is_recorded("gate"))
        site.stop()


class TestReload:
    async def test_cameras_come_change_and_go_and_the_others_lose_no_picture(
        self, site: Installation, server: RtspServer
    ) -> None:
        """One is added, one changes its address, one is removed and comes back; *yard* is recorded without a break."""
        began = now_ms()
        site.start()
        await site.until_recording()
        first = await site.recorder.status()
        reload(site, lambda text: text + table_of("roof", server.url("/roof")))
        asked = time.monotonic()
        status = await until(site, is_recorded("roof"))
        print(f"taken up after {time.monotonic() - asked:.1f} s")
        assert camera_in(status, "roof").number == 3

        reload(site, lambda text: text.replace(server.url("/gate"), server.url("/other")))
        await until(site, lambda found: plays(server, "/other") > 0 and is_recorded("gate")(found))
        assert await gaps(site, "gate", began) in ([], ["maintenance"])  # less than a second is no gap

        reload(site, lambda text: without_table(text, "roof"))
        await until_logged(site, "camera_removed")
        assert [camera.name for camera in (await site.recorder.status()).cameras] == ["gate", "yard"]
        before = [segment.header.sequence for segment in await opened(site, "roof")]
        assert before
        assert (await gaps(site, "roof", began))[-1] == "maintenance"

        reload(site, lambda text: text + table_of("roof", server.url("/roof")))
        status = await until(site, is_recorded("roof"))
        assert camera_in(status, "roof").number == 3
        after = await opened(site, "roof")
        assert [segment.header.sequence for segment in after] == list(range(1, len(before) + 2))
        assert all(late - early == 1 for early, late in pairwise(numbers(after)))

        yard, was = camera_in(status, "yard"), camera_in(first, "yard")
        assert (yard.reconnects, plays(server, "/yard")) == (0, 1)
        assert yard.since_utc_ms == was.since_utc_ms
        assert await gaps(site, "yard", began) == []
        units = list(numbers(await opened(site, "yard")))
        assert units == list(range(1, len(units) + 1))
        site.stop()
        (stopped,) = site.events("stopped")
        assert stopped["not_durable"] == 0

    async def test_a_change_beside_the_stream_needs_no_connection_and_a_fault_changes_nothing(
        self, site: Installation, server: RtspServer
    ) -> None:
        """A longer retention is in force at once; a file with a mistake is a problem until it is mended."""
        site.start()
        await site.until_recording()
        reload(site, lambda text: text.replace('retention = "3 hours"', 'retention = "5 hours"'))
        await until(site, lambda found: camera_in(found, "gate").retention_days > 0.2)
        good = site.config_path.read_text()
        reload(site, lambda text: text.replace("retention", "retentoin", 1))
        status = await until(site, lambda found: bool(found.problems))
        assert "retentoin" in status.problems[0]
        assert [camera.name for camera in status.cameras] == ["gate", "yard"]
        reload(site, lambda _text: good)
        await until(site, lambda found: not found.problems)
        assert (plays(server, "/gate"), plays(server, "/yard")) == (1, 1)
        site.stop()
