"""The service under a real systemd: its sandbox, its watchdog, its credentials, its reload, its restart, its end.

One machine is booted for all; each test leaves the service recording. Figures are printed (pytest -s).
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.booted_service import CONFIG, GOP_SECONDS, PASSWORD, UNIT, BootedService, booted_service, camera_table
from tests.fakes.sandbox_probe import PROBE

pytestmark = [pytest.mark.root, pytest.mark.slow]

OUTAGE_SECONDS_MOST = 3.0 + GOP_SECONDS
STOP_SECONDS_MOST = 10.0
GONE = ("recorder_stopped", "recorder_crashed")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BootedService]:
    """The service, started."""
    with booted_service(tmp_path_factory.mktemp("machine")) as made:
        made.machine.run("systemctl", "start", UNIT)
        records(made)
        yield made


def gate(text: str) -> dict[str, object]:
    """The camera that has its password."""
    cameras = (json.loads(text).get("recorder") or {}).get("cameras", [])
    return next((camera for camera in cameras if camera["name"] == "gate"), {})


def records(service: BootedService, after_utc_ms: int = 0) -> None:
    """Wait until something newer than that is durable."""
    service.until(lambda text: int(str(gate(text).get("last_durable_utc_ms") or 0)) > after_utc_ms, "a recording")


def now_ms() -> int:
    return int(time.time() * 1000)


def outage_seconds(service: BootedService, since_utc_ms: int) -> float:
    """The longest gap of the recorder's own since then."""
    gaps = [
        (span["to_utc_ms"] - span["from_utc_ms"]) / 1000
        for span in service.spans("gate")
        if span["kind"] == "gap" and span["reason"] in GONE and span["to_utc_ms"] >= since_utc_ms
    ]
    return max(gaps, default=0.0)


def test_it_is_ready_when_it_records_and_says_how_it_is(service: BootedService) -> None:
    """Type=notify: active, one line of status, and the account of its own."""
    assert service.machine.show(UNIT, "ActiveState") == "active"
    assert "cameras are recorded" in service.machine.show(UNIT, "StatusText")
    owner = service.machine.run("stat", "-c", "%U", f"/proc/{service.recorder_pid()}").stdout.strip()
    assert owner == "kuramori"


def test_the_journal_has_fields_and_no_secret(service: BootedService) -> None:
    """CAMERA, PRIORITY and the event are fields that journalctl can select by; the password is nowhere."""
    entries = service.events("stream_ended")
    assert {entry["CAMERA"] for entry in entries} == {"yard"}
    assert {entry["PRIORITY"] for entry in entries} == {"4"}
    assert {entry["KURAMORI_PROCESS"] for entry in entries} == {"recorder"}
    assert PASSWORD not in service.machine.run("journalctl", "--no-pager", "-o", "json").stdout


def test_a_missing_credential_is_said_and_costs_only_its_camera(service: BootedService) -> None:
    """The camera with a credential is recorded; the other's sentence says where to put it."""
    assert "give it as a systemd credential" in service.events("stream_ended")[-1]["MESSAGE"]
    records(service, now_ms())


def test_the_sandbox_refuses_what_it_should_and_nothing_that_is_needed(service: BootedService) -> None:
    """Asked by a program in the very same sandbox: root read-only, calls filtered; discovery and clock work."""
    machine = service.machine
    (machine.root / "opt/kuramori/probe.py").write_text(PROBE)
    unit = machine.root / "etc/systemd/system/probe.service"
    lines = (machine.root / "etc/systemd/system" / UNIT).read_text().splitlines()
    left_out = ("ExecStart=", "ExecReload=", "Type=", "Restart", "WatchdogSec=", "RuntimeDirectory")
    kept = [line for line in lines if not line.startswith(left_out)]
    kept.insert(kept.index("[Service]") + 1, "Type=oneshot\nExecStart=/opt/kuramori/bin/python3 /opt/kuramori/probe.py")
    kept.insert(kept.index("[Service]") + 1, "Environment=LD_LIBRARY_PATH=/opt/kuramori-python/lib")
    unit.write_text("\n".join(kept).replace("Restart=always", "").replace("TimeoutStartSec=infinity", ""))
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "probe.service", check=False)
    said = machine.journal("probe.service")
    found = json.loads(next((line for line in said.splitlines() if line.startswith("{")), "null") or said)
    assert found is not None, said
    print("sandbox:", found)
    wrong = {name: answer for name, answer in found.items() if answer != ("works" if name[0] == "+" else "refused")}
    assert not wrong, found


def test_a_second_service_is_refused_in_one_sentence(service: BootedService) -> None:
    """Started by hand beside the unit: it says so, ends with EX_CONFIG, and the first goes on."""
    done = service.machine.run(
        "runuser", "-u", "kuramori", "--", "/opt/kuramori/bin/kuramori", "run", "--config", CONFIG, check=False
    )
    assert done.returncode == 78
    assert "A service runs in /run/kuramori already" in done.stderr
    records(service, now_ms())


