"""The records inside a segment: what stands in the plaintext of its chunks, encoded and decoded.

The plaintext of all chunks is one stream of records, each behind an 8-byte head; the first is CONFIG, so that a
torn segment is as readable as a whole one. This module must not know chunks, keys or NAL types.
"""

import base64
import binascii
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from kuramori_segments.audio_track import AudioRecord, AudioTrack, audio_payload, decode_audio, read_track, track_member
from kuramori_segments.block_layout import BlockLayout, Field
from kuramori_segments.codes import AudioState, RecordSource, VideoCodec
from kuramori_segments.limits import (
    MAX_ACCESS_UNIT_BYTES,
    MAX_CAMERA_EVENT_BYTES,
    MAX_INDEX_ENTRIES,
    MAX_INDEXED_PARAMETER_SETS,
    MAX_JSON_RECORD_BYTES,
    MAX_PARAMETER_SETS,
)
from kuramori_segments.segment_error import RecordInvalid

FLAG_KEY_FRAME = 1
FLAG_DAMAGED = 2  # packets are missing inside
FLAG_DISCONTINUITY = 4  # the first after a reconnect or a loss
_KNOWN_FLAGS = FLAG_KEY_FRAME | FLAG_DAMAGED | FLAG_DISCONTINUITY

RECORD_HEAD = BlockLayout(
    "record head",
    8,
    (
        Field(0, "B", "type"),
        Field(1, "B", "flags"),
        Field(4, "I", "payload_bytes"),
    ),
)
ACCESS_UNIT = BlockLayout(
    "access unit",
    40,
    (
        Field(0, "Q", "number"),
        Field(8, "q", "utc_us"),
        Field(16, "Q", "rtp_time"),
        Field(24, "Q", "arrival_boot_us"),
        Field(32, "I", "lost_packets_before"),
        Field(36, "H", "nal_count"),
    ),
)
SENDER_REPORT = BlockLayout(
    "sender report",
    24,
    (
        Field(0, "Q", "ntp"),
        Field(8, "Q", "rtp_time"),
        Field(16, "Q", "arrival_boot_us"),
    ),
)
INDEX_ENTRY = BlockLayout(
    "index entry",
    24,
    (
        Field(0, "Q", "number"),
        Field(8, "q", "utc_us"),
        Field(16, "I", "chunk_index"),
        Field(20, "I", "record_offset"),
    ),
)
RECORD_HEAD_BYTES = RECORD_HEAD.length_bytes
ACCESS_UNIT_HEAD_BYTES = ACCESS_UNIT.length_bytes
RECORD_HEAD_STRUCT = struct.Struct("<BBHI")
ACCESS_UNIT_RECORD_STRUCT = struct.Struct("<BBHIQqQQIHH")  # record head and access unit head in one
_ACCESS_UNIT_STRUCT = struct.Struct("<QqQQIHH")
_SENDER_REPORT_STRUCT = struct.Struct("<QQQ")
_INDEX_ENTRY_STRUCT = struct.Struct("<QqII")
_PLACE_STRUCT = struct.Struct("<II")
_COUNT_STRUCT = struct.Struct("<I")
_TOO_MANY = 0xFFFFFFFF

MAX_RECORD_PAYLOAD_BYTES = ACCESS_UNIT_HEAD_BYTES + MAX_ACCESS_UNIT_BYTES


class RecordType(IntEnum):
    """What a record is."""

    CONFIG = 1
    ACCESS_UNIT = 2
    PARAMETER_SETS = 3
    SENDER_REPORT = 4
    TIMELINE = 5
    INDEX = 6
    AUDIO = 7  # a coded frame of sound, only by written decision (R3)
    CAMERA_EVENT = 8  # motion, tampering and the like, as the camera reports it


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """The CONFIG record: the first of every segment."""

    codec: VideoCodec
    clock_rate_hz: int
    parameter_sets: tuple[bytes, ...]  # from the SDP; empty when they come in-band only
    nal_salt: bytes  # 32 random bytes, salt of the NAL leaves
    source: RecordSource = RecordSource.NATIVE
    audio: str = ""  # what was offered and what was done with it, in words
    audio_track: AudioTrack | None = None  # only where sound is recorded by written decision (R3)


