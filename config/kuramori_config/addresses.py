"""Camera addresses, and where pictures may travel unencrypted (requirement O5). Pure: resolves no name.

The rule, applied twice. When the file is read: an unencrypted `rtsp://` address that is a literal IP must lie in a
declared local network; a host name needs at least one declared network, because where it leads is not known yet.
At every connection: each address that the name resolves to is asked again with `may_travel_unencrypted`. A named VPN
permits any address; loopback never leaves the machine and is always permitted. This file must not open sockets.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from kuramori_config.faults import NOT_SHOWN, Unfit, Wording

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL_LENGTH = 512
# A wider network would declare a good part of the Internet local.
WIDEST_IPV4_PREFIX = 8
WIDEST_IPV6_PREFIX = 16

RTSP_SHAPE = Wording(
    'an address such as "rtsp://192.168.10.21:554/stream1" or "rtsps://…", without user or password in it',
    '"rtsp://192.168.10.21:554/stream1" または "rtsps://…" の形式（利用者名・パスワードを含めない）',
)
ONVIF_SHAPE = Wording(
    'an address such as "http://192.168.10.21/onvif/device_service", without user or password in it',
    '"http://192.168.10.21/onvif/device_service" の形式（利用者名・パスワードを含めない）',
)
_CREDENTIALS_INSIDE = Wording(
    "no user or password in the address: name them in `user` and `password` (the name of a secret)",
    "アドレスに利用者名・パスワードを書かず、`user` と `password`（秘密情報の名前）で指定する",
)
_CREDENTIALS_FOUND = Wording(
    "an address with user or password (not shown)", "利用者名・パスワードを含むアドレス（表示しません）"
)
NETWORK_SHAPE = Wording(
    'a network such as "192.168.10.0/24" (host bits zero, /8 or narrower; IPv6 /16 or narrower)',
    '"192.168.10.0/24" の形式のネットワーク（IPv4は/8以下、IPv6は/16以下の範囲）',
)
_HOST_NAME = re.compile(r"^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?$")
_SENSITIVE_QUERY = re.compile(r"(?i)(^|[?&;])(user(name)?|usr|pass(word|wd)?|pwd|token|auth)=")


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """Where a camera is reached: the whole URL and its parts. Holds no credentials."""

    url: str
    scheme: str
    host: str
    port: int | None

    @property
    def encrypted(self) -> bool:
        """Whether the scheme itself encrypts what travels."""
        return self.scheme in ("rtsps", "https")

    @property
    def literal_ip(self) -> IPAddress | None:
        """The host as an IP address, or None when it is a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    def __str__(self) -> str:
        return self.url


def parse_address(text: object, schemes: tuple[str, ...], shape: Wording) -> CameraAddress:
    """Read a camera's URL. Raises Unfit, which never repeats an address that may hold credentials."""
    if isinstance(text, CameraAddress):
        return text
    if not isinstance(text, str) or len(text) > MAX_URL_LENGTH or not text.isascii() or not text.isprintable():
        raise Unfit(shape, NOT_SHOWN)
    if "@" in text or _SENSITIVE_QUERY.search(text):
        raise Unfit(_CREDENTIALS_INSIDE, _CREDENTIALS_FOUND)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as cause:
        raise Unfit(shape) from cause
    if not _usable(parts, host, schemes) or host is None or port == 0 or " " in text:
        raise Unfit(shape)
    return CameraAddress(url=text, scheme=parts.scheme.lower(), host=host, port=port)


def _usable(parts: SplitResult, host: str | None, schemes: tuple[str, ...]) -> bool:
    if parts.scheme.lower() not in schemes or not host or parts.fragment:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST_NAME.match(host) is not None and not re.fullmatch(r"[0-9.]+", host)
    return True


def parse_network(text: object) -> IPNetwork:
    """Read one declared local network in CIDR form. Raises Unfit."""
    if isinstance(text, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return text
    try:
        if not isinstance(text, str) or "/" not in text:
            raise Unfit(NETWORK_SHAPE)
        network = ipaddress.ip_network(text)
    except ValueError as cause:
        raise Unfit(NETWORK_SHAPE) from cause
    widest = WIDEST_IPV4_PREFIX if network.version == 4 else WIDEST_IPV6_PREFIX
    if network.prefixlen < widest:
        raise Unfit(NETWORK_SHAPE)
    return network


def may_travel_unencrypted(address: str | IPAddress, local_networks: tuple[IPNetwork, ...], vpn: str | None) -> bool:
    """Tell whether pictures may travel unencrypted to this IP address (O5); ask at every connection.

    `address` is an IP address as the resolver or the socket says it (an IPv6 zone is ignored). Raises ValueError when
    it is not one.
    """
    ip = ipaddress.ip_address(address.split("%")[0]) if isinstance(address, str) else address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return vpn is not None or ip.is_loopback or any(ip in network for network in local_networks)
