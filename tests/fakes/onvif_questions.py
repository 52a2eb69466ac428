"""Questions to a simulated camera without sockets, and a reader of its answers that nobody here wrote (zeep's).

The simulator must tell on our own readers, so it is checked against the WSDL files of the SOAP library instead.
"""

import functools
import warnings
from pathlib import Path
from typing import Any

from lxml import etree

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.onvif.envelope import HttpReply
from kuramori.simulator.onvif_camera import OnvifCamera, SimulatedProfile

BASE = "http://127.0.0.1:80/onvif"
NOW_UTC_MS = 1_790_000_000_000
SPACES = {
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "trc": "http://www.onvif.org/ver10/recording/wsdl",
    "tse": "http://www.onvif.org/ver10/search/wsdl",
    "trp": "http://www.onvif.org/ver10/replay/wsdl",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "tt": "http://www.onvif.org/ver10/schema",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "vendor": "http://vendor.example/events",
}
_FILES = {
    "tds": ("devicemgmt", "DeviceBinding"),
    "trt": ("media", "MediaBinding"),
    "tev": ("events", "EventBinding"),
    "trc": ("recording", "RecordingBinding"),
    "tse": ("search", "SearchBinding"),
    "trp": ("replay", "ReplayBinding"),
}


def camera(*profiles: SimulatedProfile) -> OnvifCamera:
    """A camera with one loud profile, at an address of its own."""
    return OnvifCamera("gate", 1, "urn:uuid:1", profiles or (profile(),), device_url=f"{BASE}/device_service")


def profile(token: str = "main", audio: AudioKind = AudioKind.AAC) -> SimulatedProfile:
    """An H.264 profile."""
    return SimulatedProfile(token, token, "H264", 1280, 720, 15, 2000, 15, audio, f"rtsp://127.0.0.1:8554/{token}")


def ask(
    its: OnvifCamera,
    operation: str,
    inside: str = "",
    *,
    path: str = "",
    header: str = "",
    utc_ms: int = NOW_UTC_MS,
) -> HttpReply:
    """Ask `prefix:Operation` with these fields; the prefixes of SPACES are declared."""
    declared = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())
    body = (
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" {declared}><s:Header>{header}</s:Header>'
        f"<s:Body><{operation}>{inside}</{operation}></s:Body></s:Envelope>"
    )
    return its.reply(body.encode(), "", utc_ms, path)


def texts(reply: HttpReply, name: str) -> list[str]:
    """Return the texts of all elements with this local name."""
    root = etree.fromstring(reply.body.encode())
    return [element.text or "" for element in root.iter() if etree.QName(element).localname == name]


def attributes(reply: HttpReply, name: str, attribute: str) -> list[str]:
    """Return an attribute of all elements with this local name."""
    root = etree.fromstring(reply.body.encode())
    found = [element for element in root.iter() if etree.QName(element).localname == name]
    return [element.get(attribute, "") for element in found]


@functools.cache
def _binding(prefix: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import onvif
        import zeep

        file, name = _FILES[prefix]
        wsdl = Path(onvif.__file__).parent / "wsdl" / f"{file}.wsdl"
        client = zeep.Client(str(wsdl))
    return client.wsdl.bindings[f"{{{SPACES[prefix]}}}{name}"]


def conforms(operation: str, reply: HttpReply) -> Any:
    """Read an answer strictly, as its WSDL file says; raises what zeep raises when it does not fit."""
    assert reply.status == 200, reply.body
    prefix, _, name = operation.partition(":")
    return _binding(prefix).get(name).process_reply(etree.fromstring(reply.body.encode()))
