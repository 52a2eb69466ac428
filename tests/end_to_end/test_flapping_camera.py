"""A camera that drops its connection every second costs gaps, not slots."""

import asyncio
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.simulator.rtsp_server import Mount, RtspServer
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.rtsp_camera import clip_material, running_camera


async def slots_used(folder: Path, seconds: float) -> tuple[int, int, int]:
    """Record a steady and a flapping camera; return their segments, and how often the latter was connected."""
    mount = Mount("/cam", clip_material(Codec.H264))
    async with running_camera(mount) as steady, running_camera(mount) as flapping:
        cameras = [CameraAt("steady", steady.url("/cam")), CameraAt("flapping", flapping.url("/cam"))]
        site = Installation(folder / "site", cameras, volume_size="600 MiB").make()
        site.start()
        try:
            await site.until_recording()
            hanging_up = asyncio.create_task(_hang_up_every_second(flapping))
            await asyncio.sleep(seconds)
            hanging_up.cancel()
            now = 1 << 52
            counts = [
                len((await site.recorder.plan_extraction(name, 0, now)).segments) for name in ("steady", "flapping")
            ]
            sessions = flapping.statistics.sessions
            lost = {camera.name: camera.reconnects for camera in (await site.recorder.status()).cameras}
        finally:
            site.stop()
    assert lost["steady"] == 0
    return counts[0], counts[1], sessions


async def _hang_up_every_second(server: RtspServer) -> None:
    while True:
        await asyncio.sleep(1)
        server.hang_up()


@pytest.mark.slow
async def test_flapping_for_twenty_seconds_uses_no_further_slot(tmp_path: Path) -> None:
    """Many sessions, one segment, like the steady camera."""
    steady, flapping, sessions = await slots_used(tmp_path, 20)
    assert sessions >= 4
    assert flapping <= steady


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_flapping_for_ten_minutes_uses_no_further_slot(tmp_path: Path) -> None:
    """The same over ten minutes."""
    steady, flapping, sessions = await slots_used(tmp_path, 600)
    print(f"\nsegments: steady {steady}, flapping {flapping}; sessions {sessions}")
    assert sessions >= 20
    assert flapping <= steady
