"""Runs and outages in the ledger: when each camera recorded, and why it did not. Coverage is computed from these alone.

Who writes when (the order that keeps the ledger from claiming too much or too little):
 1. A tick's run changes are made durable here *before* the volume makes the same tick's access units durable.
    So every durable access unit has its run, and no damage is forgotten.
 2. A crash between the two leaves a run that claims pictures which never became durable. Therefore start-up calls
    `close_open_runs` with the last durable access unit of every camera, as found on the volumes, and runs are cut
    back to it, closed or not.
This relies on access-unit numbers that never start again for a camera: `last_access_unit` says from where to go on.

Runs that were filled from the camera's card stand beside the live ones, with numbers of their own (see numbering).
They are never open: `note_filled` makes one grow with each commit, in the same order of writes, and start-up cuts it
back in the same way. No reason is theirs: they say nothing about the gap that they lie in.

This module must not know files, volumes or the clock.
"""

from collections.abc import Iterable, Mapping

from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger_database import Row
from kuramori_segments.ledger_events import EventTable
from kuramori_segments.ledger_fault import CameraUnknown, NoOpenRun, RunStillOpen
from kuramori_segments.ledger_records import DurableEnd, Outage, Provenance, Repair, RepairedRun, Run
from kuramori_segments.ledger_store import Write, number

MAX_DETAIL_LENGTH = 500  # characters of a detail; the rest is cut

_RUN = (
    "SELECT run_id, camera_number, start_utc_ms, start_access_unit, end_utc_ms, end_access_unit, end_reason, "
    "detail, provenance, recovered FROM run "
)


