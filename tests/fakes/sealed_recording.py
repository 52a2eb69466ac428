"""Sealed recordings of one camera, written by the real segment writer, and the jobs that open them.

The pictures are given; keys, device certificate and granted request are made here. Nothing is imitated.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kuramori.capture.source import Codec
from kuramori.clips.job import CameraExtraction, ExtractionJob, SegmentInput
from kuramori.desk.granted import (
    GrantDecision,
    GrantedCamera,
    GrantedRequest,
    GrantedSegment,
    Recipient,
    sign_granted,
)
from kuramori.device_certificate import key_to_pem, new_certificate, new_device_key
from kuramori.messages import CoverageSpan, SegmentState, SpanKind
from kuramori.simulator.nal_units import is_key_picture, is_parameter_set
from kuramori_segments.audio_track import AudioDecision, AudioRecord, AudioTrack
from kuramori_segments.cipher import data_key, key_commitment
from kuramori_segments.codes import AudioState, Suite, VideoCodec
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import ShareBinding, seal_dek
from kuramori_segments.device_key import DeviceSigner
from kuramori_segments.footer import build_recovered
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.numbering import FIRST_FILLED_NUMBER, provenance_of
from kuramori_segments.records import FLAG_DISCONTINUITY, FLAG_KEY_FRAME, CameraEventRecord, CodecConfig
from kuramori_segments.segment_reader import scan
from kuramori_segments.segment_writer import SegmentWriter
from tests.fakes.clips import clip, clip_units
from tests.fakes.segments import SlotInMemory, length_prefixed, make_header
from tests.fakes.sound import FRAME_SAMPLES, RATE_HZ
from tests.fakes.sound import sound as tone_of

START_UTC_MS = 1_764_000_000_000
SLOT_BYTES = 1 << 20
SMALL_JOB_MS = 10_000  # a range that holds all of a short recording
CODECS = {Codec.H264: VideoCodec.H264, Codec.H265: VideoCodec.H265}
REQUEST_ID = "20251124-1"
RECIPIENT = Recipient("police", "Police station", "Inspector", "Sato", "000", "card seen")


@dataclass(frozen=True, slots=True)
class Picture:
    """One access unit before it is sealed."""

    nals: tuple[bytes, ...]
    utc_us: int
    rtp_time: int
    is_key: bool
    discontinuity: bool = False
    beside: tuple[bytes, ...] = ()  # parameter sets that come beside the stream, just before it
    reported: tuple[CameraEventRecord, ...] = ()  # what the camera reports just after it


def pictures(
    codec: Codec,
    *,
    b_frames: int = 0,
    width: int = 320,
    from_utc_ms: int = START_UTC_MS,
    repeat: int = 1,
    in_band: bool = True,
) -> list[Picture]:
    """Return a clip of two-second GOP pairs at 30 pictures a second, `repeat` times in a row."""
    source, units = clip(codec, b_frames, width), clip_units(codec, b_frames, width)
    found = []
    for lap in range(repeat):
        for nals, shown in zip(units, source.presentation, strict=True):
            index = lap * len(units) + shown
            kept = tuple(nal for nal in nals if in_band or not is_parameter_set(codec, nal))
            is_key = any(is_key_picture(codec, nal) for nal in nals if not is_parameter_set(codec, nal))
            found.append(Picture(kept, from_utc_ms * 1000 + index * 1_000_000 // 30, 1 << 40 | index * 3000, is_key))
    return found


DECISION = AudioDecision("市長 山田太郎", "2026-04-01", "夜間の事案が続いたため")


def heard(
    count: int, *, from_utc_ms: int = START_UTC_MS, decision: AudioDecision = DECISION
) -> tuple[AudioTrack, list[AudioRecord]]:
    """Return a track and frames of a tone, 64 ms apart, the first a moment behind the first picture."""
    tone = tone_of()
    track = AudioTrack(RATE_HZ, RATE_HZ, 1, tone.specific_config, decision)
    records = [
        AudioRecord(1 << 40 | number * FRAME_SAMPLES, from_utc_ms * 1000 + 20_000 + number * 64_000, 0, 0, frame)
        for number, frame in enumerate(tone.frames[:count])
    ]
    return track, records


def parameter_sets(codec: Codec, b_frames: int = 0, width: int = 320) -> tuple[bytes, ...]:
    """Return the parameter sets of a clip."""
    return tuple(nal for nal in clip_units(codec, b_frames, width)[0] if is_parameter_set(codec, nal))


@dataclass
class SealedRecording:
    """One camera's segments in a file of slots, ready to be opened."""

    folder: Path
    name: str = "gate"
    number: int = 7
    slot_bytes: int = SLOT_BYTES
    key: ec.EllipticCurvePrivateKey = field(default_factory=new_device_key)
    custodians: CustodianSet | None = None  # whom it is sealed for; without: for nobody, with filler
    segments: list[SegmentInput] = field(default_factory=list)
    _next_unit: int = 1
    _other_next_unit: int = FIRST_FILLED_NUMBER
    _heard_until_us: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "spool").mkdir(exist_ok=True)
        self.certificate = new_certificate(self.key, "Site", b"r" * 16, START_UTC_MS - 86_400_000)
        self.recorder_id = make_header().recorder_id
        (self.folder / "device_key.pem").write_bytes(key_to_pem(self.key))
        (self.folder / "device_certificate.pem").write_bytes(self.certificate.public_bytes(Encoding.PEM))

    @property
    def volume(self) -> Path:
        """The file of slots."""
        return self.folder / f"{self.name}.vol"

    def add(
        self,
        codec: Codec,
        content: Iterable[Picture],
        *,
        sets: tuple[bytes, ...] = (),
        state: SegmentState = SegmentState.CLOSED,
        suite: Suite = Suite.AES_256_GCM,
        sound: Sequence[AudioRecord] = (),
        track: AudioTrack | None = None,
        filled: bool = False,
    ) -> int:
        """Seal pictures into the next slot, with the sound of their time; return how many pictures it took.

        `filled`: as fetched from the camera's card, with numbers of their own.
        """
        sequence = slot_number = len(self.segments) + 1
        if filled:
            sequence += FIRST_FILLED_NUMBER
            self._next_unit, self._other_next_unit = self._other_next_unit, self._next_unit
        dek, k_seg = os.urandom(32), os.urandom(32)
        given = iter(content)
        first = next(given)
        header = self._header(codec, sequence, first, suite)
        if track is not None:
            header = replace(header, audio=AudioState.RECORDED_BY_DECISION)
        header = replace(header, key_commitment=key_commitment(dek, k_seg, header.segment_uid))
        header = self._sealed(header, dek)
        said = (
            "offered (PCMU), not set up" if track is None else f"recorded by written decision of {track.decision.who}"
        )
        config = CodecConfig(CODECS[codec], 90_000, sets, os.urandom(32), audio=said, audio_track=track)
        key = data_key(dek, k_seg, header_digest(header.pack()))
        writer = SegmentWriter(
            header, key, codec_config=config, signer=DeviceSigner(self.key), slot_bytes=self.slot_bytes
        )
        slot = SlotInMemory(self.slot_bytes)
        due = [frame for frame in sound if frame.utc_us > self._heard_until_us]
        taken = self._fill(writer, slot, first, given, due)
        extent = self._end(writer, slot, header, state)
        if filled:
            self._next_unit, self._other_next_unit = self._other_next_unit, self._next_unit
        offset = (slot_number - 1) * self.slot_bytes
        with self.volume.open("r+b" if self.volume.exists() else "wb") as file:
            file.seek(offset)
            file.write(slot.content)
        self.segments.append(
            SegmentInput(self.volume, offset, extent, state, header.pack(), header.segment_uid, sequence, dek, k_seg)
        )
        return taken

    def add_all(self, codec: Codec, content: Sequence[Picture], **how: object) -> None:
        """Seal pictures into as many slots as they need."""
        at = 0
        while at < len(content):
            at += self.add(codec, content[at:], **how)  # type: ignore[arg-type]

    def _header(self, codec: Codec, sequence: int, first: Picture, suite: Suite) -> SegmentHeader:
        header = make_header(
            uid=f"{self.name}-{sequence}",
            sequence=sequence,
            codec=CODECS[codec],
            suite=suite,
            first_access_unit=self._next_unit,
            start_utc_ms=first.utc_us // 1000,
        )
        return replace(
            header,
            camera_name=self.name,
            camera_number=self.number,
            continues=not first.is_key,
            provenance=provenance_of(sequence),
        )

    def _sealed(self, header: SegmentHeader, dek: bytes) -> SegmentHeader:
        its = self.custodians
        if its is None:
            return header
        draft = replace(header, custodian_set_id=its.set_id, k=its.k, n=its.n)
        sealed = seal_dek(dek, its, ShareBinding.of(draft))
        return replace(draft, shares=sealed.shares, recovery_seal=sealed.recovery_seal)

    def _fill(
        self,
        writer: SegmentWriter,
        slot: SlotInMemory,
        first: Picture,
        rest: Iterable[Picture],
        sound: list[AudioRecord],
    ) -> int:
        taken = 0
        for picture in (first, *rest):
            payload = length_prefixed(*picture.nals)
            if len(payload) + 4096 > writer.room_bytes:
                break
            while sound and sound[0].utc_us <= picture.utc_us:
                self._heard_until_us = sound[0].utc_us
                writer.append_audio(sound.pop(0))
            if picture.beside:
                writer.append_parameter_sets(picture.beside)
            flags = FLAG_KEY_FRAME * picture.is_key | FLAG_DISCONTINUITY * picture.discontinuity
            writer.append_access_unit(
                self._next_unit, picture.utc_us, picture.rtp_time, 0, flags, 0, payload, len(picture.nals)
            )
            for event in picture.reported:
                writer.append_camera_event(event)
            self._next_unit += 1
            taken += 1
            commit = writer.take_commit() if taken % 30 == 0 else None
            if commit is not None:
                slot.write(commit)
        return taken

    def _end(self, writer: SegmentWriter, slot: SlotInMemory, header: SegmentHeader, state: SegmentState) -> int:
        if state is SegmentState.CLOSED:
            slot.write(writer.close(0, ()))
            return scan(slot.read_at, self.slot_bytes).extent_bytes
        commit = writer.take_commit()
        if commit is not None:
            slot.write(commit)
        torn = scan(slot.read_at, self.slot_bytes)
        if state is SegmentState.OPEN or torn.tally is None:
            return torn.extent_bytes
        footer = build_recovered(header, torn.header_digest, torn.tally, DeviceSigner(self.key))
        end = torn.tally.end_bytes
        slot.content[end : end + 4096] = footer.pack()
        return end + 4096

    def extraction(self, spans: tuple[CoverageSpan, ...] = ()) -> CameraExtraction:
        """Return this camera as a job names it."""
        return CameraExtraction(self.name, self.number, "駅前", tuple(self.segments), spans)


