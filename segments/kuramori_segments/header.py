"""The segment header: who, when, under which custodians, and their sealed shares. One block at the slot's start.

It is written once, before the first chunk, and its SHA-256 is bound into the data key and the digest chain:
a header that was altered opens nothing. This module must not know secrets; it sees sealed bytes only.
"""

import struct
from dataclasses import dataclass
from hashlib import sha256

from kuramori_segments.block_layout import (
    FORMAT_VERSION,
    BlockLayout,
    BytesLike,
    Field,
    check_frame,
    known_code,
    require,
    seal_checksum,
)
from kuramori_segments.codes import AudioState, Provenance, Suite, Track, VideoCodec
from kuramori_segments.format_error import FieldInvalid
from kuramori_segments.limits import (
    BLOCK_BYTES,
    MAX_CAMERA_NAME_BYTES,
    MAX_CUSTODIANS,
    MIN_CUSTODIANS_TO_OPEN,
)

MAGIC = b"KRMSEG\x01\n"
FLAG_CONTINUES = 1  # begins inside a GOP
FLAG_TIME_UNKNOWN = 2  # the recorder had no trustworthy clock at the start

SHARE_LABEL = b"kuramori/v1/share"
RECOVERY_LABEL = b"kuramori/v1/recovery"

HEADER = BlockLayout(
    "segment header",
    BLOCK_BYTES,
    (
        Field(0, "8s", "magic"),
        Field(8, "H", "version"),
        Field(10, "H", "suite"),
        Field(12, "B", "track"),
        Field(13, "B", "provenance"),
        Field(14, "B", "flags"),
        Field(15, "B", "codec"),
        Field(16, "B", "audio"),
        Field(20, "I", "camera_number"),
        Field(24, "16s", "recorder_id"),
        Field(40, "16s", "segment_uid"),
        Field(56, "16s", "epoch_id"),
        Field(72, "Q", "sequence"),
        Field(80, "q", "start_utc_ms"),
        Field(88, "Q", "start_boot_ms"),
        Field(96, "Q", "first_access_unit"),
        Field(104, "32s", "previous_digest"),
        Field(136, "32s", "key_commitment"),
        Field(168, "16s", "custodian_set_id"),
        Field(184, "B", "k"),
        Field(185, "B", "n"),
        Field(186, "B", "camera_name_length"),
        Field(192, "64s", "camera_name"),
        Field(256, "80s", "recovery_seal"),
        Field(384, "1792s", "sealed_shares"),
        Field(4092, "I", "crc32c"),
    ),
)
SEALED_SHARE = BlockLayout(
    "sealed share",
    112,
    (
        Field(0, "16s", "custodian_id"),
        Field(16, "32s", "encapsulated_key"),
        Field(48, "49s", "ciphertext"),
    ),
)
_SHARES_OFFSET = 384
_INFO = struct.Struct("<16sI16sQq16sBBB16s")


