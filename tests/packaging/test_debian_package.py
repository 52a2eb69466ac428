"""The Debian package in a clean Debian 12: installed it records as a service, upgraded it goes on, removed it keeps.

One machine for one story, because each step of it needs the one before; every step says what it shows.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.booted_machine import BootedMachine
from tests.fakes.custodians import make_custodians
from tests.packaging.clean_debian import booted, build, clean_root, other_version, release_root

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(1500)]

RECORDS_SECONDS_MOST = 120.0  # what it took is printed: a busy machine is no defect
INSTALL = ("apt-get", "install", "-y", "-q", "--no-install-recommends")  # nothing can be fetched: there is no network
RING = "/srv/kuramori/volume0"
SIMULATED = ("--cameras", "1", "--rtsp-port", "8554", "--bitrate", "500k", "--size", "320x240")
ANSWERS = f"""
site = "Kita school route"
purpose = "Safety on the way to school"
installer = "Test City, Crime Prevention Section"
contact = "000-000-0000"
rule_set = "HOK"
manager = "Sato Hanako"
manager_title = "Head of section"
volume = "{RING}"
size = "1536 MiB"
cell_directory = "/srv/cell"
cards_directory = "/root/people/cards"
threshold = 2
recovery_card = "/root/people/recovery.card"
for_trial = true

[network]
local_networks = ["127.0.0.0/8"]

[[camera]]
name = "gate"
place = "School gate"
retention = "3 hours"
floor = "1 hour"
rtsp = "rtsp://127.0.0.1:8554/camera-1"
expected_mbit_per_second = 1
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it would be released."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def machine(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BootedMachine]:
    """A clean Debian 12 with the packages and the custodians' cards on it."""
    folder = tmp_path_factory.mktemp("debian")
    root = clean_root(folder)
    try:
        shutil.copy(package, root / "root/kuramori.deb")
        for name, version in (("newer.deb", "9.0.0-1~deb12"), ("older.deb", "0.0.1-1~deb12")):
            shutil.move(other_version(package, version), root / "root" / name)
        make_custodians(root / "root/people", int(time.time() * 1000))
        (root / "root/answers.toml").write_text(ANSWERS)
        (root / "srv/kuramori").mkdir(parents=True)
        with booted(root) as one:
            yield one
    finally:
        release_root(root)


def answer(machine: BootedMachine, *words: str) -> dict[str, Any]:
    """What a command answers for programs; empty where it has nothing to say yet."""
    done = machine.run("kuramori", *words, "--json", check=False)
    found: dict[str, Any] = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    return found


def durable_utc_ms(machine: BootedMachine) -> int:
    """Until when the camera is durable while it is being recorded, 0 while it is not."""
    cameras = (answer(machine, "status").get("recorder") or {}).get("cameras", ())
    return max((one["last_durable_utc_ms"] or 0 for one in cameras if one["state"] == "recording"), default=0)


def until_recording(machine: BootedMachine, seconds: float, after_utc_ms: int = 0) -> None:
    """Wait until the camera records and something later than that is durable."""
    deadline = time.monotonic() + seconds
    while durable_utc_ms(machine) <= after_utc_ms:
        if time.monotonic() > deadline:
            raise AssertionError(f"{answer(machine, 'status')}\n{machine.journal('kuramori')[-5000:]}")
        time.sleep(0.2)


def first_recorded_utc_ms(machine: BootedMachine) -> int:
    """Where the camera's coverage begins."""
    (gate,) = answer(machine, "coverage")["cameras"]
    return min(span["from_utc_ms"] for span in gate["spans"] if span["kind"] == "recorded")


