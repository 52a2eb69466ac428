"""What the desk hands to a masking worker, and what it gets back: the seam between `desk` and `masking`.

    copy = await running.run_masking(order, tell)     # ExtractionFailed, or made and waiting to be looked through
    ...a second person looks through copy.sheets and confirms copy.made...
    stream = await copy.confirm(confirmation)         # a BundleStream; register *released* before its first byte
    await copy.close()                                # or: not confirmed. Everything of it is gone

The worker keeps the copy in a sealed spool; nothing but the sheets leaves it before somebody else has confirmed. Pure.
"""

import json
import struct
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Protocol

from kuramori.clips.job import BundleStream, ExtractionFault, ExtractionJob
from kuramori.clips.job_codec import JobUnreadable
from kuramori.clips.worker_answer import LINE_BYTES_MOST, WorkerGarbled, WorkerRefused
from kuramori.masking.boxes import FILE_BYTES_MOST
from kuramori.masking.strip_sheets import SHEET_BYTES_MOST, SHEETS_MOST

FACES_MOST = 200  # that are told
_PART_BYTES_MOST = 2 * FILE_BYTES_MOST
_PIXELS_MOST = 1 << 14
_LENGTH = struct.Struct(">I")
_DIGEST_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class MaskingOrder:
    """One masked copy of one camera: `job` names that camera alone."""

    job: ExtractionJob
    number: int
    drawing: bytes  # the boxes file
    look_for_faces: bool


@dataclass(frozen=True, slots=True)
class Confirmation:
    """That somebody else looked through the strips, as the register has it."""

    register_index: int
    register_checkpoint: str
    utc_ms: int


@dataclass(frozen=True, slots=True)
class SeenFace:
    """Where the detector saw a face inside what stays visible: shares of the picture."""

    utc_ms: int
    left: float
    top: float
    width: float
    height: float
    score: float


@dataclass(frozen=True, slots=True)
class MadeCopy:
    """A masked copy that waits. `faces_looked_for`: False where nobody asked, or the detector is not installed."""

    video_sha256: bytes
    video_bytes: int
    sheets_sha256: bytes  # strip_sheets.digest_of
    sheet_bytes: tuple[int, ...]
    width: int
    height: int
    pictures: int
    undecodable: int
    first_utc_ms: int
    last_utc_ms: int
    seconds_between: int
    faces_looked_for: bool
    faces: tuple[SeenFace, ...]


class WaitingCopy(Protocol):
    """A masked copy that waits in its worker."""

    @property
    def made(self) -> MadeCopy:
        """What was made."""

    @property
    def sheets(self) -> tuple[bytes, ...]:
        """The strips: JPEG files."""

    async def confirm(self, confirmation: Confirmation) -> BundleStream:
        """Have papers and signature made; once. Raises ExtractionFailed."""

    async def close(self) -> None:
        """End the worker: the copy is gone. May be called twice."""


RunMasking = Callable[[MaskingOrder, Callable[[float], None]], Awaitable[WaitingCopy]]


def encode_part(value: dict[str, Any]) -> bytes:
    """Return a length (4 bytes, big-endian) and JSON: how order and confirmation go to the worker."""
    body = json.dumps(value).encode()
    return _LENGTH.pack(len(body)) + body


def read_part(pipe: BinaryIO) -> dict[str, Any] | None:
    """Read one; None where the pipe ended before it. Raises JobUnreadable."""
    head = pipe.read(_LENGTH.size)
    if not head:
        return None
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    body = pipe.read(length) if 0 < length <= _PART_BYTES_MOST else b""
    if not body or len(body) != length:
        raise JobUnreadable
    found: dict[str, Any] = json.loads(body)
    return found


def encode_progress(share: float) -> bytes:
    """Return the line that says how far the worker is."""
    return json.dumps({"progress": round(share, 4)}).encode() + b"\n"


def encode_made(made: MadeCopy) -> bytes:
    """Return the line that says what was made; `sheet_bytes` follow."""
    plain = asdict(made) | {"video_sha256": made.video_sha256.hex(), "sheets_sha256": made.sheets_sha256.hex()}
    faces = len(plain.pop("faces")), [list(asdict(face).values()) for face in made.faces]
    body = json.dumps({"made": plain, "faces": faces[0]}).encode() + b"\n"
    return body + b"".join(json.dumps(face).encode() + b"\n" for face in faces[1])


def parse_line(line: bytes) -> "float | WorkerRefused | tuple[MadeCopy, int]":
    """Read a line of a worker: progress, a refusal, or what was made and how many faces follow, a line each.

    Raises WorkerGarbled, and nothing else.
    """
    try:
        plain = json.loads(line) if len(line) <= LINE_BYTES_MOST else None
        if not isinstance(plain, dict):
            raise WorkerGarbled
        if "progress" in plain:
            return _between(plain["progress"], 0.0, 1.0)
        if "fault" in plain:
            text = str(plain["detail"])[:400]
            return WorkerRefused(
                ExtractionFault(str(plain["fault"])), "".join(c if c.isprintable() else "?" for c in text)
            )
        return _made(plain["made"]), int(_between(plain["faces"], 0, FACES_MOST))
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise WorkerGarbled from None


def parse_face(line: bytes) -> SeenFace:
    """Read the line of a face. Raises WorkerGarbled, and nothing else."""
    try:
        values = json.loads(line) if len(line) <= LINE_BYTES_MOST else None
        if not isinstance(values, list):
            raise WorkerGarbled
        utc_ms, *shares = values
        left, top, width, height, score = (float(_between(share, 0.0, 1.0)) for share in shares)
        return SeenFace(_whole(utc_ms, 1 << 53), left, top, width, height, score)
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise WorkerGarbled from None


def _made(plain: dict[str, Any]) -> MadeCopy:
    digests = [bytes.fromhex(str(plain[name])) for name in ("video_sha256", "sheets_sha256")]
    sheets = plain["sheet_bytes"]
    fits = all(len(digest) * 2 == _DIGEST_CHARACTERS for digest in digests)
    if not fits or not isinstance(sheets, list) or not 1 <= len(sheets) <= SHEETS_MOST:
        raise WorkerGarbled
    return MadeCopy(
        video_sha256=digests[0],
        video_bytes=_whole(plain["video_bytes"], 1 << 46),
        sheets_sha256=digests[1],
        sheet_bytes=tuple(_whole(sheet, SHEET_BYTES_MOST) for sheet in sheets),
        width=_whole(plain["width"], _PIXELS_MOST),
        height=_whole(plain["height"], _PIXELS_MOST),
        pictures=_whole(plain["pictures"], 1 << 40),
        undecodable=_whole(plain["undecodable"], 1 << 40),
        first_utc_ms=_whole(plain["first_utc_ms"], 1 << 53),
        last_utc_ms=_whole(plain["last_utc_ms"], 1 << 53),
        seconds_between=_whole(plain["seconds_between"], 1 << 32),
        faces_looked_for=plain["faces_looked_for"] is True,
        faces=(),
    )


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise WorkerGarbled
    return value


def _between(value: Any, least: float, most: float) -> float:
    if type(value) not in (int, float) or not least <= value <= most:
        raise WorkerGarbled
    return float(value)
