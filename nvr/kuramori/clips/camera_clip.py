"""One camera of a job: its segments verified in order, the named range packed, the proofs kept.

A new clip begins where the codec changes, or the track of sound. What was filled from the camera's card stands between
what was recorded live (see `interleaving`). Memory: a few groups of pictures, and the leaf hashes of the segments that
they reach into. Must not know archives, signatures or other cameras.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from hashlib import sha256
from pathlib import Path

from kuramori.clips.handover_mark import CameraSigns, HandOverMark, is_camera_signature, mark_unit
from kuramori.clips.interleaving import Interleaving, Placed
from kuramori.clips.job import CameraExtraction, SegmentInput
from kuramori.clips.leaf_list import encode_leaves
from kuramori.clips.mux import ClipMuxer
from kuramori.clips.nal_units import is_parameter_set, is_sei, nal_units
from kuramori.clips.sealed_segment import ClipSource, SealedSegment
from kuramori.clips.selection import Selection, SourceUnit
from kuramori.clips.sound_track import SoundSelection, SoundUnit
from kuramori.clips.spool import SpoolFile, SpoolKey
from kuramori.clips.subtitles import Subtitles
from kuramori.messages import SegmentState
from kuramori.timebase import Clock
from kuramori_segments.audio_track import AudioRecord, AudioTrack
from kuramori_segments.codes import AudioState, Provenance, VideoCodec
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.records import (
    AccessUnitRecord,
    CameraEventRecord,
    CodecConfig,
    ParameterSetsRecord,
    Record,
    TimelineRecord,
)

EVENTS_MOST = 1000
PARAMETER_SETS_MOST = 256


@dataclass(frozen=True, slots=True)
class Run:
    """Leaves of a segment that stand in the clip, one behind the other, and the way to the root."""

    first: int
    count: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SegmentEvidence:
    """What a verifier needs to know of one segment. `footer` is missing from an open one."""

    clip: int  # position in the camera's clips
    sequence: int
    segment_uid: bytes
    state: SegmentState
    header_digest: bytes
    start_utc_ms: int
    time_unknown: bool
    footer: SegmentFooter | None
    nal_salt: bytes
    nal_root: bytes  # over all leaves that were there
    nal_leaves: int
    chain_digest: bytes
    chunks: int
    runs: tuple[Run, ...]
    audio: AudioState = AudioState.UNKNOWN
    audio_text: str = ""
    provenance: Provenance = Provenance.LIVE
    dated_by_ms: int = 0  # added to the times in it; the header and the records say what the clock said then


@dataclass(slots=True)
class _Stretch:
    """Leaves of one segment in one clip, until another segment goes on: a segment may be left and come back to."""

    segment: int
    clip: int
    runs: list[list[int]] = field(default_factory=list)  # first leaf, count
    evidence: SegmentEvidence | None = None  # once the segment is read to its end


@dataclass(slots=True)
class PartSound:
    """The sound of one clip in the making, recorded by decision."""

    track: AudioTrack
    digests: SpoolFile  # of each frame, with its time: what a verifier compares with
    frames: int = 0
    lost_packets: int = 0
    first_utc_us: int = 0
    last_utc_us: int = 0

    def note(self, record: AudioRecord) -> None:
        """Count one frame that stands in the clip."""
        if not self.frames:
            self.first_utc_us = record.utc_us
        self.frames += 1
        self.lost_packets += record.lost_packets_before
        self.last_utc_us = record.utc_us
        self.digests.write(encode_leaves(record.utc_us, (sha256(record.payload).digest(),)))


@dataclass(slots=True)
class ClipPart:
    """One clip in the making: pictures of one codec, and their sound."""

    codec: VideoCodec
    video: SpoolFile
    leaves: SpoolFile
    muxer: ClipMuxer
    subtitles: Subtitles
    sound: PartSound | None = None
    pictures: int = 0
    first_utc_us: int = 0
    last_utc_us: int = 0
    damaged_pictures: int = 0
    lost_packets: int = 0
    parameter_sets: dict[bytes, None] = field(default_factory=dict)  # all that stand in the clip, once each

    @property
    def track(self) -> AudioTrack | None:
        """The track of its sound."""
        return self.sound.track if self.sound is not None else None

    def add_sound(self, unit: SoundUnit) -> None:
        """Add a frame, if it is of this clip's track. Raises MuxFailed, SpoolFull."""
        if self.sound is not None and unit.track == self.sound.track:
            self.muxer.add_sound(unit.record)
            self.sound.note(unit.record)

    def note_units(self, unit: SourceUnit) -> bool:
        """Collect parameter sets, those beside the stream and those in it; tell whether the camera signed there.

        More parameter sets than any honest camera has are not said.
        """
        found, signed = [*unit.parameter_sets], False
        for nal in nal_units(unit.record.payload):
            if is_parameter_set(self.codec, nal[0]):
                found.append(bytes(nal))
            elif is_sei(self.codec, nal[0]):
                signed = signed or is_camera_signature(nal)
        for one in found:
            if len(self.parameter_sets) <= PARAMETER_SETS_MOST:
                self.parameter_sets.setdefault(one.rstrip(b"\0"))
        return signed


