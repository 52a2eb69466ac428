"""Real programs that the tests record from or compare with, and what to do where one is missing.

A missing peer skips its tests with the reason; with KURAMORI_REQUIRE_PEERS set (as in continuous integration) it
fails them, so that a green run cannot hide what was never run.
"""

import os
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

SYSTEM_PYTHON = "/usr/bin/python3"  # GStreamer's bindings come from apt and belong to it


def require(found: bool, what: str) -> None:
    """Skip the test, or fail it where peers are required, unless `found`."""
    if found:
        return
    if os.environ.get("KURAMORI_REQUIRE_PEERS"):
        pytest.fail(f"required, but missing: {what}", pytrace=False)
    pytest.skip(f"missing: {what}")


def require_root() -> None:
    """The test makes namespaces, mounts or captures packets."""
    require(os.geteuid() == 0, "root")


def require_program(name: str) -> str:
    """Return the path of a program."""
    for directory in [*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/sbin"]:
        candidate = Path(directory) / name
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    require(False, f"the program {name}")
    raise AssertionError("unreachable")


def require_fuse() -> None:
    """The test mounts a file system of its own that fails when told."""
    require(os.access("/dev/fuse", os.R_OK | os.W_OK), "/dev/fuse")
    require_program("fusermount3")
    require(find_spec("mfusepy") is not None, "the Python package mfusepy")


@cache
def _gstreamer_rtsp_found() -> bool:
    program = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    try:
        return subprocess.run([SYSTEM_PYTHON, "-c", program], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def require_gstreamer_rtsp() -> str:
    """Return the Python that can run GStreamer's RTSP server."""
    require(_gstreamer_rtsp_found(), "GStreamer's RTSP server (apt: gir1.2-gst-rtsp-server-1.0 python3-gi)")
    return SYSTEM_PYTHON
