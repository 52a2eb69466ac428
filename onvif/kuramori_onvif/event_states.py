"""Which of a camera's reported states hold now: tampers, storage failures, recording jobs. Pure.

A state is known by topic and source; the newest message about it counts, a deleted one is forgotten. Start anew with
every subscription: what was heard over a lost one is not known any more. This module must not know SOAP or clocks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from kuramori_onvif.event_models import EventKind, ReportedEvent, Tamper

MAX_STATES = 256
_KEPT = frozenset({EventKind.TAMPER, EventKind.SIGNAL_LOSS, EventKind.STORAGE_FAILURE, EventKind.RECORDING_JOB})


@dataclass(frozen=True, slots=True)
class EventStates:
    """The newest message about each state. Beyond MAX_STATES those that are not on go first, then the longest known."""

    latest: tuple[ReportedEvent, ...] = field(default=())

    def after(self, events: Iterable[ReportedEvent]) -> Self:
        """Return the states after these events, in the order in which they came."""
        states = {(one.topic, one.source): one for one in self.latest}
        for event in events:
            if event.kind not in _KEPT:
                continue
            key = (event.topic, event.source)
            if event.deleted:
                states.pop(key, None)
            else:
                states[key] = event
        if len(states) > MAX_STATES:  # the sort is stable
            kept = sorted(states, key=lambda key: states[key].begins is True)[-MAX_STATES:]
            return type(self)(tuple(states[key] for key in kept))
        return type(self)(tuple(states.values()))

    def of_kind(self, kind: EventKind) -> tuple[ReportedEvent, ...]:
        """Return the newest message about each state of this kind."""
        return tuple(one for one in self.latest if one.kind is kind)

    def tampers(self) -> tuple[Tamper, ...]:
        """Return the tampers that are on, each once, sorted by name."""
        on = {one.tamper for one in self.latest if one.begins and one.tamper is not Tamper.NONE}
        return tuple(sorted(on))
