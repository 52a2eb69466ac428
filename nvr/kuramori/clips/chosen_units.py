"""The verified pictures of one camera's named range, one after the other, for work that makes no clip of them.

Like `camera_clip`, without its proofs: each segment is verified while it is read, what was filled stands between what
was recorded live, and nothing before the key frame that the range needs is given out. Must not know decoders.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kuramori.clips.camera_clip import dated
from kuramori.clips.interleaving import Interleaving, Placed
from kuramori.clips.job import CameraExtraction, ExtractionFailed, ExtractionFault, SegmentInput
from kuramori.clips.sealed_segment import ClipSource, SealedSegment
from kuramori.clips.selection import Selection, SourceUnit
from kuramori_segments.codes import VideoCodec
from kuramori_segments.format_error import FormatError
from kuramori_segments.header import SegmentHeader
from kuramori_segments.records import AccessUnitRecord, CodecConfig, ParameterSetsRecord


@dataclass(frozen=True, slots=True)
class ChosenUnit:
    """An access unit of the range, and what it is coded with."""

    unit: SourceUnit
    codec: VideoCodec


def chosen_units(camera: CameraExtraction, source: ClipSource, span_utc_ms: tuple[int, int]) -> Iterator[ChosenUnit]:
    """Yield the units in decode order, the range half open. Raises ExtractionFailed, also behind pictures."""
    codecs: dict[int, VideoCodec] = {}

    def read(position: int) -> Iterator[SourceUnit]:
        segment = SealedSegment(camera.segments[position], source)
        codecs[position] = segment.header.codec
        try:
            yield from _units(segment, position)
        finally:
            segment.close()

    selection = Selection(*span_utc_ms)
    placed = [_placed(position, given, camera.camera) for position, given in enumerate(camera.segments)]
    for unit in Interleaving(placed, read):
        for chosen in selection.take(unit):
            yield ChosenUnit(chosen, codecs[chosen.segment])


def _units(segment: SealedSegment, position: int) -> Iterator[SourceUnit]:
    sets: tuple[bytes, ...] = ()
    for record in segment.records():
        if isinstance(record, CodecConfig | ParameterSetsRecord):
            sets = record.parameter_sets
        elif isinstance(record, AccessUnitRecord):
            moved = dated(record, segment.dated_by_ms) if segment.dated_by_ms else record
            if isinstance(moved, AccessUnitRecord):
                yield SourceUnit(moved, position, sets)


def _placed(position: int, given: SegmentInput, camera: str) -> Placed:
    try:
        header = SegmentHeader.unpack(given.header)
    except FormatError as fault:
        detail = f"{camera}, segment {given.sequence}: its header cannot be read"
        raise ExtractionFailed(ExtractionFault.DAMAGED, detail) from fault
    begins_us = (header.start_utc_ms + given.dated_by_ms) * 1000
    return Placed(position, given.sequence, begins_us, header.continues)
