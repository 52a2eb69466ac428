"""Whether a service runs in a runtime directory, and telling it to read its configuration again.

The lock tells whether one runs; `supervisor.json` tells which process to signal. This module must not know what a
service does.
"""

import fcntl
import json
import os
import signal
from enum import StrEnum
from pathlib import Path

from kuramori.service_lock import LOCK_NAME
from kuramori.supervisor import REPORT_NAME

REPORT_BYTES_MOST = 65536
COMMAND_BYTES_MOST = 4096
PROGRAM = b"kuramori"


class Told(StrEnum):
    """What came of telling the service."""

    TOLD = "told"
    NOT_RUNNING = "not_running"
    NOT_PERMITTED = "not_permitted"  # it runs under another account


def tell_to_reload(runtime: Path) -> Told:
    """Send SIGHUP to the supervisor of the service of this runtime directory."""
    if not _runs(runtime):
        return Told.NOT_RUNNING
    pid = _supervisor(runtime)
    if pid is None:
        return Told.NOT_RUNNING
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        return Told.NOT_RUNNING
    except PermissionError:
        return Told.NOT_PERMITTED
    return Told.TOLD


def _runs(runtime: Path) -> bool:
    """Tell whether somebody holds the lock; where it may not be looked at, the signal will tell."""
    try:
        descriptor = os.open(runtime / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except PermissionError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _supervisor(runtime: Path) -> int | None:
    try:
        with (runtime / REPORT_NAME).open("rb") as file:
            pid = json.loads(file.read(REPORT_BYTES_MOST))["supervisor_pid"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if type(pid) is int and pid > 1 and _is_ours(pid) else None


def _is_ours(pid: int) -> bool:
    """Tell whether that process is a `kuramori`: the report of a service that was killed may name another's number."""
    try:
        with Path(f"/proc/{pid}/cmdline").open("rb") as file:
            return PROGRAM in file.read(COMMAND_BYTES_MOST)
    except OSError:
        return False
