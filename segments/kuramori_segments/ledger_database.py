"""One SQLite file of the ledger: how it is opened, judged, changed and copied. The only module that imports sqlite3.

Settings, and why:
- journal_mode WAL: a commit is one sequential append and one sync (a rollback journal takes three or four), which
  matters on the small flash media that recorders lie on.
- synchronous FULL: a commit that returned survives a power cut.
- locking_mode EXCLUSIVE: there is one user, so no shared-memory file is needed, any file system will do, and a
  second recorder on the same ledger is refused at once.

This module must not know what the tables mean, nor that there are two files.
"""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from kuramori_segments.ledger_fault import LedgerForeign, LedgerInUse, LedgerTooNew, LedgerUnwritable
from kuramori_segments.ledger_schema import APPLICATION_ID, COUNTERS, SCHEMA_VERSION, TABLES

Value = int | str | bytes | None
Row = tuple[Value, ...]
Statement = tuple[str, tuple[Value, ...]]

SIBLING_SUFFIXES = ("-wal", "-shm", "-journal")  # what SQLite puts beside a database
CHECKPOINT_PAGES = 256  # the log is folded into the file at 1 MiB
QUICK_CHECK_LIMIT_BYTES = 256 << 20  # a larger file is judged by what is read of it
FILE_MODE = 0o600


class Condition(Enum):
    """What a look at a file says."""

    MISSING = "missing"
    DAMAGED = "damaged"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The condition of one file; `ledger_uid` and `batch` only where it is sound, `detail` where it is not."""

    condition: Condition
    detail: str = ""
    ledger_uid: bytes = b""
    batch: int = 0


class Database:
    """An open connection. For one thread at a time. Errors of SQLite become LedgerUnwritable."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._identity = _identity(path)

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open an existing file for ourselves alone. Raises LedgerInUse, LedgerUnwritable."""
        connection = _connect(path)
        try:
            _settle(connection)
        except sqlite3.Error as error:
            connection.close()
            raise _fault(path, error) from error
        return cls(path, connection)

    @classmethod
    def create(cls, path: Path, ledger_uid: bytes, created_utc_ms: int) -> None:
        """Make an empty ledger at `path`, durable when this returns. The path must be free."""
        _touch(path)
        connection = _connect(path)
        try:
            _settle(connection)
            marks = f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};"
            connection.executescript(f"BEGIN IMMEDIATE; {marks} {TABLES}")  # one transaction: one sync
            connection.execute("INSERT INTO meta VALUES (1, ?, 0, ?, 0)", (ledger_uid, created_utc_ms))
            connection.executemany("INSERT INTO counter VALUES (?, 0)", [(name,) for name in COUNTERS])
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise _fault(path, error) from error
        finally:
            connection.close()
        sync_directory(path.parent)

    @property
    def is_in_place(self) -> bool:
        """Tell whether the open file is the one that lies at its path: nobody removed or replaced it."""
        return self._identity is not None and _identity(self.path) == self._identity

    def rows(self, sql: str, values: tuple[Value, ...] = ()) -> list[Row]:
        """Return all rows of a query."""
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _fault(self.path, error) from error

    def begin(self) -> None:
        """Start a change."""
        self.execute(("BEGIN IMMEDIATE", ()))

    def execute(self, statement: Statement) -> None:
        """Run one statement of the change under way."""
        try:
            self._connection.execute(*statement)
        except sqlite3.Error as error:
            raise _fault(self.path, error) from error

    def commit(self) -> None:
        """Make the change durable. When it raises, nothing of it happened."""
        self.execute(("COMMIT", ()))

    def roll_back(self) -> None:
        """Undo the change under way, if there is one."""
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # SQLite undoes it at the next opening where it cannot now
                self._connection.execute("ROLLBACK")

    def apply(self, statements: Iterable[Statement]) -> None:
        """Run a whole change. All or nothing."""
        self.begin()
        try:
            for statement in statements:
                self.execute(statement)
            self.commit()
        except LedgerUnwritable:
            self.roll_back()
            raise

    def copy_to(self, target: "Database") -> None:
        """Make `target` equal to this one, in one transaction of the target: after a crash it is old or new."""
        try:
            self._connection.backup(target._connection)
        except sqlite3.Error as error:
            raise _fault(target.path, error) from error

    def copy_to_new(self, path: Path) -> None:
        """Make a copy at a free path, durable when this returns."""
        _touch(path)
        connection = _connect(path)
        try:
            self._connection.backup(connection)
        except sqlite3.Error as error:
            raise _fault(path, error) from error
        finally:
            connection.close()
        sync_directory(path.parent)

    def close(self) -> None:
        """Fold the log into the file and let go. May be called twice."""
        self._connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def judge(path: Path) -> Judgement:
    """Say what is at `path` without changing what it says. Raises LedgerTooNew, LedgerForeign, LedgerInUse."""
    if not path.exists():
        return Judgement(Condition.MISSING, "there is no file")
    try:
        connection = _connect(path)
    except LedgerUnwritable as error:
        return Judgement(Condition.DAMAGED, error.detail)
    try:
        return _judge_open(path, connection)
    except sqlite3.Error as error:
        if _is_busy(error):
            raise LedgerInUse(path) from error
        return Judgement(Condition.DAMAGED, str(error))
    finally:
        connection.close()


def _judge_open(path: Path, connection: sqlite3.Connection) -> Judgement:
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    application_id = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    if application_id != APPLICATION_ID:
        if application_id or _number(connection, "SELECT count(*) FROM sqlite_master"):
            raise LedgerForeign(path, f"its application id is {application_id:#x}")
        return Judgement(Condition.DAMAGED, "the file is empty")
    if version > SCHEMA_VERSION:
        raise LedgerTooNew(path, version, SCHEMA_VERSION)
    if path.stat().st_size <= QUICK_CHECK_LIMIT_BYTES:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != ("ok",):
            return Judgement(Condition.DAMAGED, f"quick_check: {found[0] if found else 'no answer'}")
    row = connection.execute("SELECT ledger_uid, batch FROM meta").fetchone()
    if row is None:
        return Judgement(Condition.DAMAGED, "it names no ledger")
    return Judgement(Condition.SOUND, "", row[0], row[1])


def _number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])


def _touch(path: Path) -> None:
    """Make the file ourselves, so that nobody else can read it; SQLite gives its siblings the same mode."""
    try:
        path.touch(mode=FILE_MODE, exist_ok=False)
    except OSError as error:
        raise LedgerUnwritable(path, error.strerror or str(error)) from error


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise _fault(path, error) from error


def _settle(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    connection.execute("BEGIN IMMEDIATE")  # takes the lock for good
    connection.execute("COMMIT")


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _fault(path: Path, error: sqlite3.Error) -> LedgerInUse | LedgerUnwritable:
    if _is_busy(error):
        return LedgerInUse(path)
    name = getattr(error, "sqlite_errorname", "")
    return LedgerUnwritable(path, f"{error} ({name})" if name else str(error))


def sync_directory(directory: Path) -> None:
    """Make names in `directory` durable: a new or renamed file is lost in a power cut without it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def family(path: Path) -> list[Path]:
    """Return the file and what SQLite may have put beside it, the file first."""
    return [path, *(path.with_name(path.name + suffix) for suffix in SIBLING_SUFFIXES)]
