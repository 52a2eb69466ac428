"""A whole service whose root lies in a TPM: killed, started again, the TPM in failure mode, away, and back."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from kuramori.capture.source import Codec
from kuramori.simulator.rtsp_server import Mount
from kuramori_config.load import load_configuration
from tests.end_to_end.commands import Typed, typed
from tests.end_to_end.installation import PATIENCE_SECONDS, POLL_SECONDS, CameraAt, Installation
from tests.end_to_end.opening import numbers, opened
from tests.fakes.rtsp_camera import clip_material, running_camera
from tests.fakes.software_tpm import INDEX, SoftwareTpm, software_tpm

MANAGER = "Sato Hanako"
TIER = 'kuramori_keystore_erasure_tier_info{tier="E0"} 1.0'


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Installation, SoftwareTpm]]:
    """The service, recording one camera; its cell is in a TPM, with a fallback in a folder."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with software_tpm(tmp_path) as tpm:
        async with running_camera(Mount("/gate", clip_material(Codec.H264))) as camera:
            made = Installation(tmp_path / "site", [CameraAt("gate", camera.url("/gate"))], volume_size="400 MiB")
            text = made.draft().config_path.read_text()
            cell = f'cell = "tpm"\ntpm = "{tpm.tcti}"\nfallback_cell_directory = "fallback"'
            made.config_path.write_text(text.replace('cell_directory = "cell"', cell))
            (made.folder / "fallback").mkdir(mode=0o700)
            made.set_up().start(whole_service=True)
            try:
                await made.until_recording()
                yield made, tpm
            finally:
                made.stop()


async def manager(site: Installation, *words: object) -> Typed:
    """Run a command as the manager."""
    return await asyncio.to_thread(typed, *words, "--as", MANAGER, "--config", site.config_path)


async def told(site: Installation, *words: object) -> str:
    """Run a command that tells, whatever it thinks of what it tells; return all of it."""
    done = await asyncio.to_thread(typed, *words, "--config", site.config_path)
    return done.out + done.err


async def page(site: Installation) -> str:
    """Return the metrics page."""
    listen = load_configuration(site.config_path).metrics.listen
    return await asyncio.to_thread(lambda: urlopen(f"http://{listen}/metrics", timeout=20).read().decode())


async def until_said(site: Installation, said: str) -> None:
    """Wait until the recorder's problems say so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while said not in "\n".join((await site.recorder.status()).problems):
            await asyncio.sleep(POLL_SECONDS)


async def reached(site: Installation) -> int:
    """Return the newest picture that opens."""
    return max(numbers(await opened(site, "gate")), default=0)


async def until_more(site: Installation, than: int) -> None:
    """Wait until newer pictures open."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await reached(site) <= than:
            await asyncio.sleep(POLL_SECONDS)


async def kill_recorder(site: Installation) -> None:
    """kill -9; the supervisor starts another."""
    pid = await recorder_pid(site)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await recorder_pid(site) in (pid, None):
            await asyncio.sleep(POLL_SECONDS)
    await site.until_recording()


async def recorder_pid(site: Installation) -> int | None:
    """Return what the supervisor's report says."""
    status = json.loads((await asyncio.to_thread(typed, "status", "--json", "--config", site.config_path)).out)
    pid = status["processes"]["processes"]["recorder"]["pid"]
    return int(pid) if pid is not None else None


async def erase_a_second(site: Installation) -> Typed:
    """Order the erasure of what was recorded first."""
    first = (await opened(site, "gate"))[0].units[0].utc_us // 1_000_000
    span = ("--from", f"{_written(first)}", "--to", f"{_written(first + 1)}")
    return await manager(site, "erase", "--camera", "gate", *span, "--reason", "wrong aim", "--yes")


def _written(seconds: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"


@pytest.mark.slow
async def test_keys_in_a_tpm_open_after_a_kill_and_die_by_rotation(site: tuple[Installation, SoftwareTpm]) -> None:
    """Recorded, killed, started again, opened; an order rotates the root into the other index; the tier everywhere."""
    installation, tpm = site
    assert set(tpm.tools().indices()) & {INDEX, INDEX + 1}
    assert not (installation.folder / "cell").exists()
    before = await opened(installation, "gate")
    await kill_recorder(installation)
    after = await opened(installation, "gate")
    assert set(numbers(before)) <= set(numbers(after)), "what was durable opens after kill -9"
    root_in = set(tpm.tools().indices())
    erased = await erase_a_second(installation)
    assert erased.code == 0, erased.err
    assert "tier E0" in erased.out
    assert set(tpm.tools().indices()) != root_in
    assert len(tpm.tools().indices()) == 1, "the old root is gone from the chip"
    assert "E0" in (await manager(installation, "erasures")).out
    assert "erasure tier E0" in await told(installation, "status")
    doctor = await told(installation, "doctor")
    assert "use a TPM that is a chip" in doctor
    assert "fallback: tier E0" in doctor
    figures = await page(installation)
    assert TIER in figures
    assert "kuramori_keystore_on_fallback 0.0" in figures


@pytest.mark.slow
async def test_a_tpm_that_fails_alarms_and_recording_goes_on(site: tuple[Installation, SoftwareTpm]) -> None:
    """Failure mode: nothing dies, and that is said. Away at a start: the fallback. Then it is back."""
    installation, tpm = site
    before = await reached(installation)
    sound = tpm.state.with_name("sound")
    shutil.copytree(tpm.state, sound)
    tpm.lose_memory()
    failed = await erase_a_second(installation)
    assert failed.code == 1
    await until_said(installation, "cannot be destroyed")
    await until_more(installation, before)
    assert "kuramori_keystore_erasure_pending 1.0" in await page(installation)
    tpm.kill()
    old = set(numbers(await opened(installation, "gate")))
    await kill_recorder(installation)
    await until_said(installation, "fallback cell")
    await until_more(installation, max(old))
    assert not old & set(numbers(await opened(installation, "gate"))), "whose cell is away does not open"
    figures = await page(installation)
    assert "kuramori_keystore_on_fallback 1.0" in figures
    assert TIER in figures
    doctor = await told(installation, "doctor")
    assert "fallback" in doctor
    assert "cannot be reached" in doctor
    await _it_comes_back(installation, tpm, sound, old)


async def _it_comes_back(installation: Installation, tpm: SoftwareTpm, sound: Path, old: set[int]) -> None:
    """With its memory: what was recorded before opens again but for what was ordered to be erased."""
    shutil.rmtree(tpm.state, ignore_errors=True)
    shutil.copytree(sound, tpm.state)
    tpm.start()
    on_fallback = await reached(installation)
    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        while "kuramori_keystore_on_fallback 1.0" in await page(installation):
            await asyncio.sleep(1)
    assert (await manager(installation, "erasures")).out.count("by order") <= 1
    await until_more(installation, on_fallback)
    assert not (await installation.recorder.status()).problems
