"""Readers of what lies on a medium, and of what people and processes hand over: cards, key files, notes, messages."""

import random
import struct
from collections.abc import Callable
from pathlib import Path

import crc32c
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kuramori.clips.manifest_reader import ManifestInvalid, read_manifest
from kuramori.desk.signed_note import NoteInvalid, NoteSigner, open_note
from kuramori.messages import CoverageRequest, MessageUnreadable, StatusRequest, decode_call, encode_call
from kuramori_segments.audio_track import AudioDecision, AudioRecord, AudioTrack
from kuramori_segments.chunk import ChunkHead
from kuramori_segments.codes import VideoCodec
from kuramori_segments.custodian_card import read_card
from kuramori_segments.custodian_key import Argon2Cost, new_custodian_key, read_key_file_card, seal_key_file
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.key_faults import KeyFault
from kuramori_segments.records import (
    CodecConfig,
    ParameterSetsRecord,
    RecordType,
    SenderReportRecord,
    TimelineRecord,
    decode_record,
    encode_audio,
    encode_config,
    encode_parameter_sets,
    encode_sender_report,
    encode_timeline,
)
from kuramori_segments.recovery_key import new_recovery_key, read_recovery_card
from kuramori_segments.segment_error import SegmentError
from kuramori_segments.segment_scan import scan
from tests.fuzz.json_damage import json_damaged
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Damage, Target

VECTORS = Path(__file__).parents[2] / "segments" / "vectors"
BLOCK_BYTES = 4096
SLOT_BYTES = 262_144
MEND_CHANCE = 0.8
CHEAP = Argon2Cost(memory_kib=64 * 1024, iterations=3, lanes=1)
SOUND = AudioTrack(16_000, 16_000, 1, b"\x14\x08", AudioDecision("mayor", "2026-04-01", "incidents"))
RECORD_HEAD = struct.Struct("<BBHI")


def mended(checksum_at: int) -> Damage:
    """Return damage behind which the CRC32C over everything before `checksum_at` is mostly made right again."""

    def damage(rng: random.Random, seeds: tuple[bytes, ...]) -> bytes:
        size = len(seeds[0])
        data = bytearray(mutated(rng, seeds)[:size].ljust(size, b"\0"))
        if rng.random() < MEND_CHANCE:
            data[checksum_at : checksum_at + 4] = struct.pack("<I", crc32c.crc32c(data[:checksum_at]))
        return bytes(data)

    return damage


def _scan(data: bytes) -> object:
    return scan(lambda offset, length: data[offset : offset + length], SLOT_BYTES)


def _segments() -> tuple[bytes, ...]:
    return tuple((VECTORS / name).read_bytes() for name in ("closed-h264.seg", "recovered.seg", "torn.seg"))


def _chunk_heads() -> tuple[bytes, ...]:
    return tuple(segment[BLOCK_BYTES : BLOCK_BYTES + 64] for segment in _segments())


def _footers() -> tuple[bytes, ...]:
    whole = _segments()[:2]
    return tuple(one[at : at + BLOCK_BYTES] for one in whole for at in (one.rfind(b"KRMFOT\x01\n"),))


def _records() -> tuple[bytes, ...]:
    return (
        encode_config(CodecConfig(VideoCodec.H264, 90_000, (b"\x67sps", b"\x68pps"), bytes(32))),
        encode_parameter_sets(ParameterSetsRecord(VideoCodec.H264, (b"\x67sps", b"\x68pps"))),
        encode_sender_report(SenderReportRecord(1 << 60, 90_000, 1)),
        encode_audio(AudioRecord(1 << 40, 1, 2, 0, b"a frame of sound")),
        encode_config(CodecConfig(VideoCodec.H264, 90_000, (), bytes(32), audio="recorded", audio_track=SOUND)),
        encode_timeline(TimelineRecord("stream_began", 1_800_000_000_000, (("codec", "h264"),))),
        RECORD_HEAD.pack(2, 1, 0, 50) + struct.pack("<QqQQIHH", 7, 1, 2, 3, 0, 1, 0) + b"\0\0\0\6\x65\x88abcd",
    )


def _record(data: bytes) -> object:
    if len(data) < RECORD_HEAD.size:
        return None
    kind, flags, _, _ = RECORD_HEAD.unpack_from(data)
    return decode_record(RecordType((kind - 1) % 8 + 1), flags, data[RECORD_HEAD.size :])


def _note_reader() -> tuple[tuple[bytes, ...], Callable[[bytes], object]]:
    signer = NoteSigner("kuramori.example/register", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    note = signer.sign("kuramori.example/register\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
    return (note.encode(),), lambda data: open_note(data.decode("utf-8", "replace"), signer.verifier)


def vault_targets() -> tuple[Target, ...]:
    """Make them: keys for the seeds take a moment."""
    key = new_custodian_key("Sato Hanako", "Section", 1_800_000_000_000, 1_900_000_000_000)
    key_file = seal_key_file(key, "correct horse battery staple", CHEAP)
    recovery_card = new_recovery_key(2, 3, 1_800_000_000_000).card.to_bytes()
    notes, read_note = _note_reader()
    calls = (encode_call(1, StatusRequest()), encode_call(2, CoverageRequest("gate-north", 1, 2)))
    headers = tuple(segment[:BLOCK_BYTES] for segment in _segments())
    return (
        Target("segments, scanned without keys", _segments(), _scan, (FormatError,)),
        Target("segment headers", headers, SegmentHeader.unpack, (FormatError,), mended(4092)),
        Target("segment footers", _footers(), SegmentFooter.unpack, (FormatError,), mended(4092)),
        Target("chunk heads", _chunk_heads(), ChunkHead.unpack, (FormatError,)),
        Target("records", _records(), _record, (SegmentError,)),
        Target("custodian cards", (key.card.to_bytes(),), read_card, (KeyFault,), json_damaged),
        Target("custodian key files", (key_file,), read_key_file_card, (KeyFault,), json_damaged),
        Target("recovery cards", (recovery_card,), read_recovery_card, (KeyFault,), json_damaged),
        Target("signed notes", notes, read_note, (NoteInvalid,)),
        Target("messages between processes", calls, decode_call, (MessageUnreadable,), json_damaged),
        Target("manifests", (_manifest(),), read_manifest, (ManifestInvalid,), json_damaged),
    )


def _manifest() -> bytes:
    return (Path(__file__).parent / "manifest.json").read_bytes()