@dataclass(slots=True)
class CameraClip:
    """What came of one camera."""

    camera: CameraExtraction
    parts: list[ClipPart] = field(default_factory=list)
    evidence: list[SegmentEvidence] = field(default_factory=list)
    events: list[TimelineRecord] = field(default_factory=list)
    events_left_out: int = 0
    camera_events: list[CameraEventRecord] = field(default_factory=list)  # what the camera itself reported
    camera_events_left_out: int = 0
    undecodable_units: int = 0
    first_picture_boot_ns: int = 0


class CameraExtractor:
    """Makes the clip of one camera. Use once."""

    def __init__(
        self,
        camera: CameraExtraction,
        source: ClipSource,
        span_utc_ms: tuple[int, int],
        zone: tzinfo,
        spool: tuple[Path, SpoolKey],
        clock: Clock,
        mark: HandOverMark | None = None,
    ) -> None:
        """With `mark`, the hand-over is named in the clip."""
        self._mark = mark
        self._source = source
        self._span_utc_ms = span_utc_ms
        self._zone = zone
        self._spool = spool
        self._clock = clock
        self._selection = Selection(*span_utc_ms)
        self._sound = SoundSelection(span_utc_ms[1])
        self._open: dict[int, SealedSegment] = {}  # being read, or read but units of theirs may still be chosen
        self._done: set[int] = set()  # read to the end
        self._stretches: list[_Stretch] = []  # in the order of the clip
        self._result = CameraClip(camera)

    def run(self) -> CameraClip:
        """Read everything. Raises ExtractionFailed, MuxFailed, SpoolFull; with a mark, CameraSigns."""
        segments = self._result.camera.segments
        units = Interleaving([_place(position, given) for position, given in enumerate(segments)], self._read)
        for unit in units:
            for chosen in self._selection.take(unit):
                self._put(chosen)
            if unit.record.is_key:
                self._settle(self._selection.segments | units.held)
        self._settle(frozenset())
        self._result.evidence += [one.evidence for one in self._stretches if one.evidence is not None]
        self._result.undecodable_units = self._selection.undecodable_units
        if self._result.parts:
            self._put_sound(self._result.parts[-1])
        for part in self._result.parts:
            part.muxer.finish()
        return self._result

    def _read(self, position: int) -> Iterator[SourceUnit]:
        """Yield the pictures of a segment; take up at once what stands between them."""
        given = self._result.camera.segments[position]
        segment = self._open[position] = SealedSegment(given, self._source)
        sets: tuple[bytes, ...] = ()
        try:
            for record in segment.records():
                if given.dated_by_ms:
                    record = dated(record, given.dated_by_ms)
                if isinstance(record, AccessUnitRecord):
                    yield SourceUnit(record, position, sets)
                    if record.is_key and record.utc_us < self._span_utc_ms[0] * 1000:
                        self._sound.forget_before(record.utc_us)
                elif isinstance(record, AudioRecord) and segment.audio_track is not None:
                    self._sound.offer(SoundUnit(record, segment.audio_track))
                elif isinstance(record, CodecConfig | ParameterSetsRecord):
                    sets = record.parameter_sets
                elif isinstance(record, TimelineRecord):
                    self._note(record)
                elif isinstance(record, CameraEventRecord):
                    self._note_reported(record)
            self._done.add(position)
        finally:
            segment.close()

    def _put(self, unit: SourceUnit) -> None:
        record = unit.record
        part = self._part(unit)
        if part.pictures == 0:
            part.first_utc_us = part.last_utc_us = record.utc_us
        part.pictures += 1
        part.first_utc_us = min(part.first_utc_us, record.utc_us)
        part.last_utc_us = max(part.last_utc_us, record.utc_us)
        part.damaged_pictures += record.is_damaged
        part.lost_packets += record.lost_packets_before
        if part.note_units(unit) and self._mark is not None:
            self._let_go()
            raise CameraSigns
        if not self._result.first_picture_boot_ns:
            self._result.first_picture_boot_ns = self._clock.boot_ns()
        part.subtitles.note(part.muxer.add(unit), record.utc_us)
        if part.sound is not None:
            self._put_sound(part, record.utc_us)
        if record.leaves:
            part.leaves.write(encode_leaves(record.utc_us, record.leaves))
            runs = self._stretch(unit.segment).runs
            if runs and sum(runs[-1]) == record.first_leaf:
                runs[-1][1] += len(record.leaves)
            else:
                runs.append([record.first_leaf, len(record.leaves)])

    def _let_go(self) -> None:
        """Give back the spool files of a clip that is not finished."""
        for part in self._result.parts:
            for spool in (part.video, part.leaves, part.sound.digests if part.sound is not None else None):
                if spool is not None:
                    spool.close()

    def _put_sound(self, part: ClipPart, to_utc_us: int | None = None) -> None:
        for unit in self._sound.take(part.first_utc_us, to_utc_us):
            part.add_sound(unit)

    def _part(self, unit: SourceUnit) -> ClipPart:
        parts, segment = self._result.parts, self._open[unit.segment]
        codec, track = segment.header.codec, segment.audio_track
        if not parts or parts[-1].codec is not codec or (unit.record.is_key and parts[-1].track != track):
            if parts:
                self._put_sound(parts[-1], unit.record.utc_us)
            video, leaves = SpoolFile(*self._spool), SpoolFile(*self._spool)
            sound = PartSound(track, SpoolFile(*self._spool)) if track is not None else None
            camera = self._result.camera
            subtitles = Subtitles(camera.camera, camera.place, self._zone)
            mark = mark_unit(codec, self._mark) if self._mark is not None else b""
            muxer = ClipMuxer(video, codec, track, mark=mark)
            parts.append(ClipPart(codec, video, leaves, muxer, subtitles, sound))
        return parts[-1]

    def _stretch(self, segment: int) -> _Stretch:
        clip = len(self._result.parts) - 1
        last = self._stretches[-1] if self._stretches else None
        if last is None or (last.segment, last.clip) != (segment, clip):
            last = _Stretch(segment, clip)
            self._stretches.append(last)
        return last

    def _note(self, event: TimelineRecord) -> None:
        if not self._span_utc_ms[0] <= event.utc_ms < self._span_utc_ms[1]:
            return
        if len(self._result.events) < EVENTS_MOST:
            self._result.events.append(event)
        else:
            self._result.events_left_out += 1

    def _note_reported(self, event: CameraEventRecord) -> None:
        """Keep what the camera reported in the named range; nothing of the minutes around it (R5)."""
        if not self._span_utc_ms[0] <= event.utc_ms < self._span_utc_ms[1]:
            return
        self._result.camera_events_left_out += event.dropped
        if len(self._result.camera_events) < EVENTS_MOST:
            self._result.camera_events.append(event)
        else:
            self._result.camera_events_left_out += 1

    def _settle(self, but: frozenset[int]) -> None:
        """Work out the proofs of the segments that are read, but of which nothing can be chosen any more."""
        for position in sorted((self._done & self._open.keys()) - but):
            segment = self._open.pop(position)
            for stretch in self._stretches:
                if stretch.segment == position:
                    stretch.evidence = _evidence(segment, stretch.clip, stretch.runs)


