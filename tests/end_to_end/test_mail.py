"""The office learns by mail: a camera that is cut, a recorder that is frozen, a service that is killed."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.simulator.rtsp_server import Mount, RtspServer
from tests.end_to_end.commands import typed
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.test_recording import _pids
from tests.fakes.mail_server import PASSWORD, MailServer, text_of
from tests.fakes.rtsp_camera import clip_material, running_camera

_WATCH = """\
[watch]
name = "Test site"
state_directory = "watching"
secrets_directory = "secrets"
every_seconds = 1
unreachable_after_seconds = 2
"""


@pytest.fixture
async def mails(tmp_path: Path) -> AsyncIterator[MailServer]:
    """A mail server with TLS and sign-in."""
    async with MailServer(tmp_path) as server:
        yield server


@pytest.fixture
async def cameras() -> AsyncIterator[RtspServer]:
    """Two cameras."""
    material = clip_material(Codec.H264)
    async with running_camera(Mount("/gate", material), Mount("/yard", material)) as server:
        yield server


@pytest.fixture
async def site(tmp_path: Path, mails: MailServer, cameras: RtspServer) -> AsyncIterator[Installation]:
    """A whole service that mails, running."""
    found = [CameraAt(name, cameras.url(f"/{name}")) for name in ("gate", "yard")]
    table = mails.toml(red_after_seconds=2, daily_at='"00:00"', most_mails_per_hour=60)
    made = Installation(tmp_path / "site", found, volume_size="400 MiB", extra=table).draft()
    mails.secret(made.folder / "secrets")
    made.set_up().start(whole_service=True)
    await made.until_recording()
    yield made
    with contextlib.suppress(OSError, ValueError, KeyError):
        os.kill(_pids(made.places.runtime / "supervisor.json")["recorder"], signal.SIGCONT)
    made.kill()


@pytest.mark.slow
async def test_a_cut_camera_and_a_frozen_recorder_are_mailed_and_their_ends_too(
    site: Installation, mails: MailServer, cameras: RtspServer
) -> None:
    """First the daily mail; then each fault and its end, in both languages; the figures stand on the metrics page."""
    daily = await mails.until("cameras recorded")
    assert str(daily["Subject"]).startswith("【緑・正常】Test site: カメラ2台すべて録画中 / GREEN")
    assert "gate  録画: ○" in text_of(daily)

    mount = cameras.mounts.pop("/gate")
    for connection in list(cameras.connections):
        connection.close()
    began = time.monotonic()
    red = await mails.until("camera gate is not recorded")
    print(f"camera cut → mail: {time.monotonic() - began:.1f} s")
    assert str(red["Subject"]).startswith("【赤・異常】Test site: カメラ gate 録画停止")
    shown = await asyncio.to_thread(typed, "status", "--config", site.config_path)
    assert shown.code == 1
    assert "camera gate is not recorded" in shown.out
    cameras.mounts["/gate"] = mount
    await mails.until("all is well again")

    recorder = _pids(site.places.runtime / "supervisor.json")["recorder"]
    mails.messages.clear()
    os.kill(recorder, signal.SIGSTOP)
    began = time.monotonic()
    red = await mails.until("the recorder does not answer")
    print(f"recorder frozen → mail: {time.monotonic() - began:.1f} s")
    os.kill(recorder, signal.SIGCONT)
    await mails.until("all is well again")
    assert not [one for one in mails.raw if b"ftyp" in one]

    page = await asyncio.to_thread(_page, site)
    assert 'kuramori_site_light{light="unknown"} 0' in page
    assert "kuramori_mail_sent_total" in page
    assert "kuramori_mail_waiting 0" in page
    assert PASSWORD not in site.log_path.read_text()


async def test_mail_begins_and_ends_with_a_reload(tmp_path: Path, mails: MailServer, cameras: RtspServer) -> None:
    """A running service gets [mail] and is told to read its file: the office has its mail; without it none waits.

    Recorder and desk are the same processes as before, and a file with a fault changes nothing.
    """
    made = Installation(tmp_path / "site", [CameraAt("gate", cameras.url("/gate"))], volume_size="400 MiB").draft()
    mails.secret(made.folder / "secrets")
    made.set_up().start(whole_service=True)
    try:
        await made.until_recording()
        report = made.places.runtime / "supervisor.json"
        before = _pids(report)
        assert "messenger" not in before
        plain = made.config_path.read_text()
        made.config_path.write_text(plain + mails.toml(red_after_seconds=2, daily_at='"00:00"'))
        os.kill(made.process.pid, signal.SIGHUP)  # type: ignore[union-attr]
        await mails.until("cameras recorded")
        with_mail = _pids(report)
        assert {name: with_mail[name] for name in before} == before
        made.config_path.write_text(plain + "[mail]\n")
        os.kill(made.process.pid, signal.SIGHUP)  # type: ignore[union-attr]
        await _until(lambda: "configuration_refused" in made.log_path.read_text())
        assert _pids(report) == with_mail
        made.config_path.write_text(plain)
        os.kill(made.process.pid, signal.SIGHUP)  # type: ignore[union-attr]
        await _until(lambda: _pids(report) == before)
        await _until(lambda: not (made.places.runtime / "messenger.json").exists())
    finally:
        made.kill()


@pytest.mark.slow
async def test_another_machine_tells_of_a_killed_service(site: Installation, mails: MailServer, tmp_path: Path) -> None:
    """The watch reads the metrics page, mails that it watches, and mails when nobody answers any more."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    mails.secret(folder / "secrets")
    config = folder / "watch.toml"
    config.write_text(_WATCH + mails.toml(red_after_seconds=1, daily_at='"00:00"'))
    port = site.config_path.read_text().split('listen = "127.0.0.1:')[1].split('"')[0]
    address = f"http://127.0.0.1:{port}/metrics"
    once = await asyncio.to_thread(typed, "watch", address, "--mail-config", config, "--once")
    assert once.code in (0, 1), once
    command = [sys.executable, "-m", "kuramori.cli", "watch", address, "--mail-config", str(config)]
    watching = await asyncio.to_thread(subprocess.Popen, command, stderr=subprocess.DEVNULL)
    try:
        await mails.until("watched")
        began = time.monotonic()
        _kill_all(site)
        red = await mails.until("metrics page cannot be read")
        print(f"service killed → mail: {time.monotonic() - began:.1f} s")
        assert str(red["Subject"]).startswith("【赤・異常】Test site")
    finally:
        watching.terminate()
        assert await asyncio.to_thread(watching.wait, 30) == 0


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not done():
            await asyncio.sleep(0.05)


def _kill_all(site: Installation) -> None:
    """kill -9 of the supervisor and all of its processes."""
    pids = _pids(site.places.runtime / "supervisor.json")
    site.kill()
    for pid in pids.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _page(site: Installation) -> str:
    port = site.config_path.read_text().split('listen = "127.0.0.1:')[1].split('"')[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())
