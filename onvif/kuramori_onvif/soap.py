"""SOAP with one camera: the only module that knows the SOAP library (`onvif`, `zeep`).

The library writes requests from its WSDL files and reads plain answers; everything between goes through our own
transport: sign-in, body cap, deadline, strict XML. What the library does to its process (root logger, proxy
variables, unverified TLS) is undone or never reached. Every failure leaves as one of ours. This module must not
know profiles or what an answer means.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.address import endpoint
from kuramori_onvif.errors import (
    AnswerMalformed,
    AnswerTooLarge,
    CameraFault,
    CredentialsMissing,
    CredentialsRefused,
    OperationUnsupported,
)
from kuramori_onvif.http_digest import choose_challenge
from kuramori_onvif.sign_in import Attempts, SignIn
from kuramori_onvif.transport import HttpAnswer, HttpTransport
from kuramori_onvif.username_token import NONCE_BYTES, add_token, remove_token

CONTENT_TYPE = "application/soap+xml; charset=utf-8"
NS_SOAP = "http://www.w3.org/2003/05/soap-envelope"
NS_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
NS_MEDIA = "http://www.onvif.org/ver10/media/wsdl"
NS_MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
HTTP_OK = 200
HTTP_UNAUTHORIZED = 401
MAX_FAULT_CODES = 4
_WSDL = {NS_DEVICE: ("devicemgmt.wsdl", "DeviceBinding"), NS_MEDIA: ("media.wsdl", "MediaBinding")}
_UNSUPPORTED = frozenset({"ActionNotSupported", "OptionalActionNotImplemented", "UnknownAction"})
_UNAUTHORISED = frozenset({"NotAuthorized", "SenderNotAuthorized", "FailedAuthentication", "InvalidSecurity"})
_UNAUTHORISED_WORDS = re.compile(r"not\s*authori[sz]ed|unauthori[sz]ed|authenticat", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """A vetted answer: the content of its body, and when it was asked and answered on our clock."""

    content: xml.Element
    sent_utc_ms: int
    received_utc_ms: int


@dataclass(frozen=True, slots=True)
class DateHeader:
    """The Date header of the latest answer, good or bad, with our times: a camera's clock without sign-in."""

    value: str | None
    sent_utc_ms: int
    received_utc_ms: int


def vet(camera: str, operation: str, http: HttpAnswer) -> xml.Element:
    """Return the content of a SOAP answer. Pure.

    Raises CameraFault (OperationUnsupported), AnswerMalformed, AnswerTooLarge; nothing else, for any bytes.
    """
    try:
        root = xml.parse(http.body)
    except xml.TooMuch as error:
        raise AnswerTooLarge(camera, operation, error.what, error.limit) from None
    except xml.Refused as error:
        if http.status != HTTP_OK:
            raise CameraFault(camera, operation, (f"HTTP {http.status}",), "") from None
        raise AnswerMalformed(camera, operation, str(error)) from None
    content = xml.first(xml.child(root, "Body")) if xml.local_name(root) == "Envelope" else None
    if content is not None and xml.local_name(content) == "Fault":
        codes, reason = _fault(content)
        kind = OperationUnsupported if _UNSUPPORTED & set(codes) else CameraFault
        raise kind(camera, operation, codes, reason)
    if http.status != HTTP_OK:
        raise CameraFault(camera, operation, (f"HTTP {http.status}",), "")
    if content is None:
        raise AnswerMalformed(camera, operation, "no SOAP body")
    if xml.local_name(content) != f"{operation}Response":
        raise AnswerMalformed(camera, operation, f"it answers with {xml.local_name(content)}")
    return content


def _fault(fault: xml.Element) -> tuple[tuple[str, ...], str]:
    """Return codes (local parts, outermost first) and reason of a SOAP 1.2 or 1.1 fault."""
    codes: list[str] = []
    code = xml.child(fault, "Code")
    while code is not None and len(codes) < MAX_FAULT_CODES:
        codes.append(xml.text(code, "Value").rpartition(":")[2])
        code = xml.child(code, "Subcode")
    if not codes:
        codes.append(xml.text(fault, "faultcode").rpartition(":")[2])
    return tuple(one for one in codes if one), xml.text(fault, "Reason", "Text") or xml.text(fault, "faultstring")


def wants_sign_in(fault: CameraFault) -> bool:
    """Tell whether a fault means that we are not signed in; few cameras use the proper code."""
    return bool(_UNAUTHORISED & set(fault.codes)) or _UNAUTHORISED_WORDS.search(fault.reason) is not None


