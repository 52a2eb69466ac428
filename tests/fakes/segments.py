"""Segments for tests: headers with shares that nobody needs to open, keys that are no secret, made-up access units."""

import random
from dataclasses import replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori_segments.chunk_buffers import Commit
from kuramori_segments.cipher import data_key, key_commitment, segment_key
from kuramori_segments.codes import AudioState, Suite, VideoCodec
from kuramori_segments.device_key import DeviceSigner
from kuramori_segments.header import SealedShare, SegmentHeader, header_digest
from kuramori_segments.records import CodecConfig
from kuramori_segments.segment_writer import SegmentWriter

EPOCH_KEY = sha256(b"an epoch key for tests").digest()
DEK = sha256(b"a DEK for tests").digest()
NAL_SALT = sha256(b"a salt for tests").digest()
START_UTC_MS = 1_750_000_000_000
DEVICE_KEY = ec.derive_private_key(0xC0FFEE, ec.SECP256R1())
SIGNER = DeviceSigner(DEVICE_KEY)


def make_uid(name: str) -> bytes:
    """Return 16 bytes that follow from the name."""
    return sha256(name.encode()).digest()[:16]


def make_header(
    *,
    uid: str = "segment",
    sequence: int = 1,
    codec: VideoCodec = VideoCodec.H264,
    suite: Suite = Suite.AES_256_GCM,
    first_access_unit: int = 0,
    start_utc_ms: int = START_UTC_MS,
    previous_digest: bytes = bytes(32),
) -> SegmentHeader:
    """Return a complete header under DEK and EPOCH_KEY; its sealed shares are filler."""
    shares = tuple(
        SealedShare.from_sealed(make_uid(f"custodian {number}"), bytes([number]) * 81) for number in (1, 2, 3)
    )
    header = SegmentHeader(
        suite=suite,
        codec=codec,
        camera_number=7,
        camera_name="station-gate",
        recorder_id=make_uid("recorder"),
        segment_uid=make_uid(uid),
        epoch_id=make_uid("epoch"),
        sequence=sequence,
        start_utc_ms=start_utc_ms,
        start_boot_ms=123_456,
        first_access_unit=first_access_unit,
        custodian_set_id=make_uid("set"),
        k=2,
        n=3,
        previous_digest=previous_digest,
        recovery_seal=bytes(range(80)),
        shares=shares,
        audio=AudioState.OFFERED_NOT_SET_UP,
    )
    k_seg = segment_key(EPOCH_KEY, header.segment_uid)
    return replace(header, key_commitment=key_commitment(DEK, k_seg, header.segment_uid))


def make_data_key(header: SegmentHeader) -> bytes:
    """Return the data key of a header made here."""
    k_seg = segment_key(EPOCH_KEY, header.segment_uid)
    return data_key(DEK, k_seg, header_digest(header.pack()))


def make_writer(header: SegmentHeader, slot_bytes: int) -> SegmentWriter:
    """Return a writer for a header made here."""
    config = CodecConfig(header.codec, 90_000, (b"\x67parameters", b"\x68more"), NAL_SALT, audio="offered, not set up")
    return SegmentWriter(header, make_data_key(header), codec_config=config, signer=SIGNER, slot_bytes=slot_bytes)


def make_nal(first_byte: int, length_bytes: int, seed: int = 0) -> bytes:
    """Return a NAL unit of made-up bytes."""
    return bytes([first_byte]) + random.Random(seed).randbytes(max(0, length_bytes - 1))


def length_prefixed(*nal_units: bytes) -> bytes:
    """Return an access unit's payload."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in nal_units)


class SlotInMemory:
    """A slot as bytes, with whatever the previous lap left in it."""

    def __init__(self, slot_bytes: int, old_bytes: bytes | None = None) -> None:
        self.content = bytearray(old_bytes if old_bytes is not None else slot_bytes)

    def write(self, commit: Commit) -> None:
        """Write a commit where it belongs and give its buffers back."""
        position = commit.offset_bytes
        for buffer in commit.buffers:
            self.content[position : position + len(buffer)] = buffer
            position += len(buffer)
        if position != commit.offset_bytes + commit.length_bytes:
            raise ValueError("a commit's buffers are not as long as it says")
        commit.release()

    def read_at(self, offset_bytes: int, length_bytes: int) -> bytes:
        """Read; at the end of the slot, short."""
        return bytes(self.content[offset_bytes : offset_bytes + length_bytes])
