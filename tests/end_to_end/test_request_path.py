"""From a camera to a clip in somebody's hand, with the real service: recorded sealed, opened by four people."""

import asyncio
import io
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest
from typer.testing import CliRunner, Result

from kuramori.capture.source import Codec
from kuramori.cli import main
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.rtsp_server import Mount
from kuramori_segments.custodian_key import LEAST_COST, seal_key_file
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.rtsp_camera import clip_material, running_camera

PASSPHRASE = "correct horse battery staple"
HANDLER, MANAGER = "Suzuki Ichiro", "Sato Hanako"
RECORDED_SECONDS = 8


@dataclass(slots=True)
class Office:
    """The service, its people's key files, and the command line."""

    installation: Installation
    folder: Path

    async def run(self, *words: object) -> Result:
        """Run a command in a thread."""
        arguments = [str(word) for word in words] + ["--config", str(self.installation.config_path)]
        return await asyncio.to_thread(CliRunner().invoke, main.build(), arguments)

    async def good(self, *words: object) -> str:
        """Run a command that must succeed."""
        result = await self.run(*words)
        assert result.exit_code == 0, result.output
        return result.output

    async def approve(self, number: str, custodian: int) -> None:
        """Approve as custodian n, with key file and passphrase."""
        assert self.installation.custodians is not None
        key = self.folder / f"custodian{custodian}.key"
        key.write_bytes(seal_key_file(self.installation.custodians.keys[custodian - 1], PASSPHRASE, LEAST_COST))
        secret = self.folder / "passphrase"
        secret.write_text(PASSPHRASE)
        secret.chmod(0o600)
        await self.good("approve", number, "--key", key, "--passphrase-file", secret, "--yes")

    async def request(self, begin: float, end: float, key: Path) -> Result:
        """File a request for the camera's pictures between two times."""
        words = ["request", "--as", HANDLER, "--camera", "gate", "--from", written(begin), "--to", written(end)]
        words += [
            "--ground",
            "investigation",
            "--document",
            "No. 1",
            "--recipient",
            "Takahashi",
            "--identity-check",
            "ID",
        ]
        return await self.run(*words, "--purpose", "theft", "--witness", MANAGER, "--out-key", key)


def written(seconds: float) -> str:
    """A time as a person writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") + "Z"


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """The whole service, recording one camera that offers sound."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("KURAMORI_NOTEBOOK", str(tmp_path / "notebook.json"))
    for name in ("KURAMORI_DESK_SOCKET", "KURAMORI_PERSON", "KURAMORI_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    async with running_camera(Mount("/gate", clip_material(Codec.H264), audio=AudioKind.AAC)) as camera:
        made = Installation(tmp_path / "site", [CameraAt("gate", camera.url("/gate"))], volume_size="400 MiB").make()
        made.start(whole_service=True)
        try:
            await made.until_recording()
            await made.until_desk_answers()
            yield Office(made, tmp_path)
        finally:
            made.stop()


async def test_ten_seconds_are_opened_lawfully_and_nothing_else(office: Office) -> None:
    """File, decide, approve twice, clip: a playable MP4 without sound, and a register that verifies."""
    begin = time.time()
    await asyncio.sleep(RECORDED_SECONDS)
    key = office.folder / "extraction.key"
    filed = await office.request(begin, begin + RECORDED_SECONDS - 1, key)
    assert filed.exit_code == 0, filed.output
    found = re.search(r"\d{8}-\d+", filed.output)
    assert found is not None
    number = found[0]
    await office.good("decide", number, "--as", MANAGER, "--grant", "--reason", "in order")
    await office.approve(number, 1)
    out = office.folder / "bundle"
    clip = ["clip", number, "--as", HANDLER, "--extraction-key", key, "--out", out]
    early = await office.run(*clip)
    assert early.exit_code == 1
    assert "1 of the 2 approvals" in early.stderr
    await office.approve(number, 2)
    await office.good(*clip)
    with av.open(io.BytesIO((out / "clip.mp4").read_bytes())) as movie:
        assert [stream.type for stream in movie.streams] == ["video"]
        pictures = sum(1 for _ in movie.decode(video=0))
    assert pictures > 10
    manifest = json.loads((out / "manifest.json").read_text())
    assert number in json.dumps(manifest)
    verified = await office.good("register", "--as", MANAGER, "--verify")
    assert "none changed or removed" in verified
    listed = await office.good("register", "--as", MANAGER, "--request", number)
    assert [re.split(r"  +", line.strip())[2] for line in listed.splitlines()] == [
        "filed",
        "hold placed",
        "decided",
        "approved",
        "approved",
        "opened",
        "released",
        "bundle written",
        "hold lifted",
    ]


async def test_what_was_erased_is_refused_in_one_sentence(office: Office) -> None:
    """After `kuramori erase` the same minutes can neither be requested nor opened."""
    begin = time.time()
    await asyncio.sleep(3)
    end = time.time() - 1
    erase = ["erase", "--as", MANAGER, "--camera", "gate", "--from", written(begin), "--to", written(end)]
    receipt = await office.good(*erase, "--reason", "filmed by mistake", "--yes")
    assert "keys destroyed" in receipt
    refused = await office.request(begin, end, office.folder / "extraction.key")
    assert refused.exit_code == 1
    assert "erased" in refused.stderr
    entries = await office.good("register", "--as", MANAGER)
    assert "erase ordered" in entries
    assert "erased" in entries


async def test_a_desk_that_is_killed_costs_no_frame_and_comes_back(office: Office) -> None:
    """kill -9 of the desk: the recorder records on, the supervisor starts another, the register is whole."""
    import os
    import signal

    before = json.loads(await office.good("status", "--json"))
    pid = before["processes"]["processes"]["desk"]["pid"]
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        while True:
            result = await office.run("status", "--json")
            if result.exit_code == 0 and json.loads(result.output)["processes"]["processes"]["desk"]["pid"] != pid:
                break
            await asyncio.sleep(0.1)
    after = json.loads(result.output)
    assert after["processes"]["processes"]["recorder"] == before["processes"]["processes"]["recorder"]
    assert "none changed or removed" in await office.good("register", "--as", MANAGER, "--verify")
