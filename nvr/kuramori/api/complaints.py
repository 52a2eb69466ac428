"""Complaints and questions over HTTP (O8): taken, answered, listed with those that wait too long.

Must not know how they are kept.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from kuramori.api.context import TheDesk
from kuramori.api.identity import ComplaintAnswerer, ComplaintReader, ComplaintTaker
from kuramori.api.paging import ThePage, page_of
from kuramori.api.requests import Body, Line, UtcMs
from kuramori.desk.complaining import Complaining
from kuramori.desk.complaint_book import Complaint
from kuramori.desk.complaint_steps import ComplaintAnswered, ComplaintKind, ComplaintReceived
from kuramori.desk.desk import Desk

TEXT_MOST = 8000  # of what was said and answered

router = APIRouter(prefix="/v1/complaints", tags=["complaints"])
Lines = Annotated[str, Field(max_length=TEXT_MOST)]
Number = Annotated[str, Path(max_length=20, alias="complaint_id")]


class ComplaintBody(Body):
    """What somebody complained about or asked. `received_by` is who took it, unless it was who writes it down."""

    kind: ComplaintKind = ComplaintKind.COMPLAINT
    received_utc_ms: UtcMs
    received_by: Line = ""
    from_whom: Line = ""
    contact: Line = ""
    camera: Line = ""
    subject: Line
    content: Lines


class AnswerBody(Body):
    """What was answered and when; what was changed because of it."""

    answered_utc_ms: UtcMs
    answer: Lines
    measures: Lines = ""


class Which(StrEnum):
    """Which of them are wanted."""

    ALL = "all"
    WAITING = "waiting"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class ComplaintView:
    """One of them. `answered_utc_ms` is null while it waits for its answer."""

    complaint: str
    kind: str
    received_utc_ms: int
    received_by: str
    from_whom: str
    contact: str
    camera: str
    subject: str
    content: str
    answered_utc_ms: int | None
    answered_by: str
    answer: str
    measures: str
    overdue: bool

    @classmethod
    def of(cls, complaint: Complaint, overdue: bool) -> "ComplaintView":
        """Return the view of one."""
        received, answer = complaint.received, complaint.answer
        return cls(
            complaint=complaint.number,
            kind=received.kind.value,
            received_utc_ms=received.received_utc_ms,
            received_by=received.received_by,
            from_whom=received.from_whom,
            contact=received.contact,
            camera=received.camera,
            subject=received.subject,
            content=received.content,
            answered_utc_ms=answer.answered_utc_ms if answer else None,
            answered_by=complaint.answered_by,
            answer=answer.answer if answer else "",
            measures=answer.measures if answer else "",
            overdue=overdue,
        )


@dataclass(frozen=True, slots=True)
class ComplaintList:
    """A page of them in the order in which they were written down. `next` is null on the last page."""

    complaints: tuple[ComplaintView, ...]
    next: str | None


@router.post("", status_code=201)
async def receive(body: ComplaintBody, desk: TheDesk, caller: ComplaintTaker) -> ComplaintView:
    """Write down what somebody complained about or asked."""
    given = body.model_dump()
    given["received_by"] = given["received_by"] or caller.person
    return _view(desk, await _complaining(desk).receive(ComplaintReceived(**given), caller.actor))


@router.get("")
async def listing(
    desk: TheDesk, caller: ComplaintReader, asked: ThePage, which: Annotated[Which, Query()] = Which.ALL
) -> ComplaintList:
    """Return complaints and questions in the order in which they were written down."""
    book, now = desk.journal.complaints, desk.clock.utc_ms()
    found = {
        Which.ALL: tuple(book.complaints.values()),
        Which.WAITING: book.waiting(),
        Which.OVERDUE: book.overdue(now, within_ms(desk)),
    }[which]
    page = page_of("complaints", found, lambda one: (one.recorded_utc_ms, one.number), asked)
    return ComplaintList(tuple(_view(desk, one) for one in page.rows), page.next)


@router.get("/{complaint_id}")
async def one(complaint_id: Number, desk: TheDesk, caller: ComplaintReader) -> ComplaintView:
    """Return one of them."""
    return _view(desk, desk.journal.complaints.complaint(complaint_id))


@router.post("/{complaint_id}/answer", status_code=201)
async def answer(complaint_id: Number, body: AnswerBody, desk: TheDesk, caller: ComplaintAnswerer) -> ComplaintView:
    """Write the answer down; it is answered for good."""
    step = ComplaintAnswered(**body.model_dump())
    return _view(desk, await _complaining(desk).answer(complaint_id, step, caller.actor))


def within_ms(desk: Desk) -> int:
    """Return how long an answer may take."""
    return desk.site.office.answer_within.seconds * 1000


def _complaining(desk: Desk) -> Complaining:
    return Complaining(desk.site, desk.journal, desk.clock)


def _view(desk: Desk, complaint: Complaint) -> ComplaintView:
    return ComplaintView.of(complaint, complaint.is_overdue(desk.clock.utc_ms(), within_ms(desk)))
