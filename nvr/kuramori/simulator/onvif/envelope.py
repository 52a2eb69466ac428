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
_PREFIXES = {
    "s": NS_SOAP,
    "tds": NS_DEVICE,
    "trt": NS_MEDIA,
    "tr2": NS_MEDIA2,
    "tt": NS_SCHEMA,
    "ter": NS_ERROR,
}
_DECLARED = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in _PREFIXES.items())


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back: status, headers beside Content-Type, SOAP text."""

    status: int
    body: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in."""

    namespace: str
    operation: str
    request: xml.Element
    camera_utc_ms: int  # by the camera's own clock


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
