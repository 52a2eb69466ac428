"""What the door and its watcher say to one another: whom to watch, and what was heard. Lines of JSON. Pure.

What a camera reports is made short and few here, before it goes anywhere. This module must not know processes.
"""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from kuramori.camera_messages import CameraEvent, EventsState
from kuramori.door.camera_access import Access
from kuramori.wire import WireInvalid, from_plain, to_plain
from kuramori_onvif.event_models import EventKind, ReportedEvent

LINE_LIMIT_BYTES = 1024 * 1024
MOST_PENDING = 32  # events of one camera between two reports
MOST_STATES = 48  # told in one report; a camera has a handful
MOST_CHARACTERS = 200  # of each text
Kind = TypeVar("Kind")
_FREQUENT = frozenset({EventKind.MOTION.value, EventKind.OTHER.value})


@dataclass(frozen=True, slots=True)
class Watch:
    """Watch this camera; in place of an earlier order for it."""

    camera: str
    access: Access


@dataclass(frozen=True, slots=True)
class Unwatch:
    """Watch it no more; its subscription is given back."""

    camera: str


@dataclass(frozen=True, slots=True)
class Order:
    """One of the two."""

    watch: Watch | None = None
    unwatch: Unwatch | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """How it stands with one camera's events, and what came since the last report.

    `refused`: the camera refused us and is watched no more. `restarted`: it lost or announced the end of what it
    knew of us, as after a restart. `states` are the newest messages about each state that holds or held.
    """

    camera: str
    state: EventsState
    problem: str = ""
    refused: bool = False
    restarted: bool = False
    tampers: tuple[str, ...] = ()
    states: tuple[ReportedEvent, ...] = ()
    events: tuple[CameraEvent, ...] = ()
    dropped: int = 0  # events that were let go since the last report


@dataclass(frozen=True, slots=True)
class Report:
    """What the watcher says; `heard` None: only that it lives."""

    heard: Heard | None = None


class LineUnreadable(ValueError):
    """A line is neither order nor report."""


def encode(value: Order | Report) -> bytes:
    """Return the line that carries an order or a report."""
    return json.dumps(to_plain(value), ensure_ascii=False).encode() + b"\n"


def decode_order(line: bytes) -> Order:
    """Read an order. Raises LineUnreadable."""
    return _decode(Order, line)


def decode_report(line: bytes) -> Report:
    """Read a report. Raises LineUnreadable."""
    return _decode(Report, line)


def _decode(kind: type[Kind], line: bytes) -> Kind:
    try:
        return from_plain(kind, json.loads(line))
    except (ValueError, RecursionError, WireInvalid) as error:
        raise LineUnreadable(str(error)) from None


@dataclass(slots=True)
class Pending:
    """Events of one camera that wait to be told: at most MOST_PENDING, the oldest of the frequent kinds go first."""

    waiting: deque[CameraEvent] = field(default_factory=deque)
    dropped: int = 0

    def add(self, events: Iterable[ReportedEvent], received_utc_ms: int) -> None:
        """Take what is news. That a state does not hold, told at the beginning, is none."""
        for event in events:
            if event.deleted or (event.initialized and not event.begins):
                continue
            if len(self.waiting) == MOST_PENDING:
                self._drop_one()
            self.waiting.append(_told(event, received_utc_ms))

    def take(self) -> tuple[tuple[CameraEvent, ...], int]:
        """Return all, and how many were let go; then it is empty."""
        taken, dropped = tuple(self.waiting), self.dropped
        self.waiting.clear()
        self.dropped = 0
        return taken, dropped

    def _drop_one(self) -> None:
        frequent = next((index for index, event in enumerate(self.waiting) if event.kind in _FREQUENT), 0)
        del self.waiting[frequent]
        self.dropped += 1


def brief(event: ReportedEvent) -> ReportedEvent:
    """Return a state with short texts."""
    return ReportedEvent(
        kind=event.kind,
        topic=event.topic[:MOST_CHARACTERS],
        begins=event.begins,
        initialized=event.initialized,
        camera_utc_ms=event.camera_utc_ms,
        source=event.source[:MOST_CHARACTERS],
        detail=event.detail[:MOST_CHARACTERS],
        tamper=event.tamper,
        value=event.value[:MOST_CHARACTERS],
        deleted=event.deleted,
    )


def _told(event: ReportedEvent, received_utc_ms: int) -> CameraEvent:
    detail = "; ".join(part for part in (event.source, event.detail) if part)
    return CameraEvent(
        kind=event.kind.value,
        topic=event.topic[:MOST_CHARACTERS],
        begins=event.begins,
        camera_utc_ms=event.camera_utc_ms,
        received_utc_ms=received_utc_ms,
        detail=detail[:MOST_CHARACTERS],
    )
