"""Who may open a segment: its DEK as k-of-n shares, each sealed to one custodian, and whole to the recovery key.

Sealing is HPKE (RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM); the `info` of each seal
names recorder, camera, epoch, sequence, start, set, k, n, share number and segment, so a share cannot be passed off
as another segment's. To open, a custodian opens the share on the own machine and seals it again to the one-time
extraction key of one granted request; `info` then names the request's digest, the segment and the custodian.
All of it is doable with WebCrypto (X25519, HMAC, HKDF, AES-GCM). Layouts and labels: KEYS.md; vectors: custody.json.

Nothing here waits, reads a clock or touches a file, and it imports nothing that exists on Linux only. It must not
know requests, registers or roles: it is told a digest.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from kuramori_segments import shamir
from kuramori_segments.custodian_set import CustodianSet, read_set
from kuramori_segments.header import RECOVERY_LABEL, SHARE_LABEL, SealedShare, SegmentHeader
from kuramori_segments.key_faults import BindingMismatch, NotACustodian, SealNotOurs
from kuramori_segments.shamir import SECRET_BYTES, Share

__all__ = [
    "CustodianSet",
    "ExtractionBinding",
    "SealedDek",
    "Share",
    "ShareBinding",
    "combine",
    "open_recovery_seal",
    "open_resealed",
    "open_resealed_dek",
    "open_share",
    "own_share",
    "read_set",
    "reseal_dek",
    "reseal_share",
    "seal_dek",
]

EXTRACTION_LABEL = b"kuramori/v1/extraction"
EXTRACTION_RECOVERY_LABEL = b"kuramori/v1/extraction-recovery"
REQUEST_DIGEST_BYTES = 32
UID_BYTES = 16
RESEALED_SHARE_BYTES = 32 + 1 + SECRET_BYTES + 16  # enc, x, y, tag
RESEALED_DEK_BYTES = 32 + SECRET_BYTES + 16

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_BOUND_FACTS = struct.Struct("<16sI16sQq16sBBB16s")
_RECOVERY_NUMBER = 0


@dataclass(frozen=True, slots=True)
class ShareBinding:
    """What a segment's shares are bound to; the same facts as in its header."""

    recorder_id: bytes  # 16 bytes
    camera_number: int
    epoch_id: bytes  # 16 bytes
    sequence: int
    start_utc_ms: int
    custodian_set_id: bytes  # 16 bytes
    k: int
    n: int
    segment_uid: bytes  # 16 bytes

    @classmethod
    def of(cls, header: SegmentHeader) -> "ShareBinding":
        """Return the binding that a segment header states."""
        return cls(
            header.recorder_id,
            header.camera_number,
            header.epoch_id,
            header.sequence,
            header.start_utc_ms,
            header.custodian_set_id,
            header.k,
            header.n,
            header.segment_uid,
        )

    def share_info(self, share_number: int) -> bytes:
        """Return the HPKE info of share 1..n."""
        return SHARE_LABEL + self.facts(share_number)

    def recovery_info(self) -> bytes:
        """Return the HPKE info of the recovery seal."""
        return RECOVERY_LABEL + self.facts(_RECOVERY_NUMBER)

    def facts(self, share_number: int) -> bytes:
        """Return what every seal of this segment names beside its label (KEYS.md section 2)."""
        return _BOUND_FACTS.pack(
            self.recorder_id,
            self.camera_number,
            self.epoch_id,
            self.sequence,
            self.start_utc_ms,
            self.custodian_set_id,
            self.k,
            self.n,
            share_number,
            self.segment_uid,
        )


@dataclass(frozen=True, slots=True)
class SealedDek:
    """A segment's DEK as its header carries it: n shares in order, and the recovery seal (80 bytes)."""

    shares: tuple[SealedShare, ...]
    recovery_seal: bytes


@dataclass(frozen=True, slots=True)
class ExtractionBinding:
    """What a re-sealed share is bound to: one granted request (SHA-256, 32 bytes) and one segment (16 bytes)."""

    request_digest: bytes
    segment_uid: bytes

    def __post_init__(self) -> None:
        """Raises ValueError for other lengths: the info would be ambiguous."""
        if len(self.request_digest) != REQUEST_DIGEST_BYTES or len(self.segment_uid) != UID_BYTES:
            raise ValueError("an extraction is bound to a digest of 32 bytes and a segment uid of 16")

    def share_info(self, custodian_id: bytes) -> bytes:
        """Return the HPKE info of one custodian's re-sealed share."""
        if len(custodian_id) != UID_BYTES:
            raise ValueError("a custodian id has 16 bytes")
        return EXTRACTION_LABEL + self.request_digest + self.segment_uid + custodian_id

    def recovery_info(self) -> bytes:
        """Return the HPKE info of a DEK that the recovery key opened."""
        return EXTRACTION_RECOVERY_LABEL + self.request_digest + self.segment_uid