@dataclass(frozen=True, slots=True)
class AccessUnitRecord:
    """One coded picture as the camera sent it."""

    number: int
    utc_us: int
    rtp_time: int  # extended to 64 bits, clock units
    arrival_boot_us: int
    lost_packets_before: int
    nal_count: int
    flags: int
    payload: bytes  # NAL units, each behind a big-endian 32-bit length
    first_leaf: int = 0  # position of its first proven NAL unit in the segment's tree, where leaves were asked for
    leaves: tuple[bytes, ...] = ()  # leaf hashes, where asked for

    @property
    def is_key(self) -> bool:
        """Tell whether it is decodable on its own."""
        return bool(self.flags & FLAG_KEY_FRAME)

    @property
    def is_damaged(self) -> bool:
        """Tell whether packets are missing inside."""
        return bool(self.flags & FLAG_DAMAGED)

    @property
    def is_discontinuity(self) -> bool:
        """Tell whether it is the first after a reconnect or a loss."""
        return bool(self.flags & FLAG_DISCONTINUITY)


@dataclass(frozen=True, slots=True)
class ParameterSetsRecord:
    """Parameter sets that are valid for the access units after it."""

    codec: VideoCodec
    parameter_sets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SenderReportRecord:
    """The camera's own clock against its RTP time (RFC 3550 section 6.4.1)."""

    ntp: int
    rtp_time: int
    arrival_boot_us: int


@dataclass(frozen=True, slots=True)
class TimelineRecord:
    """Something that happened: a reconnect, a loss, a clock step."""

    event: str
    utc_ms: int
    facts: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True, slots=True)
class CameraEventRecord:
    """What the camera itself reported, to find the moment by; nothing depends on it."""

    kind: str  # "motion", "tamper", ...: a short fixed name
    utc_ms: int  # when it was received, by the recorder's clock
    begins: bool | None = None  # True: began, False: ended, None: a moment
    camera_utc_ms: int | None = None  # as the camera says
    topic: str = ""  # the camera's own name for it
    detail: str = ""
    dropped: int = 0  # events since the record before this one that were too many to keep


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """Where a key frame's record begins."""

    number: int
    utc_us: int
    chunk_index: int
    record_offset: int  # in that chunk's plaintext


@dataclass(frozen=True, slots=True)
class IndexRecord:
    """The INDEX record: it only accelerates."""

    key_frames: tuple[IndexEntry, ...]  # evenly thinned beyond 2048
    parameter_sets: tuple[tuple[int, int], ...] | None  # chunk index and offset of each record; None: too many


Record: TypeAlias = (
    CodecConfig
    | AccessUnitRecord
    | ParameterSetsRecord
    | SenderReportRecord
    | TimelineRecord
    | CameraEventRecord
    | IndexRecord
    | AudioRecord
)


def require_agreement(audio: AudioState, config: CodecConfig) -> None:
    """The header says that sound is recorded exactly where CONFIG names its track (R3). Raises RecordInvalid."""
    if (audio is AudioState.RECORDED_BY_DECISION) is not (config.audio_track is not None):
        raise RecordInvalid("CONFIG", "header and audio_track do not agree on sound")


def encode_record(record_type: RecordType, payload: bytes) -> bytes:
    """Return a whole record without flags."""
    return RECORD_HEAD_STRUCT.pack(record_type, 0, 0, len(payload)) + payload


def encode_config(config: CodecConfig) -> bytes:
    """Return the CONFIG record. Raises RecordInvalid."""
    if len(config.nal_salt) != 32:
        raise RecordInvalid("CONFIG", "the NAL salt has 32 bytes")
    content = {
        "audio": config.audio,
        "clock_rate_hz": config.clock_rate_hz,
        "codec": config.codec.text,
        "nal_salt": base64.b64encode(config.nal_salt).decode(),
        "parameter_sets": _encode_sets(config.parameter_sets),
        "source": config.source.value,
    }
    if config.audio_track is not None:
        content["audio_track"] = track_member(config.audio_track)
    return encode_record(RecordType.CONFIG, _encode_json("CONFIG", content))


