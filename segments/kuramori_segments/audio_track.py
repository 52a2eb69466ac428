"""The sound of a segment: the track that CONFIG names with the written decision for it, and the AUDIO records (R3).

No track without a decision, no record without a track: what lacks one is refused when it is written and when it is
read. Sound stands beside the NAL tree: the chunks authenticate it, the tree does not prove it. This module must not
know chunks, cameras or containers.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Any

from kuramori_segments.block_layout import BlockLayout, Field
from kuramori_segments.limits import (
    MAX_AUDIO_CHANNELS,
    MAX_AUDIO_CONFIG_BYTES,
    MAX_AUDIO_FRAME_BYTES,
    MAX_AUDIO_RATE_HZ,
    MAX_DECISION_CHARACTERS,
)
from kuramori_segments.segment_error import RecordInvalid

AAC = "aac"
AUDIO = BlockLayout(
    "audio frame",
    32,
    (
        Field(0, "Q", "rtp_time"),
        Field(8, "q", "utc_us"),
        Field(16, "Q", "arrival_boot_us"),
        Field(24, "I", "lost_packets_before"),
    ),
)
AUDIO_HEAD_BYTES = AUDIO.length_bytes
_AUDIO_STRUCT = struct.Struct("<QqQII")
_U64_MAX = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class AudioDecision:
    """The written decision to record sound, as it stood in the configuration."""

    who: str
    date: str  # ISO 8601, as written
    reason: str


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """What a decoder must know of the sound, and by whose decision it is there. Always AAC."""

    clock_rate_hz: int  # of RTP time
    sample_rate_hz: int
    channels: int
    specific_config: bytes  # AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1), as the camera told it
    decision: AudioDecision


@dataclass(frozen=True, slots=True)
class AudioRecord:
    """One coded frame of sound as the camera sent it."""

    rtp_time: int  # extended to 64 bits, the track's clock units
    utc_us: int
    arrival_boot_us: int
    lost_packets_before: int
    payload: bytes  # one raw AAC frame, without ADTS


def audio_payload(record: AudioRecord) -> bytes:
    """Return the payload of an AUDIO record. Raises RecordInvalid."""
    if not 0 < len(record.payload) <= MAX_AUDIO_FRAME_BYTES:
        raise RecordInvalid("AUDIO", f"a frame of {len(record.payload)} bytes")
    return (
        _AUDIO_STRUCT.pack(
            record.rtp_time & _U64_MAX, record.utc_us, record.arrival_boot_us, record.lost_packets_before, 0
        )
        + record.payload
    )


def decode_audio(payload: bytes | bytearray | memoryview) -> AudioRecord:
    """Return the record. Raises RecordInvalid, and nothing else, whatever the payload."""
    if not AUDIO_HEAD_BYTES < len(payload) <= AUDIO_HEAD_BYTES + MAX_AUDIO_FRAME_BYTES:
        raise RecordInvalid("AUDIO", f"{len(payload)} bytes")
    rtp_time, utc_us, arrival_boot_us, lost_packets, zero = _AUDIO_STRUCT.unpack_from(payload)
    if zero:
        raise RecordInvalid("AUDIO", "bytes that must be zero are not")
    frame = bytes(memoryview(payload)[AUDIO_HEAD_BYTES:])
    return AudioRecord(rtp_time, utc_us, arrival_boot_us, lost_packets, frame)


def track_member(track: AudioTrack) -> dict[str, Any]:
    """Return the member `audio_track` of CONFIG. Raises RecordInvalid for what no reader would accept."""
    member = {
        "channels": track.channels,
        "clock_rate_hz": track.clock_rate_hz,
        "codec": AAC,
        "config": base64.b64encode(track.specific_config).decode(),
        "decision": {
            "date": track.decision.date,
            "reason": track.decision.reason,
            "who": track.decision.who,
        },
        "sample_rate_hz": track.sample_rate_hz,
    }
    read_track(member)
    return member


def read_track(member: object) -> AudioTrack:
    """Return the track that a CONFIG record names. Raises RecordInvalid."""
    if not isinstance(member, dict):
        raise RecordInvalid("CONFIG", "audio_track is not an object")
    if member.get("codec") != AAC:
        raise RecordInvalid("CONFIG", "the sound's codec is unknown")
    return AudioTrack(
        _number(member, "clock_rate_hz", MAX_AUDIO_RATE_HZ),
        _number(member, "sample_rate_hz", MAX_AUDIO_RATE_HZ),
        _number(member, "channels", MAX_AUDIO_CHANNELS),
        _specific_config(member.get("config")),
        _decision(member.get("decision")),
    )


def _number(member: dict[str, Any], name: str, most: int) -> int:
    value = member.get(name)
    if type(value) is not int or not 0 < value <= most:
        raise RecordInvalid("CONFIG", f"audio_track: {name} is not within 1 to {most}")
    return value


def _specific_config(value: object) -> bytes:
    try:
        config = base64.b64decode(value.encode("ascii"), validate=True) if isinstance(value, str) else b""
    except (binascii.Error, UnicodeEncodeError) as fault:
        raise RecordInvalid("CONFIG", "audio_track: config is not base64") from fault
    if not 2 <= len(config) <= MAX_AUDIO_CONFIG_BYTES:
        raise RecordInvalid("CONFIG", f"audio_track: config of {len(config)} bytes")
    return config


def _decision(value: object) -> AudioDecision:
    """No sound without a decision: who, when, why."""
    texts = [value.get(name) for name in ("who", "date", "reason")] if isinstance(value, dict) else []
    if len(texts) != 3 or not all(isinstance(text, str) and 0 < len(text) <= MAX_DECISION_CHARACTERS for text in texts):
        raise RecordInvalid("CONFIG", "audio_track: who decided, when and why is missing")
    return AudioDecision(*(str(text) for text in texts))
