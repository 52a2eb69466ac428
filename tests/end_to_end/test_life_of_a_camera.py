"""A camera's whole life in a running service: added, aimed, confirmed, paused, resumed, removed; another records on."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kuramori.capture.source import Codec
from kuramori.messages import CameraState, SpanKind
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.nal_units import split_annexb
from kuramori.simulator.rtsp_server import Mount, RtspServer
from tests.end_to_end.commands import Typed, typed
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.clips import clip
from tests.fakes.rtsp_camera import ACCOUNT, clip_material, running_camera

MANAGER, HANDLER, INSTALLER = "Sato Hanako", "Suzuki Ichiro", "Abe Rokuro"
PEOPLE = f'\n[[person]]\nname = "{INSTALLER}"\ntitle = "Contractor"\nroles = ["installer"]\n'
PATIENCE_SECONDS = 30.0
SAMPLE_BYTES = 24
PIECE_BYTES = 1 << 20


@pytest.fixture
async def street() -> AsyncIterator[RtspServer]:
    """Two cameras; the second one asks for a password and offers sound."""
    mounts = (
        Mount("/gate", clip_material(Codec.H264)),
        Mount("/yard", clip_material(Codec.H265), AudioKind.AAC, ACCOUNT),
    )
    async with running_camera(*mounts) as server:
        yield server


class Service:
    """A running service and its command line."""

    def __init__(self, site: Installation) -> None:
        self.site = site

    async def command(self, *words: object, person: str = MANAGER) -> Typed:
        """Run a command to its end."""
        more = ["--as", person] if words[:2] not in (("camera", "list"), ("camera", "confirm-view")) else []
        more = [] if words[0] in ("audio-report", "coverage", "status") else more
        return await asyncio.to_thread(typed, *words, *more, "--config", self.site.config_path)

    async def good(self, *words: object, person: str = MANAGER) -> str:
        """Run a command that must succeed."""
        done = await self.command(*words, person=person)
        assert done.code == 0, (done.out, done.err)
        return done.out

    async def listed(self, name: str) -> dict[str, Any]:
        """Return a camera as the list shows it."""
        found = json.loads(await self.good("camera", "list", "--json"))
        camera: dict[str, Any] = next(one for one in found["cameras"] + found["removed"] if one["name"] == name)
        return camera

    async def until(self, name: str, state: CameraState | None) -> None:
        """Wait until a camera is in a state; None: until the recorder no longer has it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = {one.name: one.state for one in (await self.site.recorder.status()).cameras}
                if found.get(name) == state:
                    return
                await asyncio.sleep(0.05)


@pytest.fixture
async def service(tmp_path: Path, street: RtspServer) -> AsyncIterator[Service]:
    """The whole service with the first camera."""
    site = Installation(tmp_path / "site", [CameraAt("gate", street.url("/gate"))], "400 MiB", extra=PEOPLE).make()
    site.start(whole_service=True)
    try:
        await site.until_recording()
        await site.until_desk_answers()
        yield Service(site)
    finally:
        site.stop()


async def test_a_camera_lives_and_leaves_without_disturbing_another(
    service: Service, street: RtspServer, tmp_path: Path
) -> None:
    """From the first to the last day; the other camera has no gap, and no picture lies anywhere in the clear."""
    began = (await service.site.recorder.status()).cameras[0].last_durable_utc_ms
    assert began is not None
    await add(service, street, tmp_path)
    await service.site.until_recording(["gate", "yard"])
    await aim(service)
    await service.good("camera", "confirm-view", "yard", "--handler", HANDLER)
    assert (await service.listed("yard"))["confirmed_by"] == HANDLER
    report = json.loads(await service.good("audio-report", "--json"))
    verdicts = {line["camera"]: line["verdict"] for line in report["lines"]}
    assert verdicts == {"gate": "silent", "yard": "not_recorded"}
    await service.good("camera", "pause", "yard", "--until", "+1h", "--reason", "new lamp")
    await service.until("yard", CameraState.PAUSED)
    await service.good("camera", "resume", "yard")
    await service.until("yard", CameraState.RECORDING)
    await service.good("camera", "remove", "yard", "--reason", "the yard is closed", "--yes")
    await service.until("yard", None)
    gate = (await service.site.recorder.status()).cameras[0].last_durable_utc_ms
    assert gate is not None
    spans = (await service.site.recorder.coverage("gate", began, gate)).spans
    assert {span.kind for span in spans} == {SpanKind.RECORDED}
    left = await service.site.recorder.coverage("yard", began, gate)
    assert SpanKind.RECORDED in {span.kind for span in left.spans}
    kinds = [entry["kind"] for entry in json.loads(await service.good("register", "--json"))]
    life = ["camera_enrolled", "aimed", "view_confirmed", "camera_paused", "camera_resumed", "camera_retired"]
    assert [kind for kind in kinds if kind in life] == ["camera_enrolled", *life]
    assert "in the configuration" not in (await service.command(*adding(street, tmp_path))).out


def adding(street: RtspServer, folder: Path) -> list[object]:
    """The words that add the second camera."""
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(ACCOUNT.password)
    words: list[object] = ["camera", "add", "--name", "yard", "--place", "Yard", "--retention", "7 days", "--yes"]
    return [*words, "--url", street.url("/yard"), "--user", ACCOUNT.user, "--password-file", password]


async def add(service: Service, street: RtspServer, folder: Path) -> None:
    """Add the second camera."""
    found = json.loads(await service.good(*adding(street, folder), "--json"))
    assert (found["registered"], found["service"]) == (True, "told")


async def aim(service: Service) -> None:
    """Look at one still in a terminal; nothing of it is on any disk afterwards."""
    words = ["camera", "aim", "yard", "--installer", INSTALLER, "--handler", HANDLER]
    shown = await asyncio.to_thread(at_terminal, [*words, "--config", str(service.site.config_path)])
    assert shown.count("▀") > 100
    assert "Stills left: 11" in shown
    assert (await service.listed("yard"))["aims"] == 1
    await asyncio.to_thread(assert_no_picture, service.site.files())  # the cameras live in this loop


def assert_no_picture(paths: list[Path]) -> None:
    """No sample of the camera's pictures stands in any file, and no JPEG in a small one (sealed bytes say anything)."""
    samples = [unit[8 : 8 + SAMPLE_BYTES] for unit in split_annexb(clip(Codec.H265).stream) if len(unit) > 200][:3]
    for path in paths:
        if not path.is_file():
            continue
        with path.open("rb") as file:
            before = b""
            while piece := file.read(PIECE_BYTES):
                assert not [sample for sample in samples if sample in before + piece], path
                before = piece[-SAMPLE_BYTES:]
        assert path.stat().st_size > 1 << 20 or b"\xff\xd8\xff" not in path.read_bytes(), path


def at_terminal(words: list[str]) -> str:
    """Run a command at a terminal of its own, pressing Enter when the picture is there; return what it showed."""
    ours, its = os.openpty()
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "100", "LINES": "30"}
    command = [sys.executable, "-m", "kuramori.cli", *words]
    shown = b""
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        pressed = False
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:
                break
            if not piece:
                break
            shown += piece
            if not pressed and b"clear the picture" in shown:
                pressed = True
                os.write(ours, b"\n")
    os.close(ours)
    text = shown.decode("utf-8", "replace")
    assert process.returncode == 0, text[-2000:]
    return text
