"""Who was seen: turns announcements into found devices, within caps, believing nothing but the source address.

Pure: datagrams' contents and sources in, devices out. An XAddr is bound to the host from which the datagram came;
one responder may fill only its own share of the list (a hostile one faked 214 devices). Loopback has a larger
share: only this machine answers there, with as many simulated cameras as it likes.
"""

import ipaddress
from dataclasses import dataclass, replace
from urllib.parse import unquote

from kuramori_onvif.address import Unusable, pin
from kuramori_onvif.hardened_xml import one_line
from kuramori_onvif.models import FoundDevice
from kuramori_onvif.ws_discovery_message import Announcement

DEVICES_PER_SOURCE = 16  # an encoder with 16 inputs answers 16 times
DEVICES_PER_LOOPBACK_SOURCE = 256
DEVICES_IN_ALL = 1024
DATAGRAMS_PER_SOURCE_AND_SECOND = 64
DATAGRAMS_PER_LOOPBACK_SOURCE_AND_SECOND = 1024
DATAGRAMS_PER_SECOND = 2048
SCHEMES = ("http", "https")
DEVICE_PATH = "/onvif/device_service"
_SCOPE_PREFIX = "onvif://www.onvif.org/"
_WORD_CHARACTERS = 64
_DEVICE_TYPES = frozenset({"NetworkVideoTransmitter", "Device", "NetworkVideoStorage"})


def is_loopback(source: str) -> bool:
    """Tell whether a datagram came from this machine itself."""
    try:
        return ipaddress.ip_address(source.split("%", 1)[0]).is_loopback
    except ValueError:
        return False


def is_camera(announcement: Announcement) -> bool:
    """Tell whether an announcement speaks of an ONVIF device: by its types, or else by its scopes.

    Printers and PCs speak WS-Discovery too. Without any type, ONVIF scopes or an ONVIF path will do.
    """
    names = {word.rpartition(":")[2] for word in announcement.types}
    if names & _DEVICE_TYPES and any(_is_onvif(announcement)):
        return True
    return "NetworkVideoTransmitter" in names or (not names and any(_is_onvif(announcement)))


def _is_onvif(announcement: Announcement) -> tuple[bool, ...]:
    return (
        any(scope.lower().startswith(_SCOPE_PREFIX) for scope in announcement.scopes),
        any("/onvif/" in address.lower() for address in announcement.addresses),
    )


def describe(announcement: Announcement, source: str, interface: str) -> FoundDevice:
    """Make the value: address bound to `source`, vendor, model and name from the scopes where they are free."""
    address, replaced = _address(announcement.addresses, source)
    scopes = announcement.scopes
    name = _scope(scopes, "name")
    return FoundDevice(
        endpoint_id=announcement.endpoint_id,
        address=address,
        address_replaced=replaced,
        source=source,
        interface=interface,
        types=announcement.types,
        scopes=scopes,
        vendor=_scope(scopes, "manufacturer") or _scope(scopes, "mfr"),
        model=_scope(scopes, "hardware"),
        name=name,
    )


def _address(addresses: tuple[str, ...], source: str) -> tuple[str, bool]:
    """Return the first XAddr whose host is the source; else the first usable one with its host replaced."""
    usable = []
    for candidate in addresses:
        try:
            usable.append(pin(candidate, source, SCHEMES))
        except Unusable:
            continue
    for pinned in usable:
        if pinned.replaced_host is None:
            return pinned.url, False
    if usable:
        return usable[0].url, True
    return pin(f"http://placeholder{DEVICE_PATH}", source, SCHEMES).url, True


def _scope(scopes: tuple[str, ...], kind: str) -> str:
    """Return the value of the scope onvif://www.onvif.org/<kind>/<value>, percent-decoded, "" if none."""
    prefix = f"{_SCOPE_PREFIX}{kind}/"
    for scope in scopes:
        if scope.lower().startswith(prefix):
            return one_line(unquote(scope[len(prefix) :], errors="replace"))[:_WORD_CHARACTERS]
    return ""


@dataclass(slots=True)
class _Second:
    number: int = -1
    in_all: int = 0


class DatagramBudget:
    """How many datagrams are read in a second, per source and in all; what is beyond is dropped unread."""

    def __init__(self) -> None:
        self._second = _Second()
        self._by_source: dict[str, int] = {}

    def admits(self, source: str, second: int) -> bool:
        """Tell whether one more datagram of `source` may be read in this second (any counting clock)."""
        if second != self._second.number:
            self._second = _Second(second)
            self._by_source.clear()
        loopback = is_loopback(source)
        limit = DATAGRAMS_PER_LOOPBACK_SOURCE_AND_SECOND if loopback else DATAGRAMS_PER_SOURCE_AND_SECOND
        used = self._by_source.get(source, 0)
        if used >= limit or self._second.in_all >= DATAGRAMS_PER_SECOND:
            return False
        self._second.in_all += 1
        self._by_source[source] = used + 1
        return True


class Sightings:
    """The list of one search. One entry per endpoint and source: nobody can overwrite another's entry."""

    def __init__(self) -> None:
        self._devices: dict[tuple[str, str], FoundDevice] = {}
        self._per_source: dict[str, int] = {}
        self.dropped = 0

    def add(self, announcement: Announcement, source: str, interface: str) -> FoundDevice | None:
        """Take an announcement; return the device if it is new or tells more than before, else None."""
        key = (announcement.endpoint_id, source)
        device = describe(announcement, source, interface)
        known = self._devices.get(key)
        if known is not None:
            device = replace(device, interface=known.interface)
            if device == known or len(device.scopes) < len(known.scopes):
                return None
            self._devices[key] = device
            return device
        limit = DEVICES_PER_LOOPBACK_SOURCE if is_loopback(source) else DEVICES_PER_SOURCE
        if self._per_source.get(source, 0) >= limit or len(self._devices) >= DEVICES_IN_ALL:
            self.dropped += 1
            return None
        self._per_source[source] = self._per_source.get(source, 0) + 1
        self._devices[key] = device
        return device

    def remove(self, endpoint_id: str, source: str) -> FoundDevice | None:
        """Take a Bye: only the source that announced an endpoint can take it back."""
        device = self._devices.pop((endpoint_id, source), None)
        if device is not None:
            self._per_source[source] -= 1
        return device

    def devices(self) -> tuple[FoundDevice, ...]:
        """Return what was seen, in order of appearance."""
        return tuple(self._devices.values())
