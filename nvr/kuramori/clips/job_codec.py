"""The job as it goes to the worker over standard input: a length, then JSON. Keys travel here and nowhere else.

Pure. The worker believes its parent; what does not fit is a fault of ours and is raised as it comes. Must not know
processes.
"""

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from kuramori.clips.job import CameraExtraction, ExtractionJob, SegmentInput
from kuramori.messages import CoverageSpan, SegmentState, SpanKind

JOB_BYTES_MOST = 512 << 20  # 16384 segments with their headers take 90 MB
_LENGTH = struct.Struct(">Q")


class JobUnreadable(Exception):
    """The pipe ended before the job was whole, or its length cannot be."""


def encode_job(job: ExtractionJob) -> bytes:
    """Return the length (8 bytes, big-endian) and the job."""
    body = json.dumps(_plain(job), separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def read_job(pipe: BinaryIO) -> ExtractionJob:
    """Read the job from a pipe. Raises JobUnreadable."""
    head = pipe.read(_LENGTH.size)
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    if not 0 < length <= JOB_BYTES_MOST:
        raise JobUnreadable
    body = pipe.read(length)
    if len(body) != length:
        raise JobUnreadable
    return _job(json.loads(body))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def _job(plain: dict[str, Any]) -> ExtractionJob:
    octets = ("granted_document", "granted_signature", "recorder_id")
    paths = ("device_key_path", "device_certificate_path", "spool_directory")
    return ExtractionJob(
        **_converted(plain, octets, paths) | {"cameras": tuple(_camera(camera) for camera in plain["cameras"])}
    )


def _camera(plain: dict[str, Any]) -> CameraExtraction:
    spans = tuple(CoverageSpan(**span | {"kind": SpanKind(span["kind"])}) for span in plain["spans"])
    return CameraExtraction(
        **plain | {"segments": tuple(_segment(segment) for segment in plain["segments"]), "spans": spans}
    )


def _segment(plain: dict[str, Any]) -> SegmentInput:
    octets = ("header", "segment_uid", "dek", "k_seg")
    return SegmentInput(**_converted(plain, octets, ("volume_path",)) | {"state": SegmentState(plain["state"])})


def _converted(plain: Mapping[str, Any], octets: tuple[str, ...], paths: tuple[str, ...]) -> dict[str, Any]:
    found = dict(plain)
    for name in octets:
        found[name] = base64.b64decode(found[name])
    for name in paths:
        found[name] = Path(found[name])
    return found
