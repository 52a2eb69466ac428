"""How simulated cameras are found: answers probes, says Hello and Bye, for all of them on one socket (IPv4).

Works on the loopback without privileges and without a network. There each camera speaks from the address that it
announces, any of 127.0.0.0/8, so that hundreds of them look like hundreds of machines. This module must not know
what the cameras are.
"""

import asyncio
import contextlib
import ipaddress
import random
import socket
import struct
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from kuramori_onvif.discovery import GROUP_IPV4, PORT, group_socket, probe_socket
from kuramori_onvif.errors import DatagramMalformed
from kuramori_onvif.interfaces import Interface
from kuramori_onvif.ws_discovery_message import (
    Announcement,
    Probe,
    build_bye,
    build_hello,
    build_probe_matches,
    new_message_id,
    parse,
)

LONGEST_DELAY_SECONDS = 0.2  # answers are spread, so that a network of cameras does not shout as one
TYPES = ("dn:NetworkVideoTransmitter", "tds:Device")
_NAMES = frozenset(name.rpartition(":")[2] for name in TYPES)
_IP_PKTINFO = 8  # linux/in.h: from which address a datagram goes out


def crowd(count: int, port: int = 80) -> tuple[Announcement, ...]:
    """Return so many devices that are only announced: each with an identity and a loopback address of its own."""
    first = ipaddress.IPv4Address("127.1.0.1")
    return tuple(
        Announcement(
            new_message_id(),
            TYPES,
            (
                "onvif://www.onvif.org/Profile/Streaming",
                "onvif://www.onvif.org/manufacturer/Kuramori",
                f"onvif://www.onvif.org/name/device-{number}",
            ),
            (f"http://{first + number}:{port}/onvif/device_service",),
        )
        for number in range(count)
    )


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, responder: "DiscoveryResponder") -> None:
        self._responder = responder

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        self._responder.receive(data, addr[:2])


class DiscoveryResponder:
    """Answers for devices on one interface, from start() to stop(); they may come, go and move meanwhile."""

    def __init__(self, devices: Sequence[Announcement], interface: Interface) -> None:
        self.interface = interface
        self.probes = 0  # that were answered
        self._devices = {device.endpoint_id: device for device in devices}
        self._chance = random.Random()  # noqa: S311 - spreads answers
        self._sender: socket.socket | None = None
        self._listener: asyncio.DatagramTransport | None = None
        self._pending: set[asyncio.TimerHandle] = set()

    @property
    def devices(self) -> tuple[Announcement, ...]:
        """Who is there now."""
        return tuple(self._devices.values())

    async def start(self) -> None:
        """Join the group and say Hello for each device. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._listener, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(self), sock=group_socket(self.interface, socket.AF_INET)
        )
        self._sender = probe_socket(self.interface, socket.AF_INET)
        for device in self.devices:
            self.come(device)

    def come(self, device: Announcement) -> None:
        """Say Hello: a device is there, or at another address."""
        self._devices[device.endpoint_id] = device
        self._send(build_hello(new_message_id(), device), device, (GROUP_IPV4, PORT))

    def go(self, endpoint_id: str, *, silently: bool = False) -> None:
        """A device goes, with a Bye or, as by a cut cable, without."""
        device = self._devices.pop(endpoint_id, None)
        if device is not None and not silently:
            self._send(build_bye(new_message_id(), device), device, (GROUP_IPV4, PORT))

    def receive(self, data: bytes, sender: tuple[str, int]) -> None:
        """Take one datagram; answer if it is a probe for cameras."""
        try:
            message = parse(data, sender[0])
        except DatagramMalformed:
            return
        if not isinstance(message, Probe):
            return
        if message.types and not {word.rpartition(":")[2] for word in message.types} & _NAMES:
            return
        self.probes += 1
        loop = asyncio.get_running_loop()
        for device in self.devices:
            delay_seconds = self._chance.random() * LONGEST_DELAY_SECONDS
            handle = loop.call_later(delay_seconds, self._answer, message.message_id, device.endpoint_id, sender)
            self._pending.add(handle)
        self._pending = {handle for handle in self._pending if handle.when() > loop.time()}

    def _answer(self, relates_to: str, endpoint_id: str, to: tuple[str, int]) -> None:
        device = self._devices.get(endpoint_id)
        if device is not None:
            self._send(build_probe_matches(new_message_id(), relates_to, (device,)), device, to)

    def _send(self, datagram: bytes, device: Announcement, to: tuple[str, int]) -> None:
        if self._sender is None:
            return
        with contextlib.suppress(BlockingIOError):  # a full queue: the datagram is lost, as on any network
            self._sender.sendmsg([datagram], self._source(device), 0, to)

    def _source(self, device: Announcement) -> Iterable[tuple[int, int, bytes]]:
        """Let a datagram come from the address that the device announces, where that is one of the loopback's."""
        host = urlsplit(device.addresses[0]).hostname if device.addresses else None
        if not self.interface.is_loopback or host is None:
            return ()
        with contextlib.suppress(ValueError):
            address = ipaddress.IPv4Address(host)
            if address.is_loopback:
                information = struct.pack("@i4s4s", self.interface.index, address.packed, bytes(4))
                return ((socket.IPPROTO_IP, _IP_PKTINFO, information),)
        return ()

    def stop(self) -> None:
        """Say Bye for each device and close. May be called twice."""
        for handle in self._pending:
            handle.cancel()
        self._pending.clear()
        if self._sender is not None:
            for device in self.devices:
                self._send(build_bye(new_message_id(), device), device, (GROUP_IPV4, PORT))
            self._sender.close()
        if self._listener is not None:
            self._listener.close()
        self._sender = self._listener = None
