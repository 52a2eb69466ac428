"""GStreamer's RTSP server as a camera for a whole recorder: says what was asked of it, can change and return."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kuramori.capture.source import Codec

SERVER = Path(__file__).with_name("gst_rtsp_server.py")
START_SECONDS = 30.0


@dataclass(slots=True)
class GStreamerCamera:
    """One server with one stream, in a process of its own. Keeps its port over a restart."""

    python: str  # that has GStreamer's bindings
    folder: Path  # for its log
    stream: Path | str  # an MP4 file, or "live"
    codec: Codec = Codec.H264
    audio: str = "none"
    password: str = ""
    udp: bool = False  # and nothing else
    tls: Path | None = None  # PEM: certificate and key
    host: str = "127.0.0.1"
    inside: Sequence[str] = ()  # the command that runs another in a network namespace
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"rtsp{'s' if self.tls else ''}://{self.host}:{self.port}/cam"

    @property
    def requests(self) -> list[str]:
        """SETUP and TEARDOWN with their addresses, since the last start."""
        return self._log.read_text().splitlines()[1:]

    @property
    def _log(self) -> Path:
        return self.folder / "requests.log"

    def start(self) -> "GStreamerCamera":
        """Begin; returns before it serves: see `until_serving`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ["--host", self.host, "--port", str(self.port)]
        options += ["--udp"] if self.udp else []
        options += ["--tls", str(self.tls)] if self.tls else []
        command = [*self.inside, self.python, str(SERVER), str(self.stream), self.codec.value, self.audio]
        with self._log.open("wb") as log, (self.folder / "errors.log").open("ab") as errors:
            self._process = subprocess.Popen([*command, self.password, *options], stdout=log, stderr=errors)
        return self

    def until_serving(self) -> "GStreamerCamera":
        """Wait for its port."""
        deadline = time.monotonic() + START_SECONDS
        while not self._log.read_text().endswith("\n"):
            if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                raise AssertionError(f"GStreamer does not serve: {(self.folder / 'errors.log').read_text()[-2000:]}")
            time.sleep(0.02)
        self.port = int(self._log.read_text().splitlines()[0])
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
