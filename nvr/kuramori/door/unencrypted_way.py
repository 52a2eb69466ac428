"""Whether a camera may be asked without encryption where its name leads now (requirement O5).

An address is judged when the configuration is read; a name at each asking, because it may lead elsewhere tomorrow. This
module must not know what is asked.
"""

import asyncio
import ipaddress
from urllib.parse import urlsplit

from kuramori.local_source import Resolve, resolve
from kuramori_config.addresses import may_travel_unencrypted
from kuramori_config.schema import Network

RESOLVE_SECONDS = 5.0
HTTP_PORT = 80


async def way_refused(url: str, network: Network, resolve_name: Resolve = resolve) -> str:
    """Return why the camera at this address may not be asked, "" where it may. A name that is not known may be asked:
    nobody answers."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme.lower() != "http" or _is_address(host):
        return ""
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            addresses = await resolve_name(host, parts.port or HTTP_PORT)
    except (OSError, TimeoutError):
        return ""
    outside = [one for one in addresses if not may_travel_unencrypted(one, network.local_networks, network.vpn)]
    if not outside:
        return ""
    return (
        f"{host} leads to {', '.join(outside)}, outside network.local_networks; the sign-in would travel unencrypted: "
        "declare the network, use https://, or name the VPN in network.vpn"
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
