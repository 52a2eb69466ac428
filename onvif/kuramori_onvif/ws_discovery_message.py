"""WS-Discovery messages (2005/04, as ONVIF Core section 7 asks): datagrams to values and back. Pure.

Probe, ProbeMatches, Hello and Bye; other actions become `Other`. Limits: datagram, tags, matches, XAddrs, scopes
and every text. What came in is unauthenticated: this module reads it and believes nothing. It must not know
sockets, interfaces or which addresses are acceptable.
"""

import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.errors import DatagramMalformed

MAX_DATAGRAM_BYTES = 32 * 1024
MAX_TAGS = 4_000
MAX_MATCHES = 64  # ProbeMatch elements in one datagram
MAX_XADDRS = 8
MAX_SCOPES = 64
MAX_TYPES = 16
MAX_WORD_CHARACTERS = 256  # one XAddr, scope or type; a longer one is dropped, not cut
MAX_ENDPOINT_CHARACTERS = 128

NS_SOAP = "http://www.w3.org/2003/05/soap-envelope"
NS_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
NS_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
NS_NETWORK = "http://www.onvif.org/ver10/network/wsdl"
NS_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
TO_ALL = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
TO_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
TYPE_CAMERA = "dn:NetworkVideoTransmitter"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a device says of itself in a match, a Hello or a Bye. Words as sent; qualified types keep a prefix."""

    endpoint_id: str
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """Somebody searches. No types: everything is meant."""

    message_id: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeMatches:
    """The answer to a probe."""

    message_id: str
    relates_to: str
    matches: tuple[Announcement, ...]


@dataclass(frozen=True, slots=True)
class Hello:
    """A device came."""

    message_id: str
    device: Announcement


@dataclass(frozen=True, slots=True)
class Bye:
    """A device goes."""

    message_id: str
    device: Announcement


@dataclass(frozen=True, slots=True)
class Other:
    """A well-formed message that is none of the above (Resolve among others)."""

    body: str


Message = Probe | ProbeMatches | Hello | Bye | Other


def parse(datagram: bytes, source: str = "") -> Message:
    """Read one datagram. Raises DatagramMalformed, with `source` in its text; nothing else."""
    try:
        root = xml.parse(datagram, max_bytes=MAX_DATAGRAM_BYTES, max_tags=MAX_TAGS)
    except (xml.Refused, xml.TooMuch) as error:
        raise DatagramMalformed(source, str(error)) from None
    if xml.local_name(root) != "Envelope":
        raise DatagramMalformed(source, "no SOAP envelope")
    header = xml.child(root, "Header")
    content = xml.first(xml.child(root, "Body"))
    if content is None:
        raise DatagramMalformed(source, "an empty SOAP body")
    message_id = xml.text(header, "MessageID")
    match xml.local_name(content):
        case "Probe":
            return Probe(message_id, _words(xml.child(content, "Types"), MAX_TYPES))
        case "ProbeMatches":
            return ProbeMatches(message_id, xml.text(header, "RelatesTo"), _matches(content))
        case "ProbeMatch":  # without the list around it: seen in the field
            match = _announcement(content, source)
            return ProbeMatches(message_id, xml.text(header, "RelatesTo"), (match,))
        case "Hello":
            return Hello(message_id, _announcement(content, source))
        case "Bye":
            return Bye(message_id, _announcement(content, source))
        case other:
            return Other(other[:MAX_WORD_CHARACTERS])


def _matches(content: xml.Element) -> tuple[Announcement, ...]:
    found = []
    for match, _ in zip(xml.children(content, "ProbeMatch"), range(MAX_MATCHES), strict=False):
        endpoint = _endpoint(match)
        if endpoint:  # one bad match does not spoil the others
            found.append(_describe(match, endpoint))
    return tuple(found)


def _announcement(content: xml.Element, source: str) -> Announcement:
    endpoint = _endpoint(content)
    if not endpoint:
        raise DatagramMalformed(source, "no endpoint address")
    return _describe(content, endpoint)


def _endpoint(element: xml.Element) -> str:
    return xml.text(element, "EndpointReference", "Address")[:MAX_ENDPOINT_CHARACTERS]


def _describe(element: xml.Element, endpoint: str) -> Announcement:
    return Announcement(
        endpoint,
        _words(xml.child(element, "Types"), MAX_TYPES),
        _words(xml.child(element, "Scopes"), MAX_SCOPES),
        _words(xml.child(element, "XAddrs"), MAX_XADDRS),
    )


def _words(element: xml.Element | None, limit: int) -> tuple[str, ...]:
    if element is None or not element.text:
        return ()
    fit = (word for word in element.text.split() if len(word) <= MAX_WORD_CHARACTERS and word.isprintable())
    return tuple(word for word, _ in zip(fit, range(limit), strict=False))


def same_message(one: str, other: str) -> bool:
    """Compare two message ids: some cameras answer `uuid:…` to `urn:uuid:…`, or in capitals."""
    return bool(one) and one.rpartition(":")[2].lower() == other.rpartition(":")[2].lower()


def new_message_id() -> str:
    """Return a fresh message id, `urn:uuid:…`."""
    return f"urn:uuid:{uuid.uuid4()}"


def build_probe(message_id: str, types: tuple[str, ...] = ()) -> bytes:
    """Write a Probe to everybody; without types it asks everything that speaks WS-Discovery."""
    wanted = f"<d:Types>{_join(types)}</d:Types>" if types else ""
    return _envelope("Probe", message_id, TO_ALL, "", f"<d:Probe>{wanted}</d:Probe>")


def build_probe_matches(message_id: str, relates_to: str, matches: tuple[Announcement, ...]) -> bytes:
    """Write the answer to the probe `relates_to`."""
    content = "".join(f"<d:ProbeMatch>{_written(match)}</d:ProbeMatch>" for match in matches)
    return _envelope(
        "ProbeMatches", message_id, TO_ANONYMOUS, relates_to, f"<d:ProbeMatches>{content}</d:ProbeMatches>"
    )


def build_hello(message_id: str, device: Announcement) -> bytes:
    """Write a Hello to everybody."""
    return _envelope("Hello", message_id, TO_ALL, "", f"<d:Hello>{_written(device)}</d:Hello>")


def build_bye(message_id: str, device: Announcement) -> bytes:
    """Write a Bye to everybody."""
    return _envelope("Bye", message_id, TO_ALL, "", f"<d:Bye>{_written(device)}</d:Bye>")


def _written(device: Announcement) -> str:
    return (
        f"<a:EndpointReference><a:Address>{escape(device.endpoint_id)}</a:Address></a:EndpointReference>"
        f"<d:Types>{_join(device.types)}</d:Types><d:Scopes>{_join(device.scopes)}</d:Scopes>"
        f"<d:XAddrs>{_join(device.addresses)}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>"
    )


def _join(words: tuple[str, ...]) -> str:
    return escape(" ".join(words))


def _envelope(action: str, message_id: str, to: str, relates_to: str, content: str) -> bytes:
    relation = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<s:Envelope xmlns:s="{NS_SOAP}" xmlns:a="{NS_ADDRESSING}" xmlns:d="{NS_DISCOVERY}" '
        f'xmlns:dn="{NS_NETWORK}" xmlns:tds="{NS_DEVICE}"><s:Header>'
        f'<a:Action s:mustUnderstand="1">{NS_DISCOVERY}/{action}</a:Action>'
        f"<a:MessageID>{escape(message_id)}</a:MessageID>{relation}"
        f'<a:To s:mustUnderstand="1">{to}</a:To></s:Header><s:Body>{content}</s:Body></s:Envelope>'
    ).encode()
