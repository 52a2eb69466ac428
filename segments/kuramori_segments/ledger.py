"""The ledger: the truth for cameras' numbers, runs and their gaps, events, holds, erasures and custodian sets.

One `Ledger` belongs to the recorder and to nobody else; all calls block and are made from one worker thread. A call
that changes something returns when the change is durable on the ledger and, while that is sound, on its mirror.
Several changes become one commit inside `with ledger.batch():`. Ledger and mirror, and what is done when one of
them is gone, are described in `ledger_store`; the order of writes around runs in `ledger_runs`; the tables in
`ledger_schema`; the rows' values in `ledger_records`.

It must not know volumes, keys or the clock: times are arguments.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from kuramori_segments.ledger_database import Row
from kuramori_segments.ledger_erasures import ErasureTable
from kuramori_segments.ledger_fault import CameraUnknown, LedgerMisuse
from kuramori_segments.ledger_holds import HoldTable
from kuramori_segments.ledger_records import CameraEntry, CustodianSetEntry
from kuramori_segments.ledger_runs import RunTable
from kuramori_segments.ledger_store import LedgerStatistics, LedgerStore, Mend, OpeningRepair, number

CAMERA_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
MAX_CAMERA_NUMBER = (1 << 32) - 1


class CameraNameRefused(LedgerMisuse):
    """Not a camera's name, or a name and number that belong to others."""

    def __init__(self, name: str, detail: str) -> None:
        self.name = name[:32]
        self.detail = detail
        super().__init__(f"the camera name {self.name!r} is refused: {detail}")