def dated(record: Record, by_ms: int) -> Record:
    """Return the record with its times as they are known now."""
    if isinstance(record, AccessUnitRecord | AudioRecord):
        return replace(record, utc_us=record.utc_us + by_ms * 1000)
    if isinstance(record, TimelineRecord | CameraEventRecord):
        return replace(record, utc_ms=record.utc_ms + by_ms)
    return record


def _place(position: int, given: SegmentInput) -> Placed:
    """Where a segment stands among the others; one whose header cannot be read is looked at first, and refused."""
    try:
        header = SegmentHeader.unpack(given.header)
    except FormatError:
        return Placed(position, given.sequence, 0, continues=False)
    begins_us = (header.start_utc_ms + given.dated_by_ms) * 1000
    return Placed(position, given.sequence, begins_us, header.continues)


def _evidence(segment: SealedSegment, part: int, runs: list[list[int]]) -> SegmentEvidence:
    chunks, chain_digest = segment.chain
    header, tree = segment.header, segment.tree
    return SegmentEvidence(
        clip=part,
        sequence=header.sequence,
        segment_uid=header.segment_uid,
        state=segment.state,
        header_digest=segment.header_digest,
        start_utc_ms=header.start_utc_ms,
        time_unknown=header.time_unknown,
        footer=segment.footer,
        nal_salt=segment.nal_salt,
        nal_root=tree.root,
        nal_leaves=tree.count,
        chain_digest=chain_digest,
        chunks=chunks,
        runs=tuple(Run(first, count, tree.range_proof(first, count)) for first, count in runs),
        audio=header.audio,
        audio_text=segment.audio_text,
        provenance=header.provenance,
        dated_by_ms=segment.dated_by_ms,
    )
