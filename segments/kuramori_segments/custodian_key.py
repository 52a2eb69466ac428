"""A custodian's key file: both private keys under a passphrase, beside the public card, on the custodian's machine.

JSON: the card, the parameters of Argon2id (RFC 9106), a nonce, and one AES-256-GCM ciphertext of the opening key
(X25519, 32 bytes) and the signing key (P-256 scalar, 32 bytes). Everything else in the file is the associated data,
so a card swapped under the same passphrase does not open. WebCrypto can do all but Argon2id; a browser client
brings that one along (a few kilobytes of WebAssembly).

A key file may come from anywhere: the parameters in it have a ceiling, or it could ask for 100 GB of memory, and a
floor, or somebody could weaken it unnoticed. This module must not know terminals, files or segments, and it imports
nothing that exists on Linux only.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kuramori_segments import es256
from kuramori_segments.canonical_json import canonical
from kuramori_segments.custodian_card import CustodianCard, card_from_value, new_card
from kuramori_segments.key_faults import (
    CardRefused,
    KeyFileUnreadable,
    PassphraseWrong,
)
from kuramori_segments.opening_key import KEY_BYTES, UnprovenKey, public_half
from kuramori_segments.passphrase_key import LEAST_COST as LEAST_COST
from kuramori_segments.passphrase_key import LEAST_DIFFERENT_CHARACTERS as LEAST_DIFFERENT_CHARACTERS
from kuramori_segments.passphrase_key import LEAST_PASSPHRASE_CHARACTERS as LEAST_PASSPHRASE_CHARACTERS
from kuramori_segments.passphrase_key import MAX_PASSPHRASE_BYTES as MAX_PASSPHRASE_BYTES
from kuramori_segments.passphrase_key import MOST_COST as MOST_COST
from kuramori_segments.passphrase_key import SALT_BYTES, USUAL_COST, check_cost, material_of, stretch
from kuramori_segments.passphrase_key import Argon2Cost as Argon2Cost
from kuramori_segments.passphrase_key import check_passphrase as check_passphrase
from kuramori_segments.strict_document import DocumentRefused, StrictDocument, to_base64

KIND = "custodian key"
VERSION = 1
MAX_KEY_FILE_BYTES = 16384

_NONCE_BYTES = 12
_SCALAR_BYTES = 32
_SEALED_BYTES = KEY_BYTES + _SCALAR_BYTES + 16
_NAMES = frozenset(["kuramori", "version", "card", "kdf", "nonce", "ciphertext"])
_KDF_NAMES = frozenset(["name", "memory_kib", "iterations", "lanes", "salt"])


@dataclass(frozen=True, slots=True)
class CustodianKey:
    """A custodian's keys, open: the card and both private halves (secret). Keep it only as long as needed."""

    card: CustodianCard
    opening_private: bytes = field(repr=False)  # X25519, 32 bytes
    signing_private: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def custodian_id(self) -> bytes:
        """Return the card's 16 bytes."""
        return self.card.custodian_id

    def sign(self, message: bytes) -> bytes:
        """Return the ES256 signature (64 bytes) of a message."""
        return es256.sign(self.signing_private, message)


def new_custodian_key(name: str, title: str, created_utc_ms: int, expires_utc_ms: int) -> CustodianKey:
    """Make both keys and the card. Raises CardUnreadable for a name or title that cannot stand on a card."""
    signing = ec.generate_private_key(ec.SECP256R1())
    card, opening_private = new_card(name, title, created_utc_ms, expires_utc_ms, UnprovenKey(), signing)
    return CustodianKey(card, opening_private, signing)


def seal_key_file(key: CustodianKey, passphrase: str, cost: Argon2Cost = USUAL_COST) -> bytes:
    """Return the key file. Raises PassphraseWeak; KeyFileCostly, KeyFileWeak for a cost outside the limits."""
    check_passphrase(passphrase)
    check_cost(cost)
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    document: dict[str, Any] = {
        "kuramori": KIND,
        "version": VERSION,
        "card": key.card.document(),
        "kdf": {
            "name": "argon2id",
            "memory_kib": cost.memory_kib,
            "iterations": cost.iterations,
            "lanes": cost.lanes,
            "salt": to_base64(salt),
        },
        "nonce": to_base64(nonce),
    }
    scalar = key.signing_private.private_numbers().private_value.to_bytes(_SCALAR_BYTES, "big")
    wrapping = AESGCM(stretch(material_of(passphrase), salt, cost))
    sealed = wrapping.encrypt(nonce, key.opening_private + scalar, canonical(document))
    return canonical(document | {"ciphertext": to_base64(sealed)}) + b"\n"


def open_key_file(data: bytes, passphrase: str) -> CustodianKey:
    """Open a key file of any origin.

    Raises KeyFileUnreadable, KeyFileCostly, KeyFileWeak before any costly work, PassphraseWrong after it.
    """
    file = _read(data)
    material = material_of(passphrase)
    if not 1 <= len(material) <= MAX_PASSPHRASE_BYTES:
        raise PassphraseWrong
    try:
        wrapping = AESGCM(stretch(material, file.salt, file.cost))
        opened = wrapping.decrypt(file.nonce, file.ciphertext, file.associated)
    except InvalidTag:
        raise PassphraseWrong from None
    return _whole(file.card, opened)


def read_key_file_card(data: bytes) -> CustodianCard:
    """Return the public card in a key file, without a passphrase. Raises KeyFileRefused."""
    return _read(data).card


@dataclass(frozen=True, slots=True)
class _KeyFile:
    card: CustodianCard
    cost: Argon2Cost
    salt: bytes
    nonce: bytes
    ciphertext: bytes
    associated: bytes


def _read(data: bytes) -> _KeyFile:
    try:
        document = StrictDocument.parse(data, _NAMES, limit_bytes=MAX_KEY_FILE_BYTES)
        document.constant("kuramori", KIND)
        document.constant("version", VERSION)
        kdf = document.part("kdf", _KDF_NAMES)
        kdf.constant("name", "argon2id")
        cost = Argon2Cost(*(kdf.integer(name, 0, 1 << 52) for name in ("memory_kib", "iterations", "lanes")))
        salt = kdf.octets("salt", SALT_BYTES)
        nonce = document.octets("nonce", _NONCE_BYTES)
        ciphertext = document.octets("ciphertext", _SEALED_BYTES)
        card = card_from_value(document.value("card"))
    except DocumentRefused as refusal:
        raise KeyFileUnreadable(refusal.field, refusal.expected) from None
    except CardRefused as refusal:
        raise KeyFileUnreadable("card", f"a whole public card ({refusal})") from None
    check_cost(cost)
    return _KeyFile(card, cost, salt, nonce, ciphertext, canonical(document.without("ciphertext")))


def _whole(card: CustodianCard, opened: bytes) -> CustodianKey:
    """Put the opened halves beside the card, and see that they are the card's."""
    opening, scalar = opened[:KEY_BYTES], int.from_bytes(opened[KEY_BYTES:], "big")
    try:
        signing = ec.derive_private_key(scalar, ec.SECP256R1())
    except ValueError:
        raise KeyFileUnreadable("ciphertext", "a P-256 key") from None
    if public_half(opening) != card.opening_key or es256.point(signing.public_key()) != card.signing_key:
        raise KeyFileUnreadable("ciphertext", "the private halves of the card's keys")
    return CustodianKey(card, opening, signing)
