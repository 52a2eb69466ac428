"""Where to ask a camera, and whether who answers is that camera. Pure.

Anybody on a network can claim to be anybody in discovery. So a claim is followed only when the camera is not where it
was, only into networks that are declared local, and who answers there must know the serial number. What remains
possible for a liar stands in onvif/README.md. This module must not ask anything.
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from kuramori.door.acquaintance import Acquaintance
from kuramori_config.addresses import IPNetwork, may_travel_unencrypted
from kuramori_onvif.address import same_host
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.models import FoundDevice
from kuramori_onvif.ws_discovery_message import same_message

MOST_CLAIMS = 4  # addresses that are tried because somebody claimed to be the camera


def known_places(configured_url: str, known: Acquaintance | None) -> tuple[str, ...]:
    """Return where the camera is asked first: where it answered last, then where it is configured."""
    places = (known.url, configured_url) if known is not None else (configured_url,)
    return tuple(dict.fromkeys(places))


def claimed_places(
    known: Acquaintance | None,
    seen: Iterable[FoundDevice],
    local_networks: tuple[IPNetwork, ...],
    vpn: str | None,
    tried: tuple[str, ...],
) -> tuple[str, ...]:
    """Return where somebody in discovery claims to be this camera and may be asked, without those already tried."""
    if known is None or not known.endpoint_id:
        return ()
    found = [
        device.address
        for device in seen
        if same_message(device.endpoint_id, known.endpoint_id)
        and device.address not in tried
        and _is_local(device.source, local_networks, vpn)
    ]
    return tuple(dict.fromkeys(found))[:MOST_CLAIMS]


def _is_local(source: str, local_networks: tuple[IPNetwork, ...], vpn: str | None) -> bool:
    """An IPv6 link-local sender shares the cable with us."""
    try:
        address = ipaddress.ip_address(source.split("%", 1)[0])
    except ValueError:
        return False
    return address.is_link_local or may_travel_unencrypted(address, local_networks, vpn)


def is_same_camera(known: Acquaintance | None, found: CameraDescription) -> bool:
    """Tell whether who answered is the camera that was met before; what neither side tells cannot differ."""
    if known is None:
        return True
    serial = found.information.serial if found.information is not None else ""
    if known.serial and serial:
        return known.serial == serial
    if known.endpoint_id and found.endpoint_id:
        return same_message(known.endpoint_id, found.endpoint_id)
    return True


def proves_identity(known: Acquaintance | None, found: CameraDescription) -> bool:
    """Tell whether who answered at a claimed place is that camera: it must say so itself, by serial or identity."""
    serial = found.information.serial if found.information is not None else ""
    if known is None or (not (known.serial and serial) and not (known.endpoint_id and found.endpoint_id)):
        return False
    return is_same_camera(known, found)


def endpoint_at(url: str, seen: Iterable[FoundDevice]) -> str:
    """Return the identity that was announced from this very address and port, "" if none."""
    wanted = urlsplit(url)
    for device in seen:
        offered = urlsplit(device.address)
        if offered.port == wanted.port and same_host(offered.hostname or "", wanted.hostname or "?"):
            return device.endpoint_id
    return ""