def test_a_reload_takes_a_camera_up_and_costs_the_other_nothing(service: BootedService) -> None:
    """`systemctl reload`: the same processes, no gap, and the new camera is recorded."""
    pid, began = service.recorder_pid(), now_ms()
    service.config.write_text(service.config.read_text() + camera_table("roof", service.streams[1]))
    service.machine.run("systemctl", "reload", UNIT)
    service.machine.until(UNIT, "ActiveState", "active")
    service.until(lambda text: '"roof"' in text, "the new camera")
    records(service, now_ms())
    assert service.recorder_pid() == pid
    assert not [s for s in service.spans("gate") if s["kind"] == "gap" and s["to_utc_ms"] > began]
    sound = service.config.read_text()
    service.config.write_text(sound + "\n[nonsense]\n")
    service.machine.run("systemctl", "reload", UNIT)
    service.machine.until(UNIT, "ActiveState", "active")
    assert service.events("configuration_refused")
    service.config.write_text(sound)
    service.machine.run("systemctl", "reload", UNIT)
    records(service, now_ms())
    assert service.recorder_pid() == pid


def test_a_restart_costs_seconds(service: BootedService) -> None:
    """`systemctl restart`: from the last frame before to the first after."""
    began = now_ms()
    service.machine.run("systemctl", "restart", UNIT)
    records(service, now_ms())
    outage = outage_seconds(service, began)
    print(f"outage of a restart: {outage:.2f} s (the limit, on a quiet machine: {OUTAGE_SECONDS_MOST:.0f} s)")
    assert outage > 0


def test_a_frozen_recorder_is_restarted_by_the_watchdog(service: BootedService) -> None:
    """SIGSTOP while frames arrive: systemd ends the service and starts it again; it records."""
    before, began = int(service.machine.show(UNIT, "NRestarts")), time.monotonic()
    service.machine.run("kill", "-STOP", service.recorder_pid())
    service.machine.until(UNIT, "NRestarts", str(before + 1))
    print(f"watchdog: restarted {time.monotonic() - began:.1f} s after the recorder froze")
    records(service, now_ms())
    assert service.events("watchdog_withheld")
    assert "Watchdog timeout" in service.machine.journal(UNIT)


def test_a_killed_recorder_costs_no_restart_of_the_service(service: BootedService) -> None:
    """The supervisor begins another one; systemd counts nothing."""
    before, pid = service.machine.show(UNIT, "NRestarts"), service.recorder_pid()
    service.machine.run("kill", "-KILL", pid)
    records(service, now_ms())
    assert service.recorder_pid() != pid
    assert service.machine.show(UNIT, "NRestarts") == before


def test_a_full_root_file_system_is_said_and_recording_goes_on(service: BootedService) -> None:
    """Not a byte left on the root, where ledger and journal lie: pictures still become durable."""
    machine = service.machine
    with filled(service):
        assert machine.run("sh", "-c", "echo x > /var/tmp/one-more", check=False).returncode != 0
        records(service, now_ms() + 8_000)
        service.until(lambda text: "make room there" in text, "the problem")
    records(service, now_ms())
    assert machine.show(UNIT, "ActiveState") == "active"


def test_a_refused_configuration_is_no_restart_loop(service: BootedService) -> None:
    """EX_CONFIG: the sentence is in the journal, systemd leaves it, and the mended file records again."""
    sound = service.config.read_text()
    service.config.write_text(sound + "\n[nonsense]\n")
    service.machine.run("systemctl", "restart", UNIT, check=False)
    service.machine.until(UNIT, "ActiveState", "failed")
    assert service.machine.show(UNIT, "ExecMainStatus") == "78"
    assert "nonsense" in service.machine.journal(UNIT)
    service.config.write_text(sound)
    service.machine.run("systemctl", "start", UNIT)
    records(service, now_ms())


def test_it_stops_in_order(service: BootedService) -> None:
    """SIGTERM reaches the supervisor alone; everything is durable; nothing is killed."""
    began = time.monotonic()
    service.machine.run("systemctl", "stop", UNIT)
    took = time.monotonic() - began
    print(f"stop: {took:.2f} s")
    assert service.machine.show(UNIT, "Result") == "success"
    assert service.machine.show(UNIT, "ExecMainStatus") == "0"
    assert service.events("stopped")[-1]["KURAMORI_NOT_DURABLE"] == "0"
    assert took < STOP_SECONDS_MOST


def filled(service: BootedService) -> "Filled":
    return Filled(service.machine.root.parent / "memory")


class Filled:
    """The memory behind the root is made no larger than what is used, and large again."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory

    def __enter__(self) -> None:
        self._remount("size=1m")

    def __exit__(self, *_exception: object) -> None:
        self._remount("size=6g")

    def _remount(self, size: str) -> None:
        if size == "size=1m":
            status = os.statvfs(self._memory)
            size = f"size={(status.f_blocks - status.f_bfree) * status.f_frsize}"
        subprocess.run(["mount", "-o", f"remount,{size}", self._memory], check=True)
