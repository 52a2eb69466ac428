"""Complaints and questions as the register has them: which wait for an answer, and since when.

Pure: fed with the register's steps. `judge` refuses what cannot follow from what happened, before it is written. Must
not know HTTP or the register.
"""

from dataclasses import dataclass, field, replace

from kuramori.desk.complaint_fault import ComplaintFinished, ComplaintUnknown
from kuramori.desk.complaint_steps import ComplaintAnswered, ComplaintReceived, ComplaintStep

NUMBER_PREFIX = "C"  # of complaints; requests begin with a digit


@dataclass(frozen=True, slots=True)
class Complaint:
    """One of them. `answer` is None while it waits."""

    number: str
    received: ComplaintReceived
    recorded_by: str
    recorded_utc_ms: int
    answer: ComplaintAnswered | None = None
    answered_by: str = ""

    def is_overdue(self, utc_ms: int, within_ms: int) -> bool:
        """Tell whether it should have been answered by now."""
        return self.answer is None and self.received.received_utc_ms + within_ms < utc_ms


@dataclass(slots=True)
class ComplaintBook:
    """What follows from the register."""

    complaints: dict[str, Complaint] = field(default_factory=dict)

    def complaint(self, number: str) -> Complaint:
        """Return one. Raises ComplaintUnknown."""
        known = self.complaints.get(number)
        if known is None:
            raise ComplaintUnknown(number)
        return known

    def waiting(self) -> tuple[Complaint, ...]:
        """Return those without an answer, the oldest first."""
        found = (one for one in self.complaints.values() if one.answer is None)
        return tuple(sorted(found, key=lambda one: one.received.received_utc_ms))

    def overdue(self, utc_ms: int, within_ms: int) -> tuple[Complaint, ...]:
        """Return those that should have been answered by now, the oldest first."""
        return tuple(one for one in self.waiting() if one.is_overdue(utc_ms, within_ms))

    def judge(self, step: ComplaintStep, number: str) -> None:
        """Refuse a step that cannot follow. Raises ComplaintUnknown, ComplaintFinished."""
        if isinstance(step, ComplaintAnswered) and self.complaint(number).answer is not None:
            raise ComplaintFinished(number)

    def apply(self, step: ComplaintStep, number: str, person: str, utc_ms: int) -> None:
        """Note a step that happened."""
        if isinstance(step, ComplaintReceived):
            self.complaints[number] = Complaint(number, step, person, utc_ms)
        else:
            self.complaints[number] = replace(self.complaint(number), answer=step, answered_by=person)
