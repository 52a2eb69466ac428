"""One HTTP exchange with a camera, with a limit on everything. The only module of this room that opens TCP.

Total deadline (connect to last byte), body cap, no redirects, no proxies, no cookies, no content coding, only the
one host it was made for; TLS against the pinned certificate, the named authority or the system's, checked before
the first byte is sent. This module must not know SOAP, sign-in or what the bytes mean.
"""

import asyncio
import hashlib
import hmac
import os
import re
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpcore

from kuramori_onvif.address import Unusable, endpoint, same_host, split
from kuramori_onvif.errors import (
    AddressRefused,
    AnswerMalformed,
    AnswerRedirected,
    AnswerTooLarge,
    CameraUnreachable,
    CertificateUntrusted,
    ConnectionClosed,
    DeadlineExceeded,
    OnvifError,
)
from kuramori_onvif.hardened_xml import MAX_BODY_BYTES

TOTAL_SECONDS = 15.0  # one exchange; the slowest honest camera seen needed four
CONNECT_SECONDS = 5.0
MAX_HEADERS = 100
IDLE_SECONDS = 10.0
_USER_AGENT = b"kuramori"
_ZONE = re.compile(r"%25[^]]*]")  # of an IPv6 address: means nothing to the camera (RFC 6874 section 4)


@dataclass(frozen=True, slots=True)
class TlsTrust:
    """How an https camera proves itself: a pinned certificate (SHA-256, 32 bytes), else an authority's PEM file,
    else the system's authorities."""

    fingerprint: bytes | None = None
    authority_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return the TLS settings. Raises OSError or ssl.SSLError for an unreadable authority file."""
        if self.fingerprint is None:
            context = ssl.create_default_context(cafile=str(self.authority_file) if self.authority_file else None)
        else:  # the pin replaces the chain: it is checked right after the handshake
            context = _no_authorities()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def _no_authorities() -> ssl.SSLContext:
    """Return settings that trust nobody, and take a hundredth of the memory of those that know all authorities."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back, whole and within the cap."""

    status: int
    headers: tuple[tuple[str, str], ...]  # names in lower case
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)

    def header_values(self, name: str) -> tuple[str, ...]:
        """Return all values of a header."""
        return tuple(value for key, value in self.headers if key == name)


class _PinBroken(Exception):
    """The certificate is not the pinned one; `presented` is the SHA-256 of the one that was shown."""

    def __init__(self, presented: bytes) -> None:
        super().__init__()
        self.presented = presented


