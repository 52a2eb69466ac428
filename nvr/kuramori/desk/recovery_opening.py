"""Break-glass: a granted request opened with the recovery key, as it travels from the client to the desk.

The client restores the recovery key in memory, opens the recovery seals of exactly the granted segments and seals each
key again to the request's extraction key. Imports nothing that exists on Linux only; must not know states or files.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kuramori.desk.canonical_json import DOCUMENT_LIMIT_BYTES, JsonRefused, canonical, parse_canonical
from kuramori.desk.fault import ApprovalRefused
from kuramori.desk.granted import REQUEST_ID, SEGMENTS_MOST, UTC_MS_MOST, GrantedRequest
from kuramori.desk.handed_segment import Handed
from kuramori.desk.package import PackageRefused, Review
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import (
    RESEALED_DEK_BYTES,
    ExtractionBinding,
    ShareBinding,
    open_recovery_seal,
    reseal_dek,
)
from kuramori_segments.hand_on import recover_handed_on
from kuramori_segments.header import SegmentHeader
from kuramori_segments.key_faults import KeyFault, SealNotOurs
from kuramori_segments.recovery_key import RecoveryCard
from kuramori_segments.strict_document import DocumentRefused, StrictDocument

KIND = "recovery opening"
VERSION = 1
_NAMES = frozenset({"kuramori", "version", "request", "granted_digest", "recovery_key", "utc_ms", "deks"})
_DEK_NAMES = frozenset({"segment_uid", "sealed"})


@dataclass(frozen=True, slots=True)
class ResealedDek:
    """One segment's key, sealed to the extraction key."""

    segment_uid: bytes
    sealed: bytes  # 80 bytes


@dataclass(frozen=True, slots=True)
class RecoveryOpening:
    """What the client hands in."""

    request_id: str
    granted_digest: bytes
    recovery_key: bytes  # public half
    utc_ms: int
    deks: tuple[ResealedDek, ...]

    def to_bytes(self) -> bytes:
        """Return the canonical bytes."""
        document: dict[str, Any] = {
            "kuramori": KIND,
            "version": VERSION,
            "request": self.request_id,
            "granted_digest": _text(self.granted_digest),
            "recovery_key": _text(self.recovery_key),
            "utc_ms": self.utc_ms,
            "deks": [{"segment_uid": _text(dek.segment_uid), "sealed": _text(dek.sealed)} for dek in self.deks],
        }
        return canonical(document)


def open_with_recovery(reviewed: Review, card: RecoveryCard, private_bytes: bytes, utc_ms: int) -> RecoveryOpening:
    """Open every granted segment that the key can open, and seal its key again. Raises PackageRefused."""
    granted = reviewed.granted
    digest, deks = granted.digest, []
    for header in reviewed.headers:
        try:
            dek = _dek(header, reviewed.handed.get(header.segment_uid), reviewed.sets, card, private_bytes)
            sealed = reseal_dek(dek, granted.extraction_key, ExtractionBinding(digest, header.segment_uid))
        except KeyFault as fault:
            raise PackageRefused(
                "recovery",
                f"The recovery key does not open segment {header.sequence} of {header.camera_name} ({fault}): it was "
                "sealed to another recovery key.",
                f"復旧鍵では {header.camera_name} のセグメント {header.sequence} を開けません"
                "(別の復旧鍵に封印されています)。",
            ) from None
        deks.append(ResealedDek(header.segment_uid, sealed))
    return RecoveryOpening(granted.request_id, digest, card.opening_key, utc_ms, tuple(deks))


def read_recovery_opening(document: bytes) -> RecoveryOpening:
    """Read an opening from bytes of any origin. Raises ApprovalRefused."""
    try:
        found = StrictDocument(parse_canonical(document, DOCUMENT_LIMIT_BYTES), _NAMES)
        found.constant("kuramori", KIND)
        found.constant("version", VERSION)
        request_id = found.value("request")
        if not isinstance(request_id, str) or not REQUEST_ID.match(request_id):
            raise DocumentRefused("request", "a request number")
        deks = [StrictDocument(value, _DEK_NAMES) for value in found.items("deks", SEGMENTS_MOST)]
        return RecoveryOpening(
            request_id,
            found.octets("granted_digest", 32),
            found.octets("recovery_key", 32),
            found.integer("utc_ms", 0, UTC_MS_MOST),
            tuple(ResealedDek(dek.octets("segment_uid", 16), dek.octets("sealed", RESEALED_DEK_BYTES)) for dek in deks),
        )
    except (JsonRefused, DocumentRefused) as refusal:
        raise ApprovalRefused(
            "unreadable", f"This is no opening by recovery key ({refusal}).", "復旧鍵による開封データとして読めません。"
        ) from None


def check_recovery_opening(document: bytes, granted: GrantedRequest, keys: Sequence[bytes]) -> RecoveryOpening:
    """Return the opening if it is for this granted request and by a recovery key of ours. Raises ApprovalRefused."""
    found = read_recovery_opening(document)
    if found.request_id != granted.request_id or found.granted_digest != granted.digest:
        raise ApprovalRefused(
            "void",
            f"This opening is not for request {granted.request_id} as it now stands.",
            f"この開封データは、現在の請求 {granted.request_id} に対するものではありません。",
        )
    if found.recovery_key not in keys:
        raise ApprovalRefused(
            "stranger", "This is not a recovery key of this recorder.", "この録画機の復旧鍵ではありません。"
        )
    named = [dek.segment_uid for dek in found.deks]
    if not named or len(set(named)) != len(named) or not set(named) <= {one.segment_uid for one in granted.segments}:
        raise ApprovalRefused(
            "segments",
            "It holds keys of other segments than the granted ones.",
            "決裁の範囲外の鍵が含まれています。",
        )
    return found


def _dek(
    header: SegmentHeader,
    handed: Handed | None,
    sets: dict[bytes, CustodianSet],
    card: RecoveryCard,
    private_bytes: bytes,
) -> bytes:
    """Return a segment's key: from its own recovery seal, or from what was handed on to a set with this key."""
    custodians = sets.get(header.custodian_set_id)
    if custodians is None or custodians.recovery.opening_key == card.opening_key:
        return open_recovery_seal(header.recovery_seal, private_bytes, ShareBinding.of(header))
    if handed is None or handed.custodians.recovery.opening_key != card.opening_key:
        raise SealNotOurs("recovery key")
    return recover_handed_on(handed.pieces(0), handed.binding, private_bytes)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