class RunTable(EventTable):
    """The part of the ledger that knows runs and outages."""

    def open_run(
        self,
        camera_number: int,
        start_utc_ms: int,
        start_access_unit: int,
        provenance: Provenance = Provenance.LIVE,
    ) -> int:
        """Note that an unbroken run begins with this key frame; return its id. Durable when this returns.

        Raises CameraUnknown, RunStillOpen, LedgerUnwritable.
        """
        with self._store.batch() as write:
            self._require_camera(camera_number)
            still_open = self._one_open_run(camera_number)
            if still_open is not None:
                raise RunStillOpen(camera_number, still_open.run_id)
            run_id = self._store.next_number("run", write)
            write(
                "INSERT INTO run (run_id, camera_number, start_utc_ms, start_access_unit, provenance) "
                "VALUES (?, ?, ?, ?, ?)",
                *(run_id, camera_number, start_utc_ms, start_access_unit, int(provenance)),
            )
        return run_id

    def close_run(
        self, camera_number: int, end_utc_ms: int, end_access_unit: int, reason: GapReason, detail: str = ""
    ) -> Run:
        """Note the end of the camera's open run and why a gap follows; return the closed run.

        `end_utc_ms` is the end of the last access unit's showing time. Raises NoOpenRun, also when the end lies
        before the run's beginning, and LedgerUnwritable.
        """
        with self._store.batch() as write:
            run = self._one_open_run(camera_number)
            if run is None:
                raise NoOpenRun(camera_number)
            if end_utc_ms < run.start_utc_ms or end_access_unit < run.start_access_unit:
                raise NoOpenRun(camera_number, f"run {run.run_id} begins after this end")
            self._end_run(write, run.run_id, end_utc_ms, end_access_unit, reason, detail)
            return self._run(run.run_id)

    def add_closed_run(
        self,
        camera_number: int,
        begin: DurableEnd,
        end: DurableEnd,
        reason: GapReason,
        detail: str = "",
        provenance: Provenance = Provenance.LIVE,
    ) -> int:
        """Note a whole run at once, such as one rebuilt from a volume; return its id. Raises CameraUnknown."""
        with self._store.batch() as write:
            self._require_camera(camera_number)
            run_id = self._store.next_number("run", write)
            write(
                "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                *(run_id, camera_number, begin.last_utc_ms, begin.last_access_unit),
                *(end.last_utc_ms, end.last_access_unit, int(reason), _cut(detail), int(provenance)),
            )
        return run_id

    def close_open_runs(
        self,
        recovered: Mapping[int, DurableEnd],
        reason: GapReason,
        now_utc_ms: int,
        detail: str = "",
        *,
        filled: Mapping[int, DurableEnd] | None = None,
        some_away: bool = False,
    ) -> tuple[RepairedRun, ...]:
        """Make the runs true after a stop that was not orderly; return what was changed. May be called again.

        `recovered` names, for **every** camera number with anything on a volume (its slots open, closed or
        recovered alike), the last access unit that is whole. In one batch:
        - an open run ends at the camera's durable end, with `reason`;
        - a closed run that claims later access units is cut back to the durable end, with `reason`;
        - a run of which nothing is durable is deleted. So is the open run of a camera not named in `recovered`;
          closed runs of such a camera are left alone (its volume may be away).
        `filled` says the same of what was filled from the cameras' cards.
        `some_away`: a volume is not there. Then no closed run is cut, and an open one claims only what is seen; when
        the volume is there again `reach_further` says the rest.
        Each change is also an event `run_repaired`, dated `now_utc_ms`. That date bounds nothing: after a power
        cut the wall clock may be wrong by decades, while the pictures carry their own time.
        """
        repaired: list[RepairedRun] = []
        with self._store.batch() as write:
            for run in self.open_runs():
                end = recovered.get(run.camera_number)
                if some_away and (end is None or end.last_access_unit < run.start_access_unit):
                    end = DurableEnd(run.start_utc_ms, run.start_access_unit)
                repaired.append(self._repair(write, run, end, reason, detail))
            if some_away:
                recovered, filled = {}, {}
            for ends, provenance in ((recovered, Provenance.LIVE), (filled or {}, Provenance.FILLED)):
                for camera_number, end in sorted(ends.items()):
                    beyond = self._runs_beyond(camera_number, end.last_access_unit, provenance)
                    repaired += [self._repair(write, run, end, reason, detail) for run in beyond]
            for change in repaired:
                self._note_repair(change, now_utc_ms)
        return tuple(repaired)

    def shift_runs(self, camera_number: int, first_access_unit: int, below_access_unit: int, by_ms: int) -> int:
        """Date live runs anew that were recorded without a trustworthy clock; return how many. Numbers stay."""
        with self._store.batch() as write:
            runs = self._runs(
                "WHERE camera_number = ? AND start_access_unit >= ? AND start_access_unit < ? AND provenance = ?",
                *(camera_number, first_access_unit, below_access_unit, int(Provenance.LIVE)),
            )
            for run in runs:
                write(
                    "UPDATE run SET start_utc_ms = start_utc_ms + ?1, end_utc_ms = end_utc_ms + ?1 WHERE run_id = ?2",
                    *(by_ms, run.run_id),
                )
        return len(runs)

    def reach_further(self, camera_number: int, end: DurableEnd) -> bool:
        """A volume came back that holds more of the run which a start without it had to cut; tell whether it did.

        Only a run that was cut, and is followed by no other before that end, reaches further.
        """
        with self._store.batch() as write:
            cut = self._runs(
                "WHERE camera_number = ? AND start_access_unit <= ? AND provenance = ? "
                "ORDER BY start_access_unit DESC LIMIT 1",
                *(camera_number, end.last_access_unit, int(Provenance.LIVE)),
            )
            if not cut or not cut[0].recovered or (cut[0].end_access_unit or 0) >= end.last_access_unit:
                return False
            run = cut[0]
            write(
                "UPDATE run SET end_utc_ms = ?, end_access_unit = ? WHERE run_id = ?",
                *(max(run.start_utc_ms, end.last_utc_ms), end.last_access_unit, run.run_id),
            )
        return True

    def cut_runs(self, camera_number: int, end: DurableEnd, reason: GapReason, detail: str = "") -> None:
        """Let no live run of the camera claim anything behind `end`, the open one included: it was not kept.

        For a running recorder that ran out of places and of memory. Raises LedgerUnwritable.
        """
        with self._store.batch() as write:
            beyond = self._runs(
                "WHERE camera_number = ? AND (end_access_unit > ? OR end_utc_ms IS NULL) AND provenance = ? "
                "ORDER BY run_id",
                *(camera_number, end.last_access_unit, int(Provenance.LIVE)),
            )
            for run in beyond:
                self._repair(write, run, end, reason, detail)
                write("UPDATE run SET recovered = 0 WHERE run_id = ?", run.run_id)

    def _repair(self, write: Write, run: Run, end: DurableEnd | None, reason: GapReason, detail: str) -> RepairedRun:
        if end is None or end.last_access_unit < run.start_access_unit:
            write("DELETE FROM run WHERE run_id = ?", run.run_id)
            return RepairedRun(Repair.DELETED, run)
        end_utc_ms = max(run.start_utc_ms, end.last_utc_ms)
        if run.end_utc_ms is not None:
            end_utc_ms = min(end_utc_ms, run.end_utc_ms)
        self._end_run(write, run.run_id, end_utc_ms, end.last_access_unit, reason, detail)
        write("UPDATE run SET recovered = 1 WHERE run_id = ?", run.run_id)
        return RepairedRun(Repair.CLOSED if run.is_open else Repair.SHORTENED, self._run(run.run_id))

    def _note_repair(self, change: RepairedRun, now_utc_ms: int) -> None:
        run = change.run
        self.record_event(
            "run_repaired",
            utc_ms=now_utc_ms,
            camera_number=run.camera_number,
            repair=change.repair.value,
            run_id=run.run_id,
            start_utc_ms=run.start_utc_ms,
            end_utc_ms=run.end_utc_ms,
        )

    def note_filled(self, camera_number: int, begin: DurableEnd, end: DurableEnd) -> None:
        """Note a run that was filled, or that the one which begins with this access unit reaches further now.

        Raises CameraUnknown, LedgerUnwritable.
        """
        with self._store.batch() as write:
            self._require_camera(camera_number)
            known = self._runs(
                "WHERE camera_number = ? AND provenance = ? AND start_access_unit = ?",
                *(camera_number, int(Provenance.FILLED), begin.last_access_unit),
            )
            if known:
                end_utc_ms = max(end.last_utc_ms, known[0].start_utc_ms)
                self._end_run(write, known[0].run_id, end_utc_ms, end.last_access_unit, GapReason.STREAM_ENDED, "")
            else:
                self.add_closed_run(camera_number, begin, end, GapReason.STREAM_ENDED, provenance=Provenance.FILLED)

    def runs(self, camera_number: int, from_utc_ms: int, to_utc_ms: int) -> tuple[Run, ...]:
        """Return the runs that touch [from, to), and the last live one that ended before it, by their start.

        The one before is needed for the reason of a gap that lies across `from`.
        """
        before = self._runs(
            "WHERE camera_number = ? AND end_utc_ms <= ? AND provenance = ? "
            "ORDER BY end_utc_ms DESC, run_id DESC LIMIT 1",
            *(camera_number, from_utc_ms, int(Provenance.LIVE)),
        )
        within = self._runs(
            "WHERE camera_number = ? AND (end_utc_ms > ? OR end_utc_ms IS NULL) AND start_utc_ms < ? "
            "ORDER BY start_utc_ms, run_id",
            *(camera_number, from_utc_ms, to_utc_ms),
        )
        return tuple(before + within)

    def open_runs(self) -> tuple[Run, ...]:
        """Return the open runs of all cameras."""
        return tuple(self._runs("WHERE end_utc_ms IS NULL ORDER BY camera_number"))

    def last_access_unit(self, camera_number: int, provenance: Provenance = Provenance.LIVE) -> int | None:
        """Return the highest access-unit number that any such run of the camera names, None before the first."""
        value = self._store.rows(
            "SELECT max(max(start_access_unit, coalesce(end_access_unit, 0))) FROM run WHERE camera_number = ? "
            "AND provenance = ?",
            *(camera_number, int(provenance)),
        )[0][0]
        return None if value is None else number(value)

    # ---- outages -----------------------------------------------------------------------------------------------

    def note_outage(
        self, camera_number: int, utc_ms: int, reason: GapReason, detail: str = "", undated_since: int = 0
    ) -> bool:
        """Note that from now on the camera is missing for this reason; tell whether that was news.

        Without effect while a run is open, or when the reason is the one that holds already, so it may be called
        at every attempt to connect. `undated_since`: the event from which on `utc_ms` was told by a clock that nobody
        trusted, for `shift_outages`; 0 where it was trusted. Raises CameraUnknown, LedgerUnwritable.
        """
        with self._store.batch() as write:
            self._require_camera(camera_number)
            if self._one_open_run(camera_number) is not None or self._reason_now(camera_number) is reason:
                return False
            write(
                "INSERT OR REPLACE INTO outage VALUES (?, ?, ?, ?, ?)",
                *(camera_number, utc_ms, int(reason), _cut(detail), undated_since),
            )
        return True

    def shift_outages(self, camera_number: int, undated_since: int, by_ms: int) -> int:
        """Date the outages anew that were noted since that event without a trustworthy clock; return how many."""
        place = (camera_number, undated_since)
        with self._store.batch() as write:
            rows = self._store.rows(
                "SELECT utc_ms, reason, detail FROM outage WHERE camera_number = ? AND undated_since = ?", *place
            )
            write("DELETE FROM outage WHERE camera_number = ? AND undated_since = ?", *place)
            for utc_ms, reason, detail in rows:
                write(
                    "INSERT OR REPLACE INTO outage VALUES (?, ?, ?, ?, 0)",
                    *(camera_number, number(utc_ms) + by_ms, reason, detail),
                )
        return len(rows)

    def outages(self, camera_number: int, from_utc_ms: int, to_utc_ms: int) -> tuple[Outage, ...]:
        """Return the outages before `to` since the last run that ended before `from`, by their time."""
        rows = self._store.rows(
            "SELECT camera_number, utc_ms, reason, detail FROM outage WHERE camera_number = ?1 AND utc_ms < ?3 "
            "AND utc_ms >= coalesce((SELECT max(end_utc_ms) FROM run WHERE camera_number = ?1 AND end_utc_ms <= ?2 "
            "AND provenance = ?4), -9223372036854775808) ORDER BY utc_ms",
            *(camera_number, from_utc_ms, to_utc_ms, int(Provenance.LIVE)),
        )
        return tuple(_outage(row) for row in rows)

    def _reason_now(self, camera_number: int) -> GapReason:
        """The reason that holds after the last run, were the camera asked now."""
        rows = self._store.rows(
            "SELECT end_utc_ms, end_reason, 0 FROM run WHERE camera_number = ?1 AND end_utc_ms IS NOT NULL "
            "AND provenance = ?2 UNION ALL SELECT utc_ms, reason, 1 FROM outage WHERE camera_number = ?1 "
            "ORDER BY 1 DESC, 3 DESC LIMIT 1",
            *(camera_number, int(Provenance.LIVE)),
        )
        return GapReason(number(rows[0][1])) if rows else GapReason.NOT_YET_STARTED

    # ---- rows --------------------------------------------------------------------------------------------------

    def _end_run(
        self, write: Write, run_id: int, end_utc_ms: int, end_access_unit: int, reason: GapReason, detail: str
    ) -> None:
        write(
            "UPDATE run SET end_utc_ms = ?, end_access_unit = ?, end_reason = ?, detail = ? WHERE run_id = ?",
            *(end_utc_ms, end_access_unit, int(reason), _cut(detail), run_id),
        )

    def _require_camera(self, camera_number: int) -> None:
        if not self._store.rows("SELECT 1 FROM camera WHERE camera_number = ?", camera_number):
            raise CameraUnknown(camera_number)

    def _one_open_run(self, camera_number: int) -> Run | None:
        found = self._runs("WHERE camera_number = ? AND end_utc_ms IS NULL", camera_number)
        return found[0] if found else None

    def _runs_beyond(self, camera_number: int, access_unit: int, provenance: Provenance) -> list[Run]:
        return self._runs(
            "WHERE camera_number = ? AND end_access_unit > ? AND provenance = ? ORDER BY run_id",
            *(camera_number, access_unit, int(provenance)),
        )

    def _run(self, run_id: int) -> Run:
        return self._runs("WHERE run_id = ?", run_id)[0]

    def _runs(self, where: str, *values: int) -> list[Run]:
        return [_to_run(row) for row in self._store.rows(_RUN + where, *values)]