class _PinnedStream(httpcore.AsyncNetworkStream):
    """A TCP stream whose TLS must show the pinned certificate before anything is sent."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, fingerprint: bytes | None) -> None:
        self._stream = stream
        self._fingerprint = fingerprint

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        secured = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        if self._fingerprint is not None:
            presented = _fingerprint_of(secured.get_extra_info("ssl_object"))
            if not hmac.compare_digest(presented, self._fingerprint):
                await secured.aclose()
                raise _PinBroken(presented)
        return secured

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects by name or address (IPv6 zones unescaped) and pins."""

    def __init__(self, fingerprint: bytes | None) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._fingerprint = fingerprint

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        plain_host = unquote(host.strip("[]"))
        stream = await self._inner.connect_tcp(plain_host, port, timeout, local_address, socket_options)
        return _PinnedStream(stream, self._fingerprint)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HttpTransport:
    """Exchanges with one host. Close it after use; may be closed twice."""

    def __init__(
        self,
        host: str,
        trust: TlsTrust | None = None,
        *,
        total_seconds: float = TOTAL_SECONDS,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.host = host
        self._trust = trust or TlsTrust()
        self._total_seconds = total_seconds
        self._max_body_bytes = max_body_bytes
        self._pool: httpcore.AsyncConnectionPool | None = None

    def _connections(self, url: str) -> httpcore.AsyncConnectionPool:
        """Return the pool. One that was made for plain HTTP trusts nobody over TLS."""
        if self._pool is None:
            secure = url.lower().startswith("https:")
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._trust.context() if secure else _no_authorities(),
                max_connections=2,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=_Backend(self._trust.fingerprint),
            )
        return self._pool

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], operation: str, *, hold_seconds: float = 0.0
    ) -> HttpAnswer:
        """Send `body` and return the whole answer, whatever its status (but a redirect).

        `hold_seconds` above 0 is a long poll: the camera may hold its answer for so long before the usual deadline
        begins, and the question is not repeated. Raises CameraUnreachable (ConnectionClosed), DeadlineExceeded,
        CertificateUntrusted, AnswerTooLarge, AnswerMalformed, AnswerRedirected; AddressRefused for a URL of another
        host.
        """
        camera = endpoint(url)
        try:
            host = split(url, ("http", "https")).hostname or ""
        except Unusable as error:
            raise AddressRefused(camera, operation, str(error)) from None
        if not same_host(unquote(host), self.host):
            raise AddressRefused(camera, operation, "it is not the host of this camera")
        try:
            self._connections(url)
        except OSError as error:  # ssl.SSLError is one
            raise CertificateUntrusted(camera, operation, f"the authority's file: {_reason(error)}") from None
        total_seconds = self._total_seconds + hold_seconds
        try:
            async with asyncio.timeout(total_seconds):
                answer = await self._exchange(url, body, headers, operation, camera, 1 if hold_seconds else 2)
        except TimeoutError:
            raise DeadlineExceeded(camera, operation, total_seconds) from None
        except _PinBroken as broken:
            expected = (self._trust.fingerprint or b"").hex()
            why = "not the pinned certificate"
            raise CertificateUntrusted(
                camera, operation, why, presented=broken.presented.hex(), expected=expected
            ) from None
        except httpcore.ProtocolError as error:
            if hold_seconds and _is_disconnection(error):
                raise ConnectionClosed(camera, operation) from None
            raise AnswerMalformed(camera, operation, f"not HTTP: {error}") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
            if _is_certificate_fault(error):
                presented = await self._presented(url)
                raise CertificateUntrusted(camera, operation, str(error), presented=presented) from None
            raise CameraUnreachable(camera, operation, _reason(error)) from None
        if 300 <= answer.status < 400:
            raise AnswerRedirected(camera, operation, answer.status)
        return answer

    async def _presented(self, url: str) -> str:
        """Look at the certificate that was refused, so that it can be named; "" where it is not shown again."""
        try:
            return (await peer_fingerprint(url, total_seconds=min(self._total_seconds, CONNECT_SECONDS))).hex()
        except OnvifError:
            return ""

    async def _exchange(
        self, url: str, body: bytes, headers: dict[str, str], operation: str, camera: str, attempts: int
    ) -> HttpAnswer:
        request_headers = [
            (b"Host", _ZONE.sub("]", endpoint(url)).encode()),
            (b"User-Agent", _USER_AGENT),
            (b"Accept-Encoding", b"identity"),
            (b"Content-Length", str(len(body)).encode()),
            *((name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()),
        ]
        extensions = {"timeout": {"connect": min(CONNECT_SECONDS, self._total_seconds)}}
        for attempt in range(1, attempts + 1):
            try:
                async with self._connections(url).stream(
                    "POST", url, headers=request_headers, content=body, extensions=extensions
                ) as response:
                    return await self._read(response, operation, camera)
            except (httpcore.RemoteProtocolError, httpcore.WriteError, httpcore.ReadError) as error:
                # A kept connection that the camera has closed meanwhile: once more on a fresh one.
                if attempt == attempts or not _is_disconnection(error):
                    raise
        raise CameraUnreachable(camera, operation, "it closed the connection twice")

    async def _read(self, response: httpcore.Response, operation: str, camera: str) -> HttpAnswer:
        if len(response.headers) > MAX_HEADERS:
            raise AnswerTooLarge(camera, operation, "headers", MAX_HEADERS)
        headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers)
        coding = next((value for name, value in headers if name == "content-encoding"), "identity")
        if coding.strip().lower() not in ("", "identity"):
            raise AnswerMalformed(camera, operation, "a compressed body that was not asked for")
        body = bytearray()
        async for piece in response.aiter_stream():
            body += piece
            if len(body) > self._max_body_bytes:
                raise AnswerTooLarge(camera, operation, "bytes", self._max_body_bytes)
        return HttpAnswer(response.status, headers, bytes(body))


def _is_disconnection(error: BaseException) -> bool:
    """Tell whether the camera closed the connection before it said anything."""
    return "disconnected" in str(error).lower()


async def peer_fingerprint(address: str, *, total_seconds: float = CONNECT_SECONDS) -> bytes:
    """Return the SHA-256 (32 bytes) of the certificate that is shown at an https or rtsps address.

    A TLS handshake and nothing else: no byte of ours follows it, no sign-in, no request. What is returned proves
    nothing; whoever asks for the first time may take it for a pin. Raises AddressRefused, CameraUnreachable (also
    where no TLS is spoken), DeadlineExceeded.
    """
    camera, operation = endpoint(address), "the certificate"
    try:
        parts = split(address, ("https", "rtsps"))
    except Unusable as error:
        raise AddressRefused(camera, operation, str(error)) from None
    context = TlsTrust(fingerprint=bytes(32)).context()  # any certificate: it is only looked at
    host = unquote(parts.hostname or "")
    port = parts.port or {"https": 443, "rtsps": 322}[parts.scheme.lower()]
    writer = None
    try:
        async with asyncio.timeout(total_seconds):
            _, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname=host, ssl_handshake_timeout=total_seconds
            )
            return _fingerprint_of(writer.get_extra_info("ssl_object"))
    except TimeoutError:
        raise DeadlineExceeded(camera, operation, total_seconds) from None
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError: a name that no host has
        raise CameraUnreachable(camera, operation, _reason(error)) from None
    finally:
        if writer is not None:
            writer.transport.abort()


def _fingerprint_of(secured: ssl.SSLObject | ssl.SSLSocket) -> bytes:
    return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").digest()


def _is_certificate_fault(error: BaseException) -> bool:
    """Tell whether TLS failed for the certificate; the library wraps the cause."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _reason(error: BaseException) -> str:
    """Return the operating system's own words where there are any."""
    numbers = (cause.errno for cause in _causes(error) if isinstance(cause, OSError) and cause.errno)
    number = next(numbers, None)
    if number is not None and number > 0:
        return os.strerror(number)
    return str(error) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from; of a group, its first member."""
    while error is not None:
        yield error
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None
        error = inner or error.__cause__ or error.__context__
