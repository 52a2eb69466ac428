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
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from kuramori_segments import es256
from kuramori_segments.canonical_json import canonical
from kuramori_segments.custodian_card import CustodianCard, card_from_value, new_card
from kuramori_segments.key_faults import (
    CardRefused,
    KeyFileCostly,
    KeyFileUnreadable,
    KeyFileWeak,
    PassphraseWeak,
    PassphraseWrong,
)
from kuramori_segments.opening_key import KEY_BYTES, UnprovenKey, public_half
from kuramori_segments.strict_document import DocumentRefused, StrictDocument, to_base64

KIND = "custodian key"
VERSION = 1
MAX_KEY_FILE_BYTES = 16384
LEAST_PASSPHRASE_CHARACTERS = 15  # NIST SP 800-63B-4 for a secret that stands alone
LEAST_DIFFERENT_CHARACTERS = 8
MAX_PASSPHRASE_BYTES = 1024

_SALT_BYTES = 16
_NONCE_BYTES = 12
_SCALAR_BYTES = 32
_SEALED_BYTES = KEY_BYTES + _SCALAR_BYTES + 16
_NAMES = frozenset(["kuramori", "version", "card", "kdf", "nonce", "ciphertext"])
_KDF_NAMES = frozenset(["name", "memory_kib", "iterations", "lanes", "salt"])


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What guessing one passphrase costs: memory, passes over it, lanes in parallel (RFC 9106 section 3.1)."""

    memory_kib: int
    iterations: int
    lanes: int


LEAST_COST = Argon2Cost(memory_kib=64 * 1024, iterations=3, lanes=1)  # RFC 9106 section 4, second choice
USUAL_COST = Argon2Cost(memory_kib=256 * 1024, iterations=3, lanes=4)  # below a second on an office machine
MOST_COST = Argon2Cost(memory_kib=1024 * 1024, iterations=10, lanes=16)


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


def check_passphrase(passphrase: str) -> None:
    """Refuse a new passphrase that is too easy to guess. Raises PassphraseWeak."""
    material = _material(passphrase)
    text = material.decode("utf-8")
    long_enough = len(text) >= LEAST_PASSPHRASE_CHARACTERS and len(material) <= MAX_PASSPHRASE_BYTES
    if not long_enough or len(set(text)) < LEAST_DIFFERENT_CHARACTERS:
        raise PassphraseWeak(LEAST_PASSPHRASE_CHARACTERS, LEAST_DIFFERENT_CHARACTERS)


def seal_key_file(key: CustodianKey, passphrase: str, cost: Argon2Cost = USUAL_COST) -> bytes:
    """Return the key file. Raises PassphraseWeak; KeyFileCostly, KeyFileWeak for a cost outside the limits."""
    check_passphrase(passphrase)
    _check_cost(cost)
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
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
    wrapping = AESGCM(_stretch(_material(passphrase), salt, cost))
    sealed = wrapping.encrypt(nonce, key.opening_private + scalar, canonical(document))
    return canonical(document | {"ciphertext": to_base64(sealed)}) + b"\n"


def open_key_file(data: bytes, passphrase: str) -> CustodianKey:
    """Open a key file of any origin.

    Raises KeyFileUnreadable, KeyFileCostly, KeyFileWeak before any costly work, PassphraseWrong after it.
    """
    file = _read(data)
    material = _material(passphrase)
    if not 1 <= len(material) <= MAX_PASSPHRASE_BYTES:
        raise PassphraseWrong
    try:
        wrapping = AESGCM(_stretch(material, file.salt, file.cost))
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
        salt = kdf.octets("salt", _SALT_BYTES)
        nonce = document.octets("nonce", _NONCE_BYTES)
        ciphertext = document.octets("ciphertext", _SEALED_BYTES)
        card = card_from_value(document.value("card"))
    except DocumentRefused as refusal:
        raise KeyFileUnreadable(refusal.field, refusal.expected) from None
    except CardRefused as refusal:
        raise KeyFileUnreadable("card", f"a whole public card ({refusal})") from None
    _check_cost(cost)
    return _KeyFile(card, cost, salt, nonce, ciphertext, canonical(document.without("ciphertext")))


def _check_cost(cost: Argon2Cost) -> None:
    for name in ("memory_kib", "iterations", "lanes"):
        value, least, most = getattr(cost, name), getattr(LEAST_COST, name), getattr(MOST_COST, name)
        if value > most:
            raise KeyFileCostly(name, value, most)
        if value < least:
            raise KeyFileWeak(name, value, least)


def _material(passphrase: str) -> bytes:
    """Return what is stretched: NFKC, as a Japanese keyboard writes the same letters full or half width.

    Empty for a text that is no text (half a character), which never opens anything.
    """
    try:
        return unicodedata.normalize("NFKC", passphrase).encode("utf-8")
    except UnicodeEncodeError:
        return b""


def _stretch(material: bytes, salt: bytes, cost: Argon2Cost) -> bytes:
    return Argon2id(
        salt=salt,
        length=32,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    ).derive(material)


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
