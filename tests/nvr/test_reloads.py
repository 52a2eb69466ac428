"""Reading the configuration again: a sound file is accepted, a faulty one refused as a whole, places stay."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kuramori.reloads import Reloads
from kuramori_config.load import load_configuration
from tests.end_to_end.installation import CameraAt, Installation

GATE = CameraAt("gate", "rtsp://127.0.0.1:1/x")
YARD = """
[[camera]]
name = "yard"
place = "Yard"
retention = "3 hours"
floor = "1 hour"
rtsp = "rtsp://127.0.0.1:2/x"
"""
PATIENCE_SECONDS = 30

LISTENER = """
import asyncio, sys
from kuramori.process import run_process
async def main(configuration, reloads, stop):
    print("ready", flush=True)
    while True:
        print(*[camera.name for camera in (await reloads.next()).cameras], flush=True)
run_process("door", main)
"""


@pytest.fixture
def site(tmp_path: Path) -> Installation:
    """A configuration with one camera."""
    return Installation(tmp_path / "site", [GATE]).draft()


async def test_a_camera_that_was_added_is_there_after_a_reload(site: Installation) -> None:
    """The next configuration has both cameras."""
    reloads = Reloads(load_configuration(site.config_path), site.config_path)
    site.config_path.write_text(site.config_path.read_text() + YARD)
    reloads.ask()
    found = await asyncio.wait_for(reloads.next(), PATIENCE_SECONDS)
    assert [camera.name for camera in found.cameras] == ["gate", "yard"]


async def test_a_faulty_file_is_refused_and_the_next_sound_one_accepted(site: Installation) -> None:
    """Nothing comes of the faulty one but its fault, which is forgotten when the file is sound."""
    reloads = Reloads(load_configuration(site.config_path), site.config_path)
    sound = site.config_path.read_text()
    site.config_path.write_text(sound + YARD.replace("retention", "retetion"))
    waiting = asyncio.create_task(reloads.next())
    reloads.ask()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not reloads.fault:
            await asyncio.sleep(0.01)
    assert "camera[yard]" in reloads.fault
    assert not waiting.done()
    site.config_path.write_text(sound + YARD)
    reloads.ask()
    assert len((await asyncio.wait_for(waiting, PATIENCE_SECONDS)).cameras) == 2
    assert reloads.fault == ""


async def test_places_and_keys_keep_their_value_until_a_restart(site: Installation) -> None:
    """A running process cannot move: the old folder stands in the new configuration, the new network too."""
    before = load_configuration(site.config_path)
    reloads = Reloads(before, site.config_path)
    text = site.config_path.read_text().replace('"state"', '"elsewhere"')
    site.config_path.write_text(text + '[network]\nlocal_networks = ["10.1.0.0/16"]\n')
    reloads.ask()
    after = await asyncio.wait_for(reloads.next(), PATIENCE_SECONDS)
    assert after.storage == before.storage
    assert [str(network) for network in after.network.local_networks] == ["10.1.0.0/16"]


def test_a_hangup_during_the_start_is_neither_lost_nor_deadly(site: Installation) -> None:
    """SIGHUP that waited since before the process existed has the file read as soon as the process listens."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        command = [sys.executable, "-c", LISTENER, "--config", str(site.config_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    with process:
        os.kill(process.pid, signal.SIGHUP)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.kill()
    assert lines == ["ready\n", "gate\n"]
