"""A custodian's own machine: no Linux-only module, no media library, no recorder code is touched by these commands."""

import subprocess
import sys
from pathlib import Path

import pytest

# Modules that do not exist on Windows or macOS, media libraries, and the rooms that only the recorder enters.
FORBIDDEN = (
    "fcntl",
    "termios",
    "tty",
    "pty",
    "pwd",
    "grp",
    "resource",
    "syslog",
    "spwd",
    "crypt",
    "ossaudiodev",
    "av",
    "numpy",
    "lxml",
    "zeep",
    "onvif",
    "prometheus_client",
    "fastapi",
    "uvicorn",
    "kuramori_onvif",
    "kuramori_metrics",
    "kuramori_config",
    "kuramori_segments.keystore",
    "kuramori_segments.store_files",
    "kuramori_segments.disk",
    "kuramori_segments.volume",
    "kuramori_segments.ledger",
)

PROGRAM = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in FORBIDDEN or name.partition(".")[0] in FORBIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

FORBIDDEN = set(sys.argv[1].split(","))
for name in FORBIDDEN:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Absent())
import typer
from kuramori.cli import custodian, recovery
app = typer.Typer()
custodian.register(app)
recovery.register(app)
try:
    app(sys.argv[2:], standalone_mode=False)
finally:
    loaded = {name for name in sys.modules if name in FORBIDDEN or name.partition(".")[0] in FORBIDDEN}
    if loaded:
        sys.exit(f"loaded: {loaded}")
"""


def run(*words: str | Path) -> str:
    command = [sys.executable, "-c", PROGRAM, ",".join(FORBIDDEN), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.touch(mode=0o600)
    file.write_text("correct horse battery staple\n")
    return file


def test_custodian_commands_run_without_them(tmp_path: Path, passphrase_file: Path) -> None:
    """Make a key, show the card, test the passphrase."""
    run("custodian", "new", "--name", "n", "--title", "t", "--out", tmp_path, "--passphrase-file", passphrase_file)
    (card,) = tmp_path.glob("*.card.json")
    (key,) = tmp_path.glob("*.key.json")
    run("custodian", "show", card)
    run("custodian", "check", key, "--passphrase-file", passphrase_file)


def test_recovery_commands_run_without_them(tmp_path: Path) -> None:
    """Make a key, show the card, test the sheets."""
    words = tmp_path / "words"
    run("recovery", "new", "--out", tmp_path, "--words-file", words, "--typed-back-from", words)
    (card,) = tmp_path.glob("*.card.json")
    run("recovery", "show", card)
    run("recovery", "check", card, "--words-from", words)


def test_opening_shares_runs_without_them() -> None:
    """Custody itself, as the approving client uses it."""
    program = PROGRAM.partition("import typer")[0] + "import kuramori_segments.custody, kuramori_segments.custodian_key"
    command = [sys.executable, "-c", program, ",".join(FORBIDDEN)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_guard_would_notice() -> None:
    """The same program fails for a module that is forbidden."""
    program = PROGRAM.partition("import typer")[0] + "import kuramori_segments.keystore"
    done = subprocess.run([sys.executable, "-c", program, ",".join(FORBIDDEN)], capture_output=True, check=False)
    assert done.returncode != 0
