"""The doctor at a running recorder: three processes that answer, and how each camera is."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kuramori.capture.source import Codec
from kuramori.cli.main import build
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.rtsp_server import Mount, RtspServer
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.rtsp_camera import clip_material, running_camera

PATIENCE_SECONDS = 60.0


@pytest.fixture
async def cameras() -> AsyncIterator[RtspServer]:
    """One silent camera and one that offers sound."""
    material = clip_material(Codec.H264)
    async with running_camera(Mount("/silent", material), Mount("/talking", material, audio=AudioKind.AAC)) as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path, cameras: RtspServer) -> Iterator[Installation]:
    """A recorder for them and for one that is not there; one is reached by name."""
    reached = [
        CameraAt("silent", cameras.url("/silent").replace("127.0.0.1", "localhost")),
        CameraAt("talking", cameras.url("/talking")),
        CameraAt("missing", "rtsp://127.0.0.1:9/s"),
    ]
    made = Installation(tmp_path / "site", reached, volume_size="400 MiB").make()
    yield made
    made.kill()


async def test_a_running_recorder_is_said_to_be_what_it_is(installation: Installation) -> None:
    """Processes, the camera that records, the one that offers sound, the one that is not there; exit code 2 for it."""
    installation.start(whole_service=True)
    await installation.until_recording(["silent", "talking"])
    await installation.until_desk_answers()
    command = ["doctor", "--config", str(installation.config_path), "--json"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            result = await asyncio.to_thread(CliRunner().invoke, build(), command)
            findings = json.loads(result.output)["findings"]
            if [finding["code"] for finding in findings].count("process") == 3:  # the door may answer last
                break
            await asyncio.sleep(0.2)
    installation.stop()
    by_camera = {finding["code"]: finding["text"] for finding in findings if finding["code"].startswith("camera")}
    assert "silent" in by_camera["camera"]
    assert "talking" in by_camera["camera-offers-audio"]
    assert "missing" in by_camera["camera-not-recording"]
    assert result.exit_code == 2
