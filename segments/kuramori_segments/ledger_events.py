"""Events and clock anchors in the ledger: what happened besides runs, and which UTC belonged to which boot time.

This module must not know what an event means; its kind is a fixed short name and its facts are plain values.
"""

import json
import re

from kuramori_segments.ledger_database import Row
from kuramori_segments.ledger_fault import LedgerMisuse
from kuramori_segments.ledger_records import ClockAnchor, Scalar, TimelineEvent
from kuramori_segments.ledger_store import LedgerStore, number

EVENT_KIND = re.compile(r"[a-z][a-z0-9_]{0,47}")
MAX_FACTS_BYTES = 4096
MAX_EVENTS = 10_000  # rows of one answer


class EventRefused(LedgerMisuse):
    """The kind is no short fixed name, or the facts are too large."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind = kind
        self.detail = detail
        super().__init__(f"the event {kind[:48]!r} is refused: {detail}")


class EventTable:
    """The part of the ledger that knows events and clock anchors."""

    _store: LedgerStore

    def record_event(
        self, kind: str, *, utc_ms: int, boot_ns: int = 0, camera_number: int | None = None, **facts: Scalar
    ) -> int:
        """Note that something happened; return the event's id. `boot_ns` 0: not known. Raises EventRefused."""
        if not EVENT_KIND.fullmatch(kind):
            raise EventRefused(kind, "a kind is lower-case letters, digits and underscores")
        text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        if len(text.encode("utf-8", "surrogatepass")) > MAX_FACTS_BYTES:
            raise EventRefused(kind, f"its facts are larger than {MAX_FACTS_BYTES} bytes")
        with self._store.batch() as write:
            event_id = self._store.next_number("event", write)
            write(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", *(event_id, utc_ms, boot_ns, camera_number, kind, text)
            )
        return event_id

    def events(
        self,
        from_utc_ms: int,
        to_utc_ms: int,
        *,
        camera_number: int | None = None,
        kind: str | None = None,
        limit: int = MAX_EVENTS,
    ) -> tuple[TimelineEvent, ...]:
        """Return the first `limit` events of [from, to) in the order of their time."""
        rows = self._store.rows(
            "SELECT event_id, utc_ms, boot_ns, kind, camera_number, facts FROM event WHERE utc_ms >= ?1 AND "
            "utc_ms < ?2 AND (?3 IS NULL OR camera_number = ?3) AND (?4 IS NULL OR kind = ?4) "
            "ORDER BY utc_ms, event_id LIMIT ?5",
            *(from_utc_ms, to_utc_ms, camera_number, kind, min(limit, MAX_EVENTS)),
        )
        return tuple(_event(row) for row in rows)

    def add_clock_anchor(self, anchor: ClockAnchor) -> None:
        """Note which UTC belongs to which moment of a boot; the same moment again replaces it."""
        with self._store.batch() as write:
            write(
                "INSERT OR REPLACE INTO clock_anchor VALUES (?, ?, ?, ?)",
                *(anchor.boot_id, anchor.boot_ns, anchor.utc_ms, anchor.source),
            )

    def clock_anchors(self, boot_id: str) -> tuple[ClockAnchor, ...]:
        """Return the anchors of one boot, by boot time."""
        rows = self._store.rows(
            "SELECT boot_id, boot_ns, utc_ms, source FROM clock_anchor WHERE boot_id = ? ORDER BY boot_ns", boot_id
        )
        return tuple(ClockAnchor(str(row[0]), number(row[1]), number(row[2]), str(row[3])) for row in rows)

    def latest_clock_anchor(self) -> ClockAnchor | None:
        """Return the anchor with the latest UTC: the least that the time can be now."""
        rows = self._store.rows(
            "SELECT boot_id, boot_ns, utc_ms, source FROM clock_anchor ORDER BY utc_ms DESC, boot_ns DESC LIMIT 1"
        )
        return ClockAnchor(str(rows[0][0]), number(rows[0][1]), number(rows[0][2]), str(rows[0][3])) if rows else None


def _event(row: Row) -> TimelineEvent:
    event_id, utc_ms, boot_ns, kind, camera_number, facts = row
    return TimelineEvent(
        event_id=number(event_id),
        utc_ms=number(utc_ms),
        boot_ns=number(boot_ns),
        kind=str(kind),
        camera_number=None if camera_number is None else number(camera_number),
        facts=tuple(sorted(json.loads(str(facts)).items())),
    )
