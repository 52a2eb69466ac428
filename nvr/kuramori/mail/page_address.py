"""Which address a watch may read: https anywhere, http only where all its addresses are of a local network.

No sign-in stands in an address: it would be seen by every account of the machine. This module must not ask anything
but the resolver.
"""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from kuramori.texts import tr

DEFAULT_PORT = 9464
DEFAULT_PATH = "/metrics"


class AddressRefused(Exception):
    """The address is not one to be watched; the text is the sentence to show."""


def page_address(text: str) -> str:
    """Return the whole address of the page that a person named. Raises AddressRefused."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressRefused(_shape()) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment or parts.query:
        raise AddressRefused(_shape())
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(
            tr("No name or password belongs into the address.", "アドレスに氏名やパスワードを含めないでください。")
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port is None and parts.scheme == "http":
        port = DEFAULT_PORT
    where = f"{host}:{port}" if port is not None else host
    return f"{parts.scheme}://{where}{parts.path if parts.path not in ('', '/') else DEFAULT_PATH}"


async def require_local(address: str) -> None:
    """Refuse plain http to a host that has an address beyond the local network. Raises AddressRefused, OSError."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return
    found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not all(one.is_private or one.is_loopback or one.is_link_local for one in addresses):
        raise AddressRefused(
            tr(
                f"{parts.hostname} is not on a local network: use https.",
                f"{parts.hostname} はローカルネットワーク上にありません。https を使用してください。",
            )
        )


def _shape() -> str:
    return tr(
        "The address looks like http://192.168.10.5:9464/metrics or https://host/metrics.",
        "アドレスは http://192.168.10.5:9464/metrics や https://host/metrics の形です。",
    )
