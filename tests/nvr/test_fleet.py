"""Simulated cameras as a whole: found, asked, streaming, gone; cheap and clean."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.simulator.challenge import Account
from kuramori.simulator.clock_card import ClockCard
from kuramori.simulator.fleet import Fleet, FleetFault, FleetPlan, RunningCamera
from kuramori.simulator.source_clip import ClipSettings, material
from kuramori_onvif.device import CameraDescription, Credentials, Device
from kuramori_onvif.errors import CredentialsMissing
from tests.fakes.search import finds, search

SMALL = ClipSettings(width=160, height=90, frames_per_second=5, bits_per_second=50_000, seconds=2)


def utc_ms() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of clips for all tests."""
    return tmp_path_factory.mktemp("clips")


@asynccontextmanager
async def _running(plan: FleetPlan) -> AsyncIterator[tuple[Fleet, tuple[RunningCamera, ...]]]:
    fleet = Fleet(plan)
    cameras = await fleet.start()
    try:
        yield fleet, cameras
    finally:
        await fleet.stop()


async def _describe(camera: RunningCamera, credentials: Credentials | None = None) -> CameraDescription:
    async with Device(camera.onvif_url, credentials, utc_ms=utc_ms) as device:
        return await device.describe()


async def _rtsp(url: str, method: str) -> str:
    host, port = re.findall(r"//([\d.]+):(\d+)", url)[0]
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{method} {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"Content-Length: (\d+)", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    writer.close()
    await writer.wait_closed()
    return head + body.decode()


async def test_from_discovery_to_the_description_of_the_stream(cache: Path) -> None:
    """Search, device, profile, address, RTSP: each camera leads to its own stream; one offers sound."""
    async with _running(FleetPlan(cameras=2, audio_on=1, clip=SMALL, cache_directory=cache)) as (_, cameras):
        report = await search(finds(*(camera.endpoint_id for camera in cameras)))
        by_endpoint = {device.endpoint_id: device for device in report.devices}
        for camera in cameras:
            assert by_endpoint[camera.endpoint_id].address == camera.onvif_url
            found = await _describe(camera)
            assert found.stream.uri == camera.rtsp_url
            assert found.choice.audio_reported is (camera.audio != "none")
            description = await _rtsp(found.stream.uri, "DESCRIBE")
            assert "m=video" in description
            assert ("m=audio" in description) is (camera.audio != "none")


async def test_a_silent_profile_leads_to_a_stream_without_sound(cache: Path) -> None:
    """Where a camera offers the choice, the stream that is chosen has no audio track at all (R3)."""
    plan = FleetPlan(cameras=1, audio_on=1, clip=SMALL, cache_directory=cache, silent_profile=True, discovery=False)
    async with _running(plan) as (_, (camera,)):
        found = await _describe(camera)
        assert found.choice.profile.token == "silent"
        assert "m=audio" not in await _rtsp(found.stream.uri, "DESCRIBE")


async def test_an_account_is_asked_for_on_both_doors(cache: Path) -> None:
    """ONVIF and RTSP want the same user; no address carries it."""
    plan = FleetPlan(
        cameras=1, clip=SMALL, cache_directory=cache, account=Account("operator", "hunter2"), discovery=False
    )
    async with _running(plan) as (_, (camera,)):
        with pytest.raises(CredentialsMissing):
            await _describe(camera)
        found = await _describe(camera, Credentials("operator", "hunter2"))
        assert found.sign_in_method == "HTTP Digest"
        assert "401" in (await _rtsp(found.stream.uri, "DESCRIBE")).splitlines()[0]
        assert "hunter2" not in repr(camera) + found.stream.uri


async def test_sixty_four_cameras_are_found_at_once(cache: Path) -> None:
    """All of them within one search, each with its own address, sharing one clip."""
    plan = FleetPlan(cameras=64, audio_on=16, clip=SMALL, cache_directory=cache)
    async with _running(plan) as (_, cameras):
        report = await search(finds(*(camera.endpoint_id for camera in cameras)))
        found = {device.endpoint_id for device in report.devices}
        assert {camera.endpoint_id for camera in cameras} <= found
    assert len({camera.onvif_url for camera in cameras}) == 64


async def test_h265_is_streamed_as_such(cache: Path) -> None:
    """The media2 service names it, the session description too."""
    clip = replace(SMALL, codec=Codec.H265)
    plan = FleetPlan(cameras=1, audio_on=0, clip=clip, cache_directory=cache, discovery=False)
    async with _running(plan) as (_, (camera,)):
        found = await _describe(camera)
        assert found.choice.video.encoding == "H265"
        assert "H265/90000" in await _rtsp(found.stream.uri, "DESCRIBE")


async def test_a_taken_port_leaves_nothing_running(cache: Path) -> None:
    """What was started is stopped again; the same plan works once the port is free."""
    plan = FleetPlan(cameras=1, clip=SMALL, cache_directory=cache, discovery=False)
    async with _running(plan) as (fleet, (camera,)):
        assert fleet.rtsp is not None
        port = int(camera.onvif_url.split(":")[2].split("/")[0])
        second = Fleet(replace(plan, onvif_port=port))
        with pytest.raises(OSError, match="in use"):
            await second.start()
        assert second.rtsp is None
    async with _running(replace(plan, onvif_port=port)) as (_, (again,)):
        assert again.endpoint_id == camera.endpoint_id  # same address, same identity


async def test_an_address_without_interface_cannot_be_announced(cache: Path) -> None:
    """Discovery on a host that this machine does not have is one sentence."""
    fleet = Fleet(FleetPlan(cameras=1, host="::1", clip=SMALL, cache_directory=cache))
    with pytest.raises(FleetFault, match="::1"):
        await fleet.start()


def test_a_clip_is_made_once_and_repaired_when_damaged(tmp_path: Path) -> None:
    """The second time it comes from the cache; a damaged file is made anew, the same."""
    first = material(SMALL, tmp_path)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-10])
    again = material(SMALL, tmp_path)
    assert file.read_bytes() == content
    assert len(again.frames) == len(first.frames) == SMALL.frames
    assert sum(frame.is_key for frame in again.frames) == 2


def test_the_pictures_differ_by_time_and_camera() -> None:
    """Clock and number are drawn: no two pictures and no two cameras look alike."""
    first, second = ClockCard(160, 90, 5, 1), ClockCard(160, 90, 5, 2)
    assert len({first.planes(index) for index in range(10)} | {second.planes(index) for index in range(10)}) == 20
    luma, u, v = first.planes(0)
    assert (len(luma), len(u), len(v)) == (160 * 90, 80 * 45, 80 * 45)
