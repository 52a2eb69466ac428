"""The machine's network interfaces: which there are and from which addresses one may search. Linux only.

Read from the kernel (ioctl and /proc), no packet is sent. This module must not know what is searched for.
"""

import fcntl
import ipaddress
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

_SIOCGIFFLAGS = 0x8913
_SIOCGIFADDR = 0x8915
_IFF_UP = 0x1
_IFF_LOOPBACK = 0x8
_IFF_MULTICAST = 0x1000
_IF_INET6 = Path("/proc/net/if_inet6")
_SCOPE_LINK = "20"


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface that is up. `ipv4` is its primary address, `ipv6` its link-local one (or ::1); "" if none."""

    name: str
    index: int
    ipv4: str
    ipv6: str
    is_loopback: bool
    multicast: bool


def list_interfaces() -> tuple[Interface, ...]:
    """Return the interfaces that are up, in the kernel's order."""
    ipv6 = _ipv6_addresses()
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for index, name in socket.if_nameindex():
            flags = _flags(probe, name)
            if not flags & _IFF_UP:
                continue
            loopback = bool(flags & _IFF_LOOPBACK)
            found.append(
                Interface(
                    name,
                    index,
                    _ipv4_address(probe, name),
                    "::1" if loopback else ipv6.get(name, ""),
                    loopback,
                    bool(flags & _IFF_MULTICAST),
                )
            )
    return tuple(found)


def _request(name: str) -> bytes:
    return struct.pack("16s24x", name.encode()[:15])


def _flags(probe: socket.socket, name: str) -> int:
    try:
        answer = fcntl.ioctl(probe, _SIOCGIFFLAGS, _request(name))
    except OSError:  # it went away between the list and the question
        return 0
    return int(struct.unpack_from("H", answer, 16)[0])


def _ipv4_address(probe: socket.socket, name: str) -> str:
    try:
        answer = fcntl.ioctl(probe, _SIOCGIFADDR, _request(name))
    except OSError:
        return ""
    return socket.inet_ntoa(answer[20:24])


def _ipv6_addresses() -> dict[str, str]:
    """Return the first link-local address of each interface (proc(5): address, index, prefix, scope, flags, name)."""
    try:
        lines = _IF_INET6.read_text(encoding="ascii").splitlines()
    except OSError:  # IPv6 is switched off
        return {}
    addresses: dict[str, str] = {}
    for line in lines:
        raw, _index, _prefix, scope, _flag, name = line.split()
        if scope == _SCOPE_LINK:
            addresses.setdefault(name, str(ipaddress.IPv6Address(bytes.fromhex(raw))))
    return addresses


def choose_interfaces(
    available: tuple[Interface, ...], wanted: tuple[str, ...]
) -> tuple[tuple[Interface, ...], tuple[str, ...]]:
    """Pick the interfaces to search on; return them and the wishes that match none.

    A wish is a name ("eth0", "lo") or an IPv4 or IPv6 address of the interface; any 127.x.y.z means the loopback.
    Without wishes: all that carry multicast and have an address, the loopback not among them.
    """
    if not wanted:
        usable = (one for one in available if one.multicast and not one.is_loopback and (one.ipv4 or one.ipv6))
        return tuple(usable), ()
    chosen: list[Interface] = []
    unknown: list[str] = []
    for wish in wanted:
        match = next((one for one in available if _is_meant(one, wish)), None)
        if match is None:
            unknown.append(wish)
        elif match not in chosen:
            chosen.append(match)
    return tuple(chosen), tuple(unknown)


def _is_meant(interface: Interface, wish: str) -> bool:
    if wish == interface.name:
        return True
    try:
        address = ipaddress.ip_address(wish.split("%", 1)[0])
    except ValueError:
        return False
    if interface.is_loopback and address.is_loopback:
        return True
    return str(address) in (interface.ipv4, interface.ipv6)
