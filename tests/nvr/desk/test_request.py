"""The state machine of a request as such: whatever order steps come in, the promises hold."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.desk.fault import DeskFault
from kuramori.desk.granted import (
    GrantDecision,
    GrantedCamera,
    GrantedRequest,
    GrantedSegment,
    GrantInvalid,
    Recipient,
    read_granted,
)
from kuramori.desk.request import APPROVAL_LIFETIME_MS, Request, RequestState, apply
from kuramori.desk.steps import (
    Amended,
    Approved,
    BundleWritten,
    Decided,
    Filed,
    Opened,
    Outcome,
    Refused,
    Released,
    RequestDocument,
    Returned,
    ReturnKind,
    Step,
    Taken,
)
from kuramori.desk.viewing_steps import ViewingBegun, ViewingEnd, ViewingEnded

NUMBER = "20260101-1"
HANDLER, MANAGER, OTHER = "handler", "manager", "other"
RECIPIENT = Recipient("authority", "", "", "name", "", "")
DOCUMENT = RequestDocument(("gate",), 1000, 9000, "urgent", "", RECIPIENT, "p", "", "", "", HANDLER, (), b"\x09" * 32)
SEGMENT = GrantedSegment(1, b"s" * 16, 1, b"h" * 32, 2)
DIGEST = b"m" * 32


def grant_of(request: Request | None, **changes: Any) -> GrantedRequest:
    """Return the granted request that fits a request."""
    document = request.document if request else DOCUMENT
    granted = GrantedRequest(
        recorder_id=bytes(16),
        site="site",
        request_id=NUMBER,
        revision=request.revision if request else 1,
        cameras=(GrantedCamera("gate", 1, "Gate"),),
        from_utc_ms=document.from_utc_ms,
        to_utc_ms=document.to_utc_ms,
        rule_set="HOK",
        ground=document.ground,
        document_number="",
        recipient=RECIPIENT,
        purpose="p",
        conditions="",
        requester=HANDLER,
        decision=GrantDecision("granted", MANAGER, "r", 5),
        extraction_key=document.extraction_key,
        segments=(SEGMENT,),
    )
    return replace(granted, **changes)


def approval(request: Request | None, custodian: int, **changes: Any) -> Approved:
    """Return an approval of the present grant by custodian n."""
    granted = request.granted if request else None
    digest = granted.digest if granted else bytes(32)
    step = Approved(bytes([custodian]) * 16, f"custodian {custodian}", "t", digest, (SEGMENT.segment_uid,), b"")
    return replace(step, **changes)


def decided(request: Request | None, **changes: Any) -> Decided:
    """Return the decision that grants all."""
    return Decided(Outcome.GRANTED, "reason", grant_of(request, **changes).document(), b"sig")


def opened(request: Request | None) -> Opened:
    """Return the next opening, two staff present."""
    return Opened((request.openings if request else 0) + 1, (HANDLER, OTHER), 1, 0)


def viewed(request: Request | None) -> ViewingBegun:
    """Return the next look at the pictures, two staff present."""
    return ViewingBegun((request.viewings if request else 0) + 1, "full", (HANDLER, OTHER), 1, 0)


class Life:
    """A request under steps; remembers what had happened when."""

    def __init__(self) -> None:
        self.request: Request | None = None
        self.now = 1_000_000

    def take(self, step: Step, person: str) -> DeskFault | None:
        """Take a step if it is allowed; return why not."""
        self.now += 1
        try:
            self.request = apply(self.request, Taken(step, NUMBER, person, self.now))
        except DeskFault as fault:
            return fault
        return None

    def must(self, step: Step, person: str) -> Request:
        """Take a step that has to be allowed."""
        fault = self.take(step, person)
        assert fault is None, fault
        assert self.request is not None
        return self.request


def life_until(state: RequestState) -> Life:
    """Return a request that has come this far."""
    life = Life()
    life.must(Filed(DOCUMENT), HANDLER)
    if state is RequestState.FILED:
        return life
    if state is RequestState.REFUSED:
        life.must(Decided(Outcome.REFUSED, "no", None, b""), MANAGER)
        return life
    life.must(decided(life.request), MANAGER)
    if state is RequestState.GRANTED:
        return life
    life.must(approval(life.request, 1), "custodian 1")
    life.must(approval(life.request, 2), "custodian 2")
    if state is RequestState.APPROVED:
        return life
    if state is RequestState.VIEWED:
        life.must(viewed(life.request), HANDLER)
        return life
    life.must(opened(life.request), HANDLER)
    if state is RequestState.OPENED:
        return life
    life.must(Released(1, DIGEST), HANDLER)
    if state is RequestState.RELEASED:
        return life
    life.must(Returned(ReturnKind.ERASED, 5, "name"), HANDLER)
    return life


def candidates(request: Request | None) -> dict[str, tuple[Step, str]]:
    """Return every kind of step, each in the form that fits best, with who would take it."""
    return {
        "filed": (Filed(DOCUMENT), HANDLER),
        "amended": (Amended(DOCUMENT), HANDLER),
        "granted": (decided(request), MANAGER),
        "refused": (Decided(Outcome.REFUSED, "no", None, b""), MANAGER),
        "approved": (approval(request, 9), "custodian 9"),
        "viewing": (viewed(request), HANDLER),
        "viewing ended": (ViewingEnded(1, ViewingEnd.CLOSED, 3, ()), HANDLER),
        "opened": (opened(request), HANDLER),
        "released": (Released(request.openings if request else 1, DIGEST), HANDLER),
        "written": (BundleWritten(1, DIGEST, "USB"), HANDLER),
        "returned": (Returned(ReturnKind.ERASED, 5, "name"), HANDLER),
        "attempt": (Refused("x", "y", DOCUMENT), HANDLER),
    }


ALLOWED = {
    RequestState.FILED: {"amended", "granted", "refused"},
    RequestState.GRANTED: {"amended", "refused", "approved"},
    RequestState.APPROVED: {"amended", "refused", "approved", "viewing", "opened"},
    RequestState.VIEWED: {"viewing", "viewing ended", "opened"},
    RequestState.OPENED: {"viewing", "opened", "released"},
    RequestState.RELEASED: {"viewing", "opened", "written", "returned"},
    RequestState.RETURNED: set(),
    RequestState.REFUSED: set(),
}


@pytest.mark.parametrize("state", list(RequestState))
def test_each_state_allows_exactly_its_steps(state: RequestState) -> None:
    """The whole table: every step in every state, by the right person."""
    allowed = set()
    for name in candidates(None):
        life = life_until(state)
        step, person = candidates(life.request)[name]
        if life.take(step, person) is None:
            allowed.add(name)
    assert allowed == ALLOWED[state]


STEP = st.tuples(
    st.sampled_from(sorted(candidates(None))), st.sampled_from([HANDLER, MANAGER, OTHER]), st.integers(1, 4)
)


@given(st.lists(STEP, max_size=25))
def test_no_order_of_steps_opens_without_grant_and_two_custodians(steps: list[tuple[str, str, int]]) -> None:
    """After any sequence: opened means granted by another than the requester and approved by two of this grant."""
    life = Life()
    for name, person, custodian in steps:
        step, usual = candidates(life.request)[name]
        if isinstance(step, Approved):
            step = approval(life.request, custodian)
        before = life.request
        fault = life.take(step, person if custodian == 4 else usual)
        if fault is not None:
            assert life.request is before  # a refused step changes nothing
            continue
        request = life.request
        assert request is not None
        if request.openings:
            assert request.granted is not None
            assert request.decided_by != request.document.requester
            assert len({approval.custodian_id for approval in request.approvals}) >= 2
            assert request.granted.revision == request.revision
        assert len(request.handovers) <= request.openings
        if request.state in (RequestState.FILED, RequestState.REFUSED):
            assert request.approvals == ()


def test_the_requester_is_never_the_only_approver() -> None:
    """Approvals of the requester's own keys alone, were they ever enough by count, do not open."""
    life = Life()
    life.must(Filed(DOCUMENT), HANDLER)
    life.must(decided(life.request), MANAGER)
    life.must(approval(life.request, 1, name=HANDLER), HANDLER)
    request = life.must(approval(life.request, 2, name=HANDLER), HANDLER)
    assert (request.state, request.missing_approvals) == (RequestState.GRANTED, 1)
    assert life.must(approval(life.request, 3), "custodian 3").state is RequestState.APPROVED


