"""Two SQLite files that say the same: the ledger and its mirror on another path, and what is done when one is gone.

Every change is a batch of plain statements. Steps of a commit:
 1. The statements run on the ledger and are noted; the last one counts `meta.batch` up by one.
 2. The ledger commits (durable).
 3. The noted statements run on the mirror and commit there (durable).
 4. The call returns.
A stop before 2 leaves neither changed. A stop between 2 and 3 leaves the mirror one batch behind. A failure in 1 or
2 raises LedgerUnwritable and changes neither. A failure in 3 takes the mirror out of use, is counted and shown;
the ledger goes on alone until `repair_mirror` succeeds.

Steps at opening, after both files were judged:
 - both sound, same batch: go on.
 - ledger sound and ahead, or mirror missing or damaged: the mirror is made anew from the ledger.
 - mirror sound, and ledger missing, damaged or behind: the ledger is restored from the mirror, which holds every
   batch that ever returned while both were in use. What lay in the ledger's place is kept beside it (`.set-aside`).
 - neither sound: LedgerMissing or LedgerLost; `start_afresh` sets both aside and begins anew.
A restore copies to `.restoring`, moves the old file and its siblings aside, then renames: a stop after any of these
finds a sound mirror and does it again.

This module must not know what the tables mean.
"""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from kuramori_segments.ledger_database import (
    Condition,
    Database,
    Judgement,
    Row,
    Statement,
    Value,
    family,
    judge,
    sync_directory,
)
from kuramori_segments.ledger_fault import (
    LedgerFault,
    LedgerForeign,
    LedgerInUse,
    LedgerLost,
    LedgerMissing,
    LedgerUnwritable,
)
from kuramori_segments.ledger_schema import MIGRATIONS, SCHEMA_VERSION

RESTORING_SUFFIX = ".restoring"
SET_ASIDE_SUFFIX = ".set-aside"
Write = Callable[..., None]  # write(sql, *values)


class OpeningRepair(Enum):
    """What opening had to do."""

    NONE = "none"
    MIRROR_REBUILT = "mirror_rebuilt"
    LEDGER_RESTORED = "ledger_restored"
    BEGUN_ANEW = "begun_anew"


class Mend(Enum):
    """What `mend` found and did."""

    IN_PLACE = "in_place"
    MADE_ANEW = "made_anew"  # the file was gone or another one; it is back, with everything that was in it
    ON_MIRROR = "on_mirror"  # it could not be made anew: the mirror is the ledger now
    LOST = "lost"  # nor is there a mirror: nothing can be written


@dataclass(frozen=True, slots=True)
class LedgerStatistics:
    """Plain figures of the ledger, for whoever shows them."""

    batches: int  # since the ledger was made
    size_bytes: int
    mirror_sound: bool  # False also where there is none
    mirror_detail: str  # why it is out of use; empty when sound
    mirror_failures: int  # since the start of the process


