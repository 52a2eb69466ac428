"""Ten minutes without any camera, and ten minutes with a dead disk: alarms, and never a restart.

Two whole services of real processes side by side, each under a notify socket as the service manager gives one. The dead
disk is a file system that answers EIO (FUSE). Figures are printed (pytest -s).
"""

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kuramori.camera_messages import Light
from kuramori.capture.source import Codec
from kuramori.messages import CameraState, RecorderStatus
from kuramori.recorder_client import RecorderFault
from kuramori.simulator.rtsp_server import Mount
from kuramori.site_state import SiteFacts, site_state
from tests.end_to_end.installation import CameraAt, Installation, free_port
from tests.fakes.fuse_disk import FuseDisk
from tests.fakes.notify_listener import NotifyListener, notify_listener
from tests.fakes.rtsp_camera import clip_material, running_camera
from tests.peers import require_fuse

WATCHDOG_SECONDS = 10.0  # WatchdogSec of packaging/systemd/kuramori.service
WATCHED_SECONDS = 600.0
LOOK_SECONDS = 5.0
SETTLED_SECONDS = 60.0  # by then the trouble is told; so long is given to whatever else is waited for, too
PATIENCE_SECONDS = 120.0
VOLUME_SIZE = "300 MiB"
CAMERAS = 2
SMALL_MEMORY = '\n[recorder]\nmemory_buffer = "1 MiB"\n'  # full long before the end: pictures are lost, and said to be
EVERY_ANSWER = {operation: {"errno": "EIO"} for operation in ("read", "write", "fsync", "open")}


@dataclass(slots=True)
class Watched:
    """One service, as its service manager sees it."""

    site: Installation
    notices: NotifyListener

    def processes(self) -> dict[str, tuple[int, int]]:
        """Return process id and number of restarts of each process of the service."""
        report = json.loads((self.site.places.runtime / "supervisor.json").read_text())
        return {name: (one["pid"], one["restarts"]) for name, one in report["processes"].items()}

    async def status(self) -> RecorderStatus:
        """Return the recorder's status, however long its machine is busy with others."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                self.site.require_alive()
                with contextlib.suppress(RecorderFault):
                    return await self.site.recorder.status()
                await asyncio.sleep(LOOK_SECONDS)

    async def until_ready(self) -> None:
        """Wait for READY=1 and every process."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (self.notices.at("READY=1") and all(pid for pid, _ in self.processes().values())):
                self.site.require_alive()
                await asyncio.sleep(0.1)

    async def until_durable(self, after_utc_ms: int) -> None:
        """Wait until each camera has something durable that is newer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not all((one.last_durable_utc_ms or 0) > after_utc_ms for one in (await self.status()).cameras):
                await asyncio.sleep(0.2)


@contextlib.contextmanager
def service(folder: Path, cameras: list[CameraAt], volume: Path | None = None) -> Iterator[Watched]:
    """A whole service under a notify socket, started."""
    site = Installation(folder, cameras, VOLUME_SIZE, extra=SMALL_MEMORY).draft()
    if volume is not None:
        text = site.config_path.read_text()
        site.config_path.write_text(text.replace('path = "volume0"', f'path = "{volume}"'))
    site.set_up()
    with notify_listener() as notices:
        site.environment = notices.environment(WATCHDOG_SECONDS)
        site.start(whole_service=True)
        try:
            yield Watched(site, notices)
        finally:
            site.stop()


def require_told(watched: Watched, status: RecorderStatus) -> None:
    """The light is red, and the service manager's line counts what is wrong."""
    assert site_state(SiteFacts(recorder=status)).light is Light.RED
    assert f" of {CAMERAS} cameras are recorded." in watched.notices.status


def require_offline(watched: Watched, status: RecorderStatus) -> None:
    """No camera is recorded, and each says so."""
    require_told(watched, status)
    assert not any(camera.state is CameraState.RECORDING for camera in status.cameras)
    assert all(camera.gap_reason for camera in status.cameras)
    assert watched.notices.status.startswith("0 of ")


def require_dead_volume(watched: Watched, status: RecorderStatus) -> None:
    """Frames arrive, and the volume's sentence is among the problems."""
    require_told(watched, status)
    assert any("volume0" in problem and "used again" not in problem for problem in status.problems)
    assert "Problems: " in watched.notices.status


async def stays_up(watched: Watched, require_wrong: Callable[[Watched, RecorderStatus], None], name: str) -> None:
    """For ten minutes: no late ping, no restart, and the alarm at every look once it is raised."""
    before, began = watched.processes(), time.monotonic()
    while (now := time.monotonic()) - began < WATCHED_SECONDS:
        assert watched.processes() == before
        if now - began > SETTLED_SECONDS:
            require_wrong(watched, await watched.status())
        await asyncio.sleep(LOOK_SECONDS)
    over = time.monotonic()
    pings = sum(began < when < over for when in watched.notices.at("WATCHDOG=1"))
    longest = watched.notices.longest_wait(watched.notices.at("READY=1")[0], over)
    print(
        f"\n{name}: {pings} pings in {over - began:.0f} s, the longest wait {longest:.2f} s; {watched.notices.status}"
    )
    assert longest < WATCHDOG_SECONDS
    assert watched.processes() == before
    assert not watched.site.events("watchdog_withheld")
    assert not watched.site.events("recorder_silent")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_neither_absent_cameras_nor_a_dead_disk_ever_cost_a_restart() -> None:
    """Ten minutes each, side by side: fed in time, the same processes, red; and the disk that returns records on."""
    require_fuse()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="k-")))  # short: paths of sockets
        (folder / "d").mkdir()
        disk = stack.enter_context(FuseDisk(folder / "d").mounted())
        absent = [CameraAt(f"cam-{n}", f"rtsp://127.0.0.1:{free_port()}/{n}") for n in range(CAMERAS)]
        material = clip_material(Codec.H264)
        async with running_camera(*(Mount(f"/{n}", material) for n in range(CAMERAS))) as server:
            present = [CameraAt(f"cam-{n}", server.url(f"/{n}")) for n in range(CAMERAS)]
            offline = stack.enter_context(service(folder / "o", absent))
            dead = stack.enter_context(service(folder / "v", present, disk.directory / "volume0"))
            await asyncio.gather(offline.until_ready(), dead.until_ready())
            await dead.until_durable(0)
            disk.rule(**EVERY_ANSWER)
            await asyncio.gather(
                stays_up(offline, require_offline, "cameras offline"),
                stays_up(dead, require_dead_volume, "volume dead"),
            )
            before = dead.processes()
            disk.rule()
            await dead.until_durable(int(time.time() * 1000))
            assert dead.processes() == before
