"""How simulated cameras are found: answers probes, says Hello and Bye, for all of them on one socket (IPv4).

Works on the loopback without privileges and without a network. This module must not know what the cameras are.
"""

import asyncio
import random
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

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


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, responder: "DiscoveryResponder") -> None:
        self._responder = responder

    def datagram_received(self, data: bytes, addr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        self._responder.receive(data, addr[:2])


@dataclass(slots=True)
class DiscoveryResponder:
    """Answers for `devices` on one interface, from start() to stop()."""

    devices: Sequence[Announcement]
    interface: Interface
    _chance: random.Random = field(default_factory=random.Random)
    _sender: asyncio.DatagramTransport | None = None
    _listener: asyncio.DatagramTransport | None = None
    _pending: set[asyncio.TimerHandle] = field(default_factory=set)

    async def start(self) -> None:
        """Join the group and say Hello for each device. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._listener, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(self), sock=group_socket(self.interface, socket.AF_INET)
        )
        self._sender, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, sock=probe_socket(self.interface, socket.AF_INET)
        )
        for device in self.devices:
            self._sender.sendto(build_hello(new_message_id(), device), (GROUP_IPV4, PORT))

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
        loop = asyncio.get_running_loop()
        for device in self.devices:
            answer = build_probe_matches(new_message_id(), message.message_id, (device,))
            handle = loop.call_later(self._chance.random() * LONGEST_DELAY_SECONDS, self._send, answer, sender)
            self._pending.add(handle)
        self._pending = {handle for handle in self._pending if handle.when() > loop.time()}

    def _send(self, answer: bytes, to: tuple[str, int]) -> None:
        if self._sender is not None:
            self._sender.sendto(answer, to)

    def stop(self) -> None:
        """Say Bye for each device and close. May be called twice."""
        for handle in self._pending:
            handle.cancel()
        if self._sender is not None:
            for device in self.devices:
                self._sender.sendto(build_bye(new_message_id(), device), (GROUP_IPV4, PORT))
            self._sender.close()
        if self._listener is not None:
            self._listener.close()
        self._sender = self._listener = None
