"""The access units of one granted camera from a moment on, to be looked at: seeking, in the order of showing.

Each chunk is authenticated before it is used, as everywhere; what a bundle proves of whole segments nobody needs to
see a picture. Segments that cannot hold the moment are not opened. Must not know pictures or pipes.
"""

from collections.abc import Iterator

from kuramori.clips.camera_clip import dated
from kuramori.clips.interleaving import Interleaving, Placed
from kuramori.clips.job import CameraExtraction
from kuramori.clips.sealed_segment import ClipSource, SealedSegment
from kuramori.clips.selection import Selection, SourceUnit
from kuramori_segments.codes import VideoCodec
from kuramori_segments.header import SegmentHeader
from kuramori_segments.records import AccessUnitRecord, CodecConfig, ParameterSetsRecord

SLACK_MS = 2_000  # pictures are stored in the order of decoding, which may be another one than that of time
FILLED_SPAN_MOST_MS = 3_660_000  # what was filled from a card: no segment is longer


class CameraReel:
    """One camera. `units` may be asked again and again."""

    def __init__(self, camera: CameraExtraction, source: ClipSource) -> None:
        self._camera = camera
        self._source = source
        headers = [SegmentHeader.unpack(given.header) for given in camera.segments]
        self._codecs = [header.codec for header in headers]
        self._placed = [
            Placed(position, given.sequence, (header.start_utc_ms + given.dated_by_ms) * 1000, header.continues)
            for position, (given, header) in enumerate(zip(camera.segments, headers, strict=True))
        ]

    def codec_of(self, unit: SourceUnit) -> VideoCodec:
        """Return in which codec a unit is."""
        return self._codecs[unit.segment]

    def units(self, from_utc_ms: int, to_utc_ms: int) -> Iterator[SourceUnit]:
        """Yield what decodes the pictures of a stretch, in the order of decoding. Raises ExtractionFailed.

        It begins at the key frame before, so that some units lie before the stretch.
        """
        chosen = self._around(from_utc_ms, to_utc_ms)
        selection = Selection(from_utc_ms, to_utc_ms)
        if chosen:
            for unit in Interleaving(chosen, lambda position: self._read(position, from_utc_ms, to_utc_ms)):
                yield from selection.take(unit)

    def _around(self, from_utc_ms: int, to_utc_ms: int) -> list[Placed]:
        from_us, to_us = from_utc_ms * 1000, to_utc_ms * 1000
        live = [one for one in self._placed if not one.is_filled]
        wanted: list[Placed] = []
        for place, one in enumerate(live):
            next_us = live[place + 1].begins_us if place + 1 < len(live) else None
            over = next_us is not None and one.begins_us <= next_us <= from_us - SLACK_MS * 1000
            if one.begins_us >= to_us + SLACK_MS * 1000 or over:
                continue
            if not wanted and one.continues and place:
                wanted.append(live[place - 1])  # the key frame that its first pictures need
            wanted.append(one)
        earliest_us = from_us - FILLED_SPAN_MOST_MS * 1000
        return wanted + [one for one in self._placed if one.is_filled and earliest_us < one.begins_us < to_us]

    def _read(self, position: int, from_utc_ms: int, to_utc_ms: int) -> Iterator[SourceUnit]:
        given = self._camera.segments[position]
        segment = SealedSegment(given, self._source)
        sets: tuple[bytes, ...] = ()
        by_ms = given.dated_by_ms
        try:
            for record in segment.records_between(from_utc_ms - by_ms, to_utc_ms + SLACK_MS - by_ms):
                if isinstance(record, CodecConfig | ParameterSetsRecord):
                    sets = record.parameter_sets
                elif isinstance(record, AccessUnitRecord):
                    unit = dated(record, by_ms) if by_ms else record
                    if isinstance(unit, AccessUnitRecord):
                        yield SourceUnit(unit, position, sets)
        finally:
            segment.close()
