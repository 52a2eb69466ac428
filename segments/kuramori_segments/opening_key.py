"""An X25519 key that opens what is sealed to it, with a proof that whoever published it also had the private half.

X25519 cannot sign. So the private half is made the way RFC 8032 section 5.1.5 makes an Ed25519 key: a random seed
is hashed, and the first half of the digest is the scalar of *both* keys; their public halves are one point in two
spellings, u = (1 + y) / (1 - y) (RFC 7748 section 4.1). One Ed25519 signature over the statement, made when the key
is born, then proves that its maker had the scalar that opens. The seed is thrown away with the signature made, so
the key signs nothing ever again.

What this proves, and what not: somebody who had the private half wrote this statement once. Not that the person
named is that somebody (compare the fingerprint in person), not that nobody else has a copy, not that they have it
still. Everything here is doable with WebCrypto (Ed25519, X25519) and integer arithmetic on public values.

This module must not know cards, people or files.
"""

import hashlib
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

KEY_BYTES = 32
PROOF_BYTES = 96  # Ed25519 public key ‖ Ed25519 signature
_FIELD = (1 << 255) - 19  # RFC 7748 section 4.1
_SIGN_BIT = 1 << 255


@dataclass(frozen=True, slots=True)
class OpeningKey:
    """A new key: `private_bytes` (secret, 32), `public_bytes` (32), `proof` (96) over the statement."""

    private_bytes: bytes = field(repr=False)
    public_bytes: bytes
    proof: bytes


class UnprovenKey:
    """A key that is born but has not yet signed its statement, which names its public half."""

    __slots__ = ("_seed", "public_bytes")

    def __init__(self) -> None:
        self._seed = secrets.token_bytes(KEY_BYTES)
        self.public_bytes = public_half(self._private_bytes())

    def _private_bytes(self) -> bytes:
        return hashlib.sha512(self._seed).digest()[:KEY_BYTES]

    def prove(self, statement: bytes) -> OpeningKey:
        """Sign the statement, once. Raises ValueError the second time."""
        if not self._seed:
            raise ValueError("this key has signed its statement")
        signer = Ed25519PrivateKey.from_private_bytes(self._seed)
        proof = signer.public_key().public_bytes_raw() + signer.sign(statement)
        key = OpeningKey(self._private_bytes(), self.public_bytes, proof)
        self._seed = b""
        return key


def public_half(private_bytes: bytes) -> bytes:
    """Return the X25519 public key of a private one."""
    return X25519PrivateKey.from_private_bytes(private_bytes).public_key().public_bytes_raw()


def proof_holds(public_bytes: bytes, proof: bytes, statement: bytes) -> bool:
    """Tell whether the maker of the statement had the private half of this X25519 key. For any bytes."""
    if len(proof) != PROOF_BYTES or len(public_bytes) != KEY_BYTES:
        return False
    if _montgomery(proof[:KEY_BYTES]) != public_bytes or not can_be_sealed_to(public_bytes):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(proof[:KEY_BYTES]).verify(proof[KEY_BYTES:], statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def can_be_sealed_to(public_bytes: bytes) -> bool:
    """Tell whether X25519 works with this key at all: a point of small order gives everybody the same secret."""
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(public_bytes))
    except ValueError:
        return False
    return True


def _montgomery(edwards: bytes) -> bytes | None:
    """Return the X25519 spelling of an Ed25519 public key; None where there is none."""
    y = int.from_bytes(edwards, "little") & (_SIGN_BIT - 1)
    if y >= _FIELD or y == 1:
        return None
    u = (1 + y) * pow(1 - y, -1, _FIELD) % _FIELD
    return u.to_bytes(KEY_BYTES, "little")
