"""Which of the devices on a network are cameras of ours already. Pure.

By the identity that a camera told when it was met; of one that was never met, by its address. A claim is not proven by
this: it is a help to a person who reads a list. This module must not know how devices are found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from kuramori.door.acquaintance import AcquaintanceBook
from kuramori_config.schema import Configuration
from kuramori_onvif.address import same_host
from kuramori_onvif.models import FoundDevice
from kuramori_onvif.sightings import is_loopback
from kuramori_onvif.ws_discovery_message import same_message

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class EnrolledCamera:
    """A camera of ours: its identity where it is known, and the addresses at which it is or was."""

    name: str
    endpoint_id: str = ""
    addresses: tuple[str, ...] = ()


def enrolled_cameras(configuration: Configuration, book: AcquaintanceBook) -> tuple[EnrolledCamera, ...]:
    """Return the cameras of a configuration with what the book knows of them."""
    found = []
    for table in configuration.cameras:
        place = table.onvif or table.rtsp
        if place is None:
            continue
        known = book.of(table.name, place.url)
        addresses = (known.url, place.url) if known is not None else (place.url,)
        found.append(EnrolledCamera(table.name, known.endpoint_id if known else "", tuple(dict.fromkeys(addresses))))
    return tuple(found)


def enrolled_as(device: FoundDevice, cameras: Iterable[EnrolledCamera]) -> str:
    """Return the name of the camera that this device says or seems to be, "" of a stranger."""
    cameras = tuple(cameras)
    for camera in cameras:
        if camera.endpoint_id and same_message(camera.endpoint_id, device.endpoint_id):
            return camera.name
    for camera in cameras:
        if not camera.endpoint_id and any(_same_place(device.address, address) for address in camera.addresses):
            return camera.name
    return ""


def _same_place(found: str, ours: str) -> bool:
    """The same host, and for ONVIF the same port; on the loopback a host says nothing, many simulated ones share it."""
    one, other = urlsplit(found), urlsplit(ours)
    host = one.hostname or ""
    if not same_host(host, other.hostname or "?"):
        return False
    if other.scheme in _PORTS:
        return (one.port or _PORTS.get(one.scheme)) == (other.port or _PORTS[other.scheme])
    return not is_loopback(host)
