"""A custodian's public card: who may help to open recordings, with both public keys and proof that they are theirs.

A card is JSON. Its *body* (everything but the proofs) in canonical spelling is what the proofs are about and what
the fingerprint is the digest of:

    possession   Ed25519 key and signature (see opening_key): the maker had the private half of the opening key
    signature    ES256 by the signing key over body and possession: the maker had that one too, and nobody changed
                 a letter since

Their limit: they prove that one maker had both private keys when the card was made, under the name written there.
Whether that is really the person named, only people can say: compare the fingerprint by voice or eye, in person.
This module must not know private keys at rest, sets or segments.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori_segments import es256
from kuramori_segments.canonical_json import canonical
from kuramori_segments.key_faults import CardForged, CardUnreadable
from kuramori_segments.opening_key import KEY_BYTES, PROOF_BYTES, UnprovenKey, proof_holds
from kuramori_segments.strict_document import DocumentRefused, StrictDocument, shows_as_written, to_base64

KIND = "custodian card"
VERSION = 1
ID_BYTES = 16
MAX_NAME_CHARACTERS = 64
MAX_CARD_BYTES = 8192
MAX_UTC_MS = (1 << 53) - 1
LEAST_VALIDITY_MS = 24 * 3600 * 1000  # a card that expires on the day it is made is a slip of the pen

_ID_LABEL = b"kuramori/v1/custodian"
_POSSESSION_LABEL = b"kuramori/v1/card-possession\0"
_SIGNATURE_LABEL = b"kuramori/v1/card-signature\0"
_FINGERPRINT_LABEL = b"kuramori/v1/card-fingerprint\0"
_NAMES = frozenset(
    [
        "kuramori",
        "version",
        "name",
        "title",
        "opening_key",
        "signing_key",
        "created_utc_ms",
        "expires_utc_ms",
        "possession",
        "signature",
    ]
)


@dataclass(frozen=True, slots=True)
class CustodianCard:
    """One custodian as everybody may know them. `read_card` makes checked ones; `check` checks any."""

    name: str
    title: str  # office title
    opening_key: bytes  # X25519, 32 bytes: shares are sealed to it
    signing_key: bytes  # P-256 uncompressed point, 65 bytes: signs approvals
    created_utc_ms: int
    expires_utc_ms: int  # from then on nothing new is sealed to it
    possession: bytes = b""  # 96 bytes
    signature: bytes = b""  # 64 bytes

    @property
    def custodian_id(self) -> bytes:
        """Return 16 bytes that stand for the two keys: SHA-256("kuramori/v1/custodian" ‖ opening ‖ signing)[:16]."""
        return hashlib.sha256(_ID_LABEL + self.opening_key + self.signing_key).digest()[:ID_BYTES]

    @property
    def fingerprint(self) -> str:
        """Return eight groups of four hexadecimal digits to compare by voice: 128 bits of the body's digest.

        Not words: they would look like the recovery sheet's, which nobody may read aloud.
        """
        digest = hashlib.sha256(_FINGERPRINT_LABEL + canonical(self.body())).hexdigest()
        return " ".join(digest[start : start + 4] for start in range(0, 32, 4))

    def body(self) -> dict[str, Any]:
        """Return the card without its proofs, as JSON values."""
        return {
            "kuramori": KIND,
            "version": VERSION,
            "name": self.name,
            "title": self.title,
            "opening_key": to_base64(self.opening_key),
            "signing_key": to_base64(self.signing_key),
            "created_utc_ms": self.created_utc_ms,
            "expires_utc_ms": self.expires_utc_ms,
        }

    def document(self) -> dict[str, Any]:
        """Return the whole card as JSON values."""
        return self._possessed() | {"signature": to_base64(self.signature)}

    def to_bytes(self) -> bytes:
        """Return the card as it is written into a file."""
        return canonical(self.document()) + b"\n"

    def public_signing_key(self) -> ec.EllipticCurvePublicKey:
        """Return the signing key for use. Raises CardForged."""
        try:
            return es256.from_point(self.signing_key)
        except ValueError:
            raise CardForged("key") from None

    def expired(self, utc_ms: int) -> bool:
        """Tell whether the card is no longer valid."""
        return utc_ms >= self.expires_utc_ms

    def check(self) -> None:
        """Check both proofs. Raises CardForged."""
        if not proof_holds(self.opening_key, self.possession, _POSSESSION_LABEL + canonical(self.body())):
            raise CardForged("possession")
        if not es256.verify(self.public_signing_key(), self.signature, self._signed()):
            raise CardForged("signature")

    def _possessed(self) -> dict[str, Any]:
        return self.body() | {"possession": to_base64(self.possession)}

    def _signed(self) -> bytes:
        return _SIGNATURE_LABEL + canonical(self._possessed())


def new_card(
    name: str,
    title: str,
    created_utc_ms: int,
    expires_utc_ms: int,
    opening: UnprovenKey,
    signing: ec.EllipticCurvePrivateKey,
) -> tuple[CustodianCard, bytes]:
    """Return a card with its proofs, and the opening key's private half (32 bytes, secret).

    Raises CardUnreadable for a name or title that does not show as it is written, or a validity under a day.
    """
    for field, text in (("name", name), ("title", title)):
        if not shows_as_written(text, MAX_NAME_CHARACTERS):
            raise CardUnreadable(field, f"one line of 1 to {MAX_NAME_CHARACTERS} visible characters")
    if not 0 <= created_utc_ms <= expires_utc_ms - LEAST_VALIDITY_MS <= MAX_UTC_MS - LEAST_VALIDITY_MS:
        raise CardUnreadable("expires_utc_ms", "at least a day after the card is made")
    point = es256.point(signing.public_key())
    draft = CustodianCard(name, title, opening.public_bytes, point, created_utc_ms, expires_utc_ms)
    key = opening.prove(_POSSESSION_LABEL + canonical(draft.body()))
    proven = replace(draft, possession=key.proof)
    return replace(proven, signature=es256.sign(signing, proven._signed())), key.private_bytes


def read_card(data: bytes) -> CustodianCard:
    """Read a card from bytes of any origin, and check its proofs. Raises CardUnreadable, CardForged."""
    try:
        return card_from(StrictDocument.parse(data, _NAMES, limit_bytes=MAX_CARD_BYTES))
    except DocumentRefused as refusal:
        raise CardUnreadable(refusal.field, refusal.expected) from None


def card_from_value(value: object) -> CustodianCard:
    """Read a card from parsed JSON, and check its proofs. Raises CardUnreadable, CardForged."""
    try:
        return card_from(StrictDocument(value, _NAMES))
    except DocumentRefused as refusal:
        raise CardUnreadable(refusal.field, refusal.expected) from None


def card_from(document: StrictDocument) -> CustodianCard:
    """Read a card from a document, and check its proofs. Raises DocumentRefused, CardForged."""
    document.constant("kuramori", KIND)
    document.constant("version", VERSION)
    created_utc_ms = document.integer("created_utc_ms", 0, MAX_UTC_MS - LEAST_VALIDITY_MS)
    card = CustodianCard(
        name=document.words("name", MAX_NAME_CHARACTERS),
        title=document.words("title", MAX_NAME_CHARACTERS),
        opening_key=document.octets("opening_key", KEY_BYTES),
        signing_key=document.octets("signing_key", es256.POINT_BYTES),
        created_utc_ms=created_utc_ms,
        expires_utc_ms=document.integer("expires_utc_ms", created_utc_ms + LEAST_VALIDITY_MS, MAX_UTC_MS),
        possession=document.octets("possession", PROOF_BYTES),
        signature=document.octets("signature", es256.SIGNATURE_BYTES),
    )
    card.check()
    return card
