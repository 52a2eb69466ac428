"""What the API shows of requests, the register and the recorder: frozen values, JSON by their field names.

Times are UTC milliseconds, digests and ids hexadecimal, other bytes base64. Must not know HTTP.
"""

from dataclasses import dataclass
from typing import Any

from kuramori.camera_messages import Light
from kuramori.desk.custody_status import CustodyStatus
from kuramori.desk.granted import Recipient
from kuramori.desk.register import Record
from kuramori.desk.request import Request
from kuramori.messages import RecorderStatus
from kuramori.texts import BothLanguages
from kuramori.wire import WireBytes


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A custodian who has approved."""

    custodian_id: str
    name: str
    utc_ms: int


@dataclass(frozen=True, slots=True)
class HandoverView:
    """A bundle that has left."""

    opening: int
    manifest_digest: str
    utc_ms: int
    medium: str


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as it stands. `hold_trouble` is a sentence where its minutes are not held (yet)."""

    request_id: str
    revision: int
    state: str
    cameras: tuple[str, ...]
    from_utc_ms: int
    to_utc_ms: int
    ground: str
    document_number: str
    recipient: Recipient
    purpose: str
    conditions: str
    place: str
    other: str
    requester: str
    witnesses: tuple[str, ...]
    filed_utc_ms: int
    outcome: str
    decided_by: str
    decision_reason: str
    decided_utc_ms: int
    granted_digest: str
    approvals: tuple[ApprovalView, ...]
    missing_approvals: int
    openings: int
    handovers: tuple[HandoverView, ...]
    waits_for_return: bool
    returned_utc_ms: int | None
    refusal: str
    hold_trouble: str = ""
    matter: str = ""
    outputs: tuple[str, ...] = ()
    granted_outputs: tuple[str, ...] = ()
    granted_cameras: tuple[str, ...] = ()
    granted_from_utc_ms: int = 0
    granted_to_utc_ms: int = 0
    erase_by_utc_ms: int = 0  # agreed with the recipient; 0: as the site's terms say
    urgent: bool = False  # filed without a document, which may follow
    owes_document: bool = False  # granted, and the document has not come
    document_due_utc_ms: int = 0
    documented_utc_ms: int = 0
    documented_number: str = ""
    receiver: str = ""  # who receives in person
    identity_check: str = ""  # of the receiver; else the recipient's
    refusal_english: str = ""
    refusal_japanese: str = ""

    @classmethod
    def of(cls, request: Request, hold_trouble: str = "") -> "RequestView":
        """Return the view of a request."""
        document = request.document
        return cls(
            request_id=request.request_id,
            revision=request.revision,
            state=request.state.value,
            cameras=document.cameras,
            from_utc_ms=document.from_utc_ms,
            to_utc_ms=document.to_utc_ms,
            ground=document.ground,
            document_number=document.document_number,
            recipient=document.recipient,
            purpose=document.purpose,
            conditions=document.conditions,
            place=document.place,
            other=document.other,
            requester=document.requester,
            witnesses=document.witnesses,
            filed_utc_ms=request.filed_utc_ms,
            outcome=request.outcome.value if request.outcome else "",
            decided_by=request.decided_by,
            decision_reason=request.decision_reason,
            decided_utc_ms=request.decided_utc_ms,
            granted_digest=request.granted.digest.hex() if request.granted else "",
            approvals=tuple(
                ApprovalView(done.custodian_id.hex(), done.name, done.utc_ms) for done in request.approvals
            ),
            missing_approvals=request.missing_approvals,
            openings=request.openings,
            handovers=tuple(
                HandoverView(done.opening, done.manifest_digest.hex(), done.utc_ms, done.medium)
                for done in request.handovers
            ),
            waits_for_return=request.waits_for_return,
            returned_utc_ms=request.returned_utc_ms,
            refusal=request.refusal,
            hold_trouble=hold_trouble,
            **_beside(request),
        )


def _beside(request: Request) -> dict[str, Any]:
    """What a request has beside the fields of the form."""
    document, granted = request.document, request.granted
    return {
        "matter": document.matter,
        "outputs": document.outputs,
        "granted_outputs": granted.outputs if granted else (),
        "granted_cameras": tuple(camera.name for camera in granted.cameras) if granted else (),
        "granted_from_utc_ms": granted.from_utc_ms if granted else 0,
        "granted_to_utc_ms": granted.to_utc_ms if granted else 0,
        "erase_by_utc_ms": document.erase_by_utc_ms,
        "urgent": document.urgent,
        "owes_document": request.owes_document,
        "document_due_utc_ms": request.document_due_utc_ms,
        "documented_utc_ms": request.documented_utc_ms,
        "documented_number": request.documented_number,
        "receiver": request.receiver,
        "identity_check": request.identity_check or document.recipient.identity_check,
        "refusal_english": request.refusal_english,
        "refusal_japanese": request.refusal_japanese,
    }


