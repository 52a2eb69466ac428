"""The recorder's own key and the self-signed certificate that names it. Pure: no files, no clock.

The key is P-256; it signs segment footers and manifests (CMS). The certificate says which recorder signed, not that
anybody vouches for it: whoever receives a clip compares its fingerprint with the one that the site publishes.
"""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY_YEARS = 20  # longer than a recorder lives; the register is kept for five years
NAME_CHARACTERS_MOST = 64  # X.520, ub-common-name and ub-organization-name
_ID_CHARACTERS = 32  # the recorder id in hexadecimal


def new_device_key() -> ec.EllipticCurvePrivateKey:
    """Return a fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_to_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the private key as unencrypted PKCS #8 PEM: a secret, for a file of mode 0600."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def common_name(site: str, recorder_id: bytes) -> str:
    """Return the certificate's common name: as much of the site's name as fits, and the whole recorder id."""
    return f"{site[: NAME_CHARACTERS_MOST - _ID_CHARACTERS - 1].strip()} {recorder_id.hex()}"


def new_certificate(
    key: ec.EllipticCurvePrivateKey, site: str, recorder_id: bytes, created_utc_ms: int
) -> x509.Certificate:
    """Return a certificate of `key`, signed by itself, valid for twenty years from its creation.

    Extended key usage is e-mail protection, because `openssl cms -verify` asks for it by default.
    """
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, site[:NAME_CHARACTERS_MOST]),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name(site, recorder_id)),
        ]
    )
    begins = datetime.fromtimestamp(created_utc_ms // 1000, UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=365 * VALIDITY_YEARS + VALIDITY_YEARS // 4))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate in groups of four hexadecimal digits, to publish and compare."""
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))
