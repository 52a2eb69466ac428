"""The life of a request, as a pure state machine: a request and a step give the next request, or a DeskFault.

    filed --decided--> granted --approved (k custodians)--> approved --opened--> opened --released--> released
      |                   |                                    |                                       |
      +--- amended: back to filed, approvals void -------------+              bundle_written, returned-+
      +--- decided (refused), also later, as long as nothing was opened: refused

The same function judges a step before it is written into the register and replays the register after a restart.
Must not know HTTP, disks, clocks or keys.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

from kuramori.desk.canonical_json import canonical
from kuramori.desk.custody_steps import RecoveryOpened
from kuramori.desk.fault import (
    ApprovalRefused,
    ApprovalsExpired,
    ApprovalsMissing,
    NotTheRequester,
    OwnRequest,
    RequestInvalid,
    RequestUnknown,
    TransitionRefused,
    WitnessMissing,
)
from kuramori.desk.granted import GrantedRequest, GrantInvalid, read_granted
from kuramori.desk.grounds import RecipientKind
from kuramori.desk.masked_copy_note import MaskedCopyNote, require_confirmed, with_step
from kuramori.desk.masking_steps import MaskedCopyBegun, MaskedCopyConfirmed, MaskedCopyRejected, MaskingStep
from kuramori.desk.person_name import person_key
from kuramori.desk.request_steps import Documented, IdentityChecked
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
    Taken,
)
from kuramori.desk.viewing_steps import ViewingBegun, ViewingEnded

RECOVERY_NAME = "recovery key"
APPROVAL_DAYS = 7  # how long an approval opens; no copy of a share is kept longer (K7)
APPROVAL_LIFETIME_MS = APPROVAL_DAYS * 24 * 3600 * 1000
PRESENT_LEAST = 2  # staff at each opening (H4)


class RequestState(StrEnum):
    """Where a request stands."""

    FILED = "filed"
    GRANTED = "granted"  # decided; waits for custodians
    APPROVED = "approved"  # enough custodians: the handler may open it
    VIEWED = "viewed"  # looked at on the desk's screen; nothing has left
    OPENED = "opened"
    RELEASED = "released"  # a bundle has left
    RETURNED = "returned"
    REFUSED = "refused"


STATE_NAMES_JAPANESE = {
    RequestState.FILED: "受付済み",
    RequestState.GRANTED: "決裁済み(鍵管理者の承認待ち)",
    RequestState.APPROVED: "承認済み",
    RequestState.VIEWED: "閲覧済み",
    RequestState.OPENED: "開封済み",
    RequestState.RELEASED: "提供済み",
    RequestState.RETURNED: "消去・返却済み",
    RequestState.REFUSED: "不許可",
}
_UNOPENED = (RequestState.FILED, RequestState.GRANTED, RequestState.APPROVED)
_OPENABLE = (RequestState.APPROVED, RequestState.VIEWED, RequestState.OPENED, RequestState.RELEASED)


@dataclass(frozen=True, slots=True)
class Approval:
    """A custodian's approval that counts."""

    custodian_id: bytes  # of the recovery key: its own (`recovery_id`)
    name: str
    utc_ms: int
    segment_uids: frozenset[bytes]
    whole: bool = False  # by the recovery key: nobody else is needed for these segments


@dataclass(frozen=True, slots=True)
class Handover:
    """One bundle that left: opening, digest of its manifest, when, and the medium once it was read back."""

    opening: int
    manifest_digest: bytes
    utc_ms: int
    medium: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands."""

    request_id: str
    revision: int
    state: RequestState
    document: RequestDocument
    filed_utc_ms: int
    outcome: Outcome | None = None
    decided_by: str = ""
    decision_reason: str = ""
    decided_utc_ms: int = 0
    granted: GrantedRequest | None = None
    granted_signature: bytes = b""
    approvals: tuple[Approval, ...] = ()
    openings: int = 0
    viewings: int = 0
    masked_copies: tuple[MaskedCopyNote, ...] = ()
    handovers: tuple[Handover, ...] = ()
    returned_utc_ms: int | None = None
    refusal: str = ""  # stable reason of an attempt that was refused outright
    refusal_english: str = ""
    refusal_japanese: str = ""
    document_due_utc_ms: int = 0  # an urgent request was granted without a document, which is owed until then
    documented_number: str = ""  # of the document that came later
    documented_utc_ms: int = 0
    receiver: str = ""  # who receives in person, and how the office made sure
    identity_check: str = ""

    @property
    def missing_approvals(self) -> int:
        """How many more custodians are needed, as far as counting tells."""
        if self.granted is None:
            return 0
        persons = {person_key(approval.name) for approval in self.approvals}
        whole = {uid for approval in self.approvals if approval.whole for uid in approval.segment_uids}
        missing = max(
            0 if segment.segment_uid in whole else segment.threshold - self._approvers(segment.segment_uid)
            for segment in self.granted.segments
        )
        alone = persons <= {person_key(self.document.requester)}  # the requester is never the only approver
        return max(missing, 1 if alone else 0)

    def _approvers(self, segment_uid: bytes) -> int:
        """Count people, not keys: who has two opens with one of them."""
        return len({person_key(approval.name) for approval in self.approvals if segment_uid in approval.segment_uids})

    @property
    def owes_document(self) -> bool:
        """Tell whether it was granted in urgency and no document has come yet (H2)."""
        return self.document_due_utc_ms > 0 and not self.documented_number and self.state is not RequestState.REFUSED

    @property
    def is_identified(self) -> bool:
        """Tell whether it is noted how the recipient's identity was checked; staff sign in as themselves (H5)."""
        recipient = self.document.recipient
        return bool(recipient.identity_check or self.identity_check or recipient.kind == RecipientKind.STAFF)

    @property
    def waits_for_return(self) -> bool:
        """Tell whether the recipient has still to report that the pictures are erased or returned (H6)."""
        return bool(self.handovers) and self.state is not RequestState.RETURNED