@dataclass(frozen=True, slots=True)
class RequestList:
    """A page of requests, newest first. `next` is null on the last."""

    requests: tuple[RequestView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry of the register. `entry` is its exact bytes; `body` and `salt` are null once deleted."""

    index: int
    utc_ms: int
    kind: str
    request: str | None
    person: str | None
    entry: WireBytes
    salt: str | None
    body: dict[str, Any] | None

    @classmethod
    def of(cls, record: Record) -> "EntryView":
        """Return the view of a record."""
        entry = record.entry
        return cls(
            entry.index,
            entry.utc_ms,
            entry.kind,
            entry.request,
            entry.person,
            record.entry_bytes,
            record.salt.hex() if record.salt is not None else None,
            record.content,
        )


@dataclass(frozen=True, slots=True)
class RegisterView:
    """A page of entries, and the checkpoint over the whole register. `next` is null on the last page."""

    size: int
    entries: tuple[EntryView, ...]
    checkpoint: str
    verifier: str
    next: str | None


@dataclass(frozen=True, slots=True)
class CheckpointView:
    """The register in a few lines, and whose key signs it. `device_key` is the recorder's (SPKI, DER)."""

    checkpoint: str
    verifier: str
    recorder_id: str
    site: str
    device_key: WireBytes


@dataclass(frozen=True, slots=True)
class ProofView:
    """A proof of the tree of `size` entries, for the checkpoint beside it."""

    size: int
    path: tuple[WireBytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class SharesView:
    """The approvals that count, for the handler: each document holds shares sealed to the extraction key."""

    granted: WireBytes
    signature: WireBytes
    approvals: tuple[WireBytes, ...]


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """The desk itself."""

    utc_ms: int
    site: str
    recorder_id: str
    rule_set: str
    time_zone: str
    register_size: int
    register_verifier: str
    open_requests: int  # filed, granted or approved
    waiting_for_return: int  # hand-overs whose erasure or return has not been reported (H6)
    complaints_waiting: int = 0  # for an answer (O8)
    complaints_overdue: int = 0  # of them, beyond papers.answer_within


@dataclass(frozen=True, slots=True)
class OpenDisposal:
    """A retired medium of which nobody has told yet how it was destroyed (K6)."""

    record: int
    volume: str
    retired_utc_ms: int  # 0: its keys are not destroyed yet


@dataclass(frozen=True, slots=True)
class ReminderView:
    """Something that the office must not forget; names nobody. `kind` is a ReminderKind's value."""

    kind: str
    request_id: str
    hold_id: str
    due_utc_ms: int
    late: bool
    text: BothLanguages


@dataclass(frozen=True, slots=True)
class StatusView:
    """Everything at a glance. `recorder` is null while it does not answer; `processes` as the supervisor says."""

    desk: DeskStatus
    recorder: RecorderStatus | None
    processes: dict[str, Any]
    problems: tuple[str, ...]
    views_not_confirmed: tuple[str, ...] = ()  # cameras of which no handler has confirmed the view yet (R4)
    custody: CustodyStatus | None = None
    open_disposals: tuple[OpenDisposal, ...] = ()
    light: Light = Light.UNKNOWN
    desk_problems: tuple[str, ...] = ()  # of `problems`, what the desk itself says
    desk_problem_texts: tuple[BothLanguages, ...] = ()  # the same, for readers of either language
    reminders: tuple[ReminderView, ...] = ()  # only what is late and serious is a problem too


@dataclass(frozen=True, slots=True)
class StateProblem:
    """One thing that is wrong. `key` stays while only figures change; `text` is in the caller's language."""

    key: str
    text: str
    urgent: bool
    english: str
    japanese: str


@dataclass(frozen=True, slots=True)
class StateView:
    """The light, green or red, and why it is red; green has no problems (kuramori.site_state)."""

    utc_ms: int
    light: Light
    problems: tuple[StateProblem, ...]


@dataclass(frozen=True, slots=True)
class GroundView:
    """A ground of the site's rule set."""

    code: str
    english: str
    japanese: str
    source_english: str
    source_japanese: str
    document_english: str
    document_japanese: str
    usual_recipient: str
    hand_over: bool
    recipients: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    document_later: bool = False  # urgent: granted first, documented within a set time
    referral: str = ""  # the matter for which a private person who names it is referred


@dataclass(frozen=True, slots=True)
class GroundList:
    """The grounds of the site's rule set."""

    rule_set: str
    grounds: tuple[GroundView, ...]
