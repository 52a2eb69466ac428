"""What can happen to requests, holds and recordings, one frozen value each: the bodies of the register.

Those of cameras stand in `camera_steps`.

A step together with who did it and when (`Taken`) is all that the state of a request is made from: the desk writes
the step into the register and only then applies it, and after a restart applies the register again. Pure; field
names are part of the register's format (REGISTER.md) and never change their meaning.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kuramori.desk.account_steps import (
    AccountStep,
    RecoveryCodeMade,
    RecoveryCodeUsed,
    SecrecyAcknowledged,
    TokenMade,
    TokenRevoked,
    UserAdded,
    UserLeft,
)
from kuramori.desk.attempt_steps import ApprovalTurnedDown
from kuramori.desk.camera_steps import (
    Aimed,
    CameraEnrolled,
    CameraPaused,
    CameraResumed,
    CameraRetired,
    CameraStep,
    CertificateAccepted,
    ViewConfirmed,
)
from kuramori.desk.complaint_steps import ComplaintAnswered, ComplaintReceived, ComplaintStep
from kuramori.desk.custody_steps import (
    CustodiansReleased,
    CustodyChanged,
    CustodyDrilled,
    CustodyProposed,
    CustodyStep,
    CustodyWithdrawn,
    HandedOn,
    HandOnDiscarded,
    RecoveryBegun,
    RecoveryOpened,
)
from kuramori.desk.ending_steps import (
    BackedUp,
    DisposalCompleted,
    EndingStep,
    MediumAccepted,
    MediumBack,
    MediumMissed,
    MediumPermitted,
    Restored,
    RetirementOrdered,
    VolumeRetired,
)
from kuramori.desk.granted import Recipient
from kuramori.desk.masking_steps import MaskedCopyBegun, MaskedCopyConfirmed, MaskedCopyRejected, MaskingStep
from kuramori.desk.presence_steps import PresenceConfirmed
from kuramori.desk.register_entry import EntryKind
from kuramori.desk.request_steps import Documented, IdentityChecked, RequestNote
from kuramori.desk.viewing_steps import ViewingBegun, ViewingEnded
from kuramori.messages import Erasure
from kuramori.wire import WireBytes


@dataclass(frozen=True, slots=True)
class RequestDocument:
    """What a handler files (H2, H5). Times are half open: from included, to not."""

    cameras: tuple[str, ...]
    from_utc_ms: int
    to_utc_ms: int
    ground: str
    document_number: str
    recipient: Recipient
    purpose: str
    conditions: str
    place: str  # where it is handed over or looked at
    other: str
    requester: str
    witnesses: tuple[str, ...]
    extraction_key: WireBytes  # X25519 public key, 32 bytes
    matter: str = ""  # Matter: what a private person is after
    outputs: tuple[str, ...] = ()  # Output: what is wanted of the recordings; empty: what the ground allows
    erase_by_utc_ms: int = 0  # agreed with the recipient; 0: as the site's terms say
    urgent: bool = False  # no document yet, which the ground allows; set by the desk


class Outcome(StrEnum):
    """How a manager decides."""

    GRANTED = "granted"
    PARTLY = "partly"
    REFUSED = "refused"


class ReturnKind(StrEnum):
    """How a hand-over ends at the recipient (H6)."""

    ERASED = "erased"
    RETURNED = "returned"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class Filed:
    """A request exists from here on. `ground_words`: what the ground said at that time, in Japanese."""

    document: RequestDocument
    ground_words: str = ""


@dataclass(frozen=True, slots=True)
class Amended:
    """The request was changed: a new revision, undecided, without approvals."""

    document: RequestDocument
    ground_words: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision. `granted` is the granted request's document, None where refused; `signature` is over it."""

    outcome: Outcome
    reason: str
    granted: dict[str, Any] | None
    signature: WireBytes
    document_due_utc_ms: int = 0  # of an urgent request without a document; 0: none is owed


@dataclass(frozen=True, slots=True)
class Approved:
    """A custodian opened own shares for exactly this granted request."""

    custodian_id: WireBytes
    name: str
    title: str
    granted_digest: WireBytes
    segment_uids: tuple[WireBytes, ...]  # those that this custodian holds a share of
    signature: WireBytes  # the custodian's, over the approval


@dataclass(frozen=True, slots=True)
class Opened:
    """The handler hands the keys in; the recorder is about to release the other half."""

    opening: int  # 1 for the first
    present: tuple[str, ...]  # staff present, the handler among them (H4)
    segments: int
    erased: int  # granted segments that no longer can be opened


@dataclass(frozen=True, slots=True)
class Released:
    """A bundle is about to leave."""

    opening: int
    manifest_digest: WireBytes


@dataclass(frozen=True, slots=True)
class BundleWritten:
    """The bundle stands on the recipient's medium and was read back (K7)."""

    opening: int
    manifest_digest: WireBytes
    medium: str


@dataclass(frozen=True, slots=True)
class Returned:
    """The recipient reported the end of the hand-over (H6)."""

    how: ReturnKind
    on_utc_ms: int
    told_by: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An attempt that the rules refuse outright; it gets a number like a request (H2)."""

    reason: str
    text: str
    document: RequestDocument
    text_ja: str = ""


@dataclass(frozen=True, slots=True)
class HoldPlaced:
    """These minutes are kept longer (K5)."""

    hold_id: str
    cameras: tuple[str, ...]
    from_utc_ms: int
    to_utc_ms: int
    until_utc_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class HoldLifted:
    """The hold ends now."""

    hold_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class HoldRefused:
    """The recorder could not place it."""

    hold_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class EraseOrdered:
    """Keys are destroyed before their time, by a named person's decision."""

    erasure_id: str
    camera: str
    from_utc_ms: int
    to_utc_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class TimeConfirmed:
    """k custodians vouch that it is later than a date: what is overdue by it is destroyed."""

    erasure_id: str  # the statement's id
    later_than_utc_ms: int
    signed_by: tuple[str, ...]
    confirmations: tuple[WireBytes, ...]  # as they were signed


