"""The register as an auditor reads it (H5): every viewing, hand-over, hold, custodian change and refused attempt.

Each entry has a class; a kind that has none of its own is shown as OTHER, so that nothing new is hidden. The hourly
receipts of erasure are summed up, not listed, unless asked for. Pure. Must not know HTTP, nor how entries are stored.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kuramori.desk.register import Record
from kuramori.desk.register_entry import EntryKind


class AuditClass(StrEnum):
    """What an entry is about."""

    REQUEST = "request"  # filed, decided, approved
    HANDOVER = "handover"  # viewing and hand-over
    REFUSED = "refused"
    HOLD = "hold"
    CUSTODY = "custody"
    ERASURE = "erasure"  # ordered by somebody
    RECEIPT = "receipt"  # of the recorder for each destruction of keys, one an hour
    CAMERA = "camera"
    MEDIA = "media"
    ACCOUNT = "account"
    COMPLAINT = "complaint"
    REGISTER = "register"
    OTHER = "other"


USUAL = frozenset(AuditClass) - {AuditClass.RECEIPT}

_KINDS: dict[AuditClass, tuple[str, ...]] = {
    AuditClass.REQUEST: ("filed", "amended", "decided", "approved", "documented", "identity_checked"),
    AuditClass.HANDOVER: (
        "presence_confirmed",
        "viewing_begun",
        "viewing_ended",
        "opened",
        "released",
        "bundle_written",
        "masked_copy_begun",
        "masked_copy_confirmed",
        "masked_copy_rejected",
        "returned",
    ),
    AuditClass.REFUSED: ("refused", "approval_refused", "hold_refused"),
    AuditClass.HOLD: ("hold_placed", "hold_lifted"),
    AuditClass.CUSTODY: (
        "custody_changed",
        "custody_proposed",
        "custody_withdrawn",
        "handed_on",
        "hand_on_discarded",
        "custodians_released",
        "custody_drilled",
        "recovery_begun",
        "recovery_opened",
    ),
    AuditClass.ERASURE: ("erase_ordered", "time_confirmed"),
    AuditClass.RECEIPT: ("erased",),
    AuditClass.CAMERA: (
        "camera_enrolled",
        "camera_retired",
        "camera_paused",
        "camera_resumed",
        "aimed",
        "view_confirmed",
        "certificate_accepted",
    ),
    AuditClass.MEDIA: (
        "retirement_ordered",
        "volume_retired",
        "disposal_completed",
        "medium_permitted",
        "medium_missed",
        "medium_back",
        "medium_accepted",
    ),
    AuditClass.ACCOUNT: (
        "user_added",
        "secrecy_acknowledged",
        "user_left",
        "recovery_code_made",
        "recovery_code_used",
        "token_made",
        "token_revoked",
    ),
    AuditClass.COMPLAINT: ("complaint_received", "complaint_answered"),
    AuditClass.REGISTER: ("backed_up", "restored", "bodies_deleted"),
}
CLASS_OF_KIND: dict[str, AuditClass] = {kind: one for one, kinds in _KINDS.items() for kind in kinds}
REFUSED_OUTCOME = "refused"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is wanted: a period (half open), classes, kinds, one person, one request. Empty: any."""

    from_utc_ms: int
    to_utc_ms: int
    classes: Set[AuditClass] = USUAL
    kinds: Set[str] = frozenset()
    person: str = ""
    request: str = ""

    def fits(self, record: Record) -> bool:
        """Tell whether an entry is wanted."""
        entry = record.entry
        if not self.from_utc_ms <= entry.utc_ms < self.to_utc_ms:
            return False
        if self.kinds and entry.kind not in self.kinds:
            return False
        if not self.kinds and class_of(record) not in self.classes:
            return False
        return self.person in ("", entry.person or "") and self.request in ("", entry.request or "")


def class_of(record: Record) -> AuditClass:
    """Return what an entry is about; a decision that refuses is a refusal."""
    kind = record.entry.kind
    if kind == EntryKind.DECIDED and (record.content or {}).get("outcome") == REFUSED_OUTCOME:
        return AuditClass.REFUSED
    return CLASS_OF_KIND.get(kind, AuditClass.OTHER)


def events(records: Iterable[Record], wanted: AuditFilter) -> Iterator[Record]:
    """Yield the entries that are wanted, in their order."""
    return filter(wanted.fits, records)


@dataclass(slots=True)
class ErasureSummary:
    """What was destroyed in a period. Keys by cause and by camera; `receipts` counts the recorder's receipts."""

    receipts: int = 0
    keys: int = 0
    kept_for_holds: int = 0  # segment keys that lived on under a hold
    first_utc_ms: int = 0
    last_utc_ms: int = 0
    tiers: list[str] = field(default_factory=list)  # claimed, the strength of each receipt
    by_cause: dict[str, int] = field(default_factory=dict)
    by_camera: dict[str, int] = field(default_factory=dict)

    def add(self, receipt: dict[str, Any], utc_ms: int) -> None:
        """Count one receipt."""
        keys = sum(int(one["keys"]) for one in receipt["erased"])
        self.first_utc_ms = self.first_utc_ms or utc_ms
        self.last_utc_ms = utc_ms
        self.receipts += 1
        self.keys += keys
        self.kept_for_holds += int(receipt["kept_for_holds"])
        if receipt["tier"] not in self.tiers:
            self.tiers.append(receipt["tier"])
        self.by_cause[receipt["cause"]] = self.by_cause.get(receipt["cause"], 0) + keys
        for one in receipt["erased"]:
            self.by_camera[one["camera"]] = self.by_camera.get(one["camera"], 0) + int(one["keys"])


def erasures_in(records: Iterable[Record], from_utc_ms: int, to_utc_ms: int) -> ErasureSummary:
    """Sum up the receipts of a period."""
    summary = ErasureSummary()
    for record in records:
        if record.entry.kind == EntryKind.ERASED and from_utc_ms <= record.entry.utc_ms < to_utc_ms:
            content = record.content
            if content is not None:
                summary.add(content["receipt"], record.entry.utc_ms)
    return summary
