"""What the worker says first on standard output: a line. After *ready* it waits to be asked for parts of the archive.

An ask is a place and a length (two u64, big-endian) on its standard input; exactly those bytes follow. Pure. The parent
does not believe the worker, which reads a camera's bytes with a large C library: what does not fit is WorkerGarbled.
Must not know processes.
"""

import json
import struct
from dataclasses import dataclass

from kuramori.clips.job import ExtractionFault

ASK = struct.Struct(">QQ")
ASK_BYTES_MOST = 4 << 20
LINE_BYTES_MOST = 4096
ARCHIVE_BYTES_MOST = 1 << 46
_DETAIL_CHARACTERS_MOST = 400
_DIGEST_BYTES = 32


class WorkerGarbled(Exception):
    """The worker said what no honest worker says."""


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """Everything is verified and packed into an archive of `size_bytes`."""

    manifest_digest: bytes
    size_bytes: int
    first_picture_boot_ns: int  # when the first verified picture went into the muxer


@dataclass(frozen=True, slots=True)
class WorkerRefused:
    """There is no bundle. Nothing follows."""

    fault: ExtractionFault
    detail: str


def encode_answer(answer: WorkerReady | WorkerRefused) -> bytes:
    """Write the line."""
    plain: dict[str, str | int]
    if isinstance(answer, WorkerReady):
        plain = {
            "manifest_digest": answer.manifest_digest.hex(),
            "size_bytes": answer.size_bytes,
            "first_picture_boot_ns": answer.first_picture_boot_ns,
        }
    else:
        plain = {"fault": answer.fault.value, "detail": answer.detail[:_DETAIL_CHARACTERS_MOST]}
    return json.dumps(plain).encode() + b"\n"


def parse_answer(line: bytes) -> WorkerReady | WorkerRefused:
    """Read the line. Raises WorkerGarbled, and nothing else."""
    try:
        plain = json.loads(line) if len(line) <= LINE_BYTES_MOST else None
        if not isinstance(plain, dict):
            raise WorkerGarbled
        if "fault" in plain:
            text = str(plain["detail"])[:_DETAIL_CHARACTERS_MOST]
            shown = "".join(character if character.isprintable() else "?" for character in text)
            return WorkerRefused(ExtractionFault(str(plain["fault"])), shown)
        digest, size = bytes.fromhex(str(plain["manifest_digest"])), plain["size_bytes"]
        first = plain["first_picture_boot_ns"]
    except (ValueError, KeyError, RecursionError):
        raise WorkerGarbled from None
    if len(digest) != _DIGEST_BYTES or type(size) is not int or not 0 < size <= ARCHIVE_BYTES_MOST:
        raise WorkerGarbled
    if type(first) is not int:
        raise WorkerGarbled
    return WorkerReady(digest, size, first)
