"""Which segments are known to be damaged on their medium, and which times that concerns.

Kept in the ledger as events, one for each segment when it is found and one where it is found whole again (a cable, a
controller); read from there at start. Whoever asks in another thread sees one state of it or the next. This module must
not know how damage is found.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from kuramori_segments.ledger_records import TimelineEvent

DAMAGED_EVENT = "segment_damaged"
WHOLE_EVENT = "segment_whole_again"
MAX_UTC_MS = 1 << 52

Times = tuple[tuple[int, int], ...]  # from and to in UTC milliseconds, half open
SegmentName = tuple[int, int]  # camera number, sequence


class EventLog(Protocol):
    """What is needed of the ledger."""

    def events(self, from_utc_ms: int, to_utc_ms: int, *, kind: str | None = None) -> tuple[TimelineEvent, ...]: ...


@dataclass(frozen=True, slots=True)
class DamagedSegment:
    """One of them. `what`: the names of the findings, with commas."""

    camera_number: int
    sequence: int
    times: Times
    what: str

    @property
    def name(self) -> SegmentName:
        return self.camera_number, self.sequence

    @property
    def facts(self) -> dict[str, str | int]:
        """What the ledger keeps beside the camera."""
        return {"sequence": self.sequence, "times": times_text(self.times), "what": self.what}


class DamageBook:
    """All of them."""

    def __init__(self) -> None:
        self._known: Mapping[SegmentName, DamagedSegment] = {}

    def read(self, events: EventLog) -> None:
        """Take up what the ledger says; beyond one answer of it, damage is found again. Raises LedgerFault."""
        found: dict[SegmentName, DamagedSegment] = {}
        told = [event for kind in (DAMAGED_EVENT, WHOLE_EVENT) for event in events.events(0, MAX_UTC_MS, kind=kind)]
        for event in sorted(told, key=lambda one: one.event_id):
            segment = _segment(event)
            if segment is None:
                continue
            if event.kind == DAMAGED_EVENT:
                found[segment.name] = segment
            else:
                found.pop(segment.name, None)
        self._known = found

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[DamagedSegment]:
        return iter(self._known.values())

    def get(self, name: SegmentName) -> DamagedSegment | None:
        """Return what is known of a segment."""
        return self._known.get(name)

    def note(self, segment: DamagedSegment) -> None:
        """Take up one that was found."""
        self._known = {**self._known, segment.name: segment}

    def forget(self, name: SegmentName) -> None:
        """Leave out one that is whole again, or no longer in the ring."""
        self._known = {known: segment for known, segment in self._known.items() if known != name}


def times_text(times: Times) -> str:
    """Return times as the ledger keeps them: "from-to from-to"."""
    return " ".join(f"{begin}-{end}" for begin, end in times)


def _segment(event: TimelineEvent) -> DamagedSegment | None:
    sequence = event.fact("sequence")
    if event.camera_number is None or not isinstance(sequence, int):
        return None
    times = []
    for pair in str(event.fact("times") or "").split():
        begin, _, end = pair.partition("-")
        if begin.isdecimal() and end.isdecimal():
            times.append((int(begin), int(end)))
    return DamagedSegment(event.camera_number, sequence, tuple(times), str(event.fact("what") or ""))
