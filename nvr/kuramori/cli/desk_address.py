"""A desk on another machine: its address, and the one certificate by which it is known. TLS 1.3 and nothing older.

The certificate is taken as it comes at the first visit (its fingerprint is shown, to be compared), or from a file; it
is kept beside the sign-in and no other is accepted afterwards, whoever signed it. Nothing is sent before it is known.
Imports nothing that exists on Linux only; must not know resources.
"""

import hashlib
import ipaddress
import os
import socket
import ssl
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import httpx
import typer

from kuramori.cli.chosen_desk import CHOSEN
from kuramori.cli.failure import CommandFailure
from kuramori.cli.session_file import keep_pin, kept_pin
from kuramori.texts import tr

URL_VARIABLE = "KURAMORI_URL"
DEFAULT_PORT = 443
VISIT_SECONDS = 10.0
CERTIFICATE_BYTES_MOST = 65536


class DeskCertificateChanged(CommandFailure):
    """The desk shows another certificate than the one it is known by. Nothing was sent to it."""

    def __init__(self, url: str, shown: str, known: str) -> None:
        super().__init__(
            tr(
                f"The desk at {url} shows another certificate than it is known by ({shown}; known is {known}): nothing "
                "was sent. If it was renewed on purpose, get the file api_certificate.pem from the recorder and name "
                "it once: kuramori --certificate FILE. If not, somebody may stand between: tell the administrator.",
                f"{url} の証明書が以前と異なります(提示 {shown}、登録済み {known})。何も送信していません。"
                "更新した場合は、録画機の api_certificate.pem を入手し、一度だけ kuramori --certificate ファイル名 と"
                "指定してください。心当たりがなければ、なりすましの疑いがあります。管理者に連絡してください。",
            )
        )


@dataclass(frozen=True, slots=True)
class DeskUrl:
    """Where the desk answers for other machines."""

    host: str
    port: int
    secure: bool

    @property
    def text(self) -> str:
        """The usual form: what a sign-in is kept under."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


def named_url(*, configured: bool) -> DeskUrl | None:
    """Return the address: --url, else KURAMORI_URL unless a configuration is named. Raises CommandFailure."""
    text = CHOSEN.get().url or ("" if configured else os.environ.get(URL_VARIABLE, ""))
    return parse_url(text) if text else None


def parse_url(text: str) -> DeskUrl:
    """Return an address: https, or plain http on this very machine. Raises CommandFailure."""
    try:
        parts = urllib.parse.urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise _not_an_address(text) from None
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("https", "http") or not host or not bare:
        raise _not_an_address(text)
    secure = parts.scheme == "https"
    if not secure and not _is_loopback(host):
        raise CommandFailure(
            tr(
                f"{text}: over the network the desk is reached by https only.",
                f"{text}: ネットワーク経由では https のみ使用できます。",
            )
        )
    return DeskUrl(host, port or (DEFAULT_PORT if secure else 80), secure)


def transport_to(address: DeskUrl) -> httpx.HTTPTransport:
    """Return a transport that speaks with exactly the known desk. Raises CommandFailure, DeskCertificateChanged."""
    if not address.secure:
        return httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False)
    return httpx.HTTPTransport(verify=_context(_certificate_of(address)), trust_env=False)


def changed_certificate(address: DeskUrl, error: BaseException) -> DeskCertificateChanged | None:
    """Return the refusal if a connection failed because of the certificate; None for any other reason."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    shown = _fingerprint(_visit(address))
    return DeskCertificateChanged(address.text, shown, _fingerprint(kept_pin(address.text) or b""))


def _certificate_of(address: DeskUrl) -> bytes:
    """Return the certificate (DER) by which the desk is known, from a file, from before, or as it comes now."""
    file, known = CHOSEN.get().certificate, kept_pin(address.text)
    if file is not None:
        given = _read(file)
        shown = _visit(address)
        if shown != given:
            raise DeskCertificateChanged(address.text, _fingerprint(shown), _fingerprint(given))
        if given != known:
            _keep(address, given)
        return given
    if known is not None:
        return known
    shown = _visit(address)
    typer.echo(
        tr(
            f"First visit to {address.text}: compare its certificate's fingerprint with the recorder's: "
            f"{_fingerprint(shown)}",
            f"{address.text} に初めて接続します。証明書の指紋を録画機のものと照合してください: {_fingerprint(shown)}",
        ),
        err=True,
    )
    _keep(address, shown)
    return shown


def _keep(address: DeskUrl, certificate: bytes) -> None:
    try:
        keep_pin(address.text, certificate)
    except OSError as error:
        raise CommandFailure(
            tr(
                f"The file of sign-ins cannot be written ({error.strerror}): the desk's certificate has to be kept.",
                f"サインイン情報のファイルに書き込めません({error.strerror})。証明書を保存できません。",
            )
        ) from error


def _context(certificate: bytes) -> ssl.SSLContext:
    """Trust this certificate itself, whoever signed it, and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # it is known by itself, not by a name
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(certificate))
    return context


def _visit(address: DeskUrl) -> bytes:
    """Return the certificate that the desk shows; nothing is sent. Raises CommandFailure."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address.host, address.port), VISIT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address.host) as spoken,
        ):
            return spoken.getpeercert(binary_form=True) or b""
    except OSError as error:
        raise no_desk_at(address.text, error) from error


def no_desk_at(url: str, error: Exception) -> CommandFailure:
    """Return the failure for an address at which no desk answers."""
    return CommandFailure(
        tr(
            f"No desk answers at {url} ({error}): check the address, the network, and [api] listen on the recorder.",
            f"{url} で受付(desk)が応答しません({error})。アドレス、ネットワーク及び録画機の設定 [api] listen を"
            "確認してください。",
        )
    )


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            text = opened.read(CERTIFICATE_BYTES_MOST).decode("ascii")
        first, end, _ = text.partition(ssl.PEM_FOOTER)  # of a chain: the desk's own
        return ssl.PEM_cert_to_DER_cert(first[max(0, first.find(ssl.PEM_HEADER)) :] + end)
    except (OSError, ValueError) as error:
        raise CommandFailure(
            tr(f"{file} is not a certificate (PEM).", f"{file} は証明書(PEM)ではありません。")
        ) from error


def _fingerprint(certificate: bytes) -> str:
    digest = hashlib.sha256(certificate).hexdigest()[:32]
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _not_an_address(text: str) -> CommandFailure:
    return CommandFailure(
        tr(
            f"{text!r} is not the address of a desk, which looks like https://recorder.example:8443",
            f"{text!r} は受付(desk)のアドレスではありません（例: https://recorder.example:8443）。",
        )
    )