def seal_dek(dek: bytes, custodians: CustodianSet, binding: ShareBinding) -> SealedDek:
    """Share a segment's DEK (32 bytes) among the set and seal each share, and seal it whole for recovery.

    Raises BindingMismatch where the binding names another set, ValueError for a DEK of another length.
    """
    _require_same_set(custodians, binding)
    shares = shamir.split(dek, custodians.k, custodians.n)
    sealed = tuple(
        SealedShare.from_sealed(card.custodian_id, seal(plain_of(share), card.opening_key, binding.share_info(share.x)))
        for card, share in zip(custodians.custodians, shares, strict=True)
    )
    return SealedDek(sealed, seal(dek, custodians.recovery.opening_key, binding.recovery_info()))


def own_share(shares: Sequence[SealedShare], custodian_id: bytes) -> tuple[int, SealedShare]:
    """Return a custodian's share number (1..n) and sealed share of a segment. Raises NotACustodian."""
    for number, sealed in enumerate(shares, start=1):
        if sealed.custodian_id == custodian_id:
            return number, sealed
    raise NotACustodian(custodian_id)


def open_share(
    shares: Sequence[SealedShare], custodian_id: bytes, opening_private: bytes, binding: ShareBinding
) -> Share:
    """Open a custodian's own share of a segment (X25519 private key of 32 bytes).

    Raises NotACustodian, SealNotOurs: another key, another segment, or altered bytes.
    """
    number, sealed = own_share(shares, custodian_id)
    share = share_of(unseal(sealed.sealed, opening_private, binding.share_info(number), "share"))
    if share.x != number:
        raise SealNotOurs("share")
    return share


def open_recovery_seal(seal: bytes, recovery_private: bytes, binding: ShareBinding) -> bytes:
    """Return the DEK of a segment with the recovery key (break-glass). Raises SealNotOurs."""
    return _whole(unseal(seal, recovery_private, binding.recovery_info(), "recovery key"), "recovery key")


def combine(shares: Sequence[Share], k: int) -> bytes:
    """Return the DEK from at least k shares. Raises SharesTooFew, ShareTwice, SharesDisagree.

    With exactly k shares a wrong one is not noticed here: compare the header's key commitment.
    """
    return shamir.combine(shares, k)


def reseal_share(share: Share, extraction_key: bytes, binding: ExtractionBinding, custodian_id: bytes) -> bytes:
    """Seal an opened share to a request's one-time X25519 public key: 81 bytes, enc then ciphertext.

    Raises SealNotOurs for a public key that seals nothing (small order).
    """
    return seal(plain_of(share), extraction_key, binding.share_info(custodian_id))


def open_resealed(resealed: bytes, extraction_private: bytes, binding: ExtractionBinding, custodian_id: bytes) -> Share:
    """Return the share that a custodian sealed to the extraction key. Raises SealNotOurs."""
    return share_of(unseal(resealed, extraction_private, binding.share_info(custodian_id), "share"))


def reseal_dek(dek: bytes, extraction_key: bytes, binding: ExtractionBinding) -> bytes:
    """Seal a DEK that the recovery key opened to a request's extraction key: 80 bytes. Raises SealNotOurs."""
    return seal(_whole(dek, "recovery key"), extraction_key, binding.recovery_info())


def open_resealed_dek(resealed: bytes, extraction_private: bytes, binding: ExtractionBinding) -> bytes:
    """Return the DEK that was sealed to the extraction key. Raises SealNotOurs."""
    return _whole(unseal(resealed, extraction_private, binding.recovery_info(), "recovery key"), "recovery key")


def _require_same_set(custodians: CustodianSet, binding: ShareBinding) -> None:
    if binding.custodian_set_id != custodians.set_id:
        raise BindingMismatch("custodian_set_id")
    if (binding.k, binding.n) != (custodians.k, custodians.n):
        raise BindingMismatch("k of n")


def plain_of(share: Share) -> bytes:
    """Return a share as it is sealed: x, then y (33 bytes, secret)."""
    return bytes((share.x,)) + share.y


def share_of(plain: bytes) -> Share:
    """Return the share that was sealed. Raises SealNotOurs."""
    if len(plain) != 1 + SECRET_BYTES or plain[0] == 0:
        raise SealNotOurs("share")
    return Share(plain[0], plain[1:])


def _whole(dek: bytes, what: str) -> bytes:
    if len(dek) != SECRET_BYTES:
        raise SealNotOurs(what)
    return dek


def seal(plain: bytes, public_bytes: bytes, info: bytes) -> bytes:
    """Seal with HPKE: enc (32), then ciphertext and tag. Raises SealNotOurs for a key of small order."""
    try:
        return _SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(public_bytes), info)
    except ValueError:
        raise SealNotOurs("public key") from None


def unseal(sealed: bytes, private_bytes: bytes, info: bytes, what: str) -> bytes:
    """Open what `seal` made; `what` names it in the fault. Raises SealNotOurs."""
    try:
        return _SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(private_bytes), info)
    except (InvalidTag, ValueError):
        raise SealNotOurs(what) from None