def encode_parameter_sets(record: ParameterSetsRecord) -> bytes:
    """Return the PARAMETER_SETS record. Raises RecordInvalid."""
    content = {"codec": record.codec.text, "parameter_sets": _encode_sets(record.parameter_sets)}
    return encode_record(RecordType.PARAMETER_SETS, _encode_json("PARAMETER_SETS", content))


def encode_sender_report(record: SenderReportRecord) -> bytes:
    """Return the SENDER_REPORT record."""
    payload = _SENDER_REPORT_STRUCT.pack(record.ntp, record.rtp_time, record.arrival_boot_us)
    return encode_record(RecordType.SENDER_REPORT, payload)


def encode_audio(record: AudioRecord) -> bytes:
    """Return the AUDIO record. Raises RecordInvalid."""
    return encode_record(RecordType.AUDIO, audio_payload(record))


def encode_timeline(record: TimelineRecord) -> bytes:
    """Return the TIMELINE record. Raises RecordInvalid for a fact named like a fixed key."""
    content: dict[str, str | int] = dict(record.facts)
    if "event" in content or "utc_ms" in content:
        raise RecordInvalid("TIMELINE", "a fact is named event or utc_ms")
    content |= {"event": record.event, "utc_ms": record.utc_ms}
    return encode_record(RecordType.TIMELINE, _encode_json("TIMELINE", content))


def encode_camera_event(record: CameraEventRecord) -> bytes:
    """Return the CAMERA_EVENT record. Raises RecordInvalid beyond MAX_CAMERA_EVENT_BYTES."""
    content: dict[str, Any] = {"kind": record.kind, "utc_ms": record.utc_ms}
    told = {
        "begins": record.begins,
        "camera_utc_ms": record.camera_utc_ms,
        "topic": record.topic or None,
        "detail": record.detail or None,
        "dropped": record.dropped or None,
    }
    content |= {name: value for name, value in told.items() if value is not None}
    encoded = _encode_json("CAMERA_EVENT", content)
    if len(encoded) > MAX_CAMERA_EVENT_BYTES:
        raise RecordInvalid("CAMERA_EVENT", f"{len(encoded)} bytes exceed the limit of {MAX_CAMERA_EVENT_BYTES}")
    return encode_record(RecordType.CAMERA_EVENT, encoded)


def index_record_bytes(key_frames: int, parameter_sets: int) -> int:
    """Return the length of an INDEX record with that many entries."""
    indexed = min(parameter_sets, MAX_INDEXED_PARAMETER_SETS)
    return RECORD_HEAD_BYTES + 8 + INDEX_ENTRY.length_bytes * min(key_frames, MAX_INDEX_ENTRIES) + 8 * indexed


def encode_index(
    key_frames: Sequence[tuple[int, int, int, int]], parameter_sets: Sequence[tuple[int, int]] | None
) -> bytes:
    """Return the INDEX record; entries as in IndexEntry, in its order of fields."""
    places = parameter_sets or ()
    count = _TOO_MANY if parameter_sets is None else len(places)
    payload = b"".join(
        (
            _COUNT_STRUCT.pack(len(key_frames)),
            *(_INDEX_ENTRY_STRUCT.pack(*entry) for entry in key_frames),
            _COUNT_STRUCT.pack(count),
            *(_PLACE_STRUCT.pack(*place) for place in places),
        )
    )
    return encode_record(RecordType.INDEX, payload)


def check_record_head(record_type: int, flags: int, zero: int, payload_bytes: int) -> RecordType:
    """Return the type of a record whose head holds these values. Raises RecordInvalid."""
    try:
        known = RecordType(record_type)
    except ValueError as fault:
        raise RecordInvalid(f"type {record_type}", "unknown; use a newer Kuramori to read it") from fault
    allowed = _KNOWN_FLAGS if known is RecordType.ACCESS_UNIT else 0
    if zero or flags & ~allowed:
        raise RecordInvalid(known.name, "bytes that must be zero are not")
    if payload_bytes > MAX_RECORD_PAYLOAD_BYTES:
        raise RecordInvalid(known.name, f"{payload_bytes} bytes of payload")
    return known


