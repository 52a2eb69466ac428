"""The units as they are shipped: nothing unknown in them, little that could be abused, and a reason for every line."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.peers import require_program

UNITS_FOLDER = Path(__file__).parents[2] / "packaging" / "systemd"
UNITS = sorted(path for path in UNITS_FOLDER.iterdir() if path.suffix in (".service", ".timer"))
SERVICES = [path for path in UNITS if path.suffix == ".service"]
MAIN = UNITS_FOLDER / "kuramori.service"
PREFIX = "/opt/kuramori/bin/"
EXPOSURE_MOST = 15  # tenths
DROP_INS = sorted((UNITS_FOLDER / "drop-ins").glob("*.conf"))
BY_THEIR_NAME = (  # lines that say by themselves why they are there
    "Description", "Documentation", "Group", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups",
    "ProtectHostname", "RestrictSUIDSGID", "LockPersonality", "WantedBy",
)  # fmt: skip
PLACE_OF_ROOT = ("kuramori-smart.service",)  # asks disks for their health, so it has a right of root


def placed(folder: Path, *drop_ins: Path, of: str = "kuramori.service") -> Path:
    """Put all units where their programs exist, with these drop-ins of one of them; return the folder."""
    program = folder / "kuramori"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS:
        (folder / unit.name).write_text(unit.read_text().replace(f"{PREFIX}kuramori", str(program)))
    if drop_ins:
        added = folder / f"{of}.d"
        added.mkdir()
        for drop_in in drop_ins:
            (added / drop_in.name).write_text(drop_in.read_text())
    return folder


def analyze(*words: object) -> subprocess.CompletedProcess[str]:
    program = require_program("systemd-analyze")
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_has_nothing_that_systemd_does_not_know(unit: Path, tmp_path: Path) -> None:
    """Unknown keys and values that cannot be read are errors here, as are programs that are not there."""
    done = analyze("verify", "--man=no", "--recursive-errors=one", placed(tmp_path) / unit.name)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / unit.name) not in done.stderr, done.stderr


@pytest.mark.parametrize("drop_in", DROP_INS, ids=lambda drop_in: drop_in.name)
def test_a_drop_in_has_nothing_that_systemd_does_not_know(drop_in: Path, tmp_path: Path) -> None:
    """As it would be copied."""
    done = analyze("verify", "--man=no", "--recursive-errors=one", placed(tmp_path, drop_in) / MAIN.name)
    assert done.returncode == 0, done.stderr
    assert drop_in.name not in done.stderr, done.stderr


def test_the_watch_may_mail_beyond_the_local_network_by_the_same_drop_in(tmp_path: Path) -> None:
    """As it would be copied beside the unit, which names it where it forbids all else."""
    (watch,) = (unit for unit in UNITS if unit.name == "kuramori-watch.service")
    (drop_in,) = (one for one in DROP_INS if one.name == "beyond-the-lan.conf")
    done = analyze(
        "verify", "--man=no", "--recursive-errors=one", placed(tmp_path, drop_in, of=watch.name) / watch.name
    )
    assert done.returncode == 0, done.stderr
    assert drop_in.name not in done.stderr, done.stderr
    assert f"drop-ins/{drop_in.name}" in watch.read_text()
    assert f"{watch.name}.d/" in drop_in.read_text()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_exposes_little(service: Path) -> None:
    """The exposure that systemd-analyze counts is at most 1.5."""
    done = analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MOST}", service)
    overall = re.search(r"Overall exposure level for \S+: (\S+)", done.stdout)
    assert overall is not None, done.stderr
    print(f"{service.name}: exposure {overall[1]}")
    if service.name not in PLACE_OF_ROOT:
        assert done.returncode == 0, done.stdout[-6000:]


def test_every_line_of_the_service_has_its_reason() -> None:
    """A comment stands above each line, or above the line of the same kind before it."""
    reasoned = False
    for line in MAIN.read_text().splitlines():
        key = line.partition("=")[0]
        if line.startswith("#"):
            reasoned = True
        elif not line or line.startswith("["):
            reasoned = False
        else:
            assert reasoned or key in BY_THEIR_NAME, f"without a reason: {line}"


def test_the_unit_leaves_out_what_would_break_a_promise() -> None:
    """Whoever adds one of these must read why it is not there."""
    set_keys = {line.partition("=")[0] for line in MAIN.read_text().splitlines() if not line.startswith("#")}
    assert not set_keys & {"PrivateUsers", "ProcSubset", "ProtectClock", "PrivateNetwork", "DynamicUser"}
