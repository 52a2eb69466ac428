"""How pictures cross pipes and HTTP, and what a picture may be: the worker that makes them is not believed. Pure.

    ask      {"camera": n, "detail": "storyboard"|"full", "from_utc_ms": t, "to_utc_ms": t}         desk → worker
    ready    {"ready": true}                                                                        worker → desk, once
    piece    {"pictures": n, "bytes": n, "next_utc_ms": t} + so many bytes                          worker → desk
    fault    {"fault": "...", "detail": "..."}                                                      worker → desk

The bytes of a piece, to the desk, over HTTP and into the page alike, are pictures one behind the other, each with a
head of 16 bytes, big-endian: `i64 utc_us | u16 width | u16 height | u32 jpeg_bytes`, then the JPEG. Limits of R5: of a
storyboard no picture is wider than STORYBOARD_WIDTH_MOST, and of each ten seconds of UTC there is one. Must not know
processes, codecs or keys.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

STORYBOARD_WIDTH_MOST = 96
STORYBOARD_HEIGHT_MOST = 192  # of a camera that stands upright
STORYBOARD_CELL_MS = 10_000
STORYBOARD_JPEG_BYTES_MOST = 24 << 10
STORYBOARD_PIECE_MS_MOST = 600_000
FULL_PIECE_MS_MOST = 4_000
JPEG_BYTES_MOST = 16 << 20
PIECE_BYTES_MOST = 48 << 20
PIECE_BYTES_WANTED = 24 << 20  # a piece ends behind the picture with which it is longer
PICTURES_MOST = 512
SIDE_MOST = 16_384
LINE_BYTES_MOST = 4096
DETAIL_CHARACTERS_MOST = 300
MEDIA_TYPE = "application/vnd.kuramori.pictures"
HEAD = struct.Struct(">qHHI")
_SOI, _EOI, _SOF, _SOS = 0xD8, 0xD9, 0xC0, 0xDA
_BEFORE_THE_SCAN = frozenset({0xC4, 0xDB, 0xDD, 0xE0, 0xFE, _SOF})  # tables, JFIF, a comment, one baseline frame


class Detail(StrEnum):
    """How much is shown."""

    STORYBOARD = "storyboard"  # R5: coarse, to find the moment
    FULL = "full"  # as recorded

    @property
    def piece_ms_most(self) -> int:
        """How long one piece may be."""
        return STORYBOARD_PIECE_MS_MOST if self is Detail.STORYBOARD else FULL_PIECE_MS_MOST


@dataclass(frozen=True, slots=True)
class Ask:
    """Which pictures: of a camera of the job by its position, half open in UTC milliseconds."""

    camera: int
    detail: Detail
    from_utc_ms: int
    to_utc_ms: int


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture. It stands in no repr."""

    utc_us: int
    width: int
    height: int
    jpeg: bytes

    def __repr__(self) -> str:
        return f"Picture({self.width}x{self.height}, not shown)"


@dataclass(frozen=True, slots=True)
class Piece:
    """What an ask gave, in the order of time; what follows begins at `next_utc_ms`, where a gap is stepped over."""

    pictures: tuple[Picture, ...]
    next_utc_ms: int


@dataclass(frozen=True, slots=True)
class Fault:
    """There is no piece: a stable reason and a sentence without secrets."""

    reason: str
    detail: str


class PictureRefused(Exception):
    """The worker answered what no honest worker answers, or more than may be shown. Names what."""


def encode_ask(ask: Ask) -> bytes:
    """Return the line of an ask."""
    plain = {"camera": ask.camera, "detail": ask.detail.value}
    return _line(plain | {"from_utc_ms": ask.from_utc_ms, "to_utc_ms": ask.to_utc_ms})


def read_ask(line: bytes) -> Ask:
    """Return the ask of a line. The worker believes the desk: what does not fit is raised as it comes."""
    plain = json.loads(line)
    return Ask(plain["camera"], Detail(plain["detail"]), plain["from_utc_ms"], plain["to_utc_ms"])


def encode_ready() -> bytes:
    """Return the line that says that the worker has read its job and every key fits."""
    return _line({"ready": True})


def encode_fault(fault: Fault) -> bytes:
    """Return the line of a fault."""
    return _line({"fault": fault.reason, "detail": fault.detail[:DETAIL_CHARACTERS_MOST]})


def encode_piece(piece: Piece) -> bytes:
    """Return line and bytes of a piece."""
    body = encode_pictures(piece.pictures)
    return _line({"pictures": len(piece.pictures), "bytes": len(body), "next_utc_ms": piece.next_utc_ms}) + body


def encode_pictures(pictures: Sequence[Picture]) -> bytes:
    """Return the bytes of pictures."""
    parts = []
    for one in pictures:
        parts += [HEAD.pack(one.utc_us, one.width, one.height, len(one.jpeg)), one.jpeg]
    return b"".join(parts)


def read_pictures(body: bytes) -> Iterator[Picture]:
    """Yield the pictures of bytes. Raises PictureRefused."""
    at = 0
    while at < len(body):
        if len(body) - at < HEAD.size:
            raise PictureRefused("a picture's head is not whole")
        utc_us, width, height, size = HEAD.unpack_from(body, at)
        at += HEAD.size
        if not 0 < size <= min(JPEG_BYTES_MOST, len(body) - at):
            raise PictureRefused("a picture is not whole")
        yield Picture(utc_us, width, height, body[at : at + size])
        at += size


