"""Kuramori as a service of a booted machine, with simulated cameras beside it: set up as an operator would, as root.

The cameras ask for a password; the service gets it as a credential. It must not know what is tested.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.booted_machine import BootedMachine, booted_machine, with_kuramori
from tests.fakes.custodians import make_custodians

UNIT = "kuramori.service"
CONFIG = "/etc/kuramori/kuramori.toml"
PROGRAM = "/opt/kuramori/bin/kuramori"
PASSWORD = "a password of the cameras"
RTSP_PORT = 8554
GOP_SECONDS = 1.0
PATIENCE_SECONDS = 90.0
LOOK_SECONDS = 0.1


@dataclass(slots=True)
class BootedService:
    """The service. Its configuration is a file of the machine."""

    machine: BootedMachine
    streams: list[str]

    @property
    def config(self) -> Path:
        return self.machine.root / CONFIG.lstrip("/")

    def status(self) -> dict[str, Any]:
        """Return the recorder's status; empty while it does not answer."""
        done = self.machine.run(PROGRAM, "status", "--json", check=False)
        try:
            answer: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            return {}
        return answer

    def until(self, holds: Callable[[str], bool], what: str) -> str:
        """Wait until the recorder's status, as text, is so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = json.dumps(self.status())
            if holds(found):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come: {found}\n{self.machine.journal(UNIT)[-6000:]}")
            time.sleep(LOOK_SECONDS)

    def recorder_pid(self) -> int:
        """Return the recorder's process, as the machine numbers it."""
        report = json.loads(self.machine.run("cat", "/run/kuramori/supervisor.json").stdout)
        return int(report["processes"]["recorder"]["pid"] or 0)

    def spans(self, camera: str, seconds: int = 600) -> list[dict[str, Any]]:
        """Return what the ledger says of a camera's last minutes."""
        told = json.loads(
            self.machine.run(PROGRAM, "coverage", "--camera", camera, "--from", f"-{seconds}s", "--json").stdout
        )
        return list(_spans_in(told))

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the journal's entries of that event, oldest first."""
        found = self.machine.run("journalctl", "-o", "json", "--no-pager", f"KURAMORI_EVENT={name}", check=False).stdout
        return [json.loads(line) for line in found.splitlines() if line.startswith("{")]


def _spans_in(told: Any) -> Iterator[dict[str, Any]]:
    """Find the spans wherever the answer keeps them."""
    if isinstance(told, dict):
        if {"kind", "from_utc_ms"} <= told.keys():
            yield told
        for value in told.values():
            yield from _spans_in(value)
    elif isinstance(told, list):
        for value in told:
            yield from _spans_in(value)


@contextmanager
def booted_service(folder: Path) -> Iterator[BootedService]:
    """A booted machine with two cameras and the service installed and set up, not started."""
    with booted_machine(folder, boot=False) as machine:
        with_kuramori(machine)
        machine.boot()
        service = BootedService(machine, _cameras(machine))
        _write(service)
        machine.run(PROGRAM, "init", "--config", CONFIG)
        machine.run("chown", "-R", "kuramori:kuramori", "/var/lib/kuramori", "/srv/kuramori")
        machine.run("chgrp", "kuramori", CONFIG)
        yield service


def _cameras(machine: BootedMachine) -> list[str]:
    """Run two cameras as a service of the machine; return their stream addresses."""
    machine.run("sh", "-c", f"umask 077; mkdir -p /var/tmp/cameras; printf '{PASSWORD}' > /var/tmp/cameras/secret")
    machine.run(
        "systemd-run", "--unit=cameras", "-p", "StandardOutput=file:/var/tmp/cameras/told", PROGRAM, "simulate",
        "--cameras", 2, "--audio-on", 0, "--rtsp-port", RTSP_PORT, "--cache", "/var/tmp/cameras/cache",
        "--json", "--size", "320x180",
        "--fps", 10, "--bitrate", "200k", "--gop", GOP_SECONDS, "--user", "viewer", "--password-file",
        "/var/tmp/cameras/secret",
    )  # fmt: skip
    told = machine.root / "var/tmp/cameras/told"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (told.exists() and told.read_text().endswith("\n")):
        if time.monotonic() > deadline:
            raise AssertionError(machine.journal("cameras"))
        time.sleep(LOOK_SECONDS)
    return [camera["rtsp_url"] for camera in json.loads(told.read_text().splitlines()[0])["cameras"]]


def _write(service: BootedService) -> None:
    root = service.machine.root
    make_custodians(root / "srv/kuramori/people", int(time.time() * 1000))
    service.config.write_text(
        _SITE + camera_table("gate", service.streams[0]) + camera_table("yard", service.streams[1], secret="lost")
    )
    credential = root / "etc/kuramori/credentials/gate"
    credential.touch(mode=0o600)
    credential.write_text(PASSWORD)


def camera_table(name: str, url: str, *, secret: str = "gate") -> str:
    """Return a camera's table of the configuration."""
    return (
        f'\n[[camera]]\nname = "{name}"\nplace = "Test bench"\nretention = "3 hours"\nfloor = "1 hour"\n'
        f'rtsp = "{url}"\n'
        f'expected_mbit_per_second = 0.02\nuser = "viewer"\npassword = "{secret}"\n'
    )


_SITE = """\
[site]
name = "Test site"
purpose = "Safety on the way to school"
installer = "Test City, Crime Prevention Section"
contact = "000-000-0000"
manager = "Sato Hanako"
rule_set = "HOK"

[[person]]
name = "Sato Hanako"
title = "Head of section"
roles = ["manager"]

[[person]]
name = "Suzuki Ichiro"
title = "Clerk"
roles = ["handler"]

[[volume]]
path = "/srv/kuramori/volume0"
size = "300 MiB"

[keystore]
cell_directory = "/srv/kuramori/cell"
for_trial = true

[custody]
cards_directory = "/srv/kuramori/people/cards"
recovery_card = "/srv/kuramori/people/recovery.card"
"""