@dataclass(slots=True)
class SoapConnection:
    """Operations on one camera, one after another. `utc_ms` is our clock."""

    transport: HttpTransport
    utc_ms: Callable[[], int]
    sign_in: SignIn = field(default_factory=SignIn)
    latest_date: DateHeader | None = None
    _services: dict[tuple[str, str], Any] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def close(self) -> None:
        """Close connections and the library's sessions. May be called twice."""
        for service in self._services.values():
            await service.close()
        self._services.clear()
        await self.transport.close()

    async def call(
        self, address: str, namespace: str, operation: str, parameters: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation of the library's WSDL files; return the library's object (read it with getattr).

        Raises an OnvifError.
        """
        service = await self._service(address, namespace)
        try:
            return await getattr(service, f"authless_{operation}")(dict(parameters or {}))
        except _library_faults() as error:
            raise AnswerMalformed(endpoint(address), operation, f"{type(error).__name__}: {error}") from None

    async def ask(
        self,
        address: str,
        request: xml.Element,
        *,
        signed: bool = True,
        action: str = "",
        headers: Iterable[xml.Element] = (),
        hold_seconds: float = 0.0,
    ) -> SoapAnswer:
        """Run an operation whose request element was written by hand. Raises an OnvifError.

        `signed` False sends no credentials, whatever the camera wants. `action` and `headers` (which become this
        message's) are for WS-Addressing; `hold_seconds` for a long poll.
        """
        envelope = etree.Element(etree.QName(NS_SOAP, "Envelope"), nsmap={"s": NS_SOAP})
        etree.SubElement(envelope, etree.QName(NS_SOAP, "Header")).extend(headers)
        etree.SubElement(envelope, etree.QName(NS_SOAP, "Body")).append(request)
        sign_in = self.sign_in if signed else SignIn()
        answer, _ = await self.exchange(address, envelope, sign_in, action=action, hold_seconds=hold_seconds)
        return answer

    async def exchange(
        self, address: str, envelope: xml.Element, sign_in: SignIn, *, action: str = "", hold_seconds: float = 0.0
    ) -> tuple[SoapAnswer, HttpAnswer]:
        """Send an envelope, signing in as far as the camera wants it. Raises an OnvifError."""
        camera = endpoint(address)
        request = xml.first(xml.child(envelope, "Body"))
        if request is None:
            raise AnswerMalformed(camera, "a request", "it has no content")
        operation = xml.local_name(request)
        action = action or f"{xml.namespace(request)}/{operation}"
        attempts = Attempts(sign_in)
        async with self._turn:
            while True:
                sent_utc_ms = self.utc_ms()
                body, headers = self._written(address, envelope, action, sign_in)
                http = await self.transport.post(address, body, headers, operation, hold_seconds=hold_seconds)
                received_utc_ms = self.utc_ms()
                self.latest_date = DateHeader(http.header("date"), sent_utc_ms, received_utc_ms)
                if http.status != HTTP_UNAUTHORIZED:
                    try:
                        content = vet(camera, operation, http)
                    except CameraFault as fault:
                        if not wants_sign_in(fault):
                            raise
                    else:
                        return SoapAnswer(content, sent_utc_ms, received_utc_ms), http
                if not attempts.refused(choose_challenge(http.header_values("www-authenticate"))):
                    break
        if sign_in.credentials is None:
            raise CredentialsMissing(camera, operation)
        raise CredentialsRefused(camera, operation, tuple(method.value for method in attempts.failed))

    def _written(
        self, address: str, envelope: xml.Element, action: str, sign_in: SignIn
    ) -> tuple[bytes, dict[str, str]]:
        """Return body and HTTP headers of a message, signed as it is known to be wanted now."""
        credentials = sign_in.token_credentials()
        remove_token(envelope)
        if credentials is not None:
            camera_utc_ms = self.utc_ms() + sign_in.clock_offset_ms
            add_token(envelope, credentials, secrets.token_bytes(NONCE_BYTES), camera_utc_ms)
        headers = {"Content-Type": f'{CONTENT_TYPE}; action="{action}"'}
        signed = sign_in.digest_header("POST", _target(address), secrets.token_hex(8))
        if signed is not None:
            headers["Authorization"] = signed
        return etree.tostring(envelope, xml_declaration=True, encoding="utf-8"), headers

    async def _service(self, address: str, namespace: str) -> Any:
        """Return the library's service object for this address, with our transport under it."""
        key = (address, namespace)
        if key not in self._services:
            library = await asyncio.to_thread(_library)
            file, binding = _WSDL[namespace]
            service = library.ONVIFService(
                address,
                None,
                None,
                str(Path(library.__file__).parent / "wsdl" / file),
                no_cache=True,  # no SQLite file in somebody's home
                binding_name=f"{{{namespace}}}{binding}",
            )
            service.transport = _LibraryTransport(self)
            await service.setup()
            self._services[key] = service
        return self._services[key]


def _target(address: str) -> str:
    """Return the request target of a URL as it is sent."""
    parts = urlsplit(address)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer in the shape that the library reads: vetted, in UTF-8, never multipart."""

    content: bytes
    status_code: int = HTTP_OK
    encoding: str = "utf-8"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": CONTENT_TYPE})


@dataclass(slots=True)
class _LibraryTransport:
    """What the library takes for its transport."""

    connection: SoapConnection
    cache: None = None

    async def post_xml(self, address: str, envelope: xml.Element, _headers: Mapping[str, str]) -> _Reply:
        """Exchange through our own transport; our errors pass through the library unchanged."""
        _, http = await self.connection.exchange(address, envelope, self.connection.sign_in)
        return _Reply(http.body)

    async def aclose(self) -> None:
        """The connection is closed by its owner."""


@cache
def _library() -> Any:
    """Import the library, leaving the root logger as it was; load nothing else.

    Its import calls logging.basicConfig. Its proxy and TLS side effects belong to parts that are not used here:
    its camera class and its HTTP session, which never opens a connection.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        from onvif import client
    finally:
        for handler in root.handlers[:]:
            if handler not in handlers:
                root.removeHandler(handler)
                handler.close()
        root.setLevel(level)
    for name in ("onvif", "zeep"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they log whole messages, tokens included
    return client


@cache
def _library_faults() -> tuple[type[Exception], ...]:
    """Everything that the library was seen to raise for a strange answer."""
    from onvif.exceptions import ONVIFError
    from zeep.exceptions import Error

    return (
        ONVIFError,
        Error,
        etree.LxmlError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        ArithmeticError,
        AssertionError,
        RuntimeError,
    )
