"""A recorder dies; disk, keystore, cell and state open on another machine, lawfully, and the disk stays as it is."""

import asyncio
import io
import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import av
import pytest

from kuramori.capture.source import Codec
from kuramori.simulator.rtsp_server import Mount
from tests.end_to_end.commands import typed
from tests.end_to_end.installation import PATIENCE_SECONDS, POLL_SECONDS, CameraAt, Installation
from tests.end_to_end.test_request_path import HANDLER, MANAGER, Office
from tests.fakes.rtsp_camera import clip_material, running_camera

RECORDED_SECONDS = 6


async def dead_recorder(folder: Path) -> tuple[Installation, float, float]:
    """Record some seconds and kill everything, so that a segment is left without its end."""
    async with running_camera(Mount("/gate", clip_material(Codec.H264))) as camera:
        made = Installation(folder / "dead", [CameraAt("gate", camera.url("/gate"))], volume_size="400 MiB").make()
        made.start()
        try:
            await made.until_recording()
            begin = time.time()
            await asyncio.sleep(RECORDED_SECONDS)
            end = time.time() - 2
        finally:
            made.kill()
    return made, begin, end


def evidence_of(dead: Installation) -> dict[str, tuple[int, bytes]]:
    """Every file that was taken out, with its time and content."""
    found = {}
    places = dead.places
    assert places.cell is not None
    for path in (*places.volumes, *places.keystore.iterdir(), *places.cell.iterdir(), *places.state.glob("*.*")):
        data = path.read_bytes() if path.stat().st_size < 1 << 24 else b""
        found[str(path)] = (path.stat().st_mtime_ns, data)
    return found


def words(dead: Installation, work: Path) -> list[object]:
    places = dead.places
    return [
        *("--volume", places.volumes[0], "--keystore", places.keystore, "--cell", places.cell),
        *("--state", places.state, "--work", work),
    ]


@pytest.mark.slow
async def test_a_dead_recorders_disk_opens_by_request_decision_and_custodians(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, decide, approve twice, clip: as ever, registered in the copy; and the evidence is untouched."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("KURAMORI_NOTEBOOK", str(tmp_path / "notebook.json"))
    dead, begin, end = await dead_recorder(tmp_path)
    before = evidence_of(dead)
    other = Installation(tmp_path / "other", [], custodians=dead.custodians)
    other.folder.mkdir()
    shutil.copy(dead.config_path, other.config_path)
    work = tmp_path / "work"
    config = ["--config", other.config_path]
    command = [sys.executable, "-m", "kuramori.cli", "open-offline", *words(dead, work), *config]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not other.places.desk_socket.exists():
                assert process.poll() is None
                await asyncio.sleep(POLL_SECONDS)
        office = Office(other, tmp_path)
        key = tmp_path / "extraction.key"
        filed = await office.request(begin, end, key)
        assert filed.exit_code == 0, filed.output
        found = re.search(r"\d{8}-\d+", filed.output)
        assert found is not None
        number = found[0]
        await office.good("decide", number, "--as", MANAGER, "--grant", "--reason", "in order")
        await office.approve(number, 1)
        clip = ["clip", number, "--as", HANDLER, "--extraction-key", key, "--out", tmp_path / "bundle"]
        early = await office.run(*clip)
        assert early.exit_code == 1
        await office.approve(number, 2)
        await office.good(*clip)
        verified = await office.good("register", "--as", MANAGER, "--verify")
        assert "none changed or removed" in verified
        refused = await office.run(
            *("erase", "--as", MANAGER, "--camera", "gate", "--reason", "x", "--yes"),
            *("--from", "-10m", "--to", "-1m"),
        )
        assert "reading only" in refused.stderr
        held = ("hold", "place", "--as", MANAGER, "--camera", "gate", "--reason", "x", "--from", "-10m", "--to", "-1m")
        refused = await office.run(*held, "--until", "+1d")
        assert refused.exit_code == 1
        assert "nothing is kept longer" in refused.stderr
        monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
        assert "読取専用" in (await office.run(*held, "--until", "+1d")).stderr
        monkeypatch.setenv("LC_ALL", "C.UTF-8")
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=20)
    assert "gate" in out
    assert (work / "register.db").exists()
    with av.open(io.BytesIO((tmp_path / "bundle" / "clip.mp4").read_bytes())) as movie:
        assert sum(1 for _ in movie.decode(video=0)) > 10
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert number in json.dumps(manifest)
    assert evidence_of(dead) == before
    _without_the_cell_nothing_opens(tmp_path, dead, work, config)


def _without_the_cell_nothing_opens(folder: Path, dead: Installation, work: Path, config: list[object]) -> None:
    """One sentence that says why, in both languages, and that it is meant so; and bad input is one sentence too."""
    empty = folder / "empty"
    empty.mkdir(mode=0o700)
    places = dead.places
    given = ["open-offline", "--volume", places.volumes[0], "--state", places.state, "--work", work, *config]
    gone = typed(*given, "--keystore", places.keystore, "--cell", empty)
    assert "by design" in gone.refusal(2)
    gone_ja = typed(*given, "--keystore", places.keystore, "--cell", folder / "nowhere", japanese=True)
    assert "設計" in gone_ja.refusal(2)
    typed(*given, "--keystore", empty, "--cell", places.cell).refusal(2)
    half = ["open-offline", "--volume", places.volumes[0], "--state", places.state, *config]
    assert "--work" in typed(*half, "--keystore", places.keystore, "--cell", places.cell).refusal(2)
    no_volume = [*given[3:], "--keystore", places.keystore, "--cell", places.cell]
    wrong = typed("open-offline", "--volume", folder / "notebook.json", *no_volume)
    assert "notebook.json" in wrong.refusal(2)
    with suppress(FileNotFoundError):
        (work / "desk.sock").unlink()