class LedgerStore:
    """An open pair. All calls block and are for worker threads; a lock keeps them apart."""

    def __init__(
        self, database: Database, mirror_path: Path | None, mirror: Database | None, opening_repair: OpeningRepair
    ) -> None:
        self._database = database
        self._mirror_path = mirror_path
        self._mirror = mirror
        self._mirror_detail = "" if mirror is not None else "none is configured"
        self._mirror_failures = 0
        self._batch_writes: list[Statement] | None = None
        self._lock = threading.RLock()
        self.opening_repair = opening_repair
        self.opening_detail = ""

    # ---- opening ---------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, mirror_path: Path | None, created_utc_ms: int) -> "LedgerStore":
        """Make an empty pair. Raises LedgerForeign where something lies on a path, LedgerUnwritable."""
        for each in (path, mirror_path):
            if each is not None and each.exists():
                raise LedgerForeign(each, "there is a file already")
        _create_at(path, created_utc_ms)
        return cls.open(path, mirror_path)

    @classmethod
    def open(cls, path: Path, mirror_path: Path | None) -> "LedgerStore":
        """Open the pair and repair what can be repaired. Raises a LedgerFault."""
        judgement = judge(path)
        mirror = Judgement(Condition.MISSING) if mirror_path is None else _judge_mirror(mirror_path)
        repair, detail = OpeningRepair.NONE, ""
        if mirror_path is not None and _mirror_is_better(path, judgement, mirror_path, mirror):
            repair = OpeningRepair.LEDGER_RESTORED
            detail = judgement.detail or f"it was at batch {judgement.batch}, its mirror at {mirror.batch}"
            _restore(path, mirror_path)
            judgement = mirror
        if judgement.condition is not Condition.SOUND:
            if judgement.condition is mirror.condition is Condition.MISSING:
                raise LedgerMissing(path)
            raise LedgerLost(path, judgement.detail)
        store = cls(_up_to_date(Database.open(path)), mirror_path, None, repair)
        store.opening_detail = detail
        store._take_mirror(judgement, mirror)
        return store

    @classmethod
    def start_afresh(cls, path: Path, mirror_path: Path | None, created_utc_ms: int) -> "LedgerStore":
        """Set whatever lies on both paths aside and begin anew: recording must not wait for a lost ledger."""
        for each in (path, mirror_path):
            if each is not None:
                _set_aside(each)
        store = cls.create(path, mirror_path, created_utc_ms)
        store.opening_repair = OpeningRepair.BEGUN_ANEW
        return store

    def _take_mirror(self, judgement: Judgement, mirror: Judgement) -> None:
        """Open the mirror, made equal where it is not. A mirror that fails does not keep us from recording."""
        if self._mirror_path is None:
            return
        try:
            if mirror.condition is Condition.SOUND:
                self._mirror = _up_to_date(Database.open(self._mirror_path))
                if mirror.batch == judgement.batch:
                    self._mirror_detail = ""
                    return
            self._rebuild_mirror()
        except (LedgerUnwritable, LedgerInUse, OSError) as error:
            self._lose_mirror(str(error))
            return
        if self.opening_repair is OpeningRepair.NONE:
            self.opening_repair = OpeningRepair.MIRROR_REBUILT
            self.opening_detail = mirror.detail or f"it was at batch {mirror.batch}"

    def _rebuild_mirror(self) -> None:
        if self._mirror_path is None:
            return
        if self._mirror is not None:
            self._database.copy_to(self._mirror)
        else:
            for file in family(self._mirror_path):
                file.unlink(missing_ok=True)
            self._database.copy_to_new(self._mirror_path)
            self._mirror = Database.open(self._mirror_path)
        self._mirror_detail = ""

    # ---- changes ---------------------------------------------------------------------------------------------

    @contextmanager
    def batch(self) -> Iterator[Write]:
        """Make everything written inside durable at once, on both. Nested batches join the outermost.

        Yields `write(sql, *values)`. Any error inside undoes the whole batch. Raises LedgerUnwritable.
        """
        with self._lock:
            if self._batch_writes is not None:
                yield self._write
                return
            writes = self._batch_writes = []
            try:
                self._database.begin()
                yield self._write
                if writes:
                    self._write("UPDATE meta SET batch = batch + 1")
                    self._database.commit()
            finally:
                self._batch_writes = None
                self._database.roll_back()  # of what was not committed
            if writes:
                self._replay(writes)

    def _write(self, sql: str, *values: Value) -> None:
        if self._batch_writes is None:
            raise LedgerUnwritable(self._database.path, "a write outside of a batch")
        statement = (sql, values)
        self._database.execute(statement)
        self._batch_writes.append(statement)

    def _replay(self, writes: list[Statement]) -> None:
        if self._mirror is None:
            return
        try:
            self._mirror.apply(writes)
        except (LedgerUnwritable, LedgerInUse) as error:
            self._lose_mirror(str(error))

    def _lose_mirror(self, detail: str) -> None:
        self._mirror_failures += 1
        self._mirror_detail = detail
        if self._mirror is not None:
            self._mirror.close()
            self._mirror = None

    def repair_mirror(self) -> bool:
        """Try to bring a lost mirror back, by copying the ledger; tell whether it is sound now."""
        with self._lock:
            if self._mirror is None and self._mirror_path is not None:
                try:
                    self._rebuild_mirror()
                except (LedgerFault, OSError) as error:
                    self._lose_mirror(str(error))
            return self._mirror is not None

    def copy_to_new(self, path: Path) -> None:
        """Make a whole copy at a free path, durable when this returns. Raises LedgerUnwritable."""
        with self._lock:
            self._database.copy_to_new(path)

    def mend(self) -> Mend:
        """Notice that the ledger's file was removed or replaced while it was open, and make it anew. Raises nothing.

        From the mirror, which holds every batch that returned; without one from what is open still. The old file is
        closed before the new one is opened: SQLite removes its log by name. What lies in the place is set aside.
        """
        with self._lock:
            if self._batch_writes is not None or self._database.is_in_place:
                return Mend.IN_PLACE
            path = self._database.path
            try:
                self._make_anew(path, self._mirror or self._database)
            except (LedgerFault, OSError) as fault:
                return self._go_on_with_mirror(str(fault))
            return Mend.MADE_ANEW

    def _make_anew(self, path: Path, source: Database) -> None:
        restoring = path.with_name(path.name + RESTORING_SUFFIX)
        _remove(restoring)
        source.copy_to_new(restoring)
        self._database.close()
        _set_aside(path)
        os.replace(restoring, path)
        sync_directory(path.parent)
        self._database = Database.open(path)

    def _go_on_with_mirror(self, detail: str) -> Mend:
        if self._mirror is None:
            return Mend.LOST
        self._database.close()
        self._database, self._mirror, self._mirror_path = self._mirror, None, None
        self._mirror_failures += 1
        self._mirror_detail = f"it is the ledger now, whose own file is lost: {detail}"
        return Mend.ON_MIRROR

    # ---- reading ---------------------------------------------------------------------------------------------

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """Return all rows of a query; inside a batch its own writes are seen."""
        with self._lock:
            return self._database.rows(sql, values)

    def next_number(self, counter: str, write: Write) -> int:
        """Take the next number of a counter; numbers are never used twice."""
        write("UPDATE counter SET last = last + 1 WHERE name = ?", counter)
        return number(self.rows("SELECT last FROM counter WHERE name = ?", counter)[0][0])

    def statistics(self) -> LedgerStatistics:
        """Return plain figures. Cheap."""
        with self._lock:
            batches = number(self.rows("SELECT batch FROM meta")[0][0])
            size_bytes = sum(file.stat().st_size for file in family(self._database.path) if file.exists())
            return LedgerStatistics(
                batches, size_bytes, self._mirror is not None, self._mirror_detail, self._mirror_failures
            )

    def close(self) -> None:
        """Let go of both files. May be called twice."""
        with self._lock:
            self._database.close()
            if self._mirror is not None:
                self._mirror.close()


