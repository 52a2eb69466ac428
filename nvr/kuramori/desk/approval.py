"""A custodian's approval: own shares of exactly the granted segments, sealed to the extraction key, signed.

Canonical JSON, bound by its digest to one granted request and by its signature to one custodian. `check_approval`
is what the desk does with bytes from anywhere; a replayed, swapped or foreign approval, or one for the request as
it was before a change, says why it does not count. Imports nothing that exists on Linux only; must not know states.
"""

import base64
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from kuramori.desk.canonical_json import DOCUMENT_LIMIT_BYTES, JsonRefused, canonical, parse_canonical
from kuramori.desk.fault import ApprovalRefused
from kuramori.desk.granted import REQUEST_ID, SEGMENTS_MOST, UTC_MS_MOST, GrantedRequest
from kuramori_segments import es256
from kuramori_segments.custodian_card import CustodianCard
from kuramori_segments.custody import RESEALED_SHARE_BYTES
from kuramori_segments.strict_document import DocumentRefused, StrictDocument

KIND = "approval"
VERSION = 1
SIGNATURE_LABEL = b"kuramori/v1/approval\0"
_NAMES = frozenset({"kuramori", "version", "request", "granted_digest", "custodian_id", "utc_ms", "shares"})
_SHARE_NAMES = frozenset({"segment_uid", "sealed"})


@dataclass(frozen=True, slots=True)
class ResealedShare:
    """A custodian's share of one segment, sealed to the extraction key."""

    segment_uid: bytes
    sealed: bytes  # 81 bytes


@dataclass(frozen=True, slots=True)
class Approval:
    """What a custodian hands in."""

    request_id: str
    granted_digest: bytes
    custodian_id: bytes
    utc_ms: int
    shares: tuple[ResealedShare, ...]

    def document(self) -> dict[str, Any]:
        """Return the document as JSON values."""
        return {
            "kuramori": KIND,
            "version": VERSION,
            "request": self.request_id,
            "granted_digest": _text(self.granted_digest),
            "custodian_id": _text(self.custodian_id),
            "utc_ms": self.utc_ms,
            "shares": [
                {"segment_uid": _text(share.segment_uid), "sealed": _text(share.sealed)} for share in self.shares
            ],
        }

    def to_bytes(self) -> bytes:
        """Return the canonical bytes that are signed."""
        return canonical(self.document())


def signed_message(document: bytes) -> bytes:
    """Return what the custodian's key signs for an approval's bytes."""
    return SIGNATURE_LABEL + document


def read_approval(document: bytes) -> Approval:
    """Read an approval from bytes of any origin. Raises ApprovalRefused."""
    try:
        return _approval(StrictDocument(parse_canonical(document, DOCUMENT_LIMIT_BYTES), _NAMES))
    except (JsonRefused, DocumentRefused) as refusal:
        raise ApprovalRefused(
            "unreadable", f"This is not an approval ({refusal}).", "承認データとして読めません。"
        ) from None


def check_approval(
    document: bytes,
    signature: bytes,
    granted: GrantedRequest,
    cards: Iterable[CustodianCard],
    lost: Collection[bytes] = (),
) -> tuple[Approval, CustodianCard]:
    """Return the approval and whose it is, if it counts for this granted request. Raises ApprovalRefused.

    `cards`: custodians on duty; `lost`: ids of keys that were reported lost, which never count again.
    """
    approval = read_approval(document)
    card = next((card for card in cards if card.custodian_id == approval.custodian_id), None)
    if card is None:
        raise ApprovalRefused(
            "stranger",
            "The approval is not by a custodian of this recorder.",
            "この録画機の鍵管理者による承認ではありません。",
        )
    if card.custodian_id in lost:
        raise key_revoked()
    if not es256.verify(card.public_signing_key(), signature, signed_message(document)):
        raise ApprovalRefused(
            "forged",
            f"The approval's signature is not {card.name}'s.",
            f"承認の署名が {card.name} のものではありません。",
        )
    if approval.request_id != granted.request_id or approval.granted_digest != granted.digest:
        raise ApprovalRefused(
            "void",
            f"This approval is not for request {granted.request_id} as it now stands: approve it anew.",
            f"この承認は、現在の請求 {granted.request_id} に対するものではありません。改めて承認してください。",
        )
    named = [share.segment_uid for share in approval.shares]
    if not named or len(set(named)) != len(named) or not set(named) <= _uids(granted):
        raise ApprovalRefused(
            "segments",
            "The approval holds shares of other segments than the granted ones.",
            "承認の対象が決裁されたセグメントと一致しません。",
        )
    return approval, card


def key_revoked() -> ApprovalRefused:
    """Return the refusal of a key that was reported lost."""
    return ApprovalRefused(
        "revoked",
        "This custodian's key was reported lost and counts no more: use the new one.",
        "紛失として届け出られた鍵です。使用できません。新しい鍵を使ってください。",
    )


def claimed_custodian(document: bytes) -> bytes:
    """Return the custodian that bytes of any origin claim to be by; empty where they are no approval."""
    try:
        return read_approval(document).custodian_id
    except ApprovalRefused:
        return b""


def _uids(granted: GrantedRequest) -> set[bytes]:
    return {segment.segment_uid for segment in granted.segments}


def _approval(document: StrictDocument) -> Approval:
    document.constant("kuramori", KIND)
    document.constant("version", VERSION)
    request_id = document.value("request")
    if not isinstance(request_id, str) or not REQUEST_ID.match(request_id):
        raise DocumentRefused("request", "a request number")
    shares = [StrictDocument(value, _SHARE_NAMES) for value in document.items("shares", SEGMENTS_MOST)]
    return Approval(
        request_id,
        document.octets("granted_digest", 32),
        document.octets("custodian_id", 16),
        document.integer("utc_ms", 0, UTC_MS_MOST),
        tuple(
            ResealedShare(share.octets("segment_uid", 16), share.octets("sealed", RESEALED_SHARE_BYTES))
            for share in shares
        ),
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