@dataclass(frozen=True, slots=True)
class SealedShare:
    """One custodian's share of the DEK, sealed to them (HPKE, RFC 9180, base mode)."""

    custodian_id: bytes  # 16 bytes
    encapsulated_key: bytes  # 32 bytes, HPKE "enc"
    ciphertext: bytes  # 49 bytes: u8 x, 32 bytes y, 16 bytes tag

    @property
    def sealed(self) -> bytes:
        """Return enc and ciphertext in one piece, as HPKE's single-shot opening takes them (81 bytes)."""
        return self.encapsulated_key + self.ciphertext

    @classmethod
    def from_sealed(cls, custodian_id: bytes, sealed: bytes) -> "SealedShare":
        """Make a share from what HPKE's single-shot sealing returns (enc then ciphertext, 81 bytes)."""
        return cls(custodian_id, sealed[:32], sealed[32:])

    def pack(self) -> bytes:
        """Return the 112 bytes. Raises FieldInvalid."""
        name = SEALED_SHARE.name
        require(len(self.custodian_id) == 16, name, "custodian_id", self.custodian_id.hex(), "16 bytes")
        require(len(self.encapsulated_key) == 32, name, "encapsulated_key", len(self.encapsulated_key), "32")
        require(len(self.ciphertext) == 49, name, "ciphertext", len(self.ciphertext), "49 bytes")
        return bytes(SEALED_SHARE.pack(self.custodian_id, self.encapsulated_key, self.ciphertext))

    @classmethod
    def unpack(cls, data: BytesLike) -> "SealedShare":
        """Read the 112 bytes. Raises FormatError."""
        return cls(*SEALED_SHARE.unpack(data))


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """A segment header. Checked when packed or unpacked; a draft without shares may exist before sealing."""

    suite: Suite
    codec: VideoCodec
    camera_number: int
    camera_name: str
    recorder_id: bytes  # 16 bytes
    segment_uid: bytes  # 16 random bytes
    epoch_id: bytes  # 16 random bytes
    sequence: int  # of this camera, never reused
    start_utc_ms: int
    start_boot_ms: int
    first_access_unit: int
    custodian_set_id: bytes  # 16 bytes
    k: int
    n: int
    key_commitment: bytes = bytes(32)
    previous_digest: bytes = bytes(32)  # chain digest of this camera's previous segment
    recovery_seal: bytes = bytes(80)  # HPKE enc and ciphertext of the DEK
    shares: tuple[SealedShare, ...] = ()
    audio: AudioState = AudioState.UNKNOWN
    continues: bool = False
    time_unknown: bool = False
    track: Track = Track.VIDEO
    provenance: Provenance = Provenance.LIVE

    def share_info(self, share_number: int) -> bytes:
        """Return the HPKE info of share 1..n: what a custodian's opening is bound to."""
        return SHARE_LABEL + self._bound_facts(share_number)

    def recovery_info(self) -> bytes:
        """Return the HPKE info of the recovery seal."""
        return RECOVERY_LABEL + self._bound_facts(0)

    def _bound_facts(self, share_number: int) -> bytes:
        return _INFO.pack(
            self.recorder_id,
            self.camera_number,
            self.epoch_id,
            self.sequence,
            self.start_utc_ms,
            self.custodian_set_id,
            self.k,
            self.n,
            share_number,
            self.segment_uid,
        )

    def pack(self) -> bytes:
        """Return the block. Raises FieldInvalid for a header that no reader would accept."""
        name = self.camera_name.encode()
        self._check(name)
        flags = FLAG_CONTINUES * self.continues | FLAG_TIME_UNKNOWN * self.time_unknown
        block = HEADER.pack(
            MAGIC,
            FORMAT_VERSION,
            self.suite,
            self.track,
            self.provenance,
            flags,
            self.codec,
            self.audio,
            self.camera_number,
            self.recorder_id,
            self.segment_uid,
            self.epoch_id,
            self.sequence,
            self.start_utc_ms,
            self.start_boot_ms,
            self.first_access_unit,
            self.previous_digest,
            self.key_commitment,
            self.custodian_set_id,
            self.k,
            self.n,
            len(name),
            name,
            self.recovery_seal,
            b"".join(share.pack() for share in self.shares),
            0,
        )
        return seal_checksum(block)

    def _check(self, name: bytes) -> None:
        for field in ("recorder_id", "segment_uid", "epoch_id", "custodian_set_id"):
            value = getattr(self, field)
            require(len(value) == 16, HEADER.name, field, value.hex(), "16 bytes")
        for field in ("previous_digest", "key_commitment"):
            value = getattr(self, field)
            require(len(value) == 32, HEADER.name, field, value.hex(), "32 bytes")
        require(len(self.recovery_seal) == 80, HEADER.name, "recovery_seal", len(self.recovery_seal), "80 bytes")
        _check_quorum(self.k, self.n)
        require(len(self.shares) == self.n, HEADER.name, "shares", len(self.shares), "as many as n")
        custodians = {share.custodian_id for share in self.shares}
        require(len(custodians) == self.n, HEADER.name, "shares", "a custodian twice", "n different custodians")
        require(0 < len(name) <= MAX_CAMERA_NAME_BYTES, HEADER.name, "camera_name", len(name), "1 to 64 bytes")
        require(b"\0" not in name, HEADER.name, "camera_name", self.camera_name, "no zero byte")
        require(self.camera_number > 0, HEADER.name, "camera_number", self.camera_number, "1 or more")

    @classmethod
    def unpack(cls, data: BytesLike) -> "SegmentHeader":
        """Read a header block (4096 bytes). Raises FormatError."""
        values = dict(
            zip(
                (field.name for field in HEADER.fields),
                HEADER.unpack(check_frame(HEADER, data, MAGIC)),
                strict=True,
            )
        )
        flags = values["flags"]
        require(flags <= FLAG_CONTINUES | FLAG_TIME_UNKNOWN, HEADER.name, "flags", flags, "known bits only")
        _check_quorum(values["k"], values["n"])
        header = cls(
            suite=known_code(Suite, HEADER.name, "suite", values["suite"]),
            codec=known_code(VideoCodec, HEADER.name, "codec", values["codec"]),
            camera_number=values["camera_number"],
            camera_name=_camera_name(values["camera_name"], values["camera_name_length"]),
            recorder_id=values["recorder_id"],
            segment_uid=values["segment_uid"],
            epoch_id=values["epoch_id"],
            sequence=values["sequence"],
            start_utc_ms=values["start_utc_ms"],
            start_boot_ms=values["start_boot_ms"],
            first_access_unit=values["first_access_unit"],
            custodian_set_id=values["custodian_set_id"],
            k=values["k"],
            n=values["n"],
            key_commitment=values["key_commitment"],
            previous_digest=values["previous_digest"],
            recovery_seal=values["recovery_seal"],
            shares=_shares(values["sealed_shares"], values["n"]),
            audio=known_code(AudioState, HEADER.name, "audio", values["audio"]),
            continues=bool(flags & FLAG_CONTINUES),
            time_unknown=bool(flags & FLAG_TIME_UNKNOWN),
            track=known_code(Track, HEADER.name, "track", values["track"]),
            provenance=known_code(Provenance, HEADER.name, "provenance", values["provenance"]),
        )
        header._check(header.camera_name.encode())
        return header


