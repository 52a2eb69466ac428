"""A camera that comes and goes all day: two hundred sessions leave no task, descriptor, thread or buffer behind."""

import asyncio
import gc
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from kuramori.camera import Camera
from kuramori.camera_lives import CameraLives
from kuramori.camera_sources import CameraSources, StreamBook
from kuramori.capture.source import Codec, SourceEnded
from kuramori.certificate_book import CertificateBook
from kuramori.simulator.rtsp_server import Mount, RtspServer
from kuramori.timebase import SystemClock
from kuramori_config.load import parse_configuration
from kuramori_config.schema import Configuration
from tests.fakes.rtsp_camera import HangsUp, fast_material, running_camera
from tests.nvr.test_tick import Heart, heart  # noqa: F401 - the fixture

SESSIONS = 200
WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds."""

    tasks: int
    descriptors: int
    threads: int

    @classmethod
    async def now(cls) -> "Footprint":
        """Count, after what is on its way out has gone."""
        for _ in range(20):
            await asyncio.sleep(0.01)
        gc.collect()
        return cls(len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), threading.active_count())


class NoWait:
    """Backs off not at all."""

    def next_seconds(self, ended: SourceEnded, good_seconds: float = 0.0) -> float:
        return 0.0


def configuration() -> Configuration:
    text = (Path(__file__).parents[2] / "config" / "kuramori.example.toml").read_text(encoding="utf-8")
    return parse_configuration(text, Path("/etc/kuramori.toml"))


def real_source(camera: Camera, server: RtspServer, path: str) -> None:
    """Give the camera the sources that the recorder gives it."""
    text = configuration()
    table = text.cameras[0].model_copy(
        update={"onvif": None, "rtsp": None, "user": None, "password": None, "audio": None, "tls_fingerprint": None}
    )
    book = StreamBook(Path("/nonexistent/streams.json"))
    book._addresses[table.name] = server.url(path)
    sources = CameraSources(
        tuning=text.recorder,
        network=text.network,
        secrets_directory=Path("/nonexistent"),
        book=book,
        certificates=CertificateBook(Path("/nonexistent/pins.json"), SystemClock().utc_ms, writes=False),
        boot_ns=SystemClock().boot_ns,
    )
    camera.source_factory = lambda: sources.factory_for(table)
    camera.backoff = NoWait()  # type: ignore[assignment]


async def sessions(camera: Camera, heart: Heart, count: int) -> None:  # noqa: F811
    """Let so many sessions come to an end, with ticks between them."""
    until = sum(camera.figures.reconnects.values()) + count
    while sum(camera.figures.reconnects.values()) < until:
        await heart.beat()
        heart.clock.pass_ms(100)
        await asyncio.sleep(0)


@pytest.mark.parametrize("hangs_up_after", [0, 3], ids=["before the first picture", "in the middle"])
async def test_two_hundred_sessions_leave_nothing_behind(heart: Heart, hangs_up_after: int) -> None:  # noqa: F811
    """The camera hangs up again and again; what the recorder holds is the same as after the first few."""
    camera = heart.cameras[0]
    async with running_camera(Mount("/x", fast_material(Codec.H264)), behaviour=HangsUp(hangs_up_after)) as server:
        real_source(camera, server, "/x")
        lives = CameraLives()
        lives.begin(camera)
        await sessions(camera, heart, WARM_UP)
        await lives.end(camera)
        before = await Footprint.now()
        lives.begin(camera)
        await sessions(camera, heart, SESSIONS)
        await lives.end(camera)
        after = await Footprint.now()
    assert after == before
    assert not lives.broken.done()
    assert camera.figures.received_bytes > 0 or hangs_up_after == 0


async def test_a_hundred_pauses_leave_nothing_behind(heart: Heart) -> None:  # noqa: F811
    """Begun and ended in order, as pauses and reloads do it."""
    camera = heart.cameras[0]
    async with running_camera(Mount("/x", fast_material(Codec.H264))) as server:
        real_source(camera, server, "/x")
        lives = CameraLives()

        async def once() -> None:
            lives.begin(camera)
            had = camera.figures.access_units
            while camera.figures.access_units == had:
                await heart.beat()
                heart.clock.pass_ms(10)
                await asyncio.sleep(0.005)
            await lives.end(camera)

        for _ in range(5):
            await once()
        before = await Footprint.now()
        for _ in range(100):
            await once()
        after = await Footprint.now()
    assert after == before
    assert len(lives) == 0
