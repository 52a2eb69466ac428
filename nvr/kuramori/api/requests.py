"""Requests over HTTP: filing, deciding, approving, opening, and their end.

Thin: reads and checks shapes, asks the desk, shows the result. Must not know rules or keys.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, Strict
from starlette.requests import Request as HttpRequest

from kuramori.api.context import TheDesk
from kuramori.api.identity import Approver, CustodyManager, Decider, Filer, Opener, RequestReader
from kuramori.api.package_view import EntryProofView, PackageView
from kuramori.api.paging import ThePage, page_of
from kuramori.api.problems import japanese
from kuramori.api.views import RequestList, RequestView, SharesView
from kuramori.desk.fault import DeskFault
from kuramori.desk.filing import Wish
from kuramori.desk.granted import CAMERAS_MOST, TEXT_MOST, Recipient
from kuramori.desk.request import Request
from kuramori.desk.steps import Outcome, RequestDocument, Returned, ReturnKind
from kuramori.wire import WireBytes

WITNESSES_MOST = 16

Line = Annotated[str, Field(max_length=TEXT_MOST)]
Names = Annotated[tuple[Line, ...], Field(max_length=WITNESSES_MOST)]
Cameras = Annotated[tuple[Line, ...], Field(max_length=CAMERAS_MOST)]
Id = Annotated[str, Path(max_length=20)]
UtcMs = Annotated[int, Strict(), Field(ge=0)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Codes = Annotated[tuple[Annotated[str, Field(max_length=32)], ...], Field(max_length=8)]
Uid = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]

router = APIRouter(prefix="/v1/requests", tags=["requests"])


class Body(BaseModel):
    """A request body: nothing unknown, no guessing of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class RecipientBody(Body):
    """Who gets or sees the pictures."""

    kind: Line
    organisation: Line = ""
    title: Line = ""
    name: Line
    contact: Line = ""
    identity_check: Line = ""


class FileBody(Body):
    """A request as a handler files it."""

    cameras: Cameras
    from_utc_ms: UtcMs
    to_utc_ms: UtcMs
    ground: Line = ""
    document_number: Line = ""
    recipient: RecipientBody
    purpose: Line
    conditions: Line = ""
    place: Line = ""
    other: Line = ""
    witnesses: Names = ()
    extraction_key: WireBytes
    matter: Line = ""
    outputs: Codes = ()
    erase_by_utc_ms: UtcMs = 0

    def document(self, requester: str) -> RequestDocument:
        """Return the document that the desk judges."""
        return RequestDocument(
            cameras=self.cameras,
            from_utc_ms=self.from_utc_ms,
            to_utc_ms=self.to_utc_ms,
            ground=self.ground,
            document_number=self.document_number,
            recipient=Recipient(**self.recipient.model_dump()),
            purpose=self.purpose,
            conditions=self.conditions,
            place=self.place,
            other=self.other,
            requester=requester,
            witnesses=self.witnesses,
            extraction_key=self.extraction_key,
            matter=self.matter,
            outputs=self.outputs,
            erase_by_utc_ms=self.erase_by_utc_ms,
        )


class DecisionBody(Body):
    """A decision in writing; cameras and times only where a part is granted."""

    outcome: Outcome
    reason: Line
    cameras: Cameras | None = None
    from_utc_ms: UtcMs | None = None
    to_utc_ms: UtcMs | None = None
    outputs: Codes | None = None


class ApprovalBody(Body):
    """A custodian's approval (kuramori.desk.approval) and its signature."""

    approval: WireBytes
    signature: WireBytes


class RecoveryBody(Body):
    """Which recovery key (public half) is about to be used, why, and who is present besides who acts."""

    recovery_key: WireBytes
    reason: Line
    present: Names = ()


class RecoveredBody(Body):
    """What the recovery key opened."""

    opening: WireBytes


class ReturnedBody(Body):
    """How and when the recipient ended the hand-over, and who said so."""

    how: ReturnKind
    on_utc_ms: UtcMs
    told_by: Line


@router.post("", status_code=201)
async def file(body: FileBody, desk: TheDesk, http: HttpRequest, caller: Filer) -> RequestView:
    """File a request; its minutes are held from now on. Refused outright: registered, and a problem says why."""
    request, trouble = await desk.filing.file(body.document(caller.person), caller.actor)
    return with_trouble(request, trouble, http)


