"""Where custodians' approvals wait for the handler: re-sealed shares, useless to everybody else.

One SQLite file, `requests.db`. An approval is durable here before the register says that it counts, and is gone
when the request is over or after APPROVAL_DAYS (K7: no copy is kept longer than needed). Must not know keys or
states; the register decides what counts, this only keeps bytes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kuramori.desk.store_file import StoreFile

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

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the file. Raises ApprovalStoreFault."""
        return cls(StoreFile(path, (_SCHEMA,), ApprovalStoreFault))

    def copy_to_new(self, path: Path) -> None:
        """Make a whole copy at a free path, as of now. Raises ApprovalStoreFault."""
        self._file.copy_to_new(path)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()

    def put(self, request_id: str, granted_digest: bytes, approval: StoredApproval, utc_ms: int) -> None:
        """Keep an approval; durable when this returns. The same custodian's again replaces it."""
        self._file.rows(
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
        return [StoredApproval(*row) for row in self._file.rows(statement, (request_id, granted_digest))]

    def kept(self) -> set[str]:
        """Return the numbers of the requests that something is kept for."""
        return {str(row[0]) for row in self._file.rows("SELECT DISTINCT request_id FROM approval", ())}

    def forget(self, request_id: str) -> None:
        """Delete what was kept for a request."""
        self._file.rows("DELETE FROM approval WHERE request_id = ?", (request_id,))

    def forget_before(self, utc_ms: int) -> None:
        """Delete what is older."""
        self._file.rows("DELETE FROM approval WHERE utc_ms < ?", (utc_ms,))