def apply(request: Request | None, taken: Taken) -> Request:
    """Return the request after a step. Raises DeskFault where the step is not allowed now."""
    step = taken.step
    if isinstance(step, Filed | Refused):
        return _begin(request, taken, step)
    if request is None:
        raise RequestUnknown(taken.request_id)
    if isinstance(step, Amended):
        return _amend(request, taken, step)
    if isinstance(step, Decided):
        return _decide(request, taken, step)
    if isinstance(step, Approved):
        return _approve(request, taken, step)
    if isinstance(step, RecoveryOpened):
        return _recover(request, taken, step)
    if isinstance(step, Opened):
        return _open(request, taken, step)
    if isinstance(step, Released):
        return _release(request, taken, step)
    if isinstance(step, BundleWritten):
        return _written(request, step)
    if isinstance(step, Returned):
        return _return(request, step)
    return _apply_beside(request, taken)


def _apply_beside(request: Request, taken: Taken) -> Request:
    """Apply what happens beside a request's course."""
    step = taken.step
    if isinstance(step, ViewingBegun):
        return _begin_viewing(request, taken, step)
    if isinstance(step, ViewingEnded):
        return _end_viewing(request, step)
    if isinstance(step, MaskedCopyBegun | MaskedCopyConfirmed | MaskedCopyRejected):
        return _mask(request, taken, step)
    if isinstance(step, Documented):
        return _document(request, step)
    if isinstance(step, IdentityChecked):
        return _identify(request, step)
    raise _not_now(request, _name(step), "this is no step of a request.", "請求の手続ではありません。")


def _begin(request: Request | None, taken: Taken, step: Filed | Refused) -> Request:
    if request is not None:
        raise _not_now(request, _name(step), "its number is taken.", "番号が重複しています。")
    begun = Request(taken.request_id, 1, RequestState.FILED, step.document, taken.utc_ms)
    if isinstance(step, Refused):
        refused = replace(begun, state=RequestState.REFUSED, refusal=step.reason)
        return replace(refused, refusal_english=step.text, refusal_japanese=step.text_ja)
    return begun


def _amend(request: Request, taken: Taken, step: Amended) -> Request:
    _require_requester(request, taken)
    _require(request, step, _UNOPENED, "file a new request instead.", "新たに請求してください。")
    if step.document.requester != request.document.requester:
        raise NotTheRequester(request.request_id, request.document.requester)
    return Request(request.request_id, request.revision + 1, RequestState.FILED, step.document, request.filed_utc_ms)


def _decide(request: Request, taken: Taken, step: Decided) -> Request:
    if taken.person == request.document.requester:
        raise OwnRequest(request.request_id)
    if not step.reason:
        raise RequestInvalid("reason", "a decision needs its reason in writing.", "決裁には理由の記載が必要です。")
    decided = replace(
        request,
        outcome=step.outcome,
        decided_by=taken.person,
        decision_reason=step.reason,
        decided_utc_ms=taken.utc_ms,
        granted=None,
        granted_signature=b"",
        approvals=(),
        document_due_utc_ms=step.document_due_utc_ms,
    )
    if step.outcome is Outcome.REFUSED:
        _require(request, step, _UNOPENED, "it cannot be refused any more.", "不許可とすることはできません。")
        return replace(decided, state=RequestState.REFUSED)
    _require(
        request,
        step,
        (RequestState.FILED,),
        "it has been decided; a change of the request needs a new decision.",
        "決裁済みです。請求を変更した場合のみ改めて決裁できます。",
    )
    granted = _granted_of(request, taken, step)
    return replace(decided, state=RequestState.GRANTED, granted=granted, granted_signature=step.signature)


