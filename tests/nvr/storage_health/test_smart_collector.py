"""Asking drives by the real smartctl and by programs that answer in its place."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kuramori.storage_health.drive_report import REPORT_BYTES_MOST, read_report
from kuramori.storage_health.smart_collector import collect
from tests.nvr.storage_health.drives import as_bytes, failing_sata, nvme
from tests.peers import require_program


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    for name in ("sda", "nvme0n1", "nvme0c0n1", "mmcblk0", "loop0", "dm-0", "sr0"):
        (tmp_path / "sys" / "block" / name).mkdir(parents=True)
    return tmp_path / "sys"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports"


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a smartctl on PATH that answers what the script says."""
    path = tmp_path / "bin" / "smartctl"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")


def test_each_drive_has_its_answer(tmp_path: Path, sysfs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where smartctl ends with bits set; what belongs to a drive that left is removed; anybody may read."""
    (tmp_path / "sda").write_bytes(as_bytes(failing_sata()))
    (tmp_path / "nvme0n1").write_bytes(as_bytes(nvme()))
    program(tmp_path, monkeypatch, f'cat {tmp_path}/"$(basename "$3")"; exit 24')
    (folder / "sdz.json").write_text("{}")
    found = collect(folder, sysfs)
    assert (found.asked, found.silent) == (("nvme0n1", "sda"), ())
    assert sorted(path.name for path in folder.iterdir()) == ["nvme0n1.json", "sda.json"]
    assert read_report((folder / "sda.json").read_bytes()).failing
    assert read_report((folder / "nvme0n1.json").read_bytes()).passed
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_a_drive_that_does_not_answer_costs_the_limit(
    tmp_path: Path, sysfs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are asked all the same."""
    (tmp_path / "answer").write_bytes(as_bytes(nvme()))
    program(tmp_path, monkeypatch, f'[ "$3" = /dev/sda ] && exec sleep 600; exec cat {tmp_path}/answer')
    found = collect(folder, sysfs, seconds=3.0)
    assert found.silent == ("sda",)
    assert read_report((folder / "sda.json").read_bytes()).problem == "no-answer"
    assert read_report((folder / "nvme0n1.json").read_bytes()).passed


def test_far_too_long_an_answer_is_none(
    tmp_path: Path, sysfs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing large is written where the recorder reads."""
    program(tmp_path, monkeypatch, f"head -c {2 * REPORT_BYTES_MOST} /dev/zero")
    assert collect(folder, sysfs).silent == ("nvme0n1", "sda")
    assert all(path.stat().st_size < 100 for path in folder.iterdir())


def test_without_smartctl_it_is_said(sysfs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside each drive, where the recorder reads it."""
    monkeypatch.setenv("PATH", str(folder))
    assert collect(folder, sysfs).smartctl == ""
    assert json.loads((folder / "sda.json").read_bytes()) == {"kuramori": {"problem": "no-smartctl"}}


def test_the_command_says_that_smartctl_is_missing_and_a_folder_too(tmp_path: Path) -> None:
    """A message and a code of its own, which the unit does not call a failure; no trace."""
    command = [sys.executable, "-m", "kuramori.cli", "smart-report", "--write"]
    environment = {**os.environ, "PATH": "/nowhere", "LANG": "C.UTF-8"}
    answer = subprocess.run([*command, str(tmp_path)], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode in (0, 3)  # 0: this machine has no such drive
    assert ("smartmontools" in answer.stderr) == (answer.returncode == 3)
    assert "Traceback" not in answer.stderr


def test_the_real_program_answers_in_the_form_that_is_read(tmp_path: Path) -> None:
    """A device that smartctl cannot ask: its JSON says so, and the reader understands."""
    real = require_program("smartctl")
    (tmp_path / "no-drive").write_bytes(b"")
    done = subprocess.run([real, "--json=c", "--all", str(tmp_path / "no-drive")], capture_output=True, check=False)
    found = read_report(done.stdout)
    assert not found.reached
    assert found.messages
    assert found.exit_status == done.returncode
    assert shutil.which("smartctl", path=str(Path(real).parent)) == real
