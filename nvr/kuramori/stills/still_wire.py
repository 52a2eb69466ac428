"""What the processes of one still say to one another: a line of JSON, then so many bytes. Pure.

    order    {"config": path, "camera": name}                                       desk → capture child
    frame    {"codec": "h264", "sets": [base64, ...], "bytes": n} + n bytes         capture child → decoder
    still    {"width": w, "height": h, "bytes": n} + n bytes of JPEG                decoder → desk
    failure  {"reason": "...", "detail": "..."}                                     either child → desk

Everything that comes from a child is checked: it has met a camera's bytes. This module must not know processes.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from kuramori.capture.source import Codec

LINE_BYTES_MOST = 1 << 20  # parameter sets stand in the line
FRAME_BYTES_MOST = 8 << 20  # as much as one access unit may have
JPEG_BYTES_MOST = 16 << 20
SETS_MOST = 64
DETAIL_CHARACTERS_MOST = 300
_JPEG_BEGINS, _JPEG_ENDS = b"\xff\xd8\xff", b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class StillOrder:
    """Which camera, of which configuration file."""

    config: str
    camera: str


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """One access unit that can be decoded on its own: NAL units behind 32-bit lengths, and the sets they need."""

    codec: Codec
    parameter_sets: tuple[bytes, ...]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Still:
    """The picture. It stands in no repr."""

    width: int
    height: int
    jpeg: bytes

    def __repr__(self) -> str:
        return f"Still({self.width}x{self.height}, not shown)"


class StillFailed(Exception):
    """No picture: `reason` is stable, `detail` a sentence without secrets."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def encode_order(order: StillOrder) -> bytes:
    """Return the line of an order."""
    return _line({"config": order.config, "camera": order.camera})


def parse_order(line: bytes) -> StillOrder:
    """Return the order of a line. Raises StillFailed."""
    document = _document(line)
    config, camera = document.get("config"), document.get("camera")
    if not isinstance(config, str) or not isinstance(camera, str):
        raise StillFailed("garbled", "the order cannot be read")
    return StillOrder(config, camera)


def encode_frame(frame: KeyFrame) -> bytes:
    """Return the line and bytes of a key frame."""
    sets = [base64.b64encode(one).decode() for one in frame.parameter_sets[:SETS_MOST]]
    return _line({"codec": frame.codec.value, "sets": sets, "bytes": len(frame.payload)}) + frame.payload


def encode_still(still: Still) -> bytes:
    """Return the line and bytes of a picture."""
    return _line({"width": still.width, "height": still.height, "bytes": len(still.jpeg)}) + still.jpeg


def encode_failure(failed: StillFailed) -> bytes:
    """Return the line of a failure."""
    return _line({"reason": failed.reason, "detail": failed.detail[:DETAIL_CHARACTERS_MOST]})


def parse_frame(data: bytes) -> KeyFrame:
    """Return the key frame of all that a capture child wrote. Raises StillFailed: what it said, or garbled."""
    document, payload = _split(data, FRAME_BYTES_MOST)
    sets = document.get("sets")
    if not isinstance(sets, list) or len(sets) > SETS_MOST or not payload:
        raise StillFailed("garbled", "the key frame cannot be read")
    try:
        decoded = tuple(base64.b64decode(one, validate=True) for one in sets)
        return KeyFrame(Codec(str(document.get("codec"))), decoded, payload)
    except (ValueError, TypeError, binascii.Error):
        raise StillFailed("garbled", "the key frame cannot be read") from None


def parse_still(data: bytes) -> Still:
    """Return the picture of all that a decoder wrote. Raises StillFailed: what it said, or garbled."""
    document, jpeg = _split(data, JPEG_BYTES_MOST)
    width, height = document.get("width"), document.get("height")
    if type(width) is not int or type(height) is not int or not (0 < width < 1 << 16 and 0 < height < 1 << 16):
        raise StillFailed("garbled", "the picture cannot be read")
    if not (jpeg.startswith(_JPEG_BEGINS) and jpeg.endswith(_JPEG_ENDS)):
        raise StillFailed("garbled", "the picture cannot be read")
    return Still(width, height, jpeg)


def annex_b(frame: KeyFrame) -> bytes:
    """Return the frame as a decoder wants it: sets, then NAL units, each behind a start code. Raises StillFailed."""
    parts = list(frame.parameter_sets)
    at, payload = 0, frame.payload
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 4], "big")
        at += 4
        if not 0 < size <= len(payload) - at:
            raise StillFailed("garbled", "the key frame cannot be read")
        parts.append(payload[at : at + size])
        at += size
    return b"".join(b"\0\0\0\1" + part for part in parts)


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _document(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line[:LINE_BYTES_MOST])
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise StillFailed("garbled", "a process of ours answered something else")
    return document


def _split(data: bytes, bytes_most: int) -> tuple[dict[str, Any], bytes]:
    line, _, rest = data.partition(b"\n")
    document = _document(line)
    if "reason" in document:
        reason, detail = str(document["reason"]), str(document.get("detail", ""))
        plain = "".join(letter for letter in detail if letter.isprintable())
        raise StillFailed(reason[:40], plain[:DETAIL_CHARACTERS_MOST])
    size = document.get("bytes")
    if type(size) is not int or not 0 < size <= bytes_most or len(rest) != size:
        raise StillFailed("garbled", "what came is not whole")
    return document, rest