def _granted_of(request: Request, taken: Taken, step: Decided) -> GrantedRequest:
    """Return the granted request of a decision, which must be the request itself or a part of it."""
    try:
        granted = read_granted(canonical(step.granted))
    except GrantInvalid as error:
        raise RequestInvalid("granted", f"not a granted request ({error}).", "決裁文書が不正です。") from None
    document = request.document
    cameras = {camera.name for camera in granted.cameras}
    whole = (
        cameras == set(document.cameras)
        and (granted.from_utc_ms, granted.to_utc_ms) == (document.from_utc_ms, document.to_utc_ms)
        and set(granted.outputs) == set(document.outputs)
    )
    inside = (
        cameras <= set(document.cameras)
        and (not document.outputs or set() < set(granted.outputs) <= set(document.outputs))
        and document.from_utc_ms <= granted.from_utc_ms
        and granted.to_utc_ms <= document.to_utc_ms
    )
    if not inside or whole != (step.outcome is Outcome.GRANTED):
        raise RequestInvalid(
            "granted",
            "granted means all of the request, partly a part of it and nothing else.",
            "「許可」は請求の全部、「一部許可」は請求の一部に限ります。",
        )
    same = (
        granted.request_id == request.request_id
        and granted.revision == request.revision
        and granted.requester == document.requester
        and granted.extraction_key == document.extraction_key
        and granted.recipient == document.recipient
        and granted.decision.person == taken.person
    )
    if not same:
        raise RequestInvalid("granted", "it is not about this request.", "この請求の決裁文書ではありません。")
    return granted


def _approve(request: Request, taken: Taken, step: Approved) -> Request:
    _require(
        request,
        step,
        (RequestState.GRANTED, RequestState.APPROVED),
        "custodians approve after the decision and before the opening.",
        "鍵管理者の承認は、決裁の後、開封の前に行います。",
    )
    granted = request.granted
    if granted is None or step.granted_digest != granted.digest:
        raise ApprovalRefused(
            "void",
            f"This approval is not for request {request.request_id} as it now stands: approve it anew.",
            f"この承認は、現在の請求 {request.request_id} に対するものではありません。改めて承認してください。",
        )
    if any(step.custodian_id == approval.custodian_id for approval in request.approvals):
        raise ApprovalRefused(
            "twice",
            f"{step.name} has approved request {request.request_id} already.",
            f"{step.name} は請求 {request.request_id} を既に承認しています。",
        )
    known = {segment.segment_uid for segment in granted.segments}
    if not step.segment_uids or not set(step.segment_uids) <= known:
        raise ApprovalRefused(
            "segments",
            "The approval holds shares of other segments than the granted ones.",
            "承認の対象が決裁されたセグメントと一致しません。",
        )
    approval = Approval(step.custodian_id, step.name, taken.utc_ms, frozenset(step.segment_uids))
    approved = replace(request, approvals=(*request.approvals, approval))
    enough = approved.missing_approvals == 0
    return replace(approved, state=RequestState.APPROVED if enough else RequestState.GRANTED)


def _recover(request: Request, taken: Taken, step: RecoveryOpened) -> Request:
    """Break-glass counts as an approval by everybody, of the segments that it opened."""
    if taken.person == request.document.requester:
        raise OwnRequest(request.request_id)
    approved = Approved(recovery_id(step.recovery_key), RECOVERY_NAME, "", step.granted_digest, step.segment_uids, b"")
    opened = _approve(request, taken, approved)
    *others, last = opened.approvals
    recovered = replace(opened, approvals=(*others, replace(last, whole=True)))
    enough = recovered.missing_approvals == 0
    return replace(recovered, state=RequestState.APPROVED if enough else RequestState.GRANTED)


def recovery_id(recovery_key: bytes) -> bytes:
    """Return 16 bytes that stand for a recovery key among custodians' ids."""
    return hashlib.sha256(b"kuramori/v1/recovery-id" + recovery_key).digest()[:16]


def _open(request: Request, taken: Taken, step: Opened) -> Request:
    require_openable(request, taken.person, taken.utc_ms)
    if taken.person not in step.present or len(set(step.present)) < PRESENT_LEAST:
        raise WitnessMissing
    if step.opening != request.openings + 1:
        raise RequestInvalid("opening", "openings are counted one by one.", "開封回数が不正です。")
    return replace(request, state=RequestState.OPENED, openings=step.opening)


def _begin_viewing(request: Request, taken: Taken, step: ViewingBegun) -> Request:
    require_openable(request, taken.person, taken.utc_ms)
    if taken.person not in step.present or len(set(step.present)) < PRESENT_LEAST:
        raise WitnessMissing
    if step.viewing != request.viewings + 1:
        raise RequestInvalid("viewing", "viewings are counted one by one.", "閲覧回数が不正です。")
    state = RequestState.VIEWED if request.state is RequestState.APPROVED else request.state
    return replace(request, state=state, viewings=step.viewing)


