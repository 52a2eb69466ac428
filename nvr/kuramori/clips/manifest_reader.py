"""Reading a manifest that a stranger brought: what verification needs of it, checked field by field.

The signature is checked elsewhere; even so nothing in it is believed to be well formed. Pure.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from kuramori.clips.job import BUNDLE_FILES_MOST, BUNDLE_NAME
from kuramori.clips.manifest import KIND, VERSION
from kuramori.messages import SegmentState
from kuramori_segments.canonical_json import JsonRefused, parse_strict
from kuramori_segments.strict_document import printable

MANIFEST_BYTES_MOST = 128 << 20  # 16384 segments
_PROOF_MOST = 128
_RUNS_MOST = 65536


class ManifestInvalid(Exception):
    """It is not a manifest of a version that this program reads."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that must be there."""

    name: str
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class ListedRun:
    """Leaves of a segment in a clip."""

    first: int
    count: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ListedSegment:
    """A segment that pictures of a clip come from."""

    clip: int
    sequence: int
    segment_uid: bytes
    state: SegmentState
    header_digest: bytes
    footer: bytes
    nal_salt: bytes
    nal_root: bytes
    nal_leaves: int
    runs: tuple[ListedRun, ...]


@dataclass(frozen=True, slots=True)
class ListedClip:
    """A clip, by its files."""

    file: str
    leaves: str
    codec: str
    parameter_sets: frozenset[bytes]
    first_utc_us: int
    last_utc_us: int
    sound: str = ""  # the list of its frames of sound; none where no sound was recorded


@dataclass(frozen=True, slots=True)
class ListedDecision:
    """By whose written decision there is sound."""

    who: str
    date: str
    reason: str


@dataclass(frozen=True, slots=True)
class ListedGap:
    """A stretch of the asked range without pictures."""

    from_utc_ms: int
    to_utc_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class ListedCamera:
    """One camera."""

    camera: str
    place: str
    number: int
    clips: tuple[ListedClip, ...]
    segments: tuple[ListedSegment, ...]
    gaps: tuple[ListedGap, ...]
    decisions: tuple[ListedDecision, ...] = ()  # on sound (R3)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is said of the bundle."""

    recorder_id: bytes
    site: str
    time_zone: str
    request_id: str
    from_utc_ms: int
    to_utc_ms: int
    files: tuple[ListedFile, ...]
    cameras: tuple[ListedCamera, ...]


def read_manifest(content: bytes) -> Manifest:
    """Return the manifest. Raises ManifestInvalid, and nothing else."""
    try:
        plain = parse_strict(content, limit_bytes=MANIFEST_BYTES_MOST)
        if plain["kuramori"] != KIND or plain["version"] != VERSION:
            raise ManifestInvalid
        if len(plain["files"]) > BUNDLE_FILES_MOST:
            raise ManifestInvalid
        return Manifest(
            recorder_id=_octets(plain["recorder_id"], 16),
            site=_words(plain["site"]),
            time_zone=_words(plain["time_zone"]),
            request_id=_words(plain["request"]["id"]),
            from_utc_ms=_number(plain["asked"]["from_utc_ms"]),
            to_utc_ms=_number(plain["asked"]["to_utc_ms"]),
            files=tuple(
                ListedFile(_name(item["name"]), _number(item["bytes"]), _octets(item["sha256"], 32))
                for item in plain["files"]
            ),
            cameras=tuple(_camera(item) for item in plain["cameras"]),
        )
    except (JsonRefused, KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        raise ManifestInvalid from None


def _camera(plain: Any) -> ListedCamera:
    clips = tuple(_clip(item) for item in plain["clips"])
    segments = tuple(_segment(item) for item in plain["segments"])
    if any(segment.clip >= len(clips) for segment in segments):
        raise ManifestInvalid
    gaps = tuple(
        ListedGap(_number(item["from_utc_ms"]), _number(item["to_utc_ms"]), _words(item["reason"]))
        for item in plain["gaps"]
    )
    number = _number(plain["number"])
    decisions = tuple(_decision(item) for item in plain.get("sound", {}).get("decisions", ()))
    return ListedCamera(_words(plain["camera"]), _words(plain["place"]), number, clips, segments, gaps, decisions)


def _decision(plain: Any) -> ListedDecision:
    return ListedDecision(_words(plain["who"]), _words(plain["date"]), _words(plain["reason"]))


def _clip(plain: Any) -> ListedClip:
    return ListedClip(
        _name(plain["file"]),
        _name(plain["leaves"]),
        _words(plain["codec"]),
        frozenset(_octets(one) for one in plain["parameter_sets"]),
        _number(plain["first_utc_us"]),
        _number(plain["last_utc_us"]),
        _name(plain["sound"]["frames_file"]) if plain.get("sound") is not None else "",
    )


def _segment(plain: Any) -> ListedSegment:
    if len(plain["runs"]) > _RUNS_MOST:
        raise ManifestInvalid
    return ListedSegment(
        clip=_number(plain["clip"]),
        sequence=_number(plain["sequence"]),
        segment_uid=_octets(plain["segment_uid"], 16),
        state=SegmentState(plain["state"]),
        header_digest=_octets(plain["header_digest"], 32),
        footer=_octets(plain["footer"]),
        nal_salt=_octets(plain["nal_salt"], 32),
        nal_root=_octets(plain["nal_root"], 32),
        nal_leaves=_number(plain["nal_leaves"]),
        runs=tuple(_run(run) for run in plain["runs"]),
    )


def _run(plain: Any) -> ListedRun:
    if len(plain["proof"]) > _PROOF_MOST:
        raise ManifestInvalid
    proof = tuple(_octets(value, 32) for value in plain["proof"])
    return ListedRun(_number(plain["first"]), _number(plain["count"]), proof)


def _octets(value: Any, length: int | None = None) -> bytes:
    data = base64.b64decode(value.encode("ascii"), validate=True)
    if length is not None and len(data) != length:
        raise ManifestInvalid
    return data


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ManifestInvalid
    return value


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise ManifestInvalid
    return printable(value)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not BUNDLE_NAME.match(value):
        raise ManifestInvalid
    return value
