"""Begins segments: fresh keys, shares sealed to the custodians, a complete header. Pure but for randomness.

The DEK exists here for the length of one call: it is shared, sealed, mixed into the data key and forgotten. Without
a custodian set that is valid now nothing is begun (fail closed). This module must not know slots, cameras' sockets
or the keystore: it is handed the second lock.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kuramori.capture.source import Codec
from kuramori_segments import cipher, custody
from kuramori_segments.audio_track import AudioTrack
from kuramori_segments.chunk_buffers import ChunkBuffers
from kuramori_segments.codes import AudioState, Provenance, RecordSource, Suite, VideoCodec
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.footer import Signer
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.records import CodecConfig
from kuramori_segments.segment_writer import SegmentWriter

KEY_BYTES = 32
UID_BYTES = 16
VIDEO_CODECS = {Codec.H264: VideoCodec.H264, Codec.H265: VideoCodec.H265}

SegmentKey = Callable[[bytes], bytes]  # segment uid (16 bytes) → K_seg (32 bytes)


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What a segment says of the stream in it."""

    codec: Codec
    clock_rate_hz: int
    parameter_sets: tuple[bytes, ...]
    source: RecordSource
    audio: AudioState
    audio_text: str
    audio_track: AudioTrack | None = None  # exactly where `audio` says that sound is recorded (R3)


@dataclass(frozen=True, slots=True)
class SegmentStart:
    """Where and when a segment begins."""

    camera_number: int
    camera_name: str
    epoch_id: bytes  # 16 bytes
    sequence: int
    previous_digest: bytes  # 32 bytes
    start_utc_ms: int
    start_boot_ns: int
    first_access_unit: int
    continues: bool  # begins inside a GOP
    time_unknown: bool
    provenance: Provenance = Provenance.LIVE


@dataclass(frozen=True, slots=True)
class BegunSegment:
    """A new segment: its writer, and what opens again what was sealed but could not be written."""

    writer: SegmentWriter
    header: SegmentHeader
    data_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SegmentFactory:
    """Holds what all segments of this recorder have in common."""

    recorder_id: bytes
    custodians: CustodianSet
    signer: Signer
    suite: Suite
    slot_bytes: int
    buffers: ChunkBuffers

    def begin(self, start: SegmentStart, stream: StreamFacts, segment_key: SegmentKey) -> BegunSegment:
        """Return a new segment. Raises CustodiansExpired, and what `segment_key` raises."""
        self.custodians.require_valid(start.start_utc_ms)
        segment_uid = secrets.token_bytes(UID_BYTES)
        dek = secrets.token_bytes(KEY_BYTES)
        k_seg = segment_key(segment_uid)
        draft = SegmentHeader(
            suite=self.suite,
            codec=VIDEO_CODECS[stream.codec],
            camera_number=start.camera_number,
            camera_name=start.camera_name,
            recorder_id=self.recorder_id,
            segment_uid=segment_uid,
            epoch_id=start.epoch_id,
            sequence=start.sequence,
            start_utc_ms=start.start_utc_ms,
            start_boot_ms=max(0, start.start_boot_ns) // 1_000_000,  # 0: filmed before this boot
            first_access_unit=start.first_access_unit,
            custodian_set_id=self.custodians.set_id,
            k=self.custodians.k,
            n=self.custodians.n,
            key_commitment=cipher.key_commitment(dek, k_seg, segment_uid),
            previous_digest=start.previous_digest,
            audio=stream.audio,
            continues=start.continues,
            time_unknown=start.time_unknown,
            provenance=start.provenance,
        )
        sealed = custody.seal_dek(dek, self.custodians, custody.ShareBinding.of(draft))
        header = replace(draft, shares=sealed.shares, recovery_seal=sealed.recovery_seal)
        data_key = cipher.data_key(dek, k_seg, header_digest(header.pack()))
        writer = SegmentWriter(
            header,
            data_key,
            codec_config=CodecConfig(
                codec=header.codec,
                clock_rate_hz=stream.clock_rate_hz,
                parameter_sets=stream.parameter_sets,
                nal_salt=secrets.token_bytes(KEY_BYTES),
                source=stream.source,
                audio=stream.audio_text,
                audio_track=stream.audio_track,
            ),
            signer=self.signer,
            slot_bytes=self.slot_bytes,
            buffers=self.buffers,
        )
        return BegunSegment(writer, header, data_key)
