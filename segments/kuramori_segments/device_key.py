"""The device key in use: signing footers, and checking who signed one (ES256 over P-256, raw r then s).

This module must not know where the key lies nor how it is protected.
"""

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kuramori_segments import es256
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.segment_error import SignatureInvalid


def device_key_id(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the first 16 bytes of the SHA-256 of the key's SPKI DER."""
    return sha256(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:16]


class DeviceSigner:
    """Signs with the recorder's P-256 key; keeps the `Signer` contract of footers."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._private_key = private_key
        self._key_id = device_key_id(private_key.public_key())

    @property
    def key_id(self) -> bytes:
        """Return the first 16 bytes of the SHA-256 of the public key (SPKI DER)."""
        return self._key_id

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the key that verifies what this one signed."""
        return self._private_key.public_key()

    def sign(self, message: bytes) -> bytes:
        """Return 64 bytes: r then s, big-endian."""
        return es256.sign(self._private_key, message)


def verify_footer(footer: SegmentFooter, public_key: ec.EllipticCurvePublicKey) -> None:
    """Raise SignatureInvalid unless this device key signed the footer."""
    named = footer.device_key_id == device_key_id(public_key)
    if not named or not es256.verify(public_key, footer.signature, footer.signed_bytes()):
        raise SignatureInvalid
