"""Where custodians' approvals wait for the handler: re-sealed shares, useless to everybody else.

One SQLite file, `requests.db`. An approval is durable here before the register says that it counts, and is gone
when the request is over or after APPROVAL_DAYS (K7: no copy is kept longer than needed). Must not know keys or
states; the register decides what counts, this only keeps bytes.
"""

import os
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kuramori.database_copy import copy_open_database

BUSY_SECONDS = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS approval (
    request_id TEXT NOT NULL,
    granted_digest BLOB NOT NULL,
    custodian_id BLOB NOT NULL,
    utc_ms INTEGER NOT NULL,
    document BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (request_id, granted_digest, custodian_id)
) STRICT
"""


class ApprovalStoreFault(Exception):
    """The file of approvals cannot be read or written."""


@dataclass(frozen=True, slots=True)
class StoredApproval:
    """An approval as it was handed in."""

    custodian_id: bytes
    document: bytes
    signature: bytes


class ApprovalStore:
    """The open file. Thread-safe; every method blocks for as long as the disk does."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the file. Raises ApprovalStoreFault."""
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise ApprovalStoreFault(f"{path}: {error}") from error
        try:
            for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA secure_delete=ON", _SCHEMA):
                database.execute(statement)
        except sqlite3.Error as error:
            database.close()
            raise ApprovalStoreFault(f"{path}: {error}") from error
        return cls(database)

    def copy_to_new(self, path: Path) -> None:
        """Make a whole copy at a free path, as of now. Raises ApprovalStoreFault."""
        with self._lock:
            try:
                copy_open_database(self._database, path)
            except (OSError, sqlite3.Error) as error:
                raise ApprovalStoreFault(f"{path}: {error}") from error

    def close(self) -> None:
        """Close the file. May be called twice."""
        with self._lock:
            self._database.close()

    def put(self, request_id: str, granted_digest: bytes, approval: StoredApproval, utc_ms: int) -> None:
        """Keep an approval; durable when this returns. The same custodian's again replaces it."""
        self._execute(
            "INSERT OR REPLACE INTO approval VALUES (?, ?, ?, ?, ?, ?)",
            (
                request_id,
                granted_digest,
                approval.custodian_id,
                utc_ms,
                approval.document,
                approval.signature,
            ),
        )

    def of_request(self, request_id: str, granted_digest: bytes) -> list[StoredApproval]:
        """Return the approvals of exactly this granted request."""
        statement = (
            "SELECT custodian_id, document, signature FROM approval"
            " WHERE request_id = ? AND granted_digest = ? ORDER BY custodian_id"
        )
        return [StoredApproval(*row) for row in self._execute(statement, (request_id, granted_digest))]

    def kept(self) -> set[str]:
        """Return the numbers of the requests that something is kept for."""
        return {str(row[0]) for row in self._execute("SELECT DISTINCT request_id FROM approval", ())}

    def forget(self, request_id: str) -> None:
        """Delete what was kept for a request."""
        self._execute("DELETE FROM approval WHERE request_id = ?", (request_id,))

    def forget_before(self, utc_ms: int) -> None:
        """Delete what is older."""
        self._execute("DELETE FROM approval WHERE utc_ms < ?", (utc_ms,))

    def _execute(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise ApprovalStoreFault(str(error)) from error
