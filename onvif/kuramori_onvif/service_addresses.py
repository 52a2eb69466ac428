"""Reads where a camera's services answer out of vetted XML: GetServices, or GetCapabilities of older ones. Pure.

By local names, in any order and namespace. The addresses are the camera's words: bind them to its host before use.
This module must not know HTTP, hosts or what is asked of a service.
"""

from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.address import MAX_ADDRESS_CHARACTERS

MAX_SERVICES = 64
NAMES = {
    "http://www.onvif.org/ver10/media/wsdl": "media",
    "http://www.onvif.org/ver20/media/wsdl": "media2",
    "http://www.onvif.org/ver10/events/wsdl": "events",
    "http://www.onvif.org/ver10/recording/wsdl": "recording",
    "http://www.onvif.org/ver10/search/wsdl": "search",
    "http://www.onvif.org/ver10/replay/wsdl": "replay",
}
_CAPABILITIES = {
    "media": ("Media",),
    "events": ("Events",),
    "recording": ("Extension", "Recording"),
    "search": ("Extension", "Search"),
    "replay": ("Extension", "Replay"),
}


def of_services(content: xml.Element) -> dict[str, str]:
    """Read a GetServicesResponse: our name of each service to its address, the first of each (ONVIF Core 8.1.2)."""
    named: dict[str, str] = {}
    for count, service in enumerate(xml.children(content, "Service")):
        if count == MAX_SERVICES:
            break
        name = NAMES.get(xml.text(service, "Namespace").rstrip("/"))
        address = xml.whole_text(service, "XAddr", limit=MAX_ADDRESS_CHARACTERS)
        if name is not None and address:
            named.setdefault(name, address)
    return named


def of_capabilities(content: xml.Element) -> dict[str, str]:
    """Read a GetCapabilitiesResponse: our name of each service to its address."""
    capabilities = xml.child(content, "Capabilities")
    found = {
        name: xml.whole_text(capabilities, *path, "XAddr", limit=MAX_ADDRESS_CHARACTERS)
        for name, path in _CAPABILITIES.items()
    }
    return {name: address for name, address in found.items() if address}