def decode_record(record_type: RecordType, flags: int, payload: bytes | bytearray | memoryview) -> Record:
    """Return the record. Raises RecordInvalid, and nothing else, whatever the payload."""
    if record_type is RecordType.ACCESS_UNIT:
        return decode_access_unit(flags, payload)
    if record_type is RecordType.CONFIG:
        return _decode_config(payload)
    if record_type is RecordType.PARAMETER_SETS:
        content = _decode_json("PARAMETER_SETS", payload)
        sets = _decode_sets("PARAMETER_SETS", content.get("parameter_sets"))
        return ParameterSetsRecord(_decode_codec("PARAMETER_SETS", content.get("codec")), sets)
    if record_type is RecordType.SENDER_REPORT:
        if len(payload) != _SENDER_REPORT_STRUCT.size:
            raise RecordInvalid("SENDER_REPORT", f"{len(payload)} bytes")
        return SenderReportRecord(*_SENDER_REPORT_STRUCT.unpack(payload))
    if record_type is RecordType.TIMELINE:
        return _decode_timeline(payload)
    if record_type is RecordType.INDEX:
        return _decode_index(payload)
    if record_type is RecordType.CAMERA_EVENT:
        return _decode_camera_event(payload)
    return decode_audio(payload)


def decode_access_unit(flags: int, payload: bytes | bytearray | memoryview) -> AccessUnitRecord:
    """Return an ACCESS_UNIT record. Raises RecordInvalid."""
    if len(payload) < ACCESS_UNIT_HEAD_BYTES:
        raise RecordInvalid("ACCESS_UNIT", f"{len(payload)} bytes")
    number, utc_us, rtp_time, arrival, lost, nal_count, zero = _ACCESS_UNIT_STRUCT.unpack_from(payload)
    if zero:
        raise RecordInvalid("ACCESS_UNIT", "bytes that must be zero are not")
    nals = bytes(memoryview(payload)[ACCESS_UNIT_HEAD_BYTES:])
    return AccessUnitRecord(number, utc_us, rtp_time, arrival, lost, nal_count, flags, nals)


def _decode_config(payload: bytes | bytearray | memoryview) -> CodecConfig:
    content = _decode_json("CONFIG", payload)
    clock_rate, audio = content.get("clock_rate_hz"), content.get("audio")
    if type(clock_rate) is not int or not 0 < clock_rate < 1 << 32:
        raise RecordInvalid("CONFIG", "clock_rate_hz is not a clock rate")
    if not isinstance(audio, str):
        raise RecordInvalid("CONFIG", "audio is not a text")
    salt = _decode_base64("CONFIG", content.get("nal_salt"))
    if len(salt) != 32:
        raise RecordInvalid("CONFIG", "the NAL salt has 32 bytes")
    try:
        source = RecordSource(str(content.get("source")))
    except ValueError as fault:
        raise RecordInvalid("CONFIG", "the source is unknown") from fault
    sets = _decode_sets("CONFIG", content.get("parameter_sets"))
    track = read_track(content["audio_track"]) if "audio_track" in content else None
    return CodecConfig(_decode_codec("CONFIG", content.get("codec")), clock_rate, sets, salt, source, audio, track)


def _decode_timeline(payload: bytes | bytearray | memoryview) -> TimelineRecord:
    content = _decode_json("TIMELINE", payload)
    event, utc_ms = content.pop("event", None), content.pop("utc_ms", None)
    if not isinstance(event, str) or type(utc_ms) is not int:
        raise RecordInvalid("TIMELINE", "event or utc_ms is missing")
    facts = tuple(sorted(content.items()))
    if not all(type(value) in (str, int) for _, value in facts):
        raise RecordInvalid("TIMELINE", "a fact is neither text nor integer")
    return TimelineRecord(event, utc_ms, facts)