@dataclass(frozen=True, slots=True)
class Erased:
    """The recorder's receipt of one destruction of keys."""

    receipt: Erasure


Step = (
    Filed
    | Amended
    | Decided
    | Approved
    | ApprovalTurnedDown
    | PresenceConfirmed
    | Opened
    | ViewingBegun
    | ViewingEnded
    | Released
    | BundleWritten
    | Returned
    | Refused
    | RequestNote
    | MaskingStep
    | HoldPlaced
    | HoldLifted
    | HoldRefused
    | EraseOrdered
    | TimeConfirmed
    | Erased
    | CustodyStep
    | CameraStep
    | EndingStep
    | AccountStep
    | ComplaintStep
)

KINDS: dict[type[Any], EntryKind] = {
    Filed: EntryKind.FILED,
    Amended: EntryKind.AMENDED,
    Decided: EntryKind.DECIDED,
    Approved: EntryKind.APPROVED,
    ApprovalTurnedDown: EntryKind.APPROVAL_REFUSED,
    PresenceConfirmed: EntryKind.PRESENCE_CONFIRMED,
    Opened: EntryKind.OPENED,
    ViewingBegun: EntryKind.VIEWING_BEGUN,
    ViewingEnded: EntryKind.VIEWING_ENDED,
    Released: EntryKind.RELEASED,
    BundleWritten: EntryKind.BUNDLE_WRITTEN,
    MaskedCopyBegun: EntryKind.MASKED_COPY_BEGUN,
    MaskedCopyConfirmed: EntryKind.MASKED_COPY_CONFIRMED,
    MaskedCopyRejected: EntryKind.MASKED_COPY_REJECTED,
    Returned: EntryKind.RETURNED,
    Refused: EntryKind.REFUSED,
    Documented: EntryKind.DOCUMENTED,
    IdentityChecked: EntryKind.IDENTITY_CHECKED,
    HoldPlaced: EntryKind.HOLD_PLACED,
    HoldLifted: EntryKind.HOLD_LIFTED,
    HoldRefused: EntryKind.HOLD_REFUSED,
    EraseOrdered: EntryKind.ERASE_ORDERED,
    TimeConfirmed: EntryKind.TIME_CONFIRMED,
    Erased: EntryKind.ERASED,
    CustodyChanged: EntryKind.CUSTODY_CHANGED,
    CustodyProposed: EntryKind.CUSTODY_PROPOSED,
    CustodyWithdrawn: EntryKind.CUSTODY_WITHDRAWN,
    HandedOn: EntryKind.HANDED_ON,
    HandOnDiscarded: EntryKind.HAND_ON_DISCARDED,
    CustodiansReleased: EntryKind.CUSTODIANS_RELEASED,
    CustodyDrilled: EntryKind.CUSTODY_DRILLED,
    RecoveryBegun: EntryKind.RECOVERY_BEGUN,
    RecoveryOpened: EntryKind.RECOVERY_OPENED,
    CameraEnrolled: EntryKind.CAMERA_ENROLLED,
    CameraRetired: EntryKind.CAMERA_RETIRED,
    CameraPaused: EntryKind.CAMERA_PAUSED,
    CameraResumed: EntryKind.CAMERA_RESUMED,
    Aimed: EntryKind.AIMED,
    ViewConfirmed: EntryKind.VIEW_CONFIRMED,
    CertificateAccepted: EntryKind.CERTIFICATE_ACCEPTED,
    BackedUp: EntryKind.BACKED_UP,
    Restored: EntryKind.RESTORED,
    RetirementOrdered: EntryKind.RETIREMENT_ORDERED,
    VolumeRetired: EntryKind.VOLUME_RETIRED,
    DisposalCompleted: EntryKind.DISPOSAL_COMPLETED,
    MediumPermitted: EntryKind.MEDIUM_PERMITTED,
    MediumMissed: EntryKind.MEDIUM_MISSED,
    MediumBack: EntryKind.MEDIUM_BACK,
    UserAdded: EntryKind.USER_ADDED,
    SecrecyAcknowledged: EntryKind.SECRECY_ACKNOWLEDGED,
    UserLeft: EntryKind.USER_LEFT,
    RecoveryCodeMade: EntryKind.RECOVERY_CODE_MADE,
    RecoveryCodeUsed: EntryKind.RECOVERY_CODE_USED,
    TokenMade: EntryKind.TOKEN_MADE,
    TokenRevoked: EntryKind.TOKEN_REVOKED,
    MediumAccepted: EntryKind.MEDIUM_ACCEPTED,
    ComplaintReceived: EntryKind.COMPLAINT_RECEIVED,
    ComplaintAnswered: EntryKind.COMPLAINT_ANSWERED,
}
STEP_OF_KIND: dict[str, type[Any]] = {kind.value: step for step, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Taken:
    """A step with who took it and when. `request_id` and `person` are empty where there is none."""

    step: Step
    request_id: str
    person: str
    utc_ms: int
