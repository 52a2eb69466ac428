"""Cameras from `kuramori simulate`, in a process of their own: for tests that are no coroutines."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SMALL = ("--size", "320x180", "--fps", "10", "--bitrate", "200k", "--no-discovery")


@contextmanager
def simulated_cameras(cache: Path, count: int) -> Iterator[tuple[str, ...]]:
    """Run cameras; yield their stream addresses."""
    command = [sys.executable, "-m", "kuramori.cli", "simulate", "--cameras", str(count), "--cache", str(cache)]
    with subprocess.Popen([*command, "--json", *SMALL], stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise AssertionError("no output to read")
            cameras = json.loads(process.stdout.readline())["cameras"]
            yield tuple(camera["rtsp_url"] for camera in cameras)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
