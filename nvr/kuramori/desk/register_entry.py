"""One entry of the register: its kinds, its bytes, and how it is tied to its body.

The format is final (REGISTER.md): an entry is hashed into the tree as it stands; its body, which names people,
lies beside it under a salt and can be deleted after its time without touching the tree. Pure.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kuramori.desk.canonical_json import JsonRefused, canonical, parse_canonical

SALT_BYTES = 32
ENTRY_LIMIT_BYTES = 4096
BODY_LIMIT_BYTES = 8 * 1024 * 1024  # a granted request that names PLAN_LIMIT_SEGMENTS segments fits
NAME_MOST = 200
_MEMBERS = frozenset({"index", "utc_ms", "kind", "request", "person", "body_digest"})
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class EntryKind(StrEnum):
    """What happened. New kinds may be added; none is ever removed or given another meaning."""

    FILED = "filed"
    AMENDED = "amended"  # the request was changed: approvals are void
    DECIDED = "decided"
    APPROVED = "approved"
    APPROVAL_REFUSED = "approval_refused"  # an attempt that does not count
    PRESENCE_CONFIRMED = "presence_confirmed"  # a second member of staff, by an own sign-in (H4)
    OPENED = "opened"
    RELEASED = "released"
    BUNDLE_WRITTEN = "bundle_written"  # written to the recipient's medium and read back
    VIEWING_BEGUN = "viewing_begun"  # looked at on the desk's screen: nothing is handed over
    VIEWING_ENDED = "viewing_ended"
    MASKED_COPY_BEGUN = "masked_copy_begun"  # its number is never given again
    MASKED_COPY_CONFIRMED = "masked_copy_confirmed"  # another person looked through it
    MASKED_COPY_REJECTED = "masked_copy_rejected"
    RETURNED = "returned"  # the recipient erased, returned or destroyed the pictures
    REFUSED = "refused"
    DOCUMENTED = "documented"  # the document of an urgent request came after the decision
    IDENTITY_CHECKED = "identity_checked"  # of whoever receives the pictures in person
    HOLD_PLACED = "hold_placed"
    HOLD_LIFTED = "hold_lifted"
    HOLD_REFUSED = "hold_refused"  # the recorder could not place it
    ERASE_ORDERED = "erase_ordered"
    ERASED = "erased"  # the recorder's receipt: keys are destroyed
    TIME_CONFIRMED = "time_confirmed"  # by k custodians: what is overdue by it dies
    CUSTODY_CHANGED = "custody_changed"
    CUSTODY_PROPOSED = "custody_proposed"
    CUSTODY_WITHDRAWN = "custody_withdrawn"
    HANDED_ON = "handed_on"  # shares, to the custodians now in office
    HAND_ON_DISCARDED = "hand_on_discarded"
    CUSTODIANS_RELEASED = "custodians_released"
    CUSTODY_DRILLED = "custody_drilled"
    RECOVERY_BEGUN = "recovery_begun"  # break-glass: sheets are about to be typed
    RECOVERY_OPENED = "recovery_opened"  # break-glass: a granted request was opened without custodians
    CAMERA_ENROLLED = "camera_enrolled"
    CAMERA_RETIRED = "camera_retired"
    CAMERA_PAUSED = "camera_paused"
    CAMERA_RESUMED = "camera_resumed"
    AIMED = "aimed"  # one still was shown to an installer, a handler present; nothing of it is kept
    VIEW_CONFIRMED = "view_confirmed"  # a handler saw that no private space is visible
    CERTIFICATE_ACCEPTED = "certificate_accepted"
    BACKED_UP = "backed_up"
    RESTORED = "restored"  # the recorder goes on from a backup
    RETIREMENT_ORDERED = "retirement_ordered"  # of a medium (K6)
    VOLUME_RETIRED = "volume_retired"  # its keys are destroyed; its disposal record is open
    DISPOSAL_COMPLETED = "disposal_completed"
    MEDIUM_PERMITTED = "medium_permitted"  # to leave its place (K7)
    MEDIUM_MISSED = "medium_missed"
    MEDIUM_BACK = "medium_back"
    MEDIUM_ACCEPTED = "medium_accepted"  # another one than before lies in its place, and that is right
    USER_ADDED = "user_added"
    SECRECY_ACKNOWLEDGED = "secrecy_acknowledged"
    USER_LEFT = "user_left"
    RECOVERY_CODE_MADE = "recovery_code_made"
    RECOVERY_CODE_USED = "recovery_code_used"  # an administrator's sign-in was got back with the code from the safe
    TOKEN_MADE = "token_made"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    COMPLAINT_RECEIVED = "complaint_received"  # or a question
    COMPLAINT_ANSWERED = "complaint_answered"
    BODIES_DELETED = "bodies_deleted"  # bodies past their five years


class EntryInvalid(ValueError):
    """Bytes are not an entry of the register."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the tree holds. `request` and `person` are None where there is none."""

    index: int
    utc_ms: int
    kind: str
    request: str | None
    person: str | None
    body_digest: str  # 64 hexadecimal digits

    def to_bytes(self) -> bytes:
        """Return the canonical JSON that is hashed into the tree."""
        return canonical(
            {
                "index": self.index,
                "utc_ms": self.utc_ms,
                "kind": self.kind,
                "request": self.request,
                "person": self.person,
                "body_digest": self.body_digest,
            }
        )

    @classmethod
    def parse(cls, document: bytes) -> "Entry":
        """Return the entry of its bytes. Raises EntryInvalid."""
        try:
            value = parse_canonical(document, ENTRY_LIMIT_BYTES)
        except JsonRefused as error:
            raise EntryInvalid(str(error)) from None
        if not isinstance(value, dict) or value.keys() != _MEMBERS:
            raise EntryInvalid("not the members of an entry")
        entry = cls(**value)
        if type(entry.index) is not int or type(entry.utc_ms) is not int or entry.index < 0:
            raise EntryInvalid("index and utc_ms are integers")
        if not isinstance(entry.kind, str) or not entry.kind:
            raise EntryInvalid("kind is a text")
        if not all(isinstance(name, str | None) for name in (entry.request, entry.person)):
            raise EntryInvalid("request and person are texts or null")
        if not isinstance(entry.body_digest, str) or not _DIGEST.match(entry.body_digest):
            raise EntryInvalid("body_digest is 64 hexadecimal digits")
        return entry


def body_digest(salt: bytes, body: bytes) -> str:
    """Return SHA-256(salt || body) in hexadecimal; `body` is canonical JSON, the salt 32 random bytes.

    The salt makes guessing a deleted body from its digest hopeless.
    """
    if len(salt) != SALT_BYTES:
        raise EntryInvalid(f"a salt has {SALT_BYTES} bytes")
    return hashlib.sha256(salt + body).hexdigest()


def body_bytes(body: dict[str, Any]) -> bytes:
    """Return the canonical JSON of a body. Raises EntryInvalid."""
    try:
        document = canonical(body)
    except JsonRefused as error:
        raise EntryInvalid(str(error)) from None
    if len(document) > BODY_LIMIT_BYTES:
        raise EntryInvalid(f"a body of {len(document)} bytes; at most {BODY_LIMIT_BYTES}")
    return document