def _end_viewing(request: Request, step: ViewingEnded) -> Request:
    if not 1 <= step.viewing <= request.viewings:
        raise RequestInvalid("viewing", "no such viewing was begun.", "開始されていない閲覧です。")
    return request


def _mask(request: Request, taken: Taken, step: MaskingStep) -> Request:
    if isinstance(step, MaskedCopyBegun):
        _require_requester(request, taken)
        states = (RequestState.OPENED, RequestState.RELEASED)
        _require(request, step, states, "it has to be opened first.", "先に開封が必要です。")
        if step.opening != request.openings:
            raise RequestInvalid("opening", "a masked copy belongs to its own opening.", "開封回数が不正です。")
    copies = with_step(request.masked_copies, step, request.request_id, taken.person, taken.utc_ms)
    return replace(request, masked_copies=copies)


def require_openable(request: Request, person: str, utc_ms: int) -> None:
    """Raise the DeskFault that says why this person may not open the request now."""
    _require_requester_named(request, person)
    if request.state is RequestState.GRANTED and request.granted is not None:
        missing = request.missing_approvals
        raise ApprovalsMissing(request.request_id, len(request.approvals), len(request.approvals) + missing)
    if request.state not in _OPENABLE:
        raise _not_now(request, "opened", "it has to be granted and approved first.", "先に決裁と承認が必要です。")
    if any(utc_ms - approval.utc_ms > APPROVAL_LIFETIME_MS for approval in request.approvals):
        raise ApprovalsExpired(request.request_id, APPROVAL_DAYS)


def _release(request: Request, taken: Taken, step: Released) -> Request:
    _require_requester(request, taken)
    states = (RequestState.OPENED, RequestState.RELEASED)  # two bundles may be on their way at once
    _require(request, step, states, "it has to be opened first.", "先に開封が必要です。")
    if step.opening > request.openings or any(step.opening == done.opening for done in request.handovers):
        raise RequestInvalid("opening", "every bundle belongs to its own opening.", "開封回数が不正です。")
    require_confirmed(request.masked_copies, step.opening)
    handover = Handover(step.opening, step.manifest_digest, taken.utc_ms)
    return replace(request, state=RequestState.RELEASED, handovers=(*request.handovers, handover))


def _written(request: Request, step: BundleWritten) -> Request:
    _require_handover(request, step)
    fits = [handover.manifest_digest == step.manifest_digest for handover in request.handovers]
    if not any(fits):
        raise RequestInvalid(
            "manifest_digest", "no bundle of this request has it.", "この請求の提供データではありません。"
        )
    handovers = tuple(
        replace(handover, medium=step.medium) if fit else handover
        for handover, fit in zip(request.handovers, fits, strict=True)
    )
    return replace(request, handovers=handovers)


def _return(request: Request, step: Returned) -> Request:
    _require_handover(request, step)
    return replace(request, state=RequestState.RETURNED, returned_utc_ms=step.on_utc_ms)


def _document(request: Request, step: Documented) -> Request:
    if not request.document.urgent or request.documented_number or request.state is RequestState.REFUSED:
        raise _not_now(request, _name(step), "no document is owed for it.", "後日提出の文書はありません。")
    return replace(request, documented_number=step.document_number, documented_utc_ms=step.received_utc_ms)


def _identify(request: Request, step: IdentityChecked) -> Request:
    if request.state in (RequestState.REFUSED, RequestState.RETURNED):
        raise _not_now(request, _name(step), "nothing is handed over any more.", "提供は終了しています。")
    return replace(request, receiver=step.name, identity_check=step.identity_check)


def _require_handover(request: Request, step: object) -> None:
    if not request.waits_for_return:
        raise _not_now(request, _name(step), "nothing has been handed over.", "まだ提供されていません。")


def _require_requester(request: Request, taken: Taken) -> None:
    _require_requester_named(request, taken.person)


def _require_requester_named(request: Request, person: str) -> None:
    if person != request.document.requester:
        raise NotTheRequester(request.request_id, request.document.requester)


def _require(request: Request, step: object, states: tuple[RequestState, ...], english: str, japanese: str) -> None:
    if request.state not in states:
        raise _not_now(request, _name(step), english, japanese)


def _not_now(request: Request, step: str, english: str, japanese: str) -> TransitionRefused:
    state, shown = request.state, STATE_NAMES_JAPANESE[request.state]
    return TransitionRefused(request.request_id, state.value, shown, step, english, japanese)


def _name(step: object) -> str:
    return type(step).__name__