def test_every_segment_needs_its_own_threshold() -> None:
    """Two custodians are enough for a segment of a 2-of-3 set and not for one of a 3-of-5 set."""
    life = Life()
    life.must(Filed(DOCUMENT), HANDLER)
    harder = GrantedSegment(1, b"t" * 16, 2, b"h" * 32, 3)
    life.must(decided(life.request, segments=(SEGMENT, harder)), MANAGER)
    both = (SEGMENT.segment_uid, harder.segment_uid)
    for custodian in (1, 2):
        life.must(approval(life.request, custodian, segment_uids=both), "custodian")
    assert life.request is not None
    assert (life.request.state, life.request.missing_approvals) == (RequestState.GRANTED, 1)
    life.must(approval(life.request, 3, segment_uids=(SEGMENT.segment_uid,)), "custodian 3")
    assert life.request.state is RequestState.GRANTED
    assert life.must(approval(life.request, 4, segment_uids=both), "custodian 4").state is RequestState.APPROVED


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": "20260101-2"},
        {"revision": 2},
        {"requester": OTHER},
        {"extraction_key": b"\x08" * 32},
        {"recipient": replace(RECIPIENT, name="somebody else")},
        {"decision": GrantDecision("granted", OTHER, "r", 5)},
        {"cameras": (GrantedCamera("park", 1, ""),)},
        {"from_utc_ms": 999},
        {"to_utc_ms": 9001},
        {"from_utc_ms": 2000},
    ],
)
def test_a_grant_is_about_this_request_and_nothing_more(changes: dict[str, Any]) -> None:
    """A granted request with another number, revision, recipient, key, camera or time is not taken."""
    life = Life()
    life.must(Filed(DOCUMENT), HANDLER)
    assert life.take(decided(life.request, **changes), MANAGER) is not None