def parse_ready(line: bytes) -> Fault | None:
    """Return None where the worker is ready, or why it is not. Raises PictureRefused."""
    plain = _document(line)
    if plain == {"ready": True}:
        return None
    if "fault" in plain:
        return _fault(plain)
    raise PictureRefused("it did not say whether it is ready")


def parse_piece_line(line: bytes) -> tuple[int, int, int] | Fault:
    """Return how many pictures and bytes follow and where it goes on; or a fault. Raises PictureRefused."""
    plain = _document(line)
    if "fault" in plain:
        return _fault(plain)
    found = [plain.get(name) for name in ("pictures", "bytes", "next_utc_ms")]
    numbers = [value for value in found if type(value) is int]
    if len(numbers) != len(found):
        raise PictureRefused("its answer cannot be read")
    pictures, size, following = numbers
    if not 0 <= pictures <= PICTURES_MOST or not 0 <= size <= PIECE_BYTES_MOST or not 0 <= following < 1 << 53:
        raise PictureRefused("it answers without measure")
    return pictures, size, following


def check_piece(ask: Ask, count: int, next_utc_ms: int, body: bytes) -> Piece:
    """Return the piece where every picture is one that was asked for and may be shown. Raises PictureRefused."""
    pictures = tuple(read_pictures(body))
    if len(pictures) != count:
        raise PictureRefused("it counts its pictures wrongly")
    if not ask.from_utc_ms < next_utc_ms:
        raise PictureRefused("it does not go on")
    times = [picture.utc_us for picture in pictures]
    if times != sorted(times) or any(not ask.from_utc_ms * 1000 <= time < ask.to_utc_ms * 1000 for time in times):
        raise PictureRefused("a picture of another time")
    for picture in pictures:
        if jpeg_size(picture.jpeg) != (picture.width, picture.height):
            raise PictureRefused("a picture of another size than it says")
    if ask.detail is Detail.STORYBOARD:
        _check_storyboard(pictures)
    return Piece(pictures, next_utc_ms)


def _check_storyboard(pictures: Sequence[Picture]) -> None:
    """R5, where it cannot be got round: behind the process that decodes, before anything leaves the desk."""
    for picture in pictures:
        if picture.width > STORYBOARD_WIDTH_MOST or picture.height > STORYBOARD_HEIGHT_MOST:
            raise PictureRefused("a storyboard's picture is too large")
        if len(picture.jpeg) > STORYBOARD_JPEG_BYTES_MOST:
            raise PictureRefused("a storyboard's picture holds too much")
    cells = [cell_of(picture.utc_us) for picture in pictures]
    if len(set(cells)) != len(cells):
        raise PictureRefused("a storyboard with two pictures within ten seconds")


def cell_of(utc_us: int) -> int:
    """Return which ten seconds of UTC a moment lies in."""
    return utc_us // (STORYBOARD_CELL_MS * 1000)


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Return width and height of a baseline JPEG of one frame and one scan and nothing else. Raises PictureRefused."""
    if not jpeg.startswith(b"\xff\xd8") or not jpeg.endswith(b"\xff\xd9"):
        raise PictureRefused("no JPEG")
    at, size = 2, None
    while at + 4 <= len(jpeg):
        mark, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at] != 0xFF or length < 2:
            break
        if mark == _SOS:
            if size is None or _marks_in_scan(jpeg, at + 2 + length):
                break
            return size
        if mark not in _BEFORE_THE_SCAN or (mark == _SOF and size is not None) or (mark == _SOF and length < 8):
            break
        if mark == _SOF:
            height, width = struct.unpack_from(">HH", jpeg, at + 5) if at + 9 <= len(jpeg) else (0, 0)
            if not (0 < width <= SIDE_MOST and 0 < height <= SIDE_MOST):
                break
            size = width, height
        at += 2 + length
    raise PictureRefused("no plain JPEG")


def _marks_in_scan(jpeg: bytes, at: int) -> bool:
    """Tell whether another mark than stuffing and restarts stands before the end: a second picture, hidden data."""
    while (at := jpeg.find(b"\xff", at, len(jpeg) - 2)) >= 0:
        mark = jpeg[at + 1]
        if mark != 0 and mark != 0xFF and not 0xD0 <= mark <= 0xD7:
            return True
        at += 2 if mark != 0xFF else 1
    return False


def _fault(plain: dict[str, Any]) -> Fault:
    reason, detail = str(plain["fault"])[:40], str(plain.get("detail", ""))[:DETAIL_CHARACTERS_MOST]
    return Fault(reason, "".join(letter if letter.isprintable() else "?" for letter in detail))


def _line(plain: dict[str, Any]) -> bytes:
    return json.dumps(plain).encode() + b"\n"


def _document(line: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(line) if len(line) <= LINE_BYTES_MOST else None
    except (ValueError, RecursionError):
        plain = None
    if not isinstance(plain, dict):
        raise PictureRefused("its answer cannot be read")
    return plain
