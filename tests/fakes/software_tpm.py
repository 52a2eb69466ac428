"""A real software TPM (swtpm) in a folder: started, killed, stopped in its tracks, broken, started again."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kuramori_segments.tpm_tools import TpmTools
from tests import peers

STARTING_SECONDS = 10.0
PASSWORD = b"7" * 32
INDEX = 0x0180_4B52


class SoftwareTpm:
    """One swtpm on a Unix socket. Its state survives `kill` and `start`, as a chip's survives the power."""

    def __init__(self, folder: Path) -> None:
        self._program = peers.require_program("swtpm")
        peers.require_program("tpm2_nvdefine")
        self.state = folder / "tpm"
        self.state.mkdir()
        self._socket = folder / "tpm.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def tcti(self) -> str:
        return f"swtpm:path={self._socket}"

    def tools(self, timeout_seconds: float = 10.0, owner_password: bytes = b"") -> TpmTools:
        return TpmTools(self.tcti, owner_password, timeout_seconds)

    def start(self) -> None:
        control = f"type=unixio,path={self._socket}.ctrl"
        self._process = subprocess.Popen(
            [
                *(self._program, "socket", "--tpm2", "--tpmstate", f"dir={self.state}"),
                *("--flags", "not-need-init,startup-clear"),
                *("--server", f"type=unixio,path={self._socket}", "--ctrl", control),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            if Path(f"{self._socket}.ctrl").exists() and self._socket.exists():
                return
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        raise AssertionError("swtpm did not start")

    def kill(self) -> None:
        """The TPM is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STARTING_SECONDS)
            self._process = None
        for name in (self._socket, Path(f"{self._socket}.ctrl")):
            name.unlink(missing_ok=True)

    def freeze(self) -> None:
        """It takes commands and answers none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def lose_memory(self) -> None:
        """Its non-volatile memory fails under it: with the next write it is in failure mode."""
        shutil.rmtree(self.state)

    def command(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run a program of tpm2-tools as somebody else on the machine would."""
        return subprocess.run(
            [peers.require_program(program), *arguments], env={"TPM2TOOLS_TCTI": self.tcti}, capture_output=True
        )


@contextmanager
def software_tpm(folder: Path) -> Iterator[SoftwareTpm]:
    """A running one."""
    tpm = SoftwareTpm(folder)
    tpm.start()
    try:
        yield tpm
    finally:
        tpm.kill()
