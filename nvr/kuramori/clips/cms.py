"""manifest.p7s: a detached CMS signature (RFC 5652) by the device key, ES256; `openssl cms -verify` accepts it.

Making one is the cryptography library's work; reading one back is a walk through its DER. Everything about a
stranger's signature that is not as we write it is SignatureRefused. Must not know manifests.
"""

import warnings
from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from kuramori.clips.der import DerInvalid, Element, elements, only

SIGNATURE_BYTES_MOST = 64 << 10
_CONTEXT_0 = 0xA0
_SEQUENCE, _SET, _OID, _OCTETS, _INTEGER = 0x30, 0x31, 0x06, 0x04, 0x02
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_SHA256 = bytes.fromhex("608648016503040201")
_ECDSA_SHA256 = (bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d0201"))


class SignatureRefused(Exception):
    """Not a signature over this content, or not of this form."""


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Whose key signed: as the signature's own certificate says. Nobody vouches for that certificate."""

    certificate: x509.Certificate

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key. Raises SignatureRefused where it is not on P-256."""
        try:
            key = self.certificate.public_key()
        except (UnsupportedAlgorithm, ValueError):
            raise SignatureRefused("the certificate's key cannot be read") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise SignatureRefused("the certificate's key is not one on P-256")
        return key


def sign_detached(content: bytes, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the signature in DER."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities]
    return builder.sign(Encoding.DER, options)


def verify_detached(content: bytes, signature: bytes) -> SignedBy:
    """Return whose signature over the content it is. Raises SignatureRefused."""
    if len(signature) > SIGNATURE_BYTES_MOST:
        raise SignatureRefused("it is too long")
    try:
        certificate, attributes, value = _parts(signature)
        signer = SignedBy(_certificate(certificate))
        if _message_digest(attributes) != sha256(content).digest():
            raise SignatureRefused("it signs other content")
        signed = bytes([_SET]) + attributes.whole[1:]  # RFC 5652 section 5.4: signed as a SET
        signer.public_key.verify(value, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise SignatureRefused("it is not by the key in its certificate") from None
    except (DerInvalid, ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as fault:
        raise SignatureRefused("it is damaged") from fault
    return signer


def _certificate(element: Element) -> x509.Certificate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a stranger's certificate may be odd; only its key is used
        return x509.load_der_x509_certificate(element.whole)


def _parts(signature: bytes) -> tuple[Element, Element, bytes]:
    """Return the certificate, the signed attributes and the signature of the only signer (RFC 5652 section 5)."""
    kind, content = elements(only(signature, _SEQUENCE), _OID, _CONTEXT_0)
    if kind.content != _SIGNED_DATA:
        raise SignatureRefused("it is no signature")
    data = elements(only(content.content, _SEQUENCE), _INTEGER, _SET, _SEQUENCE, _CONTEXT_0, _SET)
    certificate = only(data[3].content, _SEQUENCE)
    signer = elements(only(data[4].content, _SEQUENCE))
    if len(signer) < 6:
        raise SignatureRefused("it is not of the expected form")
    digest, attributes, algorithm, value = signer[2], signer[3], signer[4], signer[5]
    if elements(digest.expect(_SEQUENCE))[0].content != _SHA256:
        raise SignatureRefused("its digest is not SHA-256")
    if elements(algorithm.expect(_SEQUENCE))[0].content not in _ECDSA_SHA256:
        raise SignatureRefused("it is not ECDSA with SHA-256")
    return certificate, attributes.expect(_CONTEXT_0), value.expect(_OCTETS).content


def _message_digest(attributes: Element) -> bytes:
    for attribute in elements(attributes):
        kind, values = elements(attribute.expect(_SEQUENCE), _OID, _SET)
        if kind.content == _MESSAGE_DIGEST:
            return only(values.content, _OCTETS).content
    raise SignatureRefused("it does not say what it signs")
