"""The drill: shows that a custodian still has the key file and the passphrase, without opening anything recorded.

A random secret is sealed to the custodian's opening key; the answer brings it back, signed with the signing key. So
both halves of the key file were used, on the custodian's machine, after the day the challenge names. This module must
not know registers or files; it imports nothing that exists on Linux only.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from kuramori_segments import es256
from kuramori_segments.canonical_json import canonical
from kuramori_segments.custodian_card import ID_BYTES, MAX_UTC_MS, CustodianCard
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.custody import seal, unseal
from kuramori_segments.key_faults import DrillRefused
from kuramori_segments.strict_document import DocumentRefused, StrictDocument, to_base64

CHALLENGE_KIND = "custody drill"
ANSWER_KIND = "custody drill answer"
VERSION = 1
SECRET_BYTES = 32
SEALED_BYTES = 32 + SECRET_BYTES + 16
MAX_DRILL_BYTES = 8192

DRILL_LABEL = b"kuramori/v1/drill"
_ANSWER_LABEL = b"kuramori/v1/drill-answer\0"
_CHALLENGE_NAMES = frozenset(
    ["kuramori", "version", "recorder_id", "drill_id", "custodian_id", "created_utc_ms", "sealed"]
)
_ANSWER_NAMES = frozenset(["kuramori", "version", "recorder_id", "drill_id", "custodian_id", "secret", "signature"])


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is to be opened: for one custodian, once."""

    recorder_id: bytes  # 16 bytes
    drill_id: bytes  # 16 random bytes
    custodian_id: bytes  # 16 bytes
    created_utc_ms: int
    sealed: bytes  # 80 bytes

    def to_bytes(self) -> bytes:
        """Return the challenge as it travels in a file."""
        told = {"created_utc_ms": self.created_utc_ms, "sealed": to_base64(self.sealed)}
        return canonical(_head(CHALLENGE_KIND, self) | told) + b"\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was opened, signed."""

    recorder_id: bytes
    drill_id: bytes
    custodian_id: bytes
    secret: bytes
    signature: bytes

    def to_bytes(self) -> bytes:
        """Return the answer as it travels in a file."""
        return canonical(self.body() | {"signature": to_base64(self.signature)}) + b"\n"

    def body(self) -> dict[str, Any]:
        """Return what is signed, as JSON values."""
        return _head(ANSWER_KIND, self) | {"secret": to_base64(self.secret)}

    def statement(self) -> bytes:
        """Return the bytes that are signed."""
        return _ANSWER_LABEL + canonical(self.body())


def new_challenge(recorder_id: bytes, card: CustodianCard, utc_ms: int) -> tuple[Challenge, bytes]:
    """Return a challenge, and the digest (32 bytes) by which its answer is known; the secret itself is not kept."""
    drill_id, secret = secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES)
    sealed = seal(secret, card.opening_key, _info(recorder_id, drill_id, card.custodian_id))
    return Challenge(recorder_id, drill_id, card.custodian_id, utc_ms, sealed), secret_digest(secret)


def secret_digest(secret: bytes) -> bytes:
    """Return SHA-256 of a challenge's secret."""
    return hashlib.sha256(secret).digest()


def answer(challenge: Challenge, key: CustodianKey) -> Answer:
    """Open a challenge and sign what stood in it. Raises SealNotOurs, DrillRefused."""
    if challenge.custodian_id != key.custodian_id:
        raise DrillRefused("it is for another custodian")
    info = _info(challenge.recorder_id, challenge.drill_id, challenge.custodian_id)
    secret = unseal(challenge.sealed, key.opening_private, info, "challenge")
    unsigned = Answer(challenge.recorder_id, challenge.drill_id, challenge.custodian_id, secret, b"")
    return Answer(
        challenge.recorder_id,
        challenge.drill_id,
        challenge.custodian_id,
        secret,
        key.sign(unsigned.statement()),
    )


def check_answer(found: Answer, digest: bytes, card: CustodianCard) -> None:
    """Check an answer against what was asked, and its signature. Raises DrillRefused."""
    if not secrets.compare_digest(secret_digest(found.secret), digest):
        raise DrillRefused("it does not answer what was asked")
    if not es256.verify(card.public_signing_key(), found.signature, found.statement()):
        raise DrillRefused(f"its signature is not {card.name}'s")


def read_challenge(data: bytes) -> Challenge:
    """Read a challenge from bytes of any origin. Raises DrillRefused."""
    try:
        document = StrictDocument.parse(data, _CHALLENGE_NAMES, limit_bytes=MAX_DRILL_BYTES)
        document.constant("kuramori", CHALLENGE_KIND)
        document.constant("version", VERSION)
        return Challenge(
            document.octets("recorder_id", ID_BYTES),
            document.octets("drill_id", ID_BYTES),
            document.octets("custodian_id", ID_BYTES),
            document.integer("created_utc_ms", 0, MAX_UTC_MS),
            document.octets("sealed", SEALED_BYTES),
        )
    except DocumentRefused as refusal:
        raise DrillRefused(f"it is no challenge ({refusal})") from None


def read_answer(data: bytes) -> Answer:
    """Read an answer from bytes of any origin; nothing in it is checked yet. Raises DrillRefused."""
    try:
        document = StrictDocument.parse(data, _ANSWER_NAMES, limit_bytes=MAX_DRILL_BYTES)
        document.constant("kuramori", ANSWER_KIND)
        document.constant("version", VERSION)
        return Answer(
            document.octets("recorder_id", ID_BYTES),
            document.octets("drill_id", ID_BYTES),
            document.octets("custodian_id", ID_BYTES),
            document.octets("secret", SECRET_BYTES),
            document.octets("signature", es256.SIGNATURE_BYTES),
        )
    except DocumentRefused as refusal:
        raise DrillRefused(f"it is no answer ({refusal})") from None


def _head(kind: str, one: Challenge | Answer) -> dict[str, Any]:
    return {
        "kuramori": kind,
        "version": VERSION,
        "recorder_id": to_base64(one.recorder_id),
        "drill_id": to_base64(one.drill_id),
        "custodian_id": to_base64(one.custodian_id),
    }


def _info(recorder_id: bytes, drill_id: bytes, custodian_id: bytes) -> bytes:
    return DRILL_LABEL + recorder_id + drill_id + custodian_id
