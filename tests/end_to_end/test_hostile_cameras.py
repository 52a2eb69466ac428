"""Cameras that mean harm, all at once, beside two honest ones: they cost nothing but their own gap."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori.messages import CoverageSpan, SpanKind
from tests.end_to_end.installation import CameraAt, Installation, free_port
from tests.end_to_end.simulated import simulated_cameras
from tests.fakes.hostile_rtsp import NOT_RTSP, SINS

PATIENCE_SECONDS = 60  # until every hostile camera has shown what it is
IMPATIENT = "\n[recorder]\nconnect_seconds = 3\n"
MEMORY_MOST_KB = 250_000
GROWTH_MOST_KB = 32_000  # from the first good picture to the last sin shown
DAMAGED = {
    "rubbish",
    "headers",
    "one-header",
    "length",
    "negative",
    "large-sdp",
    "bombs",
    "no-end",
    "lengths",
    *NOT_RTSP,
}
EXPECTED = dict.fromkeys(DAMAGED, "stream_damaged") | {
    "drip": "camera_stalled",
    "trickle": "camera_stalled",
    "no-video": "camera_refused",
    "wrong-port": "camera_offline",
    "wrong-password": "camera_refused",
}
SAID = {
    "wrong-password": "wrong user name or password",
    "no-video": "the stream has no video",
    "web-server": "not RTSP",
}
SURVIVED = "clocks"  # its pictures are good, and dated by ours


@pytest.fixture
def hostile_port() -> Iterator[int]:
    """The hostile cameras' server."""
    command = [sys.executable, "-m", "tests.fakes.hostile_rtsp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@pytest.fixture
def installation(tmp_path: Path, hostile_port: int) -> Iterator[Installation]:
    """Two honest cameras and one for each sin."""
    with simulated_cameras(tmp_path / "cache", 2) as urls:
        honest = [CameraAt(f"honest-{number}", url) for number, url in enumerate(urls, start=1)]
        account = {"user": "recorder", "password": "hunter2"}
        hostile = [CameraAt(sin, f"rtsp://127.0.0.1:{hostile_port}/{sin}", **account) for sin in SINS]
        nobody = CameraAt("wrong-port", f"rtsp://127.0.0.1:{free_port()}/stream1")
        made = Installation(tmp_path / "site", [*honest, *hostile, nobody], "3 GiB", IMPATIENT).make()
        yield made
        made.kill()


def test_hostile_cameras_cost_nobody_else_a_picture(installation: Installation) -> None:
    """The honest ones are recorded without a break; each hostile one has a gap with its reason; memory has a bound."""
    installation.start()
    asyncio.run(installation.until_recording(["honest-1", "honest-2"]))
    before_kb = _memory_kb(installation, "VmRSS")
    coverage = asyncio.run(_until_reasons(installation, EXPECTED))
    cameras = {camera.name: camera for camera in asyncio.run(installation.recorder.status()).cameras}
    after_kb, peak_kb = _memory_kb(installation, "VmRSS"), _memory_kb(installation, "VmHWM")
    installation.stop()
    for name in ("honest-1", "honest-2"):
        assert [span.kind for span in coverage[name]] == [SpanKind.GAP, SpanKind.RECORDED], coverage[name]
        assert (cameras[name].reconnects, cameras[name].lost_packets) == (0, 0)
    assert {name: coverage[name][-1].reason for name in EXPECTED} == EXPECTED
    for name, words in SAID.items():
        assert words in cameras[name].detail
    assert SpanKind.RECORDED in {span.kind for span in coverage[SURVIVED]}, coverage[SURVIVED]
    assert peak_kb < MEMORY_MOST_KB
    assert after_kb - before_kb < GROWTH_MOST_KB
    assert "Traceback" not in installation.log_path.read_text()


def _memory_kb(installation: Installation, which: str) -> int:
    assert installation.process is not None
    lines = Path(f"/proc/{installation.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which))


async def _until_reasons(site: Installation, expected: dict[str, str]) -> dict[str, tuple[CoverageSpan, ...]]:
    """Wait until each hostile camera's gap has its reason; return everybody's coverage of the last minutes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        now = int(time.time() * 1000)
        names = [camera.name for camera in site.cameras]
        found = {name: (await site.recorder.coverage(name, now - 120_000, now)).spans for name in names}
        shown = {name: found[name][-1].reason for name in expected}
        if shown == expected or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.2)
