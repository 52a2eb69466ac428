"""Where custody is kept between people's visits: the proposed change, open drills, and what was handed on.

One SQLite file, `custody.db`; durable when a method returns. Contributions are sealed to the new custodians and
useless to everybody else; they go when their segment does. Segment headers are never changed, so what was handed on
stands here, by segment uid. Must not know keys, people or the register.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kuramori.desk.store_file import StoreFile
from kuramori_segments.custody import ShareBinding
from kuramori_segments.hand_on import Contribution

_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS proposal (
    number INTEGER PRIMARY KEY,
    document BLOB NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS drill (
    drill_id BLOB PRIMARY KEY,
    custodian_id BLOB NOT NULL,
    secret_digest BLOB NOT NULL,
    utc_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS segment (
    segment_uid BLOB PRIMARY KEY,
    recorder_id BLOB NOT NULL,
    camera_number INTEGER NOT NULL,
    epoch_id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    start_utc_ms INTEGER NOT NULL,
    set_id BLOB NOT NULL,
    k INTEGER NOT NULL,
    n INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS contribution (
    segment_uid BLOB NOT NULL,
    to_set BLOB NOT NULL,
    number INTEGER NOT NULL,
    from_set BLOB NOT NULL,
    pieces BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (segment_uid, to_set, number)
) STRICT, WITHOUT ROWID
""",
)


class CustodyStoreFault(Exception):
    """The file of custody cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one segment is handed on from one set to another: the numbers of the old shares that are there."""

    segment_uid: bytes
    to_set: bytes
    from_set: bytes
    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Kept:
    """One contribution as it is kept."""

    segment_uid: bytes
    to_set: bytes
    from_set: bytes
    contribution: Contribution


