"""What test vectors are drafted with: known keys, segments that note what they hold, blocks changed afterwards.

What a vector is expected to give is told by what was put in, not by our reader.
"""

import json
import struct
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from crc32c import crc32c
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kuramori_segments import shamir
from kuramori_segments.audio_track import AudioDecision, AudioRecord, AudioTrack
from kuramori_segments.cipher import data_key, key_commitment, segment_key
from kuramori_segments.codes import AudioState, Suite, VideoCodec
from kuramori_segments.device_key import device_key_id
from kuramori_segments.footer import ChunkTally, FooterGap
from kuramori_segments.header import SealedShare, SegmentHeader, header_digest
from kuramori_segments.records import (
    FLAG_DAMAGED,
    FLAG_DISCONTINUITY,
    FLAG_KEY_FRAME,
    CodecConfig,
    ParameterSetsRecord,
    RecordType,
    SenderReportRecord,
    TimelineRecord,
    encode_config,
    encode_parameter_sets,
    encode_record,
    encode_sender_report,
    encode_timeline,
)
from kuramori_segments.segment_writer import SegmentWriter
from tests.fakes import fixed_hpke
from tests.fakes.segments import SlotInMemory, length_prefixed, make_nal

VECTORS = Path(__file__).parents[2] / "segments" / "vectors"
BLOCK = 4096
SLOT_BYTES = 256 * 1024
START_UTC_MS = 1_772_000_000_000


def known(name: str, length: int = 32) -> bytes:
    """Return bytes that follow from a name."""
    return sha256(b"kuramori test vector " + name.encode()).digest()[:length]


SOUND = AudioTrack(
    16_000, 16_000, 1, bytes.fromhex("1408"), AudioDecision("市長 山田太郎", "2026-04-01", "夜間の事案が続いたため")
)


