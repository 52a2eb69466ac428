"""Where writes that carry a key are kept, so that none is done twice: `calls.db`.

A call is noted durably before it is done and its answer before it leaves, for a day, in bounds. An answer that is shown
once, or is large, is kept as its digest only. One SQLite file, mode 0600. Must not know HTTP.
"""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from kuramori.desk.store_file import StoreFile

KEPT_MS = 24 * 3600 * 1000
CALLS_MOST_EACH = 256  # of one person; the oldest go
CALLS_MOST = 4096

_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS call (
    who TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_digest BLOB NOT NULL,
    begun_utc_ms INTEGER NOT NULL,
    status INTEGER,
    media_type TEXT,
    answer BLOB,
    answer_digest BLOB,
    PRIMARY KEY (who, route, key)
) STRICT
""",
    "CREATE INDEX IF NOT EXISTS call_begun ON call (begun_utc_ms)",
)
_ONE = "who = ? AND route = ? AND key = ?"


class CallStoreFault(Exception):
    """The file of calls cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Call:
    """A write with its key: by whom, where, and the digest of what was sent."""

    who: str
    route: str
    key: str
    body_digest: bytes

    @property
    def place(self) -> tuple[str, str, str]:
        """What makes a key one's own: the same key of another person, or elsewhere, is another."""
        return self.who, self.route, self.key


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered. `content` is None where only its digest is kept."""

    status: int
    media_type: str
    content: bytes | None = field(repr=False)
    digest: bytes


@dataclass(frozen=True, slots=True)
class KeptCall:
    """A call that was made before. `answer` is None where nobody knows how it ended."""

    body_digest: bytes
    answer: KeptAnswer | None


class CallStore:
    """The open file. Thread-safe; every method blocks for as long as the disk does. Raises CallStoreFault."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the file."""
        return cls(StoreFile(path, _SCHEMA, CallStoreFault))

    def begin(self, call: Call, utc_ms: int) -> KeptCall | None:
        """Return the call of this place that was made before, or note this one and return None."""
        self.forget_before(utc_ms - KEPT_MS)
        rows = self._file.rows(
            f"SELECT body_digest, status, media_type, answer, answer_digest FROM call WHERE {_ONE}",  # noqa: S608
            call.place,
        )
        if not rows:
            self._file.together(lambda database: _note(database, call, utc_ms))
            return None
        body_digest, status, media_type, content, digest = rows[0]
        answer = KeptAnswer(status, media_type, content, digest) if status is not None else None
        return KeptCall(body_digest, answer)

    def keep(self, call: Call, answer: KeptAnswer) -> None:
        """Keep how a call ended."""
        values = (answer.status, answer.media_type, answer.content, answer.digest, *call.place)
        self._file.rows(
            f"UPDATE call SET status = ?, media_type = ?, answer = ?, answer_digest = ? WHERE {_ONE}",  # noqa: S608
            values,
        )

    def drop(self, call: Call) -> None:
        """Forget a call that changed nothing: its key may be used again."""
        self._file.rows(f"DELETE FROM call WHERE {_ONE}", call.place)  # noqa: S608

    def forget_before(self, utc_ms: int) -> None:
        """Forget what is older than this."""
        self._file.rows("DELETE FROM call WHERE begun_utc_ms < ?", (utc_ms,))

    def count(self) -> int:
        """Return how many are kept."""
        return int(self._file.rows("SELECT count(*) FROM call")[0][0])

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()


def _note(database: sqlite3.Connection, call: Call, utc_ms: int) -> None:
    database.execute(
        "INSERT INTO call (who, route, key, body_digest, begun_utc_ms) VALUES (?, ?, ?, ?, ?)",
        (*call.place, call.body_digest, utc_ms),
    )
    database.execute(
        "DELETE FROM call WHERE who = ?1 AND rowid NOT IN"
        " (SELECT rowid FROM call WHERE who = ?1 ORDER BY begun_utc_ms DESC, rowid DESC LIMIT ?2)",
        (call.who, CALLS_MOST_EACH),
    )
    database.execute(
        "DELETE FROM call WHERE rowid NOT IN (SELECT rowid FROM call ORDER BY begun_utc_ms DESC, rowid DESC LIMIT ?)",
        (CALLS_MOST,),
    )
