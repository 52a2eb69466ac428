"""A recorder that starts without one of its volumes, or loses its ledger while it runs: it records on and says so."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.messages import RecorderStatus, SpanKind
from kuramori.simulator.rtsp_server import Mount
from tests.durability.storage_faults import VOLUME_SIZE, check_all, make_site, unopened, until
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.power_cut import power_cut_disk
from tests.fakes.rtsp_camera import clip_material, running_camera
from tests.peers import require_root

KEPT = (SpanKind.RECORDED, SpanKind.UNPROVEN)
CAMERAS = 2


async def told(site: Installation, word: str) -> bool:
    return any(word in problem for problem in (await site.recorder.status()).problems)


def saying(site: Installation, word: str) -> Callable[[], Awaitable[bool]]:
    return lambda: told(site, word)


async def lanes_of(site: Installation) -> list[bool]:
    status: RecorderStatus = await site.recorder.status()
    return [volume.healthy for volume in status.volumes]


async def test_a_volume_that_is_away_at_the_start_is_taken_up_later(tmp_path: Path) -> None:
    """The others record at once, the alarm is there; when it appears it is checked and used, and nothing is double."""
    assert VOLUME_SIZE
    material = clip_material(Codec.H264)
    async with running_camera(*(Mount(f"/{n}", material) for n in range(CAMERAS))) as server:
        cameras = [CameraAt(f"cam-{n}", server.url(f"/{n}")) for n in range(CAMERAS)]
        second = tmp_path / "second" / "volume1"
        second.parent.mkdir()
        site = make_site(tmp_path, cameras, second)
        site.start()
        await site.until_recording()
        await asyncio.sleep(2)
        site.kill()
        os.rename(second, tmp_path / "away")
        site.start()
        try:
            await site.until_recording()
            assert await told(site, "volume1")
            assert False in await lanes_of(site)
            first_half_utc_ms = int(time.time() * 1000)
            for camera in cameras:
                spans = (await site.recorder.coverage(camera.name, 0, first_half_utc_ms)).spans
                assert SpanKind.ERASED not in {span.kind for span in spans}
            os.rename(tmp_path / "away", second)
            assert await until(lambda: _arrived(site), 20)
            assert not await told(site, "volume1")
            await asyncio.sleep(2)
            for camera in cameras:
                assert await unopened(site, camera.name) == []
                spans = (await site.recorder.coverage(camera.name, 0, first_half_utc_ms)).spans
                assert sum(span.to_utc_ms - span.from_utc_ms for span in spans if span.kind in KEPT) > 2000
        finally:
            site.stop()
        assert await asyncio.to_thread(check_all, site) == []


async def _goes_on(site: Installation, until_utc_ms: int) -> bool:
    return ((await site.recorder.status()).cameras[0].last_durable_utc_ms or 0) > until_utc_ms


async def _arrived(site: Installation) -> bool:
    return bool(site.events("volume_arrived"))


def test_without_any_volume_nothing_is_recorded(tmp_path: Path) -> None:
    """One sentence, and the exit status that asks for no restart."""
    site = make_site(tmp_path, [CameraAt("gate", "rtsp://127.0.0.1:1/x")])
    site.places.volumes[0].unlink()
    site.start()
    assert site.process is not None
    assert site.process.wait(20) == 78
    assert "Nothing is recorded" in site.log_path.read_text()


async def test_a_ledger_that_is_removed_is_back_and_told(tmp_path: Path) -> None:
    """Somebody tidies up the state directory while it records."""
    async with running_camera(Mount("/0", clip_material(Codec.H264))) as server:
        site = make_site(tmp_path, [CameraAt("gate", server.url("/0"))])
        site.start()
        try:
            await site.until_recording()
            for path in site.places.state.glob("ledger.db*"):
                path.unlink()
            assert await until(saying(site, "ledger"), 15)
            assert site.places.ledger.exists()
            since_utc_ms = int(time.time() * 1000) - 3000
            await asyncio.sleep(3)
            spans = (await site.recorder.coverage("gate", since_utc_ms, since_utc_ms + 3000)).spans
            assert [span.kind for span in spans] == [SpanKind.RECORDED]
        finally:
            site.stop()
        assert await asyncio.to_thread(check_all, site) == []


@pytest.mark.root
@pytest.mark.timeout(300)
async def test_a_state_directory_that_takes_no_writes_costs_no_picture_of_the_hour(tmp_path: Path) -> None:
    """The file system of ledger and keys turns read-only: pictures go on, the news wait, and it is told."""
    require_root()
    async with running_camera(Mount("/0", clip_material(Codec.H264))) as server:
        with power_cut_disk(tmp_path) as disk:
            site = Installation(tmp_path / "site", [CameraAt("gate", server.url("/0"))], VOLUME_SIZE).draft()
            text = site.config_path.read_text()
            for name in ('"state"', '"cell"'):
                text = text.replace(name, f'"{disk.directory}/{name[1:-1]}"')
            site.config_path.write_text(text)
            site.set_up()
            site.start()
            try:
                await site.until_recording()
                disk.raise_error()
                before = (await site.recorder.status()).cameras[0].last_durable_utc_ms or 0
                for connection in list(server.connections):
                    connection.close()  # the end of a run is news for the ledger
                assert await until(saying(site, "ledger"), 30)
                assert await until(lambda: _goes_on(site, before + 5000), 30)
            finally:
                site.stop()
