"""The register: durable, append-only, and unable to hide that a byte of it was changed."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from kuramori.desk import register as register_module
from kuramori.desk.merkle_log import MerkleLog, leaf_hash, verify_consistency, verify_inclusion
from kuramori.desk.register import Register, RegisterDamaged, RegisterInUse, RegisterUnwritable
from kuramori.desk.register_entry import Entry, EntryInvalid, EntryKind, body_digest
from kuramori.desk.signed_note import open_checkpoint
from kuramori.desk.steps import KINDS

RECORDER_ID = bytes(range(16))
START_UTC_MS = 1_767_225_600_000


def open_register(folder: Path) -> Register:
    """Open the register of a folder."""
    return Register.open(folder / "register.db", folder / "register_key.pem", RECORDER_ID)


def fill(register: Register, count: int = 5) -> None:
    """Write some entries."""
    for number in range(count):
        register.append(
            EntryKind.FILED,
            utc_ms=START_UTC_MS + number,
            request=f"20260101-{number + 1}",
            person="佐藤 花子",
            body={"purpose": "紛失物の捜索", "number": number},
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state directory with a register of five entries."""
    register = open_register(tmp_path)
    fill(register)
    register.close()
    return tmp_path


def test_what_was_written_is_there_after_reopening(folder: Path) -> None:
    """Entries, bodies, checkpoint and root are the same in the next process."""
    register = open_register(folder)
    records = register.records()
    assert [record.entry.index for record in records] == [0, 1, 2, 3, 4]
    assert records[2].content == {"purpose": "紛失物の捜索", "number": 2}
    checkpoint = open_checkpoint(register.checkpoint, register.verifier)
    assert checkpoint.size == 5
    assert checkpoint.root == MerkleLog(leaf_hash(record.entry_bytes) for record in records).root()
    assert checkpoint.origin == "kuramori/register/v1/" + RECORDER_ID.hex()
    fill(register, 1)
    assert register.size == 6
    register.verify()
    register.close()


def test_key_and_database_are_for_the_owner_only(folder: Path) -> None:
    """Both files have mode 0600."""
    for name in ("register.db", "register_key.pem"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_proofs_of_the_open_register_verify(folder: Path) -> None:
    """Any entry is provably in it, and any earlier size provably its beginning."""
    register = open_register(folder)
    root = open_checkpoint(register.checkpoint, register.verifier).root
    for index, record in enumerate(register.records()):
        leaf = leaf_hash(record.entry_bytes)
        assert verify_inclusion(leaf, index, 5, register.inclusion_proof(index), root)
        earlier = open_checkpoint(record.checkpoint, register.verifier)
        assert verify_consistency(index + 1, earlier.root, 5, root, register.consistency_proof(index + 1))
    register.close()


def _tampered(folder: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    """Change the closed register as someone would who has the file and SQLite, but not the key."""
    database = sqlite3.connect(folder / "register.db")
    database.execute("PRAGMA synchronous=OFF")
    for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        database.execute(statement, values)
    database.commit()
    database.close()


def _verdict(folder: Path) -> RegisterDamaged | None:
    """Open and verify; return what was found."""
    try:
        register = open_register(folder)
    except RegisterDamaged as damage:
        return damage
    try:
        register.verify()
    except RegisterDamaged as damage:
        return damage
    finally:
        register.close()
    return None


@pytest.mark.parametrize(
    ("table", "column"), [("entry", "bytes"), ("entry", "checkpoint"), ("body", "bytes"), ("body", "salt")]
)
def test_any_changed_byte_of_any_stored_value_is_detected(folder: Path, table: str, column: str) -> None:
    """Every byte of an entry, its checkpoint, its body and its salt: changed, it is found, and the entry named."""
    database = sqlite3.connect(folder / "register.db")
    (value,) = database.execute(f"SELECT {column} FROM {table} WHERE idx = 2").fetchone()
    database.close()
    original = value.encode() if isinstance(value, str) else value
    pristine = (folder / "register.db").read_bytes()
    statement = f"UPDATE {table} SET {column} = ? WHERE idx = 2"
    for position in range(len(original)):
        changed = bytearray(original)
        changed[position] ^= 1
        stored = changed.decode("utf-8", "replace") if isinstance(value, str) else bytes(changed)
        (folder / "register.db").write_bytes(pristine)
        _tampered(folder, statement, values=(stored,))
        damage = _verdict(folder)
        assert damage is not None, (position, stored)
        assert damage.index in (2, 4)  # found there, or by the last checkpoint, which covers it


def test_any_changed_byte_of_the_file_is_detected_or_changes_nothing(folder: Path) -> None:
    """Flip bytes all over the database file: damage is told, or every entry and body still reads as written."""
    register = open_register(folder)
    honest = register.records()
    register.close()
    pristine = (folder / "register.db").read_bytes()
    for position in range(0, len(pristine), 61):
        changed = bytearray(pristine)
        changed[position] ^= 0x55
        (folder / "register.db").write_bytes(changed)
        for leftover in ("register.db-wal", "register.db-shm"):
            (folder / leftover).unlink(missing_ok=True)
        try:
            register = open_register(folder)
        except (RegisterDamaged, RegisterInUse):
            continue
        try:
            register.verify()
            assert register.records() == honest, position
        except RegisterDamaged:
            continue
        finally:
            register.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry WHERE idx = 2",
        "DELETE FROM entry WHERE idx = 0",
        "DELETE FROM body WHERE idx = 1",
        "UPDATE entry SET idx = idx + 10 WHERE idx = 4",
        "UPDATE body SET idx = 40 WHERE idx = 4",
        "UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE idx = 1) WHERE idx = 2",
        "UPDATE entry SET checkpoint = (SELECT checkpoint FROM entry WHERE idx = 3) WHERE idx = 4",
        "INSERT INTO entry SELECT 5, bytes, checkpoint FROM entry WHERE idx = 4",
    ],
)
def test_removed_moved_doubled_and_swapped_entries_are_detected(folder: Path, statement: str) -> None:
    """Whatever is done to the rows shows."""
    _tampered(folder, statement)
    assert _verdict(folder) is not None


