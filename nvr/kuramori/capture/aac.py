"""AAC frames out of RTP packets: RFC 3640, mode AAC-hbr (whole frames, several to a packet, or one in fragments).

Pure. A frame is handed on byte for byte, or not at all: one with a hole is no frame. It must not know sequence
numbers, sockets or what becomes of the sound.
"""

from typing import NamedTuple

MAX_FRAMES_PER_PACKET = 64  # four seconds at 16 kHz; what holds more is no camera's
AU_HEADER_BITS = 16  # AAC-hbr: 13 bits of length, 3 bits of index (RFC 3640 section 3.3.6)
_LENGTH_BYTES = 2  # "AU-headers-length" before the headers
_INDEX_BITS = 3
_INDEX_MASK = (1 << _INDEX_BITS) - 1


class SoundFrame(NamedTuple):
    """One AAC frame: how many frame lengths behind the packet's time stamp it begins, and its bytes."""

    position: int
    payload: bytes


class AacDepacketizer:
    """Puts the frames of one track together. Feed it the payloads of packets in order."""

    __slots__ = ("_fragments", "_missing_bytes", "_whole_bytes")

    def __init__(self) -> None:
        self._fragments: list[bytes] = []
        self._whole_bytes = 0  # of the frame that comes in fragments
        self._missing_bytes = 0  # of it; 0: none is open

    def lose_step(self) -> None:
        """Packets are missing right here, or another sender begins: an unfinished frame will not be whole."""
        self._fragments = []
        self._missing_bytes = 0

    def feed(self, payload: memoryview) -> list[SoundFrame] | None:
        """Take one packet's payload in; return the frames that are whole with it, None where it is malformed."""
        sizes = _frame_sizes(payload)
        if sizes is None:
            self.lose_step()
            return None
        data = payload[_LENGTH_BYTES * (1 + len(sizes)) :]
        if self._missing_bytes and not self._goes_on(sizes, data):
            self.lose_step()  # it ended without its last piece
        if self._missing_bytes or (len(sizes) == 1 and sizes[0] > len(data)):
            return self._take_fragment(sizes[0], data)
        if sum(sizes) > len(data):
            return None
        frames, at = [], 0
        for position, size in enumerate(sizes):
            frames.append(SoundFrame(position, bytes(data[at : at + size])))
            at += size
        return frames

    def _goes_on(self, sizes: list[int], data: memoryview) -> bool:
        """Tell whether it is the next piece: each repeats the length of the whole (RFC 3640 section 3.2.3.2)."""
        return sizes == [self._whole_bytes] and len(data) <= self._missing_bytes

    def _take_fragment(self, size: int, data: memoryview) -> list[SoundFrame]:
        if not self._missing_bytes:
            self._whole_bytes = self._missing_bytes = size
        self._fragments.append(bytes(data))
        self._missing_bytes -= len(data)
        if self._missing_bytes:
            return []
        frame = b"".join(self._fragments)
        self.lose_step()
        return [SoundFrame(0, frame)]


def _frame_sizes(payload: memoryview) -> list[int] | None:
    """Return the lengths that the AU headers tell; None where they are not those of AAC-hbr in order."""
    if len(payload) < _LENGTH_BYTES:
        return None
    header_bits = payload[0] << 8 | payload[1]
    count, rest = divmod(header_bits, AU_HEADER_BITS)
    if rest or not 0 < count <= MAX_FRAMES_PER_PACKET or len(payload) <= _LENGTH_BYTES * (1 + count):
        return None
    headers = [
        payload[at] << 8 | payload[at + 1] for at in range(_LENGTH_BYTES, _LENGTH_BYTES * (1 + count), _LENGTH_BYTES)
    ]
    if any(header & _INDEX_MASK or not header >> _INDEX_BITS for header in headers):
        return None  # interleaved, or a frame of no length
    return [header >> _INDEX_BITS for header in headers]