def test_old_approvals_do_not_open() -> None:
    """The lifetime is counted from the oldest approval, to the millisecond."""
    life = life_until(RequestState.APPROVED)
    assert life.request is not None
    life.now = life.request.approvals[0].utc_ms + APPROVAL_LIFETIME_MS
    fault = life.take(opened(life.request), HANDLER)
    assert fault is not None
    assert fault.code == "approvals-expired"


def test_a_granted_request_survives_its_bytes_and_any_change_of_it_is_another_digest() -> None:
    """Reading the canonical bytes gives the same value; every field counts for the digest."""
    granted = grant_of(None)
    assert read_granted(granted.to_bytes()) == granted
    changed = [
        replace(granted, purpose="q"),
        replace(granted, to_utc_ms=8999),
        replace(granted, extraction_key=b"\x01" * 32),
        replace(granted, segments=(replace(SEGMENT, sequence=2),)),
        replace(granted, decision=replace(granted.decision, reason="s")),
    ]
    assert len({granted.digest, *(other.digest for other in changed)}) == 6


@given(st.binary(max_size=300), st.integers(0, 1000))
def test_any_bytes_are_a_granted_request_or_our_error(garbage: bytes, position: int) -> None:
    """Garbage, and a real document with bytes overwritten, give a value or GrantInvalid."""
    document = bytearray(grant_of(None).to_bytes())
    document[position : position + len(garbage)] = garbage
    for candidate in (garbage, bytes(document)):
        try:
            granted = read_granted(candidate)
        except GrantInvalid:
            continue
        assert granted.to_bytes() == candidate