def _decode_camera_event(payload: bytes | bytearray | memoryview) -> CameraEventRecord:
    if len(payload) > MAX_CAMERA_EVENT_BYTES:
        raise RecordInvalid("CAMERA_EVENT", f"{len(payload)} bytes exceed the limit of {MAX_CAMERA_EVENT_BYTES}")
    content = _decode_json("CAMERA_EVENT", payload)
    kind, utc_ms, begins = content.get("kind"), content.get("utc_ms"), content.get("begins")
    camera_utc_ms, dropped = content.get("camera_utc_ms"), content.get("dropped", 0)
    topic, detail = content.get("topic", ""), content.get("detail", "")
    fits = (
        all(isinstance(text, str) for text in (kind, topic, detail))
        and type(utc_ms) is int
        and (begins is None or type(begins) is bool)
        and (camera_utc_ms is None or type(camera_utc_ms) is int)
        and type(dropped) is int
        and dropped >= 0
    )
    if not fits:
        raise RecordInvalid("CAMERA_EVENT", "a member is missing or of another kind")
    return CameraEventRecord(str(kind), int(utc_ms or 0), begins, camera_utc_ms, topic, detail, dropped)


def _decode_index(payload: bytes | bytearray | memoryview) -> IndexRecord:
    view = memoryview(payload)
    count, view = _take_count(view)
    if count > MAX_INDEX_ENTRIES or len(view) < count * _INDEX_ENTRY_STRUCT.size:
        raise RecordInvalid("INDEX", f"{count} key frames in {len(view)} bytes")
    cut = count * _INDEX_ENTRY_STRUCT.size
    entries = tuple(IndexEntry(*values) for values in _INDEX_ENTRY_STRUCT.iter_unpack(view[:cut]))
    count, view = _take_count(view[cut:])
    expected = 0 if count == _TOO_MANY else count * _PLACE_STRUCT.size
    if len(view) != expected:
        raise RecordInvalid("INDEX", f"{len(view)} bytes of parameter-set places")
    if count == _TOO_MANY:
        return IndexRecord(entries, None)
    return IndexRecord(entries, tuple((chunk, offset) for chunk, offset in _PLACE_STRUCT.iter_unpack(view)))


def _take_count(view: memoryview) -> tuple[int, memoryview]:
    if len(view) < _COUNT_STRUCT.size:
        raise RecordInvalid("INDEX", "it is cut off")
    return _COUNT_STRUCT.unpack_from(view)[0], view[_COUNT_STRUCT.size :]


def _encode_json(record: str, content: dict[str, Any]) -> bytes:
    encoded = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    if len(encoded) > MAX_JSON_RECORD_BYTES:
        raise RecordInvalid(record, f"{len(encoded)} bytes exceed the limit of {MAX_JSON_RECORD_BYTES}")
    return encoded


def _decode_json(record: str, payload: bytes | bytearray | memoryview) -> dict[str, Any]:
    if len(payload) > MAX_JSON_RECORD_BYTES:
        raise RecordInvalid(record, f"{len(payload)} bytes exceed the limit of {MAX_JSON_RECORD_BYTES}")
    try:
        content = json.loads(bytes(payload).decode())
    except (ValueError, RecursionError) as fault:
        raise RecordInvalid(record, "it is not JSON in UTF-8") from fault
    if not isinstance(content, dict):
        raise RecordInvalid(record, "it is not a JSON object")
    return content


def _encode_sets(parameter_sets: tuple[bytes, ...]) -> list[str]:
    if len(parameter_sets) > MAX_PARAMETER_SETS:
        raise RecordInvalid("PARAMETER_SETS", f"{len(parameter_sets)} parameter sets")
    return [base64.b64encode(item).decode() for item in parameter_sets]


def _decode_sets(record: str, value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > MAX_PARAMETER_SETS:
        raise RecordInvalid(record, "parameter_sets is not a list of parameter sets")
    return tuple(_decode_base64(record, item) for item in value)


def _decode_base64(record: str, value: object) -> bytes:
    try:
        if isinstance(value, str):
            return base64.b64decode(value.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as fault:
        raise RecordInvalid(record, "it is not base64") from fault
    raise RecordInvalid(record, "base64 is missing")


def _decode_codec(record: str, value: object) -> VideoCodec:
    for codec in VideoCodec:
        if value == codec.text:
            return codec
    raise RecordInvalid(record, "the codec is unknown")
