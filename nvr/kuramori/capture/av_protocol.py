"""What the compatibility child and its parent say to each other over pipes, as bytes.

Pure. One JSON line to the child (it holds the password, so it goes over standard input and nowhere else); from
the child, messages behind a 32-bit big-endian length. The parent does not believe the child: it reads bytes of
a camera with a large C library. Everything is checked, and what does not fit is ChildGarbled.
"""

import json
import struct
from dataclasses import dataclass
from enum import IntEnum

from kuramori.capture.source import EndReason

MAX_UNIT_BYTES = 8 << 20
MAX_TEXT_BYTES = 4096
_LENGTH = struct.Struct(">I")
_UNIT = struct.Struct(">BqII")  # type, rtp time, lost packets, NAL count
_NAL_LENGTH = struct.Struct(">I").unpack_from


class ChildGarbled(Exception):
    """The child sent what no honest child sends."""


class _Kind(IntEnum):
    STARTED = 1
    UNIT = 2
    ENDED = 3


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """What the child is to open. `url` carries the credentials; hence no repr."""

    url: str
    transport: str
    timeout_seconds: float

    def __repr__(self) -> str:
        return "ChildOrder()"

    def to_line(self) -> bytes:
        """Write it as the one line on standard input."""
        order = {"url": self.url, "transport": self.transport, "timeout_seconds": self.timeout_seconds}
        return json.dumps(order).encode() + b"\n"


def parse_order(line: bytes) -> ChildOrder:
    """Read the order (in the child; the parent is believed)."""
    order = json.loads(line)
    return ChildOrder(str(order["url"]), str(order["transport"]), float(order["timeout_seconds"]))


@dataclass(frozen=True, slots=True)
class ChildStarted:
    """The stream is open."""


@dataclass(frozen=True, slots=True)
class ChildUnit:
    """One access unit; `payload` as in `source.AccessUnit`."""

    rtp_time: int
    lost_packets: int
    nal_count: int
    payload: memoryview


@dataclass(frozen=True, slots=True)
class ChildEnded:
    """The stream is over, or could not be opened."""

    reason: EndReason
    detail: str
    wrong_credentials: bool = False


ChildMessage = ChildStarted | ChildUnit | ChildEnded


def encode(message: ChildMessage) -> bytes:
    """Write one message."""
    if isinstance(message, ChildUnit):
        head = _UNIT.pack(_Kind.UNIT, message.rtp_time, message.lost_packets, message.nal_count)
        return _LENGTH.pack(len(head) + len(message.payload)) + head + message.payload
    if isinstance(message, ChildStarted):
        return _LENGTH.pack(1) + bytes([_Kind.STARTED])
    text = f"{message.reason.value}\n{message.wrong_credentials:d}\n{message.detail}".encode()[:MAX_TEXT_BYTES]
    return _LENGTH.pack(1 + len(text)) + bytes([_Kind.ENDED]) + text


class ChildReader:
    """Cuts messages out of what comes through the pipe."""

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, data: bytes) -> list[ChildMessage]:
        """Return the messages that `data` completes. Raises ChildGarbled."""
        waiting = self._waiting + data if self._waiting else data
        view, at = memoryview(waiting), 0
        messages: list[ChildMessage] = []
        while len(waiting) - at >= _LENGTH.size:
            size = _LENGTH.unpack_from(waiting, at)[0]
            if not 1 <= size <= MAX_UNIT_BYTES + _UNIT.size:
                raise ChildGarbled("a message of impossible length")
            stop = at + _LENGTH.size + size
            if stop > len(waiting):
                break
            messages.append(_decode(view[at + _LENGTH.size : stop]))
            at = stop
        self._waiting = waiting[at:]
        return messages


def _decode(body: memoryview) -> ChildMessage:
    kind = body[0]
    if kind == _Kind.STARTED and len(body) == 1:
        return ChildStarted()
    if kind == _Kind.ENDED and len(body) <= 1 + MAX_TEXT_BYTES:
        word, _, rest = bytes(body[1:]).decode("utf-8", "replace").partition("\n")
        wrong, _, detail = rest.partition("\n")
        if word in {reason.value for reason in EndReason}:
            shown = "".join(character for character in detail if character.isprintable())
            return ChildEnded(EndReason(word), shown, wrong == "1")
    if kind == _Kind.UNIT and len(body) > _UNIT.size:
        _, rtp_time, lost_packets, nal_count = _UNIT.unpack_from(body)
        payload = body[_UNIT.size :]
        if rtp_time >= 0 and 0 < nal_count == count_nals(payload):
            return ChildUnit(rtp_time, lost_packets, nal_count, payload)
    raise ChildGarbled("a message that cannot be read")


def count_nals(payload: memoryview) -> int:
    """Count NAL units behind 32-bit lengths; -1 when the lengths do not add up."""
    at, count, size = 0, 0, len(payload)
    while at < size:
        if at + 4 > size:
            return -1
        length = _NAL_LENGTH(payload, at)[0]
        if length == 0 or at + 4 + length > size:
            return -1
        at += 4 + length
        count += 1
    return count
