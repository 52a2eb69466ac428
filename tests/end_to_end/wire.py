"""What crossed the loopback wire: reads a packet capture (pcap) and puts each direction of each TCP stream together."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

_GLOBAL_HEADER_BYTES = 24
_LINK_HEADER_BYTES = 14  # Ethernet, as loopback shows it


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a TCP connection: ports and everything that was sent, in order."""

    from_port: int
    to_port: int
    data: bytes


def directions(capture: Path) -> list[Direction]:
    """Return all directions of all TCP connections over IPv4 in a capture."""
    data = capture.read_bytes()
    pieces: dict[tuple[int, int], dict[int, bytes]] = {}
    position = _GLOBAL_HEADER_BYTES
    while position + 16 <= len(data):
        included = struct.unpack_from("<I", data, position + 8)[0]
        packet = data[position + 16 + _LINK_HEADER_BYTES : position + 16 + included]
        position += 16 + included
        header_bytes = (packet[0] & 15) * 4
        total = struct.unpack_from(">H", packet, 2)[0]
        from_port, to_port, sequence = struct.unpack_from(">HHI", packet, header_bytes)
        start = header_bytes + (packet[header_bytes + 12] >> 4) * 4
        payload = packet[start:total]
        if payload:
            pieces.setdefault((from_port, to_port), {})[sequence] = payload
    return [Direction(*ports, _joined(by_sequence)) for ports, by_sequence in pieces.items()]


def _joined(by_sequence: dict[int, bytes]) -> bytes:
    first = min(by_sequence)
    whole = bytearray()
    for sequence in sorted(by_sequence):
        offset = sequence - first
        if offset > len(whole):
            raise ValueError("the capture has a hole")
        whole[offset:] = by_sequence[sequence]
    return bytes(whole)


def requests(direction: Direction) -> list[str]:
    """Return the methods of the RTSP requests in a direction."""
    return [method.decode() for method in re.findall(rb"([A-Z_]+) rtsp\S* RTSP/1\.0\r\n", direction.data)]


def interleaved(direction: Direction) -> list[tuple[int, bytes]]:
    """Return the interleaved frames in a direction as (channel, payload); RTSP answers between them are skipped."""
    data, position, frames = direction.data, 0, []
    while position < len(data):
        if data[position] != 0x24:
            end = data.find(b"\r\n\r\n", position)
            if end < 0:
                break
            head = data[position:end].lower()
            length = head.rpartition(b"content-length:")[2].split(b"\r\n")[0] if b"content-length:" in head else b"0"
            position = end + 4 + int(length)
            continue
        channel, length_bytes = struct.unpack_from(">BH", data, position + 1)
        frames.append((channel, data[position + 4 : position + 4 + length_bytes]))
        position += 4 + length_bytes
    return frames