@router.get("")
async def listing(desk: TheDesk, caller: RequestReader, asked: ThePage) -> RequestList:
    """Return the requests, newest first."""
    page = page_of("requests", desk.journal.requests.values(), _filed, asked, newest_first=True)
    return RequestList(tuple(RequestView.of(request) for request in page.rows), page.next)


def _filed(request: Request) -> tuple[int, str]:
    return request.filed_utc_ms, request.request_id


@router.get("/{request_id}")
async def one(request_id: Id, desk: TheDesk, caller: RequestReader) -> RequestView:
    """Return one request."""
    return RequestView.of(desk.journal.request(request_id))


@router.post("/{request_id}/amendment")
async def amend(request_id: Id, body: FileBody, desk: TheDesk, http: HttpRequest, caller: Filer) -> RequestView:
    """Change a request: it has to be decided anew and its approvals are void."""
    request, trouble = await desk.filing.amend(request_id, body.document(caller.person), caller.actor)
    return with_trouble(request, trouble, http)


@router.post("/{request_id}/decision")
async def decide(request_id: Id, body: DecisionBody, desk: TheDesk, caller: Decider) -> RequestView:
    """Grant, grant in part, or refuse; also takes a grant back as long as nothing was opened."""
    wish = Wish(body.cameras, body.from_utc_ms, body.to_utc_ms, body.outputs)
    return RequestView.of(await desk.filing.decide(request_id, body.outcome, body.reason, wish, caller.actor))


@router.get("/{request_id}/package")
async def package(
    request_id: Id,
    custodian: Annotated[str, Query(pattern=r"^[0-9a-f]{32}$")],
    desk: TheDesk,
    caller: Approver,
) -> PackageView:
    """Return the granted request and the headers of exactly its segments, for a custodian's client."""
    found = await desk.approving.package(request_id, bytes.fromhex(custodian))
    return PackageView.of(found)


@router.post("/{request_id}/approvals", status_code=201)
async def approve(request_id: Id, body: ApprovalBody, desk: TheDesk, caller: Approver) -> RequestView:
    """Take a custodian's approval. Who approves is proven by the signature, not by who calls."""
    return RequestView.of(await desk.approving.approve(request_id, body.approval, body.signature, caller.actor))


@router.get("/{request_id}/approvals/{custodian}")
async def approval_entry(
    request_id: Id, custodian: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")], desk: TheDesk, caller: Approver
) -> EntryProofView:
    """Return the register's entry of a custodian's approval, proven: what the client goes on from."""
    proof, checkpoint = await desk.approving.approval_proof(request_id, bytes.fromhex(custodian))
    return EntryProofView(proof.entry, proof.salt, proof.body, proof.path, checkpoint)


@router.post("/{request_id}/recovery/begin")
async def begin_recovery(request_id: Id, body: RecoveryBody, desk: TheDesk, caller: CustodyManager) -> PackageView:
    """Break-glass: registered first, then the same package, with what was handed on to the recovery key."""
    begun = desk.recovering.begin(request_id, body.recovery_key, body.reason, body.present, caller.actor)
    return PackageView.of(await begun)


@router.post("/{request_id}/recovery", status_code=201)
async def recover(request_id: Id, body: RecoveredBody, desk: TheDesk, caller: CustodyManager) -> RequestView:
    """Take what the recovery key opened, sealed to the extraction key (kuramori.desk.recovery_opening)."""
    return RequestView.of(await desk.recovering.take(request_id, body.opening, caller.actor))


@router.get("/{request_id}/shares")
async def shares(request_id: Id, desk: TheDesk, caller: Opener) -> SharesView:
    """Return the re-sealed shares, for the handler who filed the request."""
    granted, signature, approvals = await desk.approving.shares(request_id, caller.actor)
    return SharesView(granted, signature, tuple(approval.document for approval in approvals))


@router.post("/{request_id}/returned")
async def returned(request_id: Id, body: ReturnedBody, desk: TheDesk, caller: Filer) -> RequestView:
    """Note that the recipient erased, returned or destroyed the pictures."""
    step = Returned(body.how, body.on_utc_ms, body.told_by)
    return RequestView.of(await desk.filing.returned(request_id, step, caller.actor))


def with_trouble(request: Request, trouble: DeskFault | None, http: Any) -> RequestView:
    """Return the view of a request, and why its minutes are not held (yet), in the caller's language."""
    if trouble is None:
        return RequestView.of(request)
    return RequestView.of(request, trouble.japanese if japanese(http) else trouble.english)