def _to_run(row: Row) -> Run:
    run_id, camera_number, start_utc_ms, start_access_unit, end_utc_ms, end_unit, reason, detail, provenance, rec = row
    return Run(
        run_id=number(run_id),
        camera_number=number(camera_number),
        start_utc_ms=number(start_utc_ms),
        start_access_unit=number(start_access_unit),
        end_utc_ms=None if end_utc_ms is None else number(end_utc_ms),
        end_access_unit=None if end_unit is None else number(end_unit),
        end_reason=None if reason is None else GapReason(number(reason)),
        detail=str(detail),
        provenance=Provenance(number(provenance)),
        recovered=bool(rec),
    )


def _outage(row: Row) -> Outage:
    return Outage(number(row[0]), number(row[1]), GapReason(number(row[2])), str(row[3]))


def _cut(detail: str) -> str:
    return detail[:MAX_DETAIL_LENGTH]


def durable_ends(ends: Iterable[tuple[int, int, int]]) -> dict[int, DurableEnd]:
    """Return the latest end per camera of (camera_number, last_utc_ms, last_access_unit), in any order."""
    latest: dict[int, DurableEnd] = {}
    for camera_number, last_utc_ms, last_access_unit in ends:
        known = latest.get(camera_number)
        if known is None or last_access_unit > known.last_access_unit:
            latest[camera_number] = DurableEnd(last_utc_ms, last_access_unit)
    return latest
