"""Searching for cameras with WS-Discovery: probes on each interface, and listening for Hello and Bye.

The asyncio shell around `ws_discovery_message` (bytes) and `sightings` (caps). IPv4 and IPv6, each interface on its
own sockets, so that it is known where an answer came from. Nothing is sent but probes; no device gets a
credential because it answered. This module must not know SOAP services, profiles or configuration.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kuramori_onvif.errors import DatagramMalformed, DiscoveryImpossible
from kuramori_onvif.interfaces import Interface, choose_interfaces, list_interfaces
from kuramori_onvif.models import DiscoveryReport, FoundDevice
from kuramori_onvif.sightings import DatagramBudget, Sightings, is_camera
from kuramori_onvif.ws_discovery_message import (
    TYPE_CAMERA,
    Announcement,
    Bye,
    Hello,
    ProbeMatches,
    build_probe,
    new_message_id,
    parse,
    same_message,
)

PORT = 3702
GROUP_IPV4 = "239.255.255.250"
GROUP_IPV6 = "ff02::c"
ROUNDS = 2  # datagrams get lost: everything is asked twice
ROUND_GAP_SECONDS = 0.6
DEFAULT_SECONDS = 4.0
RECEIVE_BYTES = 1 << 20  # a whole network answers at once; the kernel grants what it allows
_IP_MULTICAST_ALL = 49  # linux/in.h: off = only groups joined on this socket
_IPV6_MULTICAST_ALL = 29
_MESSAGE_IDS_KEPT = 32

OnDevice = Callable[[FoundDevice], None]


def _nothing(_device: FoundDevice) -> None:
    return


@dataclass(slots=True)
class _Socket:
    """One probe socket: where its probes go."""

    transport: asyncio.DatagramTransport
    group: tuple[str, int] | tuple[str, int, int, int]
    interface: Interface


class _Receiver(asyncio.DatagramProtocol):
    """Hands each datagram with its source and interface to the session."""

    def __init__(self, session: "DiscoverySession", interface: Interface, probing: bool) -> None:
        self._session = session
        self._interface = interface
        self._probing = probing

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        source = addr[0]
        if source.startswith("fe80:") and "%" not in source:
            source = f"{source}%{self._interface.name}"
        self._session.receive(data, source, self._interface.name, probing=self._probing)

    def error_received(self, exc: Exception) -> None:
        """An ICMP error for a probe: nobody there, which is no news."""


@dataclass(slots=True)
class DiscoverySession:
    """A search that goes on until closed: `start`, `probe` as often as wanted, `close`.

    `on_device` is called for each new or changed device (answer or Hello), `on_gone` for a Bye from the source
    that announced it. Both are called from the event loop and must not block.
    """

    interfaces: Sequence[Interface]
    on_device: OnDevice = _nothing
    on_gone: OnDevice = _nothing
    sightings: Sightings = field(default_factory=Sightings)
    problems: list[str] = field(default_factory=list)
    malformed: int = 0
    _budget: DatagramBudget = field(default_factory=DatagramBudget)
    _probes: list[_Socket] = field(default_factory=list)
    _listeners: list[asyncio.DatagramTransport] = field(default_factory=list)
    _message_ids: list[str] = field(default_factory=list)

    async def start(self) -> None:
        """Open the sockets. What cannot be opened becomes a problem; with nothing open, DiscoveryImpossible."""
        for interface in self.interfaces:
            if interface.ipv4:
                await self._open(interface, socket.AF_INET)
            if interface.ipv6 and not interface.is_loopback:  # no multicast route on the loopback
                await self._open(interface, socket.AF_INET6)
        if not self._probes:
            raise DiscoveryImpossible("; ".join(self.problems) or "no network interface is up")

    async def _open(self, interface: Interface, family: socket.AddressFamily) -> None:
        loop = asyncio.get_running_loop()
        kind = "IPv4" if family == socket.AF_INET else "IPv6"
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Receiver(self, interface, True), sock=probe_socket(interface, family)
            )
        except OSError as error:
            self.problems.append(f"{interface.name} ({kind}): {error.strerror or error}")
            return
        group = (GROUP_IPV4, PORT) if family == socket.AF_INET else (GROUP_IPV6, PORT, 0, interface.index)
        self._probes.append(_Socket(transport, group, interface))
        try:
            listener, _ = await loop.create_datagram_endpoint(
                lambda: _Receiver(self, interface, False), sock=group_socket(interface, family)
            )
        except OSError as error:
            self.problems.append(f"{interface.name} ({kind}), listening: {error.strerror or error}")
            return
        self._listeners.append(listener)

    def probe(self) -> None:
        """Send one round on every interface: with the camera type, and without any."""
        for types in ((TYPE_CAMERA,), ()):
            message_id = new_message_id()
            self._message_ids = [*self._message_ids, message_id][-_MESSAGE_IDS_KEPT:]
            datagram = build_probe(message_id, types)
            for one in self._probes:
                one.transport.sendto(datagram, one.group)

    def receive(self, data: bytes, source: str, interface: str, *, probing: bool) -> None:
        """Take one datagram. Never raises for what it contains."""
        if not self._budget.admits(source, int(asyncio.get_running_loop().time())):
            self.sightings.dropped += 1
            return
        try:
            message = parse(data, source)
        except DatagramMalformed:
            self.malformed += 1
            return
        match message:
            case ProbeMatches(relates_to=relates_to, matches=matches) if probing and self._is_ours(relates_to):
                for match in matches:
                    self._seen(match, source, interface)
            case Hello(device=device):
                self._seen(device, source, interface)
            case Bye(device=device):
                gone = self.sightings.remove(device.endpoint_id, source)
                if gone is not None:
                    self.on_gone(gone)
            case _:
                return

    def _is_ours(self, relates_to: str) -> bool:
        """A few cameras leave the relation out; a wrong one is somebody else's answer."""
        return not relates_to or any(same_message(relates_to, known) for known in self._message_ids)

    def _seen(self, announcement: Announcement, source: str, interface: str) -> None:
        if not is_camera(announcement):
            return
        device = self.sightings.add(announcement, source, interface)
        if device is not None:
            self.on_device(device)

    def close(self) -> None:
        """Close every socket. May be called twice."""
        for one in self._probes:
            one.transport.close()
        for listener in self._listeners:
            listener.close()
        self._probes.clear()
        self._listeners.clear()


