"""Looking at granted minutes with the real service, the command and a browser: seen, registered, and nowhere kept."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.simulator.nal_units import split_annexb
from tests.end_to_end.test_request_path import HANDLER, MANAGER, Office, office
from tests.fakes.chromium import chromium
from tests.fakes.clips import clip
from tests.fakes.fake_viewer import jpeg

__all__ = ["office"]  # a fixture

RECORDED_SECONDS = 12
SAMPLE_BYTES = 16
JPEG_OF_OURS = re.compile(rb"\xff\xd8\xff[\xe0\xfe\xdb].{0,40}(?:Lavc|JFIF)", re.DOTALL)
SHOWN = "Number(document.documentElement.dataset.shown || 0)"


async def approved(office: Office, key: Path) -> str:
    """Record, file, grant, approve twice; return the number."""
    begin = time.time()
    await asyncio.sleep(RECORDED_SECONDS)
    filed = await office.request(begin, begin + RECORDED_SECONDS - 1, key)
    assert filed.exit_code == 0, filed.output
    found = re.search(r"\d{8}-\d+", filed.output)
    assert found is not None
    await office.good("decide", found[0], "--as", MANAGER, "--grant", "--reason", "in order")
    for custodian in (1, 2):
        await office.approve(found[0], custodian)
    return found[0]


async def viewing(office: Office, number: str, key: Path, home: Path) -> asyncio.subprocess.Process:
    """Begin to look, as a person types it, with a home and a folder for temporary files of its own."""
    for name in ("home", "tmp", "runtime"):
        (home / name).mkdir(parents=True)
    words = ["view", number, "--as", HANDLER, "--extraction-key", str(key)]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kuramori.cli", *words, "--config", str(office.installation.config_path)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("KURAMORI_")},
            "HOME": str(home / "home"),
            "TMPDIR": str(home / "tmp"),
            "XDG_RUNTIME_DIR": str(home / "runtime"),
            "PYTHONUNBUFFERED": "1",
        },
    )


def pictures_in(paths: Iterable[Path]) -> tuple[list[Path], int]:
    """Return which files hold a picture, as the camera sent it or as the worker made it, and how much was read."""
    units = [unit for unit in split_annexb(clip(Codec.H264).stream) if len(unit) > 4 * SAMPLE_BYTES]
    samples = [bytes(unit[9 : 9 + SAMPLE_BYTES]) for unit in units][:60]
    found, searched = [], 0
    for path in paths:
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        searched += len(content)
        if JPEG_OF_OURS.search(content) or any(sample in content for sample in samples):
            found.append(path)
    return found, searched


def control_in(folder: Path) -> Path:
    """Write a picture as the worker makes them: the search has to find one that is there."""
    control = folder / "control.jpg"
    control.write_bytes(jpeg())
    return control


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_granted_minutes_are_seen_in_a_browser_and_lie_nowhere(office: Office) -> None:
    """From the command to a moving picture; while it moves and afterwards no file anywhere holds one."""
    key, home, profile = office.folder / "extraction.key", office.folder / "handler", office.folder / "profile"
    number = await approved(office, key)
    command = await viewing(office, number, key, home)
    assert command.stdout is not None
    line = (await asyncio.wait_for(command.stdout.readline(), 100)).decode()
    address = re.search(r"http://127\.0\.0\.1:\d+/#\S+", line)
    assert address is not None, (line, await command.communicate())
    async with chromium(profile) as browser:
        page = await browser.open(address[0])
        await page.until(f"{SHOWN} >= 1")
        await page.evaluate("document.querySelector('#play').click()")
        await page.until(f"{SHOWN} >= 40")
        await page.until("document.querySelector('#storyboard').dataset.whole === 'yes'")
        widths = await page.evaluate("[...document.querySelectorAll('#storyboard canvas')].map((one) => one.width)")
        assert widths
        assert max(widths) <= 96
        assert number in await page.evaluate("document.querySelector('#what').textContent")
        opened = [os.readlink(link) for link in Path(f"/proc/{command.pid}/fd").iterdir() if link.is_symlink()]
        assert not [target for target in opened if target.startswith(str(office.folder)) and ".sock" not in target]
        assert address[0].partition("#")[2].encode() not in Path(f"/proc/{command.pid}/cmdline").read_bytes()
        everywhere = [office.installation.folder, home, profile, Path("/dev/shm")]
        assert pictures_in([control_in(office.folder)])[0] != []
        shown, searched = await asyncio.to_thread(pictures_in, [f for top in everywhere for f in top.rglob("*")])
        assert shown == []
        assert searched > 350 << 20  # the whole volume was looked through
        command.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(command.communicate(), 100)
        assert (command.returncode, err) == (0, b""), (out, err)
    shown, _ = await asyncio.to_thread(pictures_in, [f for top in everywhere for f in top.rglob("*")])
    assert shown == []
    listed = json.loads(await office.good("register", "--as", MANAGER, "--request", number, "--json"))
    bodies = {entry["kind"]: entry["body"] for entry in listed}
    assert bodies["viewing_begun"]["present"] == [HANDLER, MANAGER]
    assert bodies["viewing_ended"]["how"] == "closed"
    assert {one["detail"] for one in bodies["viewing_ended"]["shown"]} == {"full", "storyboard"}
    assert "released" not in bodies
    assert "none changed or removed" in await office.good("register", "--as", MANAGER, "--verify")
