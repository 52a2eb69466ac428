"""Asks every drive by `smartctl` and leaves each answer as a file, for a recorder that may not ask drives itself.

Run by a privileged unit, on a timer. What a drive says is capped and passed on unread; who reads it judges. A drive
that does not answer costs the time limit and no more. This module must not know the recorder.
"""

import json
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kuramori.durable_file import write_file
from kuramori.storage_health.drive_report import REPORT_BYTES_MOST
from kuramori.storage_health.sysfs_medium import SYSFS, disks

ANSWER_SECONDS = 60.0
KILLED_SECONDS = 2.0  # one that hangs in the kernel cannot be ended: it is left behind
REPORT_MODE = 0o644
SUFFIX = ".json"
NO_SMARTCTL = "no-smartctl"
NO_ANSWER = "no-answer"


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of it, by the kernel's names of the disks."""

    asked: tuple[str, ...]
    silent: tuple[str, ...]  # no answer in time, or far too much of one
    smartctl: str  # the program; empty where there is none


def collect(folder: Path, sysfs: Path = SYSFS, seconds: float = ANSWER_SECONDS) -> Collected:
    """Write one report for each disk into `folder`, and remove those of disks that left. Raises OSError."""
    program = shutil.which("smartctl") or ""
    names, silent = list(disks(sysfs)), []
    for name in names:
        content = _answer(program, name, seconds) if program else _problem(NO_SMARTCTL)
        if content is None:
            silent.append(name)
            content = _problem(NO_ANSWER)
        write_file(folder / f"{name}{SUFFIX}", content, REPORT_MODE)
    for old in folder.glob(f"*{SUFFIX}"):
        if old.stem not in names:
            with suppress(FileNotFoundError):
                old.unlink()
    return Collected(tuple(names), tuple(silent), program)


def _answer(program: str, name: str, seconds: float) -> bytes | None:
    """Return what smartctl prints; its exit status stands inside. None: it did not end, or printed too much."""
    command = [program, "--json=c", "--all", f"/dev/{name}"]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        content, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        with suppress(subprocess.TimeoutExpired):
            child.communicate(timeout=KILLED_SECONDS)
        return None
    return content if len(content) <= REPORT_BYTES_MOST else None


def _problem(name: str) -> bytes:
    return json.dumps({"kuramori": {"problem": name}}).encode()