def make_job(
    first: SealedRecording,
    from_utc_ms: int,
    to_utc_ms: int,
    *others: SealedRecording,
    spans: tuple[CoverageSpan, ...] | None = None,
) -> ExtractionJob:
    """Return the job that opens this range of one or several cameras, with its granted request."""
    told = (CoverageSpan(from_utc_ms, to_utc_ms, SpanKind.RECORDED),) if spans is None else spans
    recordings = (first, *others)
    granted = GrantedRequest(
        recorder_id=first.recorder_id,
        site="市役所",
        request_id=REQUEST_ID,
        revision=1,
        cameras=tuple(GrantedCamera(its.name, its.number, "駅前") for its in recordings),
        from_utc_ms=from_utc_ms,
        to_utc_ms=to_utc_ms,
        rule_set="ise",
        ground="law",
        document_number="42",
        recipient=RECIPIENT,
        purpose="an accident",
        conditions="return within a month",
        requester="Handler",
        decision=GrantDecision("granted", "Manager", "", from_utc_ms),
        extraction_key=bytes(range(32)),
        segments=tuple(
            GrantedSegment(its.number, item.segment_uid, item.sequence, header_digest(item.header), 2)
            for its in recordings
            for item in its.segments
        ),
    )
    document = granted.to_bytes()
    return ExtractionJob(
        request_id=REQUEST_ID,
        opening=1,
        cameras=tuple(its.extraction(told) for its in recordings),
        from_utc_ms=from_utc_ms,
        to_utc_ms=to_utc_ms,
        granted_document=document,
        granted_signature=sign_granted(document, first.key),
        conditions=granted.conditions,
        opened_index=3,
        register_checkpoint="checkpoint\n",
        opened_utc_ms=to_utc_ms + 60_000,
        recorder_id=first.recorder_id,
        site_name="市役所",
        time_zone="Asia/Tokyo",
        device_key_path=first.folder / "device_key.pem",
        device_certificate_path=first.folder / "device_certificate.pem",
        spool_directory=first.folder / "spool",
    )
