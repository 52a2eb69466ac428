"""ES256: ECDSA on P-256 with SHA-256, signatures as 64 bytes r ‖ s (as RFC 7518 section 3.4 and WebCrypto have them).

This module must not know what is signed or by whom.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNATURE_BYTES = 64
POINT_BYTES = 65  # 0x04 ‖ x ‖ y, "raw" in WebCrypto
_COORDINATE_BYTES = 32


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Return the signature over a message."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


def verify(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature over a message is this key's."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    r = int.from_bytes(signature[:_COORDINATE_BYTES], "big")
    s = int.from_bytes(signature[_COORDINATE_BYTES:], "big")
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as its uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def from_point(data: bytes) -> ec.EllipticCurvePublicKey:
    """Return the public key of an uncompressed point. Raises ValueError for anything not on the curve."""
    if len(data) != POINT_BYTES or data[0] != 4:
        raise ValueError("not an uncompressed P-256 point")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
