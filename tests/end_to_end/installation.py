"""A whole recorder in a folder of its own, as a user would set it up: real configuration, real keys, real processes.

For end-to-end tests and the benchmark. Cameras are given by the addresses of their streams or ONVIF services.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kuramori.places import Places
from kuramori.recorder_client import RecorderClient, RecorderFault
from kuramori.setup import set_up
from kuramori_config.load import load_configuration
from tests.fakes.custodians import Custodians, make_custodians

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class CameraAt:
    """A camera by name and address."""

    name: str
    url: str  # of its stream; http and https: of its ONVIF service
    transport: str = "native"
    user: str = ""
    password: str = ""
    mbit_per_second: float = 0.02  # what is planned for: small volumes are enough for a test
    retention: str = "3 hours"
    decision: str = ""  # who decided that its sound is recorded; empty: nobody (R3)
    more: str = ""  # further TOML of its table

    @property
    def spoken(self) -> str:
        return "onvif" if self.url.startswith("http") else "rtsp"


@dataclass(slots=True)
class Installation:
    """One recorder. `start` and `stop` may be called again and again."""

    folder: Path
    cameras: Sequence[CameraAt]
    volume_size: str = "2 GiB"
    extra: str = ""  # further TOML
    inside: Sequence[str] = ()  # the command that runs another in a network namespace
    environment: Mapping[str, str] = field(default_factory=dict)  # beside that of the test
    custodians: Custodians | None = None
    process: subprocess.Popen[bytes] | None = None
    log_path: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log_path = self.folder / "kuramori.log"

    @property
    def config_path(self) -> Path:
        return self.folder / "kuramori.toml"

    @property
    def places(self) -> Places:
        return Places.of(load_configuration(self.config_path))

    @property
    def recorder(self) -> RecorderClient:
        return RecorderClient(self.places.recorder_socket)

    def make(self) -> "Installation":
        """Write the configuration and set everything up."""
        return self.draft().set_up()

    def set_up(self) -> "Installation":
        """Make everything that the written configuration names."""
        set_up(load_configuration(self.config_path), int(time.time() * 1000))
        return self

    def draft(self) -> "Installation":
        """Write the configuration and make custodians; set nothing up."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.custodians = make_custodians(self.folder / "people", int(time.time() * 1000))
        secrets = self.folder / "secrets"
        secrets.mkdir(mode=0o700)
        text = _SITE.format(volume_size=self.volume_size, metrics_port=free_port()) + self.extra
        for camera in self.cameras:
            text += _CAMERA.format(camera=camera)
            if camera.user:
                text += f'user = "{camera.user}"\npassword = "{camera.name}"\n'
                secret = secrets / camera.name
                secret.touch(mode=0o600)
                secret.write_text(camera.password)
            if camera.decision:
                text += f'[camera.audio]\nwho = "{camera.decision}"\ndate = 2026-04-01\nreason = "incidents at night"\n'
        self.config_path.write_text(text)
        return self

    def start(self, *, whole_service: bool = False) -> None:
        """Start the recorder process alone, or the whole service under its supervisor."""
        command = [sys.executable, "-m", "kuramori.recorder_process", "--config", str(self.config_path)]
        if whole_service:
            command = [sys.executable, "-m", "kuramori.cli", "run", "--config", str(self.config_path)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self.environment},
            )  # fmt: skip

    async def until_recording(
        self, names: Sequence[str] | None = None, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Wait until the named cameras (all by default) have something durable and record."""
        wanted = set(names if names is not None else (camera.name for camera in self.cameras))
        seen: dict[str, str] = {}
        try:
            async with asyncio.timeout(patience_seconds):
                while True:
                    with contextlib.suppress(RecorderFault):
                        status = await self.recorder.status()
                        seen = {camera.name: camera.state for camera in status.cameras}
                        good = {c.name for c in status.cameras if c.state == "recording" and c.last_durable_utc_ms}
                        if wanted <= good:
                            return
                    self.require_alive()
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            log = self.log_path.read_text()[-4000:]
            raise AssertionError(f"not recording after {patience_seconds} s: {seen}\n{log}") from None

    async def until_desk_answers(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until somebody can be served at the desk: on a busy machine cameras record long before that."""
        place = str(self.places.desk_socket)
        try:
            async with asyncio.timeout(patience_seconds):
                while True:
                    with contextlib.suppress(OSError):
                        _, writer = await asyncio.open_unix_connection(place)
                        writer.close()
                        return
                    self.require_alive()
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            log = self.log_path.read_text()[-4000:]
            raise AssertionError(f"no desk after {patience_seconds} s\n{log}") from None

    def require_alive(self) -> None:
        """Fail with the log when the process has ended by itself."""
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(f"the recorder ended by itself:\n{self.log_path.read_text()[-4000:]}")

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> float:
        """SIGTERM; return how long the orderly end took, in seconds."""
        if self.process is None:
            return 0.0
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=20)
        return time.monotonic() - began

    def events(self, name: str) -> list[dict[str, object]]:
        """Return the logged events of that name."""
        lines = self.log_path.read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in found if event.get("event") == name]

    def files(self) -> list[Path]:
        """Return every file below state, volume and cell: where nothing plaintext may be."""
        return [Path(top) / name for top, _, names in os.walk(self.folder) for name in names]


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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

[storage]
state_directory = "state"
runtime_directory = "run"
secrets_directory = "secrets"

[[volume]]
path = "volume0"
size = "{volume_size}"

[metrics]
listen = "127.0.0.1:{metrics_port}"

[keystore]
cell_directory = "cell"
for_trial = true

[custody]
cards_directory = "people/cards"
recovery_card = "people/recovery.card"
"""

_CAMERA = """
[[camera]]
name = "{camera.name}"
place = "Test bench"
retention = "{camera.retention}"
floor = "1 hour"
{camera.spoken} = "{camera.url}"
transport = "{camera.transport}"
expected_mbit_per_second = {camera.mbit_per_second}
{camera.more}
"""