def test_installed_and_set_up_it_records_as_a_service_within_a_minute(machine: BootedMachine) -> None:
    """`apt install ./kuramori.deb`, `kuramori init --answers`, and the simulated camera is being recorded."""
    began = time.monotonic()
    machine.run(*INSTALL, "/root/kuramori.deb")
    machine.run("systemd-run", "--unit=cameras", "kuramori", "simulate", *SIMULATED)
    try:
        told = machine.run("kuramori", "init", "--answers", "/root/answers.toml").stdout
        assert "has been started" in told
        until_recording(machine, RECORDS_SECONDS_MOST - (time.monotonic() - began))
        print(f"\napt install and init to the first durable second: {time.monotonic() - began:.1f} s")
        assert machine.show("kuramori", "User") == "kuramori"
        assert machine.run("stat", "-c", "%U %a", "/var/lib/kuramori").stdout.split() == ["kuramori", "700"]
        assert machine.run("stat", "-c", "%U", RING).stdout.strip() == "kuramori"
        _upgrading_keeps_recordings_and_keys(machine)
    finally:
        machine.run("systemctl", "stop", "cameras", check=False)


def _upgrading_keeps_recordings_and_keys(machine: BootedMachine) -> None:
    """A newer release takes over: the same recorder, all that was recorded, and it goes on."""
    identity = machine.run("cat", "/var/lib/kuramori/identity.json").stdout
    began, before = first_recorded_utc_ms(machine), durable_utc_ms(machine)
    machine.run(*INSTALL, "/root/newer.deb")
    until_recording(machine, RECORDS_SECONDS_MOST, after_utc_ms=before)
    assert machine.run("cat", "/var/lib/kuramori/identity.json").stdout == identity
    assert first_recorded_utc_ms(machine) == began


def test_a_downgrade_is_refused_with_the_reason(machine: BootedMachine) -> None:
    """dpkg keeps what is installed, and both languages say why."""
    done = machine.run("dpkg", "-i", "/root/older.deb", check=False)
    assert done.returncode != 0
    assert "a downgrade is refused" in done.stderr
    assert "バックアップ" in done.stderr
    assert machine.run("dpkg-query", "-W", "-f=${Version}", "kuramori").stdout == "9.0.0-1~deb12"
    assert machine.show("kuramori", "ActiveState") == "active"


def test_removed_it_leaves_recordings_keys_and_register(machine: BootedMachine) -> None:
    """Removal stops the service and takes the program; nothing that was recorded."""
    machine.run("apt-get", "remove", "-y", "-q", "kuramori")
    assert machine.show("kuramori", "ActiveState") in ("inactive", "failed")
    assert not (machine.root / "opt/kuramori/bin/kuramori").exists()
    for path in (RING, "/var/lib/kuramori/identity.json", "/etc/kuramori/kuramori.toml"):
        machine.run("test", "-s", path)


def test_purged_without_a_yes_everything_recorded_stays(machine: BootedMachine) -> None:
    """The question's answer is no unless somebody says yes."""
    done = machine.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--purge", "kuramori")
    assert "Kept" in done.stderr
    for path in (RING, "/var/lib/kuramori/identity.json", "/etc/kuramori/kuramori.toml"):
        machine.run("test", "-s", path)


def test_installed_again_it_goes_on_and_purged_with_a_yes_it_is_gone(machine: BootedMachine) -> None:
    """What was kept is found again by the next installation; a clear yes deletes rings, keys and configuration."""
    machine.run(*INSTALL, "/root/kuramori.deb")
    machine.run("systemctl", "start", "kuramori")
    machine.until("kuramori", "ActiveState", "active")
    answer = "kuramori kuramori/purge-recordings boolean true\n"
    machine.run("debconf-set-selections", given=answer)
    machine.run("apt-get", "remove", "-y", "-q", "kuramori")
    machine.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--purge", "kuramori")
    for path in (RING, "/var/lib/kuramori", "/etc/kuramori", "/opt/kuramori"):
        assert machine.run("test", "-e", path, check=False).returncode != 0, path


def test_the_same_sources_give_the_same_bytes(package: Path, tmp_path: Path) -> None:
    """Whoever builds the package again can compare it."""
    again = build(tmp_path)
    assert again.read_bytes() == package.read_bytes()
    told = subprocess.run(["dpkg-deb", "-f", again, "Depends"], capture_output=True, text=True, check=True).stdout
    assert "python3 (>= 3.11), python3 (<< 3.12)" in told
