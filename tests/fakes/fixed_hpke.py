"""HPKE sealing with a known ephemeral key (RFC 9180 base mode), so that test vectors come out the same each time.

Never for anything but vectors: an ephemeral key must be random and used once.
"""

import hmac
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEM = b"KEM\x00\x20"
_HPKE = b"HPKE\x00\x20\x00\x01\x00\x02"


def _extract(salt: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), material, sha256)


def _expand(key: bytes, info: bytes, length: int) -> bytes:
    block, output = b"", b""
    while len(output) < length:
        block = hmac.digest(key, block + info + bytes([len(output) // 32 + 1]), sha256)
        output += block
    return output[:length]


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return _extract(salt, b"HPKE-v1" + suite + label + material)


def _labeled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return _expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def seal(plaintext: bytes, recipient: X25519PublicKey, info: bytes, ephemeral: X25519PrivateKey) -> bytes:
    """Return enc and ciphertext: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, empty associated data."""
    enc = ephemeral.public_key().public_bytes_raw()
    prk = _labeled_extract(_KEM, b"", b"eae_prk", ephemeral.exchange(recipient))
    shared = _labeled_expand(_KEM, prk, b"shared_secret", enc + recipient.public_bytes_raw(), 32)
    context = b"\0" + _labeled_extract(_HPKE, b"", b"psk_id_hash", b"")
    context += _labeled_extract(_HPKE, b"", b"info_hash", info)
    secret = _labeled_extract(_HPKE, shared, b"secret", b"")
    key = _labeled_expand(_HPKE, secret, b"key", context, 32)
    nonce = _labeled_expand(_HPKE, secret, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, plaintext, b"")
