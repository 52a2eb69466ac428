"""Where a simulated camera's packets go: interleaved into the control connection, or to the client's UDP ports.

A slow client loses whole frames, as with a real camera. This module must not know requests or sessions.
"""

import socket
from typing import Protocol

from kuramori.simulator.material import PacketisedFrame
from kuramori.simulator.stream import frame_without, interleaved

MAX_WAITING_BYTES = 2_000_000  # a slow client loses whole frames, as with a real camera


class ControlConnection(Protocol):
    """What an outlet needs of the connection."""

    @property
    def waiting_bytes(self) -> int:
        """What the client has not taken yet."""

    def send_raw(self, data: bytes) -> None:
        """Write any bytes to the control connection."""

    def close(self) -> None:
        """Hang up without a word."""


class TcpOutlet:
    """Packets interleaved into the control connection."""

    def __init__(self, connection: ControlConnection) -> None:
        self.connection = connection

    def send_frame(self, frame: PacketisedFrame, channel: int, without: frozenset[int]) -> bool:
        """Send one frame in one call."""
        if self.connection.waiting_bytes > MAX_WAITING_BYTES:
            return False
        if channel != frame.wire[1]:
            for offset in frame.offsets:
                frame.wire[offset - 3] = channel
        self.connection.send_raw(frame_without(frame, without) if without else bytes(frame.wire))
        return True

    def send_packet(self, packet: bytes, channel: int) -> None:
        """Send one packet."""
        self.connection.send_raw(interleaved(packet, channel))

    @property
    def unsent_bytes(self) -> int:
        """What the kernel has not taken yet."""
        return self.connection.waiting_bytes

    def close(self) -> None:
        """Hang up."""
        self.connection.close()


class UdpOutlet:
    """Packets to the client's ports."""

    def __init__(
        self,
        connection: ControlConnection,
        sockets: tuple[socket.socket, socket.socket],
        host: str,
        ports: dict[int, tuple[int, int]],
    ) -> None:
        self._connection, self._sockets, self._host, self._ports = connection, sockets, host, ports

    def send_frame(self, frame: PacketisedFrame, channel: int, without: frozenset[int]) -> bool:
        """Send one frame, a datagram for each packet."""
        view = memoryview(frame.wire)
        for index, (offset, length) in enumerate(zip(frame.offsets, frame.lengths, strict=True)):
            if index not in without:
                self._send_datagram(view[offset : offset + length], channel)
        return True

    def send_packet(self, packet: bytes, channel: int) -> None:
        """Send one packet to the port of its kind (RTCP on odd channels)."""
        self._send_datagram(packet, channel)

    @property
    def unsent_bytes(self) -> int:
        """Datagrams leave at once or never."""
        return 0

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _send_datagram(self, packet: bytes | memoryview, channel: int) -> None:
        which = channel & 1
        try:
            self._sockets[which].sendto(packet, (self._host, self._ports[channel - which][which]))
        except (BlockingIOError, ConnectionError):
            return  # a full queue or a client that has gone: the datagram is lost, as on any network
