"""ipycam, a camera that nobody here wrote, running in a network namespace of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.namespaces import Cable, cable
from tests.peers import require_program, require_root

ADDRESS = "http://10.99.0.2:8080/onvif/device_service"
USER, PASSWORD = "operator", "hunter2"


@contextmanager
def running_ipycam(folder: Path, minutes_ahead: int = 0) -> Iterator[Cable]:
    """Run the camera with user and password; it answers when this is entered. Its clock may be ahead of ours."""
    require_root()
    require_program("ip")
    program = [str(Path(__file__).with_name("clock_ahead.py")), str(minutes_ahead), "ipycam"]
    ffmpeg = require_program("ffmpeg")
    source = ["-f", "lavfi", "-i", "testsrc=size=320x180:rate=5", "-t", "2", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    subprocess.run([ffmpeg, "-loglevel", "error", *source, str(folder / "clip.mp4")], check=True, timeout=60)
    settings = {"name": "Gate", "local_ip": "10.99.0.2", "username": USER, "password": PASSWORD}
    (folder / "camera.json").write_text(json.dumps(settings))
    with cable() as made, (folder / "log").open("wb") as log:
        camera = subprocess.Popen(
            made.at_camera(sys.executable, *program, "--config", "camera.json", "--source", "clip.mp4"),
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_it_answers(made)
            yield made
        finally:
            camera.send_signal(signal.SIGINT)
            try:
                camera.wait(timeout=10)
            except subprocess.TimeoutExpired:
                camera.kill()
                camera.wait()


def _wait_until_it_answers(network: Cable) -> None:
    for _ in range(20):
        if discover(network)["devices"]:
            return
    pytest.fail("the camera never answered a probe")


def discover(network: Cable) -> dict[str, list[dict[str, str]]]:
    """Return what `kuramori discover` lists."""
    program = "from kuramori.cli.main import run; run()"
    command = network.at_ours(sys.executable, "-c", program, "discover", "--seconds", "1", "--json")
    found: dict[str, list[dict[str, str]]] = json.loads(subprocess.check_output(command, timeout=30))
    return found


def run_at_ours(network: Cable, program: str, *arguments: str) -> dict[str, object]:
    """Run a Python program beside the camera; it prints one JSON object."""
    command = network.at_ours(sys.executable, "-c", program, *arguments)
    answer: dict[str, object] = json.loads(subprocess.check_output(command, timeout=60))
    return answer
