"""A simulated camera's TLS certificate: self-signed, made at start, changed when a test wants it changed.

The key never lies in a file system. This module must not know sockets or what is said over TLS.
"""

import datetime
import hashlib
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID_DAYS = 3650


class SimulatedCertificate:
    """The certificate in use. `context` is for servers; a renewed certificate shows in the next handshake."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.num_tickets = 0  # every handshake shows the certificate
        self.pem = b""
        self.fingerprint = b""  # SHA-256 of the DER form
        self.renew()

    def renew(self) -> None:
        """Make another key and certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(key, self._host)
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.fingerprint = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = os.memfd_create("certificate")  # the library loads from files only: one that exists in memory
        try:
            os.write(file, self.pem + secret)
            self.context.load_cert_chain(f"/proc/self/fd/{file}")
        finally:
            os.close(file)


def _certificate(key: ec.EllipticCurvePrivateKey, host: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
