"""The SOAP around every answer of a simulated camera: namespaces, envelopes, faults, and what goes back over HTTP.

Pure, written by hand. This module must not know what is asked or answered.
"""

from dataclasses import dataclass
from xml.sax.saxutils import escape

from kuramori_onvif import hardened_xml as xml

NS_SOAP = "http://www.w3.org/2003/05/soap-envelope"
NS_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
NS_MEDIA = "http://www.onvif.org/ver10/media/wsdl"
NS_MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
NS_SCHEMA = "http://www.onvif.org/ver10/schema"
NS_ERROR = "http://www.onvif.org/ver10/error"
NS_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
NS_RECORDING = "http://www.onvif.org/ver10/recording/wsdl"
NS_SEARCH = "http://www.onvif.org/ver10/search/wsdl"
NS_REPLAY = "http://www.onvif.org/ver10/replay/wsdl"
NS_NOTIFICATION = "http://docs.oasis-open.org/wsn/b-2"
NS_TOPICS = "http://docs.oasis-open.org/wsn/t-1"
NS_ADDRESSING = "http://www.w3.org/2005/08/addressing"
NS_ONVIF_TOPICS = "http://www.onvif.org/ver10/topics"
NS_VENDOR = "http://vendor.example/events"
_PREFIXES = {
    "s": NS_SOAP,
    "tds": NS_DEVICE,
    "trt": NS_MEDIA,
    "tr2": NS_MEDIA2,
    "tt": NS_SCHEMA,
    "ter": NS_ERROR,
    "tev": NS_EVENTS,
    "trc": NS_RECORDING,
    "tse": NS_SEARCH,
    "trp": NS_REPLAY,
    "wsnt": NS_NOTIFICATION,
    "wstop": NS_TOPICS,
    "wsa": NS_ADDRESSING,
    "tns1": NS_ONVIF_TOPICS,
    "tnsvendor": NS_VENDOR,
}
_DECLARED = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in _PREFIXES.items())


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pull of events that waits until something is there or this moment has come (our clock)."""

    subscription: int
    until_utc_ms: int
    limit: int


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back: status, headers beside Content-Type, SOAP text.

    `waiting`: nothing yet; the camera is to be asked again (`OnvifCamera.resume`). `hang_up`: nothing ever.
    """

    status: int
    body: str
    headers: tuple[tuple[str, str], ...] = ()
    waiting: Waiting | None = None
    hang_up: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in."""

    namespace: str
    operation: str
    request: xml.Element
    utc_ms: int  # our clock
    camera_utc_ms: int  # by the camera's own clock
    path: str = ""
    header: xml.Element | None = None


class HangUp(Exception):
    """The camera closes the connection instead of answering."""


class Fault(Exception):
    """A service refuses; `status` is that of HTTP, `subcodes` are words of ONVIF's error namespace, outermost first."""

    def __init__(self, subcodes: str, reason: str, *, code: str = "Sender", status: int = 400) -> None:
        super().__init__(f"{code}/{subcodes}: {reason}")
        self.subcodes = tuple(subcodes.split("/"))
        self.reason, self.code, self.status = reason, code, status

    def reply(self, headers: tuple[tuple[str, str], ...] = ()) -> HttpReply:
        """Return the fault as an answer (ONVIF Core 5.8.2)."""
        nested = ""
        for word in reversed(self.subcodes):
            nested = f"<s:Subcode><s:Value>ter:{word}</s:Value>{nested}</s:Subcode>"
        content = (
            f"<s:Fault><s:Code><s:Value>s:{self.code}</s:Value>{nested}</s:Code>"
            f'<s:Reason><s:Text xml:lang="en">{escape(self.reason)}</s:Text></s:Reason></s:Fault>'
        )
        return HttpReply(self.status, envelope(content), headers)


def envelope(content: str) -> str:
    """Put the content of an answer into its envelope."""
    return f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {_DECLARED}><s:Body>{content}</s:Body></s:Envelope>'
