"""The register on disk: append-only, durable before it answers, and verified from its first byte whenever opened.

One SQLite file beside its Ed25519 key. An entry, its body and the signed checkpoint over both are one transaction
(WAL, synchronous=FULL): `append` returns when they would survive a power cut, and only then may anything take
effect. Must not know what a request is or who may write.
"""

import contextlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kuramori.database_copy import copy_open_database
from kuramori.desk.merkle_log import MerkleLog, leaf_hash
from kuramori.desk.register_entry import (
    NAME_MOST,
    SALT_BYTES,
    Entry,
    EntryInvalid,
    EntryKind,
    body_bytes,
    body_digest,
)
from kuramori.desk.signed_note import Checkpoint, NoteInvalid, NoteSigner, NoteVerifier, open_checkpoint
from kuramori.desk.store_file import transaction

BUSY_SECONDS = 5.0  # how long a predecessor may take to let go of the file
PAGE_ENTRIES = 200  # bodies that stand in memory at a time
ORIGIN_PREFIX = "kuramori/register/v1/"

_SCHEMA = """
CREATE TABLE entry (
    idx INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL,
    checkpoint TEXT NOT NULL
) STRICT;
CREATE TABLE body (
    idx INTEGER PRIMARY KEY REFERENCES entry(idx),
    salt BLOB NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
CREATE TRIGGER body_is_never_changed BEFORE UPDATE ON body
    BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END;
"""


class RegisterFault(Exception):
    """The register cannot be used.

    RegisterFault
    ├── RegisterDamaged     what is stored is not what was written
    ├── RegisterUnwritable  an entry may not be durable: nothing may take effect; open it anew
    └── RegisterInUse       another process holds it
    """


class RegisterDamaged(RegisterFault):
    """Stored bytes do not verify. `index` is the first entry concerned, where one can be named."""

    def __init__(self, detail: str, index: int | None = None) -> None:
        place = "the register" if index is None else f"entry {index} of the register"
        super().__init__(f"{place}: {detail}")
        self.index = index
        self.detail = detail


class RegisterUnwritable(RegisterFault):
    """A write failed. Whether the entry is there is known only after opening again."""


class RegisterInUse(RegisterFault):
    """Another desk has the register open."""


@dataclass(frozen=True, slots=True)
class Record:
    """An entry with what lies beside it; `body` and `salt` are None once deleted."""

    entry: Entry
    entry_bytes: bytes
    checkpoint: str
    salt: bytes | None
    body: bytes | None

    @property
    def content(self) -> dict[str, Any] | None:
        """The parsed body. It was canonical when written, and its digest is checked whenever the register is opened."""
        if self.body is None:
            return None
        value = json.loads(self.body)
        return value if isinstance(value, dict) else None


