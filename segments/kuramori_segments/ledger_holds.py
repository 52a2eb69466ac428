"""Holds in the ledger: which minutes are kept beyond their retention, by whom, why and until when (K5, H10).

A hold is never deleted, only lifted or past its end. Placing the same hold again is no change; the same id with
other contents is refused. This module must not know keys, budgets or requests.
"""

from kuramori_segments.ledger_database import Row
from kuramori_segments.ledger_events import EventTable
from kuramori_segments.ledger_fault import CameraUnknown, HoldDiffers, HoldUnknown, LedgerMisuse
from kuramori_segments.ledger_records import Hold
from kuramori_segments.ledger_store import number

_HOLD = (
    "SELECT hold_id, from_utc_ms, to_utc_ms, reason, person, created_utc_ms, ends_utc_ms, request_id, "
    "lifted_utc_ms, lifted_by, lift_reason FROM hold "
)


class HoldRefused(LedgerMisuse):
    """The hold names no camera or no time."""

    def __init__(self, hold_id: str, detail: str) -> None:
        self.hold_id = hold_id
        self.detail = detail
        super().__init__(f"hold {hold_id} is refused: {detail}")


class HoldTable(EventTable):
    """The part of the ledger that knows holds."""

    def place_hold(self, hold: Hold) -> Hold:
        """Note a hold; return it as it stands. Durable when this returns.

        Placed before with the same contents, the first one is returned (whatever became of it since). Raises
        HoldDiffers, HoldRefused, CameraUnknown, LedgerUnwritable.
        """
        if hold.from_utc_ms >= hold.to_utc_ms or not hold.camera_numbers:
            raise HoldRefused(hold.hold_id, "it names no camera or no time")
        with self._store.batch() as write:
            known = self.hold(hold.hold_id)
            if known is not None:
                if _contents(known) != _contents(hold):
                    raise HoldDiffers(hold.hold_id)
                return known
            for camera_number in hold.camera_numbers:
                if not self._store.rows("SELECT 1 FROM camera WHERE camera_number = ?", camera_number):
                    raise CameraUnknown(camera_number)
            write(
                "INSERT INTO hold (hold_id, from_utc_ms, to_utc_ms, reason, person, created_utc_ms, ends_utc_ms, "
                "request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                *(hold.hold_id, hold.from_utc_ms, hold.to_utc_ms, hold.reason, hold.person),
                *(hold.created_utc_ms, hold.ends_utc_ms, hold.request_id),
            )
            for camera_number in sorted(set(hold.camera_numbers)):
                write("INSERT INTO hold_camera VALUES (?, ?)", hold.hold_id, camera_number)
            return self._require_hold(hold.hold_id)

    def lift_hold(self, hold_id: str, utc_ms: int, person: str, reason: str) -> Hold:
        """End a hold before its time; lifted before, nothing changes. Raises HoldUnknown, LedgerUnwritable."""
        with self._store.batch() as write:
            if self._require_hold(hold_id).lifted_utc_ms is None:
                write(
                    "UPDATE hold SET lifted_utc_ms = ?, lifted_by = ?, lift_reason = ? WHERE hold_id = ?",
                    *(utc_ms, person, reason, hold_id),
                )
            return self._require_hold(hold_id)

    def hold(self, hold_id: str) -> Hold | None:
        """Return the hold of that id."""
        found = self._holds("WHERE hold_id = ?", hold_id)
        return found[0] if found else None

    def holds(self, in_force_utc_ms: int | None = None) -> tuple[Hold, ...]:
        """Return all holds, or those in force at that time, by their beginning of effect."""
        if in_force_utc_ms is None:
            return self._holds("")
        return self._holds("WHERE lifted_utc_ms IS NULL AND ends_utc_ms > ?", in_force_utc_ms)

    def _require_hold(self, hold_id: str) -> Hold:
        found = self.hold(hold_id)
        if found is None:
            raise HoldUnknown(hold_id)
        return found

    def _holds(self, where: str, *values: int | str) -> tuple[Hold, ...]:
        cameras: dict[str, list[int]] = {}
        for hold_id, camera_number in self._store.rows(
            "SELECT hold_id, camera_number FROM hold_camera ORDER BY hold_id, camera_number"
        ):
            cameras.setdefault(str(hold_id), []).append(number(camera_number))
        rows = self._store.rows(f"{_HOLD} {where} ORDER BY created_utc_ms, hold_id", *values)  # fixed texts only
        return tuple(_to_hold(row, tuple(cameras.get(str(row[0]), ()))) for row in rows)


def _contents(hold: Hold) -> tuple[object, ...]:
    """What makes two holds the same; not when they were placed nor what became of them."""
    return (
        tuple(sorted(set(hold.camera_numbers))),
        hold.from_utc_ms,
        hold.to_utc_ms,
        hold.ends_utc_ms,
        hold.person,
        hold.reason,
        hold.request_id,
    )


def _to_hold(row: Row, camera_numbers: tuple[int, ...]) -> Hold:
    hold_id, from_utc_ms, to_utc_ms, reason, person, created, ends, request_id, lifted, lifted_by, lift_reason = row
    return Hold(
        hold_id=str(hold_id),
        camera_numbers=camera_numbers,
        from_utc_ms=number(from_utc_ms),
        to_utc_ms=number(to_utc_ms),
        reason=str(reason),
        person=str(person),
        created_utc_ms=number(created),
        ends_utc_ms=number(ends),
        request_id=str(request_id),
        lifted_utc_ms=None if lifted is None else number(lifted),
        lifted_by=str(lifted_by),
        lift_reason=str(lift_reason),
    )
