"""Custody over HTTP: changes of custodians, handing on, drills. What people bring proves itself by signatures.

Must not know keys.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from kuramori.api.context import TheDesk
from kuramori.api.identity import Approver, CustodyManager, CustodyReader
from kuramori.api.requests import Body, Line
from kuramori.desk.custody_care import Wanted
from kuramori.desk.custody_fault import ProposalMissing
from kuramori.desk.desk import Desk
from kuramori.desk.hand_on_work import PAGE_SEGMENTS, HandedPage, HandedRow, WorkHead, WorkPage
from kuramori.messages import Acknowledged
from kuramori.wire import WireBytes
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.limits import MAX_CUSTODIANS

router = APIRouter(prefix="/v1/custody", tags=["custody"])

Cards = Annotated[tuple[WireBytes, ...], Field(max_length=MAX_CUSTODIANS)]
People = Annotated[tuple[Line, ...], Field(max_length=MAX_CUSTODIANS)]
Place = Annotated[int, Query(ge=0)]
CustodianId = Annotated[str, Query(pattern=r"^[0-9a-f]{32}$")]


class ProposalBody(Body):
    """What shall change: cards of who joins, names of who leaves or lost the key."""

    joining: Cards = ()
    leaving: People = ()
    lost: People = ()
    threshold: Annotated[int, Field(ge=2, le=MAX_CUSTODIANS)] | None = None
    recovery: WireBytes | None = None
    reason: Line


class ReasonBody(Body):
    """Why."""

    reason: Line


class DocumentBody(Body):
    """A document that proves itself."""

    document: WireBytes


class HandedRowBody(Body):
    """What a custodian hands on of one segment (kuramori.desk.hand_on_work)."""

    segment_uid: WireBytes
    from_set_id: WireBytes
    number: Annotated[int, Field(ge=1, le=MAX_CUSTODIANS)]
    pieces: WireBytes
    signature: WireBytes


class HandedPageBody(Body):
    """A page of what a custodian hands on."""

    custodian_id: WireBytes
    to_set_id: WireBytes
    rows: Annotated[tuple[HandedRowBody, ...], Field(max_length=PAGE_SEGMENTS)]

    def page(self) -> HandedPage:
        """Return the page that the desk judges."""
        rows = tuple(
            HandedRow(row.segment_uid, row.from_set_id, row.number, row.pieces, row.signature) for row in self.rows
        )
        return HandedPage(self.custodian_id, self.to_set_id, rows)


class DiscardBody(Body):
    """Whose contributions are thrown away, and why."""

    custodian: Line
    reason: Line


@dataclass(frozen=True, slots=True)
class CustodianView:
    """A custodian. `last_drill_utc_ms` is null before the first drill."""

    custodian_id: str
    name: str
    title: str
    fingerprint: str
    expires_utc_ms: int
    last_drill_utc_ms: int | None


@dataclass(frozen=True, slots=True)
class SetView:
    """A set on duty; `segments` living ones are held by it, `held` of them under a hold (null: not counted)."""

    set_id: str
    threshold: int
    custodians: tuple[CustodianView, ...]
    segments: int | None
    held: int | None


@dataclass(frozen=True, slots=True)
class ProposalView:
    """The proposed change, and who has signed it."""

    document: WireBytes
    number: int
    threshold: int
    custodians: tuple[str, ...]
    signed_by: tuple[str, ...]
    missing: int
    in_effect: bool = False


@dataclass(frozen=True, slots=True)
class CustodyView:
    """Custody as it stands."""

    in_use: SetView
    earlier: tuple[SetView, ...]  # still responsible for what is sealed to them
    changes: int
    proposal: ProposalView | None
    recovery_fingerprint: str
    recovery_used_utc_ms: int | None  # not null: replace it


@dataclass(frozen=True, slots=True)
class WorkView:
    """A page of work; `after` is where the next begins, null after the last."""

    head: WorkHead
    page: WorkPage
    after: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class TakenView:
    """How many segments were new."""

    new: int


@dataclass(frozen=True, slots=True)
class ReleasedView:
    """Who has no duty any more."""

    released: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChallengeView:
    """A challenge for one custodian."""

    custodian_id: str
    name: str
    document: WireBytes


@dataclass(frozen=True, slots=True)
class ChallengeList:
    """A challenge for each custodian in office."""

    challenges: tuple[ChallengeView, ...]


@router.get("")
async def show(desk: TheDesk, caller: CustodyReader, counted: bool = False) -> CustodyView:
    """Return custodians, their drills, what is proposed; `counted` reads how much each set still holds."""
    chain, book = desk.custody.chain(), desk.journal.custody
    remaining = await desk.handing_on.remaining() if counted else None
    views = []
    for custodians in desk.custody.on_duty():
        segments, held = remaining.of(custodians.set_id) if remaining is not None else (None, None)
        views.append(SetView(custodians.set_id.hex(), custodians.k, _people(desk, custodians), segments, held))
    return CustodyView(
        views[-1],
        tuple(views[:-1]),
        len(chain.changes),
        _proposal(desk),
        chain.current.recovery.fingerprint,
        book.recovery_used_utc_ms,
    )


@router.post("/proposal", status_code=201)
async def propose(body: ProposalBody, desk: TheDesk, caller: CustodyManager) -> ProposalView:
    """Propose other custodians, another threshold or another recovery key. Nothing changes by it."""
    wanted = Wanted(body.joining, body.leaving, body.lost, body.threshold, body.recovery, body.reason)
    await desk.custody.propose(wanted, caller.actor)
    return _shown(desk)


@router.get("/proposal")
async def proposal(desk: TheDesk, caller: CustodyReader) -> ProposalView:
    """Return the proposed change, to be signed."""
    return _shown(desk)


@router.post("/proposal/signatures")
async def sign(body: DocumentBody, desk: TheDesk, caller: Approver) -> ProposalView:
    """Take the proposed change with further signatures; with k of them it takes effect."""
    signed = await desk.custody.sign(body.document, caller.actor)
    if desk.custody.chain().current.set_id == signed.custodians.set_id:
        people = tuple(card.name for card in signed.custodians.custodians)
        return ProposalView(signed.to_bytes(), signed.number, signed.custodians.k, people, (), 0, True)
    return _shown(desk)


@router.post("/proposal/withdrawal")
async def withdraw(body: ReasonBody, desk: TheDesk, caller: CustodyManager) -> Acknowledged:
    """Take the proposal back."""
    await desk.custody.withdraw(body.reason, caller.actor)
    return Acknowledged()


@router.post("/release")
async def release(desk: TheDesk, caller: CustodyManager) -> ReleasedView:
    """Dismiss earlier custodians, once everything they hold is handed on or gone."""
    return ReleasedView(await desk.custody.release(caller.actor))


@router.get("/hand-on")
async def work(
    desk: TheDesk, caller: Approver, custodian: CustodianId, camera: Place = 0, sequence: Place = 0
) -> WorkView:
    """Return a page of what a custodian has to hand on."""
    found = await desk.handing_on.work(bytes.fromhex(custodian), (camera, sequence))
    return WorkView(found.head, found.page, found.after)


@router.post("/hand-on", status_code=201)
async def hand_on(body: HandedPageBody, desk: TheDesk, caller: Approver) -> TakenView:
    """Take a page of what a custodian hands on. The same page again changes nothing."""
    return TakenView(await desk.handing_on.take(body.page(), caller.actor))


@router.post("/hand-on/discard")
async def discard(body: DiscardBody, desk: TheDesk, caller: CustodyManager) -> TakenView:
    """Throw away what a custodian handed on, to be done anew by them or another."""
    return TakenView(await desk.handing_on.discard(body.custodian, body.reason, caller.actor))


@router.post("/drills", status_code=201)
async def begin_drill(desk: TheDesk, caller: CustodyManager) -> ChallengeList:
    """Return a new challenge for each custodian in office; earlier ones count no more."""
    found = await desk.drilling.begin()
    return ChallengeList(
        tuple(ChallengeView(card.custodian_id.hex(), card.name, challenge.to_bytes()) for card, challenge in found)
    )


@router.post("/drills/answers", status_code=201)
async def answer_drill(body: DocumentBody, desk: TheDesk, caller: Approver) -> CustodianView:
    """Take a custodian's answer. Who answers is proven by the signature, not by who calls."""
    card = await desk.drilling.take(body.document, f"custodian's signature; {caller.identified_by}")
    return next(one for one in _people(desk, desk.custodians()) if one.custodian_id == card.custodian_id.hex())


def _people(desk: Desk, custodians: CustodianSet) -> tuple[CustodianView, ...]:
    drilled = desk.journal.custody.drilled
    return tuple(
        CustodianView(
            card.custodian_id.hex(),
            card.name,
            card.title,
            card.fingerprint,
            card.expires_utc_ms,
            drilled.get(card.custodian_id),
        )
        for card in custodians.custodians
    )


def _proposal(desk: Desk) -> ProposalView | None:
    try:
        return _shown(desk)
    except ProposalMissing:
        return None


def _shown(desk: Desk) -> ProposalView:
    change, chain = desk.custody.proposal(), desk.custody.chain()
    signers = {one.custodian_id for one in change.signatures}
    signed_by = tuple(card.name for card in chain.current.custodians if card.custodian_id in signers)
    people = tuple(card.name for card in change.custodians.custodians)
    missing = max(0, chain.current.k - len(signers))
    return ProposalView(change.to_bytes(), change.number, change.custodians.k, people, signed_by, missing)
