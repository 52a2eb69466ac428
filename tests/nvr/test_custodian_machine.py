"""A custodian's own machine: no Linux-only module, no media library, no recorder code is touched by these commands."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kuramori.desk.hand_on_work import WorkHead, WorkPage, WorkRow
from kuramori.wire import to_plain
from kuramori_segments.custodian_key import LEAST_COST, seal_key_file
from kuramori_segments.custody import own_share, seal_dek
from kuramori_segments.drill import new_challenge, read_answer
from kuramori_segments.set_change import SetChain, SetChange, read_change, with_signatures
from kuramori_segments.time_statement import new_statement, read_confirmation
from tests.fakes.key_holders import PASSPHRASE, binding_for, custodian, custodian_set

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
from kuramori.cli import custodian, custody, overdue, recovery
app = typer.Typer()
custodian.register(app)
custody.register(app)
overdue.register(app)
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


def test_custody_commands_run_without_them(tmp_path: Path, passphrase_file: Path) -> None:
    """Sign a change, hand a segment on, answer a drill: with files, the own key, and nothing else."""
    passphrase_file.write_text(PASSPHRASE + "\n")
    old, key = custodian_set(2, 3), custodian("custodian 1")
    key_path = tmp_path / "my.key.json"
    key_path.write_bytes(seal_key_file(key, PASSPHRASE, LEAST_COST))
    mine = ("--key", key_path, "--passphrase-file", passphrase_file)
    change = SetChange(bytes(16), 1, old.set_id, custodian_set(3, 4), (), "manager", "April", 5)
    (tmp_path / "change").write_bytes(change.to_bytes())
    run("custody", "change", "sign", tmp_path / "change", "--out", tmp_path / "signed", "--yes", *mine)
    signed = read_change((tmp_path / "signed").read_bytes())
    chain = SetChain(old).followed_by(with_signatures(SetChain(old), signed, [change.sign(custodian("custodian 2"))]))

    binding = replace(binding_for(old), recorder_id=bytes(16))
    number, sealed = own_share(seal_dek(bytes(32), old, binding).shares, key.custodian_id)
    facts = (binding.segment_uid, binding.camera_number, binding.epoch_id, binding.sequence, binding.start_utc_ms)
    row = WorkRow(*facts, old.set_id, old.k, old.n, old.set_id, sealed.sealed)
    head = WorkHead(bytes(16), "site", key.custodian_id, chain.current.set_id, chain.to_bytes())
    lines = ({"head": to_plain(head)}, {"page": to_plain(WorkPage((row,)))}, {"end": 1})
    (tmp_path / "work").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run("custody", "hand-on", "seal", tmp_path / "work", "--out", tmp_path / "handed", "--yes", *mine)
    handed = json.loads((tmp_path / "handed").read_text().splitlines()[0])["page"]["rows"]
    assert [one["number"] for one in handed] == [number]

    challenge, _ = new_challenge(bytes(16), key.card, 5)
    (tmp_path / "challenge").write_bytes(challenge.to_bytes())
    run("custody", "drill", "answer", tmp_path / "challenge", "--out", tmp_path / "answer", *mine)
    assert read_answer((tmp_path / "answer").read_bytes()).drill_id == challenge.drill_id

    statement = new_statement(bytes(16), old, 5)
    (tmp_path / "statement").write_bytes(statement.to_bytes())
    run("overdue", "sign", tmp_path / "statement", "--out", tmp_path / "confirmed", "--yes", *mine)
    assert read_confirmation((tmp_path / "confirmed").read_bytes()).statement == statement


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