def header_digest(block: BytesLike) -> bytes:
    """Return the SHA-256 of all 4096 bytes of a header block: the start of the digest chain."""
    return sha256(memoryview(block)[:BLOCK_BYTES]).digest()


def _check_quorum(k: int, n: int) -> None:
    expected = f"{MIN_CUSTODIANS_TO_OPEN} <= k <= n <= {MAX_CUSTODIANS}"
    require(MIN_CUSTODIANS_TO_OPEN <= k <= n <= MAX_CUSTODIANS, HEADER.name, "k of n", f"{k} of {n}", expected)


def _camera_name(padded: bytes, length: int) -> str:
    name = padded[:length]
    require(length <= MAX_CAMERA_NAME_BYTES, HEADER.name, "camera_name_length", length, "at most 64")
    require(not padded[length:].strip(b"\0"), HEADER.name, "camera_name", padded.hex(), "zeros behind the name")
    try:
        return name.decode()
    except UnicodeDecodeError as fault:
        raise FieldInvalid(HEADER.name, "camera_name", name.hex(), "UTF-8") from fault


def _shares(area: bytes, n: int) -> tuple[SealedShare, ...]:
    size = SEALED_SHARE.length_bytes
    require(not area[n * size :].strip(b"\0"), HEADER.name, "sealed_shares", f"more than {n}", "zeros behind share n")
    return tuple(SealedShare.unpack(area[number * size : (number + 1) * size]) for number in range(n))