class Register:
    """The open register. Thread-safe; every method blocks for as long as the disk does."""

    def __init__(self, database: sqlite3.Connection, signer: NoteSigner) -> None:
        self._database = database
        self._signer = signer
        self._lock = threading.Lock()
        self._tree = MerkleLog()
        self._head = (0, signer.sign(Checkpoint(signer.name, 0, self._tree.root()).text()))
        self._broken = False

    @classmethod
    def open(cls, path: Path, key_path: Path, recorder_id: bytes) -> Self:
        """Open or create the register and verify all of it. Raises RegisterFault."""
        fresh = not path.exists()
        key = _load_key(key_path, create=fresh)
        database = _connect(path)
        register = cls(database, NoteSigner(ORIGIN_PREFIX + recorder_id.hex(), key))
        try:
            if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'entry'").fetchone():
                with transaction(database):
                    for statement in _statements(_SCHEMA):
                        database.execute(statement)
            register._load()
        except sqlite3.OperationalError as error:
            database.close()
            if "locked" in str(error):
                raise RegisterInUse(f"another process uses {path}") from error
            raise RegisterDamaged(str(error)) from error
        except sqlite3.DatabaseError as error:
            database.close()
            raise RegisterDamaged(str(error)) from error
        except RegisterFault:
            database.close()
            raise
        return register

    def close(self) -> None:
        """Close the file. May be called twice."""
        with self._lock:
            self._broken = True
            self._database.close()

    @property
    def head(self) -> tuple[int, str]:
        """How many entries there are, and the signed note over exactly these."""
        return self._head

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self._head[0]

    @property
    def checkpoint(self) -> str:
        """The signed note over all entries."""
        return self._head[1]

    @property
    def verifier(self) -> NoteVerifier:
        """Whose signature the checkpoints carry."""
        return self._signer.verifier

    def append(
        self, kind: EntryKind, *, utc_ms: int, request: str | None, person: str | None, body: dict[str, Any]
    ) -> Record:
        """Write one entry and return it once durable. Raises RegisterUnwritable, EntryInvalid."""
        salt = secrets.token_bytes(SALT_BYTES)
        content = body_bytes(body)
        if len(person or "") > NAME_MOST:
            raise EntryInvalid("a name beyond the limit")
        with self._lock:
            entry = Entry(self._tree.size, utc_ms, kind.value, request, person, body_digest(salt, content))
            return self._write(entry, salt, content)

    def delete_bodies(self, indices: Sequence[int], *, utc_ms: int, person: str, body: dict[str, Any]) -> Record:
        """Delete these bodies and write the entry that says so, as one step. Raises RegisterUnwritable.

        Whether their five years are over is the caller's to know; the tree verifies as before.
        """
        salt = secrets.token_bytes(SALT_BYTES)
        content = body_bytes({**body, "indices": sorted(set(indices))})
        with self._lock:
            kind = EntryKind.BODIES_DELETED.value
            entry = Entry(self._tree.size, utc_ms, kind, None, person, body_digest(salt, content))
            return self._write(entry, salt, content, deleted=sorted(set(indices)))

    def records(self, start: int = 0, count: int | None = None) -> list[Record]:
        """Return entries from `start` on, in order."""
        limit = self.size if count is None else count
        with self._lock:
            rows = self._database.execute(
                "SELECT entry.idx, entry.bytes, checkpoint, salt, body.bytes FROM entry LEFT JOIN body"
                " USING (idx) WHERE entry.idx >= ? ORDER BY entry.idx LIMIT ?",
                (start, limit),
            ).fetchall()
        return [_record(row) for row in rows]

    def each(self, start: int = 0) -> Iterator[Record]:
        """Yield every entry from `start` on, a page at a time: bodies need not all stand in memory."""
        for first in range(start, self.size, PAGE_ENTRIES):
            yield from self.records(first, PAGE_ENTRIES)

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the audit path of an entry in the tree of `size`. Raises ProofImpossible."""
        return self._tree.inclusion_proof(index, self.size if size is None else size)

    def consistency_proof(self, old_size: int, size: int | None = None) -> list[bytes]:
        """Return the proof that nothing below `old_size` was changed. Raises ProofImpossible."""
        return self._tree.consistency_proof(old_size, self.size if size is None else size)

    @property
    def is_broken(self) -> bool:
        """Tell whether a write failed: nothing is written any more until the register is opened anew."""
        return self._broken

    def verify(self) -> None:
        """Read everything back and verify every entry, body and checkpoint. Raises RegisterDamaged."""
        with self._lock:
            try:
                tree = _verified_tree(self._database, self._signer.verifier, every_checkpoint=True)
            except sqlite3.DatabaseError as error:
                raise RegisterDamaged(str(error)) from error
            if tree.size != self._tree.size or tree.root() != self._tree.root():
                raise RegisterDamaged("what is on disk is not what this process has written")

    def copy_to_new(self, path: Path) -> None:
        """Make a whole copy at a free path, as of now. Raises RegisterUnwritable; this register is as it was."""
        with self._lock:
            try:
                copy_open_database(self._database, path)
            except (sqlite3.Error, OSError) as error:
                raise RegisterUnwritable(f"{path}: {error}") from error

    def _load(self) -> None:
        self._tree = _verified_tree(self._database, self._signer.verifier, every_checkpoint=False)
        if self._tree.size:
            row = self._database.execute("SELECT checkpoint FROM entry ORDER BY idx DESC LIMIT 1").fetchone()
            self._head = (self._tree.size, row[0])

    def _write(self, entry: Entry, salt: bytes, content: bytes, deleted: Sequence[int] = ()) -> Record:
        if self._broken:
            raise RegisterUnwritable(
                "after a failed write it is opened anew within a minute; look at the medium it lies on"
            )
        document = entry.to_bytes()
        tree = self._tree
        leaf = leaf_hash(document)
        try:
            root = tree.root_with(leaf)
            note = self._signer.sign(Checkpoint(self._signer.name, entry.index + 1, root).text())
            with transaction(self._database) as database:
                database.execute("INSERT INTO entry VALUES (?, ?, ?)", (entry.index, document, note))
                database.execute("INSERT INTO body VALUES (?, ?, ?)", (entry.index, salt, content))
                for index in deleted:
                    database.execute("DELETE FROM body WHERE idx = ?", (index,))
            if deleted:  # what the log of the file still holds of them goes with it
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            self._broken = True  # whether it is durable is unknown: never carry on as if
            raise RegisterUnwritable(str(error)) from error
        tree.append(leaf)
        self._head = (tree.size, note)  # one assignment: readers in other threads see both or neither
        return Record(entry, document, note, salt, content)


def _verified_tree(database: sqlite3.Connection, verifier: NoteVerifier, *, every_checkpoint: bool) -> MerkleLog:
    """Return the tree over what is stored, everything checked. Raises RegisterDamaged, sqlite3.Error."""
    tree = MerkleLog()
    missing: set[int] = set()
    excused: set[int] = set()
    note: str | None = None
    statement = (
        "SELECT entry.idx, entry.bytes, checkpoint, salt, body.bytes FROM entry LEFT JOIN body USING (idx)"
        " ORDER BY entry.idx"
    )
    with contextlib.closing(database.execute(statement)) as rows:  # an open cursor would keep the file locked
        for row in rows:
            expected = tree.size
            record = _record(row)
            if row[0] != expected or record.entry.index != expected:
                raise RegisterDamaged("an entry is missing or out of place", expected)
            tree.append(leaf_hash(record.entry_bytes))
            _check_body(record, missing, excused)
            note = record.checkpoint
            if every_checkpoint:
                _check_note(note, verifier, tree)
    if note is not None:
        _check_note(note, verifier, tree)
    if missing - excused:
        raise RegisterDamaged("its body was removed without an entry that says so", min(missing - excused))
    orphan = database.execute("SELECT min(idx) FROM body WHERE idx NOT IN (SELECT idx FROM entry)").fetchone()[0]
    if orphan is not None:
        raise RegisterDamaged("a body without an entry", orphan)
    return tree


def _check_body(record: Record, missing: set[int], excused: set[int]) -> None:
    index = record.entry.index
    if record.body is None or record.salt is None:
        missing.add(index)
        return
    if len(record.salt) != SALT_BYTES or body_digest(record.salt, record.body) != record.entry.body_digest:
        raise RegisterDamaged("its body is not the one that was written", index)
    if record.entry.kind == EntryKind.BODIES_DELETED:
        excused.update((record.content or {}).get("indices", ()))


def _check_note(note: str, verifier: NoteVerifier, tree: MerkleLog) -> None:
    try:
        checkpoint = open_checkpoint(note, verifier)
    except NoteInvalid as error:
        raise RegisterDamaged(f"its checkpoint is not valid ({error})", tree.size - 1) from None
    if checkpoint.size != tree.size or checkpoint.root != tree.root():
        raise RegisterDamaged("an entry up to here was changed", tree.size - 1)


def _record(row: tuple[int, bytes, str, bytes | None, bytes | None]) -> Record:
    index, document, note, salt, body = row
    try:
        return Record(Entry.parse(document), document, note, salt, body)
    except EntryInvalid as error:
        raise RegisterDamaged(str(error), index) from None


def _connect(path: Path) -> sqlite3.Connection:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # the mode is right before anything is in it
    os.close(descriptor)
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA locking_mode=EXCLUSIVE")  # one desk writes, and nobody else at all
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("PRAGMA secure_delete=ON")  # a deleted body leaves no bytes behind in its page
    except sqlite3.OperationalError as error:
        database.close()
        raise RegisterInUse(f"another process uses {path}: {error}") from error
    except sqlite3.DatabaseError as error:
        database.close()
        raise RegisterDamaged(str(error)) from error
    return database


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _load_key(path: Path, *, create: bool) -> Ed25519PrivateKey:
    """Return the register key; a new register makes its own. Raises RegisterDamaged."""
    if create and not path.exists():
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        interim = path.with_suffix(".new")
        descriptor = os.open(interim, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        interim.replace(path)  # whole or not at all: a register without its key is lost
        _sync_directory(path.parent)
        return key
    try:
        loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise RegisterDamaged(f"its key {path} cannot be read ({type(error).__name__})") from None
    if not isinstance(loaded, Ed25519PrivateKey):
        raise RegisterDamaged(f"its key {path} is not an Ed25519 key")
    return loaded


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