class FixedSigner:
    """Signs without a random number (RFC 6979)."""

    def __init__(self, name: str) -> None:
        self.private_key = ec.derive_private_key(int.from_bytes(known(name)[:31], "big"), ec.SECP256R1())

    @property
    def key_id(self) -> bytes:
        """Return the key's id."""
        return device_key_id(self.private_key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Return r then s."""
        der = self.private_key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))
        return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))


SIGNER = FixedSigner("device key")
CUSTODIANS = [X25519PrivateKey.from_private_bytes(known(f"custodian {number}")) for number in (1, 2, 3)]
RECOVERY = X25519PrivateKey.from_private_bytes(known("recovery key"))
EPOCH_KEY = known("epoch key")


@dataclass
class Draft:
    """A segment in the making, with what it is expected to hold."""

    name: str
    codec: VideoCodec = VideoCodec.H264
    suite: Suite = Suite.AES_256_GCM
    first_access_unit: int = 1000
    track: AudioTrack | None = None  # sound, by written decision
    records: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make header and keys."""
        self.dek = known(f"DEK {self.name}")
        self.header = self._header()
        k_seg = segment_key(EPOCH_KEY, self.header.segment_uid)
        self.key = data_key(self.dek, k_seg, header_digest(self.header.pack()))
        self.config = CodecConfig(
            self.codec,
            90_000,
            (known("SPS"), known("PPS", 8)),
            known(f"salt {self.name}"),
            audio="none offered" if self.track is None else "recorded by written decision",
            audio_track=self.track,
        )
        self.next_number = self.first_access_unit
        self.slot = SlotInMemory(SLOT_BYTES)
        self.expect(encode_config(self.config))

    def _header(self) -> SegmentHeader:
        draft = SegmentHeader(
            suite=self.suite,
            codec=self.codec,
            camera_number=3,
            camera_name="蔵通り-west",
            recorder_id=known("recorder", 16),
            segment_uid=known(f"segment {self.name}", 16),
            epoch_id=known("epoch", 16),
            sequence=42,
            start_utc_ms=START_UTC_MS,
            start_boot_ms=777_000,
            first_access_unit=self.first_access_unit,
            custodian_set_id=known("set", 16),
            k=2,
            n=3,
            previous_digest=known("previous segment"),
            audio=AudioState.NONE_OFFERED if self.track is None else AudioState.RECORDED_BY_DECISION,
        )
        k_seg = segment_key(EPOCH_KEY, draft.segment_uid)
        split = shamir.split(self.dek, 2, 3, lambda length: known(f"polynomial {self.name}", length))
        shares = []
        for custodian, share in zip(CUSTODIANS, split, strict=True):
            ephemeral = X25519PrivateKey.from_private_bytes(known(f"ephemeral {self.name} {share.x}"))
            point = bytes([share.x]) + share.y
            info = draft.share_info(share.x)
            sealed = fixed_hpke.seal(point, custodian.public_key(), info, ephemeral)
            shares.append(SealedShare.from_sealed(known(f"custodian id {share.x}", 16), sealed))
        ephemeral = X25519PrivateKey.from_private_bytes(known(f"ephemeral {self.name} recovery"))
        return replace(
            draft,
            key_commitment=key_commitment(self.dek, k_seg, draft.segment_uid),
            shares=tuple(shares),
            recovery_seal=fixed_hpke.seal(self.dek, RECOVERY.public_key(), draft.recovery_info(), ephemeral),
        )

    def expect(self, record: bytes) -> None:
        """Note a record that a reader must give."""
        self.records.append([record[0], sha256(record[8:]).hexdigest()])

    def writer(self) -> SegmentWriter:
        """Return a writer of this segment."""
        return SegmentWriter(self.header, self.key, codec_config=self.config, signer=SIGNER, slot_bytes=SLOT_BYTES)

    def unit(self, writer: SegmentWriter, *nal_units: bytes, flags: int = 0, lost: int = 0) -> None:
        """Append one access unit."""
        number = self.next_number
        elapsed = number - self.first_access_unit
        utc_us = START_UTC_MS * 1000 + elapsed * 40_000
        payload = length_prefixed(*nal_units)
        arguments = (number, utc_us, (1 << 33) + elapsed * 3600, 777_000_000 + elapsed * 40_000)
        writer.append_access_unit(*arguments, flags, lost, payload, len(nal_units))
        head = struct.pack("<QqQQIHH", *arguments, lost, len(nal_units), 0)
        self.expect(encode_record(RecordType.ACCESS_UNIT, head + payload))
        self.next_number += 1

    def sound(self, writer: SegmentWriter, frame: bytes, number: int, lost: int = 0) -> None:
        """Append one frame of sound, 64 ms behind the one before."""
        utc_us = START_UTC_MS * 1000 + number * 64_000
        arguments = ((1 << 32) + number * 1024, utc_us, 777_000_000 + number * 64_000, lost)
        writer.append_audio(AudioRecord(*arguments, frame))
        self.expect(encode_record(RecordType.AUDIO, struct.pack("<QqQII", *arguments, 0) + frame))

    def commit(self, writer: SegmentWriter) -> None:
        """Write what is pending into the slot."""
        commit = writer.take_commit()
        if commit is not None:
            self.slot.write(commit)

    def close(self, writer: SegmentWriter, gaps: tuple[FooterGap, ...] = ()) -> None:
        """Write the end; the index is the last record."""
        commit = writer.close(999_000, gaps)
        self.slot.write(commit)

    def two_commits(self) -> SegmentWriter:
        """Append what most vectors hold."""
        writer = self.writer()
        key, delta, sei, sets = (0x65, 0x41, 0x06, 0x67) if self.codec is VideoCodec.H264 else (0x26, 0x02, 0x4E, 0x42)
        tail = known("slice") + b"\0\0\0"
        self.unit(writer, make_nal(sets, 30, 1), make_nal(sei, 40, 2), make_nal(key, 900, 3), flags=FLAG_KEY_FRAME)
        self.unit(writer, bytes([delta]) + tail)
        writer.append_sender_report(0x1234_5678_9ABC_DEF0, 1 << 33, 777_000_001)
        self.expect(encode_sender_report(SenderReportRecord(0x1234_5678_9ABC_DEF0, 1 << 33, 777_000_001)))
        self.commit(writer)
        facts = (("reason", "lost connection"), ("tries", 2))
        writer.append_timeline("reconnected", START_UTC_MS + 80, facts)
        self.expect(encode_timeline(TimelineRecord("reconnected", START_UTC_MS + 80, facts)))
        writer.append_parameter_sets((known("new SPS"),))
        self.expect(encode_parameter_sets(ParameterSetsRecord(self.codec, (known("new SPS"),))))
        flags = FLAG_KEY_FRAME | FLAG_DAMAGED | FLAG_DISCONTINUITY
        self.unit(writer, make_nal(key, 500, 4), flags=flags, lost=5)
        self.unit(writer, make_nal(delta, 300, 5), make_nal(delta, 200, 6))
        self.commit(writer)
        return writer


class VectorSet:
    """All vectors, as files and as the list of what each must give."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.vectors: list[dict[str, Any]] = []

    def add(
        self,
        name: str,
        what: str,
        content: bytes,
        *,
        state: str,
        damage: tuple[str, ...] = (),
        tally: ChunkTally | None = None,
        opens: str = "yes",
        records: list[list[Any]] | None = None,
        epoch_key: bytes = EPOCH_KEY,
    ) -> None:
        """Add one. A file ends with its last byte that is not zero, rounded up to a block."""
        used = len(content.rstrip(b"\0"))
        self.files[f"{name}.seg"] = content[: max(BLOCK, -(-used // BLOCK) * BLOCK)]
        vector: dict[str, Any] = {
            "file": f"{name}.seg",
            "what": what,
            "slot_bytes": SLOT_BYTES,
            "state": state,
            "damage": list(damage),
            "opens": opens,
            "epoch_key": epoch_key.hex(),
        }
        if tally is not None:
            vector |= {
                "chunks": tally.chunks,
                "access_units": tally.access_units,
                "end_bytes": tally.end_bytes,
                "chain_digest": tally.chain_digest.hex(),
            }
        if records is not None:
            vector["records"] = records
        self.vectors.append(vector)

    def index_file(self) -> bytes:
        """Return vectors.json."""
        public = SIGNER.private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        keys = {
            "custodians": [key.private_bytes_raw().hex() for key in CUSTODIANS],
            "recovery": RECOVERY.private_bytes_raw().hex(),
            "device_public_key": public.hex(),
        }
        content = {"format_version": 1, "keys": keys, "vectors": self.vectors}
        return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def tally_of(writer: SegmentWriter, content: bytes) -> ChunkTally:
    """Return what the writer's chunks add up to; the chain is computed here, from the bytes."""
    tally = writer._sealer.tally()
    return replace(tally, chain_digest=chain_of(content, tally.chunks))


def chain_of(content: bytes, chunks: int) -> bytes:
    """Follow the digest chain through a slot's bytes."""
    digest = sha256(content[:BLOCK]).digest()
    offset = BLOCK
    for _ in range(chunks):
        (body,) = struct.unpack_from("<I", content, offset + 8)
        end = offset + 64 + body
        digest = sha256(digest + content[offset : offset + 60] + content[end - 16 : end]).digest()
        offset = -(-end // BLOCK) * BLOCK
    return digest


def with_checksum(block: bytearray, start: int, length: int) -> None:
    """Correct a block's checksum after a change."""
    struct.pack_into("<I", block, start + length - 4, crc32c(bytes(block[start : start + length - 4])))


def with_chunk_checksum(content: bytearray, offset: int) -> None:
    """Correct a chunk's checksum after a change."""
    (body,) = struct.unpack_from("<I", content, offset + 8)
    checksum = crc32c(bytes(content[offset + 64 : offset + 64 + body]), crc32c(bytes(content[offset : offset + 60])))
    struct.pack_into("<I", content, offset + 60, checksum)


def index_digest(writer: SegmentWriter) -> list[Any]:
    """Return what the INDEX record must be."""
    record = writer._index.encode()
    return [record[0], sha256(record[8:]).hexdigest()]