def test_cutting_off_the_end_is_caught_by_whoever_holds_a_later_checkpoint(folder: Path) -> None:
    """The file alone cannot show that its last entries are gone; a custodian's stored checkpoint does."""
    register = open_register(folder)
    remembered = open_checkpoint(register.checkpoint, register.verifier)
    register.close()
    _tampered(folder, "DELETE FROM body WHERE idx >= 3", "DELETE FROM entry WHERE idx >= 3")
    register = open_register(folder)
    fill(register, 2)  # as many as before, to hide it
    now = open_checkpoint(register.checkpoint, register.verifier)
    assert now.size == remembered.size
    assert now.root != remembered.root
    assert not verify_consistency(remembered.size, remembered.root, now.size, now.root, [])
    register.close()


def test_the_database_itself_refuses_changes(folder: Path) -> None:
    """Even a slip of our own code cannot update or delete an entry."""
    database = sqlite3.connect(folder / "register.db")
    for statement in ("UPDATE entry SET bytes = x'00'", "DELETE FROM entry", "UPDATE body SET salt = x'00'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


def test_bodies_can_be_deleted_and_the_tree_still_verifies(folder: Path) -> None:
    """After their time bodies go, no byte of them stays in the files, and an entry says which and who confirmed."""
    register = open_register(folder)
    root = open_checkpoint(register.checkpoint, register.verifier).root
    register.delete_bodies([0, 1], utc_ms=START_UTC_MS + 10, person="manager", body={"confirmed": "yes"})
    records = register.records()
    assert records[0].content is None
    assert records[2].content is not None
    assert records[-1].content == {"confirmed": "yes", "indices": [0, 1]}
    now = open_checkpoint(register.checkpoint, register.verifier)
    assert verify_consistency(5, root, 6, now.root, register.consistency_proof(5))
    register.verify()
    register.close()
    register = open_register(folder)
    register.verify()
    register.close()
    stored = b"".join(path.read_bytes() for path in folder.glob("register.db*"))
    assert b'"number":2' in stored
    assert b'"number":0' not in stored
    assert b'"number":1' not in stored


def test_a_lost_or_foreign_key_is_damage_not_a_new_beginning(folder: Path) -> None:
    """A register with entries never gets a fresh key behind its back."""
    (folder / "register_key.pem").rename(folder / "elsewhere.pem")
    with pytest.raises(RegisterDamaged, match="key"):
        open_register(folder)
    other = folder / "other"
    other.mkdir()
    open_register(other).close()
    shutil.copy(other / "register_key.pem", folder / "register_key.pem")
    with pytest.raises(RegisterDamaged, match="checkpoint"):
        open_register(folder)


def test_only_one_desk_holds_the_register(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second opener is told that the register is in use."""
    monkeypatch.setattr(register_module, "BUSY_SECONDS", 0.05)
    register = open_register(folder)
    with pytest.raises(RegisterInUse):
        open_register(folder)
    register.close()


def test_after_a_failed_write_nothing_more_is_written(folder: Path) -> None:
    """When a write fails nobody knows what is durable: the register answers no further append until reopened."""
    register = open_register(folder)
    register._database.execute("PRAGMA query_only=ON")  # stands for a disk that refuses
    with pytest.raises(RegisterUnwritable):
        fill(register, 1)
    register._database.execute("PRAGMA query_only=OFF")
    with pytest.raises(RegisterUnwritable, match="opened anew within a minute"):
        fill(register, 1)
    register.close()
    register = open_register(folder)
    assert register.size == 5
    fill(register, 1)
    register.close()


_WRITER = """
import sys
from pathlib import Path
from kuramori.desk.register import Register
from kuramori.desk.register_entry import EntryKind
folder = Path(sys.argv[1])
register = Register.open(folder / "register.db", folder / "register_key.pem", bytes(range(16)))
for number in range(100000):
    record = register.append(EntryKind.FILED, utc_ms=number, request=None, person=None, body={"n": number})
    print(record.entry.index, flush=True)
"""


def test_every_entry_that_was_answered_survives_kill_nine(tmp_path: Path) -> None:
    """Killed at any moment, the register opens, verifies and holds at least every entry that append returned."""
    acknowledged = -1
    for lines in (1, 3, 8):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            for _ in range(lines):
                acknowledged = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            rest = writer.stdout.read().split()
            acknowledged = max([acknowledged, *map(int, rest)])
        register = open_register(tmp_path)
        register.verify()
        assert register.size >= acknowledged + 1
        register.close()


# ---- the format -------------------------------------------------------------------------------------------


def _document_blocks() -> Iterator[str]:
    text = (Path(__file__).parents[3] / "nvr" / "kuramori" / "desk" / "REGISTER.md").read_text(encoding="utf-8")
    yield from re.findall(r"```(?:json|text)\n(.*?)\n```", text, re.DOTALL)


def test_the_example_in_the_document_is_byte_exact() -> None:
    """Salt, body, entry, leaf and checkpoint of REGISTER.md are what this code makes of them."""
    body, entry, checkpoint = list(_document_blocks())[:3]
    text = (Path(__file__).parents[3] / "nvr" / "kuramori" / "desk" / "REGISTER.md").read_text(encoding="utf-8")
    salt = bytes.fromhex(_quoted(text, "salt"))
    parsed = Entry.parse(entry.encode())
    assert parsed.to_bytes() == entry.encode()
    assert parsed.body_digest == body_digest(salt, body.encode())
    assert leaf_hash(entry.encode()).hex() == _quoted(text, "leaf hash")
    verifier = register_module.NoteVerifier.parse(_quoted(text, "verifier key"))
    opened = open_checkpoint(checkpoint + "\n", verifier)
    assert opened.size == 1
    assert opened.root == leaf_hash(entry.encode())


def _quoted(text: str, what: str) -> str:
    match = re.search(rf"{what}: `([^`]+)`", text)
    assert match is not None, what
    return match[1]


@pytest.mark.parametrize(
    "change",
    [
        {"index": -1},
        {"index": "0"},
        {"index": True},
        {"kind": ""},
        {"kind": None},
        {"person": 5},
        {"body_digest": "AB" * 32},
        {"extra": 1},
    ],
)
def test_an_entry_has_one_form(change: dict[str, object]) -> None:
    """Wrong types, members and digests are not entries."""
    good = Entry(0, 1, "filed", None, None, "ab" * 32)
    value = {**json.loads(good.to_bytes()), **change}
    document = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(EntryInvalid):
        Entry.parse(document)


def test_the_document_lists_the_members_of_every_body() -> None:
    """REGISTER.md names exactly the members that each kind of step writes."""
    text = (Path(__file__).parents[3] / "nvr" / "kuramori" / "desk" / "REGISTER.md").read_text(encoding="utf-8")
    bodies = text.partition("## Bodies")[2].partition("\n## ")[0]
    listed = {
        row[0]: re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", row[1]))
        for row in re.findall(r"^\| `(\w+)` \| (.*) \|$", bodies, re.MULTILINE)
    }
    assert listed.pop(EntryKind.BODIES_DELETED.value) == ["indices"]
    assert listed == {kind.value: [field.name for field in fields(step)] for step, kind in KINDS.items()}
