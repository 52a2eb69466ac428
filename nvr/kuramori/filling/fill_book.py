"""What was tried in vain, and what a person ordered to be erased: remembered in the ledger, so that a restart repeats
neither. Blocking; called from the ledger's own threads. This module must not know cameras' cards or the keystore.
"""

from dataclasses import dataclass, field

from kuramori.filling.fill_plan import PIECE_MS, Span
from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_records import TimelineEvent

FAILED_EVENT = "fill_failed"
ERASED_EVENT = "erased_by_order"  # a range of a camera: what lies in it is never fetched again
CLOCK_STEP_EVENT = "clock_step"
LEAST_STEP_MS = 2_000  # smaller steps leave no doubt about which picture is meant
MAX_UTC_MS = 1 << 52


@dataclass(slots=True)
class FillBook:
    """One camera's memory."""

    camera_number: int
    attempts: dict[int, int] = field(default_factory=dict)  # by minute: tried in vain so often
    forbidden: tuple[Span, ...] = ()
    not_before_utc_ms: int = 0  # before it the wall clock was another one
    _read_from: dict[str, int] = field(default_factory=dict)  # by kind: events up to this id are known

    def read(self, ledger: Ledger, since_utc_ms: int) -> None:
        """Take over what the ledger has and is not known yet. Raises LedgerUnwritable."""
        for event in self._new(ledger, since_utc_ms, FAILED_EVENT, self.camera_number):
            minute = event.fact("minute_utc_ms")
            if isinstance(minute, int):
                self.attempts[minute // PIECE_MS] = self.attempts.get(minute // PIECE_MS, 0) + 1
        for event in self._new(ledger, since_utc_ms, ERASED_EVENT, self.camera_number):
            begin, end = event.fact("from_utc_ms"), event.fact("to_utc_ms")
            if isinstance(begin, int) and isinstance(end, int):
                self.forbidden = (*self.forbidden, Span(begin, end))
        for event in self._new(ledger, since_utc_ms, CLOCK_STEP_EVENT, None):
            before, by_ms = event.fact("before_utc_ms"), event.fact("by_ms")
            if isinstance(before, int) and isinstance(by_ms, int) and abs(by_ms) >= LEAST_STEP_MS:
                self.not_before_utc_ms = max(self.not_before_utc_ms, before, before + by_ms)

    def _new(self, ledger: Ledger, since_utc_ms: int, kind: str, camera_number: int | None) -> list[TimelineEvent]:
        known = self._read_from.get(kind, 0)
        events = ledger.events(since_utc_ms, MAX_UTC_MS, camera_number=camera_number, kind=kind)
        self._read_from[kind] = max((event.event_id for event in events), default=known)
        return [event for event in events if event.event_id > known]