class CustodianSetRefused(LedgerMisuse):
    """A set's id has 16 bytes, and its threshold is not above its number of custodians."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the custodian set is refused: {detail}")


class Ledger(RunTable, HoldTable, ErasureTable):
    """The open ledger. Make it with `create` (once, at set-up), `open`, or `start_afresh`; close it at the end."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    @classmethod
    def create(cls, path: Path, mirror_path: Path | None, created_utc_ms: int) -> Self:
        """Make an empty ledger and its mirror. Raises LedgerForeign where a file lies there already."""
        return cls(LedgerStore.create(path, mirror_path, created_utc_ms))

    @classmethod
    def open(cls, path: Path, mirror_path: Path | None) -> Self:
        """Open it, restored from the mirror where needed (`opening_repair` tells). Raises a LedgerFault."""
        return cls(LedgerStore.open(path, mirror_path))

    @classmethod
    def start_afresh(cls, path: Path, mirror_path: Path | None, created_utc_ms: int) -> Self:
        """After LedgerLost: set both files aside and begin anew, so that recording goes on.

        Give the cameras their old numbers with `import_camera` (segment headers name both) before anything else.
        """
        return cls(LedgerStore.start_afresh(path, mirror_path, created_utc_ms))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of ledger and mirror. May be called twice."""
        self._store.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Join all changes made inside into one commit: all or none. An error inside undoes them."""
        with self._store.batch():
            yield

    @property
    def opening_repair(self) -> OpeningRepair:
        """What opening had to repair."""
        return self._store.opening_repair

    @property
    def opening_detail(self) -> str:
        """Why opening had to repair something; empty when it had not."""
        return self._store.opening_detail

    def repair_mirror(self) -> bool:
        """Try to bring a lost mirror back; tell whether it is sound now. Call it now and then (hourly)."""
        return self._store.repair_mirror()

    def copy_to_new(self, path: Path) -> None:
        """Make a whole copy at a free path, as of now, while this one goes on. Raises LedgerUnwritable."""
        self._store.copy_to_new(path)

    def mend(self) -> Mend:
        """Notice that the ledger's file was removed or replaced while it was open. Call it now and then."""
        return self._store.mend()

    def statistics(self) -> LedgerStatistics:
        """Return plain figures."""
        return self._store.statistics()

    # ---- cameras -----------------------------------------------------------------------------------------------

    def camera_number(self, name: str, now_utc_ms: int) -> int:
        """Return the number of the camera of that name; a name that is new gets a number that never had another.

        A retired camera of that name is in use again, under its old number. Raises CameraNameRefused.
        """
        if not CAMERA_NAME.fullmatch(name):
            raise CameraNameRefused(name, "it must be like gate-1: small letters, digits and hyphens, at most 32")
        with self._store.batch() as write:
            rows = self._store.rows("SELECT camera_number, retired_utc_ms FROM camera WHERE name = ?", name)
            if not rows:
                camera_number = self._store.next_number("camera", write)
                write("INSERT INTO camera VALUES (?, ?, ?, NULL)", camera_number, name, now_utc_ms)
                return camera_number
            if rows[0][1] is not None:
                write("UPDATE camera SET retired_utc_ms = NULL WHERE name = ?", name)
            return number(rows[0][0])

    def import_camera(self, camera_number: int, name: str, now_utc_ms: int) -> None:
        """Give a camera the number that segment headers name for it. Raises CameraNameRefused when either is taken."""
        if not CAMERA_NAME.fullmatch(name) or not 1 <= camera_number <= MAX_CAMERA_NUMBER:
            raise CameraNameRefused(name, f"not a camera's name, or {camera_number} not a camera's number")
        with self._store.batch() as write:
            known = self._store.rows(
                "SELECT camera_number, name FROM camera WHERE camera_number = ? OR name = ?", camera_number, name
            )
            if known == [(camera_number, name)]:
                return
            if known:
                raise CameraNameRefused(name, f"name or number {camera_number} belongs to another camera")
            write("INSERT INTO camera VALUES (?, ?, ?, NULL)", camera_number, name, now_utc_ms)
            write("UPDATE counter SET last = max(last, ?) WHERE name = 'camera'", camera_number)

    def retire_camera(self, camera_number: int, now_utc_ms: int) -> None:
        """Note that the camera is no longer in use; its number stays taken. Raises CameraUnknown."""
        with self._store.batch() as write:
            self._require_camera(camera_number)
            write(
                "UPDATE camera SET retired_utc_ms = coalesce(retired_utc_ms, ?) WHERE camera_number = ?",
                *(now_utc_ms, camera_number),
            )

    def camera(self, camera_number: int) -> CameraEntry:
        """Return what is known of that number. Raises CameraUnknown."""
        for entry in self.cameras():
            if entry.camera_number == camera_number:
                return entry
        raise CameraUnknown(camera_number)

    def cameras(self) -> tuple[CameraEntry, ...]:
        """Return every camera that ever had a number, retired ones too."""
        rows = self._store.rows(
            "SELECT camera_number, name, added_utc_ms, retired_utc_ms FROM camera ORDER BY camera_number"
        )
        return tuple(
            CameraEntry(number(row[0]), str(row[1]), number(row[2]), None if row[3] is None else number(row[3]))
            for row in rows
        )

    # ---- custodian sets ----------------------------------------------------------------------------------------

    def install_custodian_set(
        self, custodian_set_id: bytes, *, threshold: int, custodians: int, document: bytes, now_utc_ms: int
    ) -> None:
        """Make this set the one in use; the one before is marked replaced. The same again is no change.

        A set that was replaced comes into use again with its old document. Raises CustodianSetRefused.
        """
        if len(custodian_set_id) != 16 or not 1 <= threshold <= custodians:
            raise CustodianSetRefused(f"{len(custodian_set_id)} bytes of id, {threshold} of {custodians}")
        with self._store.batch() as write:
            current = self.custodian_set_in_use()
            if current is not None and current.custodian_set_id == custodian_set_id:
                return
            write("UPDATE custodian_set SET replaced_utc_ms = ? WHERE replaced_utc_ms IS NULL", now_utc_ms)
            write(
                "INSERT INTO custodian_set VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT (custodian_set_id) "
                "DO UPDATE SET replaced_utc_ms = NULL",
                *(custodian_set_id, threshold, custodians, document, now_utc_ms),
            )

    def custodian_set_in_use(self) -> CustodianSetEntry | None:
        """Return the set that segments are sealed to now."""
        found = [entry for entry in self.custodian_sets() if entry.replaced_utc_ms is None]
        return found[0] if found else None

    def custodian_sets(self) -> tuple[CustodianSetEntry, ...]:
        """Return every set that ever was in use, by the time of its installation."""
        rows = self._store.rows(
            "SELECT custodian_set_id, threshold, custodians, document, installed_utc_ms, replaced_utc_ms "
            "FROM custodian_set ORDER BY installed_utc_ms, custodian_set_id"
        )
        return tuple(_custodian_set(row) for row in rows)

    # ---- pruning -----------------------------------------------------------------------------------------------

    def prune(self, before_utc_ms: int, receipts_before_utc_ms: int) -> int:
        """Forget old runs, outages, events and anchors, and receipts older still; return how many rows went.

        Cameras, holds and custodian sets stay. What lies before `pruned_before_utc_ms` is afterwards *not known*,
        neither recorded nor a gap. Runs that reach past the limit stay whole, and each camera keeps its last run
        and its last outage before it, so that the reason of a gap across the limit is not lost.
        """
        with self._store.batch() as write:
            before = self._row_count()
            write(
                "DELETE FROM run WHERE end_utc_ms <= ?1 AND EXISTS (SELECT 1 FROM run AS later WHERE later.end_utc_ms "
                "<= ?1 AND later.camera_number = run.camera_number AND later.provenance = run.provenance AND "
                "(later.end_utc_ms, later.run_id) > (run.end_utc_ms, run.run_id))",
                before_utc_ms,
            )
            write(
                "DELETE FROM outage WHERE utc_ms < ?1 AND EXISTS (SELECT 1 FROM outage AS later WHERE later.utc_ms < "
                "?1 AND later.camera_number = outage.camera_number AND later.utc_ms > outage.utc_ms)",
                before_utc_ms,
            )
            write("DELETE FROM event WHERE utc_ms < ?", before_utc_ms)
            write("DELETE FROM clock_anchor WHERE utc_ms < ?", before_utc_ms)
            write(
                "DELETE FROM erased WHERE erasure_number IN "
                "(SELECT erasure_number FROM erasure WHERE erased_utc_ms < ?)",
                receipts_before_utc_ms,
            )
            write("DELETE FROM erasure WHERE erased_utc_ms < ?", receipts_before_utc_ms)
            write("UPDATE meta SET pruned_before_utc_ms = max(pruned_before_utc_ms, ?)", before_utc_ms)
            return before - self._row_count()

    @property
    def pruned_before_utc_ms(self) -> int:
        """Before this time runs have been forgotten; 0 when never."""
        return number(self._store.rows("SELECT pruned_before_utc_ms FROM meta")[0][0])

    def _row_count(self) -> int:
        tables = ("run", "outage", "event", "clock_anchor", "erased", "erasure")
        return sum(number(self._store.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in tables)  # noqa: S608


def _custodian_set(row: Row) -> CustodianSetEntry:
    set_id, threshold, custodians, document, installed, replaced = row
    return CustodianSetEntry(
        custodian_set_id=set_id if isinstance(set_id, bytes) else b"",
        threshold=number(threshold),
        custodians=number(custodians),
        document=document if isinstance(document, bytes) else b"",
        installed_utc_ms=number(installed),
        replaced_utc_ms=None if replaced is None else number(replaced),
    )