async def discover(
    *, seconds: float = DEFAULT_SECONDS, interfaces: Sequence[str] = (), on_device: OnDevice = _nothing
) -> DiscoveryReport:
    """Search for `seconds` and report. `interfaces`: names or addresses; none: all with multicast, no loopback.

    Raises DiscoveryImpossible when there is nothing to search on. No credentials are involved (onvif/README.md).
    """
    chosen, unknown = choose_interfaces(list_interfaces(), tuple(interfaces))
    if unknown:
        raise DiscoveryImpossible(f"there is no interface {', '.join(unknown)}")
    session = DiscoverySession(chosen, on_device=on_device)
    try:
        await session.start()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        for number in range(ROUNDS):
            session.probe()
            last = number == ROUNDS - 1
            await asyncio.sleep(max(0.0, end - loop.time() if last else min(ROUND_GAP_SECONDS, seconds / 2)))
    finally:
        session.close()
    return DiscoveryReport(
        session.sightings.devices(),
        tuple(interface.name for interface in chosen),
        tuple(session.problems),
        session.sightings.dropped,
        session.malformed,
    )


def probe_socket(interface: Interface, family: socket.AddressFamily) -> socket.socket:
    """Return a socket that sends multicast through this interface only and takes the unicast answers."""
    with contextlib.ExitStack() as undo:
        sock = undo.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        if family == socket.AF_INET:
            request = struct.pack("4s4si", bytes(4), socket.inet_aton(interface.ipv4), interface.index)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            sock.bind((interface.ipv4, 0))
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface.index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
            sock.bind((interface.ipv6, 0, 0, interface.index))
        undo.pop_all()
    return sock


def group_socket(interface: Interface, family: socket.AddressFamily) -> socket.socket:
    """Return a socket that receives the discovery group's datagrams of this interface only.

    The port is shared: other programs of this machine may listen too. Works on the loopback without privileges.
    """
    with contextlib.ExitStack() as undo:
        sock = undo.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
            sock.bind((GROUP_IPV4, PORT))
            member = struct.pack(
                "4s4si", socket.inet_aton(GROUP_IPV4), socket.inet_aton(interface.ipv4), interface.index
            )
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MULTICAST_ALL, 0)
            sock.bind((GROUP_IPV6, PORT, 0, interface.index))
            group = socket.inet_pton(socket.AF_INET6, GROUP_IPV6) + struct.pack("@I", interface.index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
        undo.pop_all()
    return sock
