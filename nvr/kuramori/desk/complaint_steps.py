"""Complaints and questions, as the register knows them (O8): when it came, who took it, about what, and the answer.

Frozen values; who wrote it down and when stand beside them. Like `steps`, whose tables name them: field names are part
of the register's format (REGISTER.md). Must not know the recorder.
"""

from dataclasses import dataclass
from enum import StrEnum


class ComplaintKind(StrEnum):
    """What somebody came with."""

    COMPLAINT = "complaint"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class ComplaintReceived:
    """Somebody complained or asked. The entry's `request` is its number."""

    kind: ComplaintKind
    received_utc_ms: int
    received_by: str  # who took it; often, not always, who wrote it down
    from_whom: str  # "" where they gave no name
    contact: str
    camera: str  # "" where it concerns no camera in particular
    subject: str
    content: str  # may have several lines


@dataclass(frozen=True, slots=True)
class ComplaintAnswered:
    """It was answered."""

    answered_utc_ms: int
    answer: str  # may have several lines
    measures: str  # what was changed because of it; "" for nothing


ComplaintStep = ComplaintReceived | ComplaintAnswered
COMPLAINT_STEPS = (ComplaintReceived, ComplaintAnswered)