class CustodyStore:
    """The open file. Thread-safe; every method blocks for as long as the disk does. Raises CustodyStoreFault."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the file."""
        return cls(StoreFile(path, _SCHEMA, CustodyStoreFault))

    def copy_to_new(self, path: Path) -> None:
        """Make a whole copy at a free path, as of now. Raises CustodyStoreFault."""
        self._file.copy_to_new(path)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()

    # ---- the proposed change -------------------------------------------------------------------------------------

    def proposal(self) -> bytes | None:
        """Return the proposed change with its signatures so far."""
        rows = self._file.rows("SELECT document FROM proposal", ())
        return bytes(rows[0][0]) if rows else None

    def propose(self, number: int, document: bytes) -> None:
        """Keep the proposed change, in the place of any before."""
        self._write([("DELETE FROM proposal", ()), ("INSERT INTO proposal VALUES (?, ?)", (number, document))])

    def forget_proposal(self) -> None:
        """Forget it."""
        self._write([("DELETE FROM proposal", ())])

    # ---- drills --------------------------------------------------------------------------------------------------

    def ask(self, drill_id: bytes, custodian_id: bytes, digest: bytes, utc_ms: int) -> None:
        """Keep what an answer is known by; one open challenge for each custodian."""
        self._write(
            [
                ("DELETE FROM drill WHERE custodian_id = ?", (custodian_id,)),
                ("INSERT INTO drill VALUES (?, ?, ?, ?)", (drill_id, custodian_id, digest, utc_ms)),
            ]
        )

    def asked(self, drill_id: bytes) -> tuple[bytes, bytes, int] | None:
        """Return custodian, digest and time of an open challenge."""
        rows = self._file.rows("SELECT custodian_id, secret_digest, utc_ms FROM drill WHERE drill_id = ?", (drill_id,))
        return (bytes(rows[0][0]), bytes(rows[0][1]), int(rows[0][2])) if rows else None

    def answered(self, drill_id: bytes) -> None:
        """Forget a challenge: it is answered once."""
        self._write([("DELETE FROM drill WHERE drill_id = ?", (drill_id,))])

    # ---- what was handed on --------------------------------------------------------------------------------------

    def note_segments(self, segments: Iterable[ShareBinding]) -> None:
        """Remember what headers say of segments that can be handed on."""
        self._write_many(
            "INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    one.segment_uid,
                    one.recorder_id,
                    one.camera_number,
                    one.epoch_id,
                    one.sequence,
                    one.start_utc_ms,
                    one.custodian_set_id,
                    one.k,
                    one.n,
                )
                for one in segments
            ],
        )

    def segments(self, uids: Sequence[bytes]) -> dict[bytes, ShareBinding]:
        """Return what is remembered of these segments."""
        found = {}
        for uid in uids:
            for row in self._file.rows(
                "SELECT recorder_id, camera_number, epoch_id, sequence, start_utc_ms, set_id, k, n FROM segment"
                " WHERE segment_uid = ?",
                (uid,),
            ):
                recorder_id, number, epoch_id, sequence, start_utc_ms, set_id, k, n = row
                found[uid] = ShareBinding(recorder_id, number, epoch_id, sequence, start_utc_ms, set_id, k, n, uid)
        return found

    def keep(self, contributions: Iterable[Kept]) -> None:
        """Keep contributions, all or none; one that is there stays as it is."""
        self._write_many(
            "INSERT OR IGNORE INTO contribution VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    one.segment_uid,
                    one.to_set,
                    one.contribution.number,
                    one.from_set,
                    one.contribution.pieces,
                    one.contribution.signature,
                )
                for one in contributions
            ],
        )

    def progress(self, uids: Sequence[bytes] | None = None) -> list[Progress]:
        """Return how far segments are handed on: these, or all that anything is kept of."""
        wanted = "" if uids is None else " WHERE segment_uid = ?"
        statement = f"SELECT segment_uid, to_set, from_set, number FROM contribution{wanted}"  # noqa: S608 - ours
        found: dict[tuple[bytes, bytes, bytes], set[int]] = {}
        for values in [()] if uids is None else [(uid,) for uid in uids]:
            for uid, to_set, from_set, number in self._file.rows(statement, values):
                found.setdefault((uid, to_set, from_set), set()).add(number)
        return [Progress(*key, frozenset(numbers)) for key, numbers in found.items()]

    def contributions(self, segment_uid: bytes, to_set: bytes) -> list[Kept]:
        """Return what was handed on of one segment to one set."""
        statement = (
            "SELECT from_set, number, pieces, signature FROM contribution"
            " WHERE segment_uid = ? AND to_set = ? ORDER BY number"
        )
        return [
            Kept(segment_uid, to_set, bytes(from_set), Contribution(number, bytes(pieces), bytes(signature)))
            for from_set, number, pieces, signature in self._file.rows(statement, (segment_uid, to_set))
        ]

    def discard(self, to_set: bytes, from_numbers: Iterable[tuple[bytes, int]]) -> int:
        """Throw away what these shares (old set, number) handed on to a set; return of how many segments."""
        count = 0
        for from_set, number in from_numbers:
            values = (to_set, from_set, number)
            condition = "WHERE to_set = ? AND from_set = ? AND number = ?"
            count += self._file.rows(f"SELECT COUNT(*) FROM contribution {condition}", values)[0][0]  # noqa: S608 - ours
            self._write([(f"DELETE FROM contribution {condition}", values)])  # noqa: S608 - ours
        return count

    def forget_others(self, alive: set[bytes]) -> int:
        """Delete what is kept of segments that are gone; return of how many."""
        rows = self._file.rows("SELECT segment_uid FROM segment UNION SELECT segment_uid FROM contribution", ())
        gone = [(bytes(row[0]),) for row in rows if bytes(row[0]) not in alive]
        self._write_many("DELETE FROM contribution WHERE segment_uid = ?", gone)
        self._write_many("DELETE FROM segment WHERE segment_uid = ?", gone)
        return len(gone)

    # ---- the file ------------------------------------------------------------------------------------------------

    def _write(self, statements: Sequence[tuple[str, tuple[object, ...]]]) -> None:
        self._file.together(lambda database: [database.execute(*statement) for statement in statements])

    def _write_many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        self._file.together(lambda database: database.executemany(statement, rows))
