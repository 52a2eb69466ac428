"""Telling the service to read its configuration again: the right process, or the plain fact that none runs."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from kuramori.running_service import Told, tell_to_reload

WAITS = "import signal,sys; print(end='.', flush=True); signal.sigwait({signal.SIGHUP}); print('heard', flush=True)"
BLOCKED = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP}); " + WAITS


def report(runtime: Path, pid: object) -> None:
    """Write what a supervisor leaves."""
    (runtime / "supervisor.json").write_text(json.dumps({"supervisor_pid": pid}))


def test_without_a_service_nobody_is_signalled(tmp_path: Path) -> None:
    """No lock, a lock that nobody holds, a report of rubbish: not running."""
    assert tell_to_reload(tmp_path) is Told.NOT_RUNNING
    report(tmp_path, os.getpid())
    (tmp_path / "service.lock").touch()
    assert tell_to_reload(tmp_path) is Told.NOT_RUNNING
    lock = os.open(tmp_path / "service.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    for pid in (None, "7", 1, 0, -5, 1 << 40):
        report(tmp_path, pid)
        assert tell_to_reload(tmp_path) is Told.NOT_RUNNING
    os.close(lock)


def test_the_supervisor_of_a_running_service_hears_it_and_no_other_process(tmp_path: Path) -> None:
    """SIGHUP arrives at a kuramori; a number that another program has by now is left alone."""
    lock = os.open(tmp_path / "service.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    for word, heard in (("kuramori", True), ("other", False)):
        with subprocess.Popen([sys.executable, "-c", BLOCKED, word], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.read(1) == b"."
            report(tmp_path, process.pid)
            assert tell_to_reload(tmp_path) is (Told.TOLD if heard else Told.NOT_RUNNING)
            if heard:
                assert process.stdout.read() == b"heard\n"
            process.send_signal(signal.SIGKILL)
    os.close(lock)