def number(value: Value) -> int:
    """Return an integer column's value; the tables are STRICT, so anything else is a damaged file."""
    if not isinstance(value, int):
        raise TypeError(f"expected an integer in the ledger, found {type(value).__name__}")
    return value


def _up_to_date(database: Database) -> Database:
    """Bring an older file to the present tables, each step in one transaction. Raises LedgerUnwritable."""
    version = number(database.rows("PRAGMA user_version")[0][0])
    while version < SCHEMA_VERSION:
        steps = (*MIGRATIONS[version], f"PRAGMA user_version={version + 1}")
        try:
            database.apply((step, ()) for step in steps)
        except LedgerUnwritable:
            database.close()
            raise
        version += 1
    return database


def _create_at(path: Path, created_utc_ms: int) -> None:
    """Make an empty ledger under another name first, so that it is there whole or not at all."""
    restoring = path.with_name(path.name + RESTORING_SUFFIX)
    _remove(restoring)
    Database.create(restoring, secrets.token_bytes(16), created_utc_ms)
    os.replace(restoring, path)
    sync_directory(path.parent)


def _judge_mirror(mirror_path: Path) -> Judgement:
    """A mirror that cannot even be looked at is no reason not to record."""
    try:
        return judge(mirror_path)
    except OSError as error:
        return Judgement(Condition.DAMAGED, error.strerror or str(error))


def _mirror_is_better(path: Path, ledger: Judgement, mirror_path: Path, mirror: Judgement) -> bool:
    if mirror.condition is not Condition.SOUND:
        return False
    if ledger.condition is not Condition.SOUND:
        return True
    if ledger.ledger_uid != mirror.ledger_uid:
        raise LedgerForeign(mirror_path, f"it mirrors another ledger than {path}")
    return mirror.batch > ledger.batch


def _restore(path: Path, mirror_path: Path) -> None:
    restoring = path.with_name(path.name + RESTORING_SUFFIX)
    _remove(restoring)
    mirror = Database.open(mirror_path)
    try:
        mirror.copy_to_new(restoring)
    finally:
        mirror.close()
    _set_aside(path)
    os.replace(restoring, path)
    sync_directory(path.parent)


def _set_aside(path: Path) -> None:
    """Move a file and its siblings out of the way, over what was set aside before."""
    aside = path.with_name(path.name + SET_ASIDE_SUFFIX)
    if path.exists():
        _remove(aside)
    for old, new in zip(family(path), family(aside), strict=True):
        if old.exists():
            os.replace(old, new)
    if path.parent.exists():
        sync_directory(path.parent)


def _remove(path: Path) -> None:
    for file in family(path):
        file.unlink(missing_ok=True)
