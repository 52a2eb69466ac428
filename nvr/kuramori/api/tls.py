"""TLS 1.3 for the desk: the context, and a certificate of the desk's own where the office has none.

The device key signs evidence and nothing else; so the desk's TLS has a key of its own. Must not know HTTP.
"""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kuramori.device_certificate import common_name, key_to_pem
from kuramori.durable_file import write_file

VALIDITY_DAYS = 3650
PUBLIC_MODE = 0o644


class TlsFault(Exception):
    """Certificate and key do not serve; names the file."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the context: TLS 1.3 and nothing older. Raises TlsFault."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # no session outlives its connection
    try:
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ssl.SSLError) as error:
        raise TlsFault(f"{certificate}, {key}: {error}") from None
    return context


def ensure_own(certificate: Path, key: Path, site: str, recorder_id: bytes, host: str, utc_ms: int) -> None:
    """Make the desk's own key and certificate where they are not there yet. Raises OSError."""
    if certificate.exists() and key.exists():
        return
    private = ec.generate_private_key(ec.SECP256R1())
    made = _own_certificate(private, site, recorder_id, host, datetime.fromtimestamp(utc_ms // 1000, UTC))
    write_file(key, key_to_pem(private))
    write_file(certificate, made.public_bytes(serialization.Encoding.PEM), PUBLIC_MODE)


def _own_certificate(
    key: ec.EllipticCurvePrivateKey, site: str, recorder_id: bytes, host: str, begins: datetime
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name(site, recorder_id))])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - timedelta(days=1))
        .not_valid_after(begins + timedelta(days=VALIDITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
