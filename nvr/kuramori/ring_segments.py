"""Finds a camera's segments on all volumes, and names those that a volume does not give now.

What the catalogues in memory know is known also of a medium that does not answer; what only a header says is not.
Everything here blocks, but for no medium for long. This module must not know keys, holds or orders.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kuramori.forgetting_values import FoundSegment
from kuramori.header_reading import Unread
from kuramori.recorder import Recorder
from kuramori_segments.catalogue import OPEN_END, CataloguedSegment
from kuramori_segments.codes import Provenance
from kuramori_segments.numbering import provenance_of
from kuramori_segments.volume import Volume


@dataclass(frozen=True, slots=True)
class UnreadSegment:
    """A segment of which only the slot table is known: its volume does not answer."""

    volume: Volume
    slot: int
    sequence: int
    epoch_id: bytes
    end_utc_ms: int


@dataclass(frozen=True, slots=True)
class RingLook:
    """What was found of one camera and range, in the order of recording, and what could not be read."""

    found: tuple[FoundSegment, ...]
    unread: tuple[UnreadSegment, ...]


class RingSegments:
    """All segments of one recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def look(self, camera_number: int, from_utc_ms: int, to_utc_ms: int) -> RingLook:
        """Return the camera's segments that touch the range."""
        found: list[FoundSegment] = []
        unread: list[UnreadSegment] = []
        shelf = self._recorder.vault.shelf
        readable = shelf.readable
        for volume in shelf.volumes:
            listed = volume.overlapping(camera_number, from_utc_ms, to_utc_ms)
            if any(volume is one for one in readable):
                self._read(volume, camera_number, listed, found, unread)
            else:
                for segment in listed:
                    self._miss(volume, camera_number, segment, unread)
        return RingLook(tuple(sorted(found, key=lambda item: item.header.sequence)), tuple(unread))

    def _read(
        self,
        volume: Volume,
        camera_number: int,
        listed: Sequence[CataloguedSegment],
        found: list[FoundSegment],
        unread: list[UnreadSegment],
    ) -> None:
        headers = self._recorder.headers.headers(volume, [segment.slot for segment in listed])
        for segment, header in zip(listed, headers, strict=True):
            if isinstance(header, Unread):
                self._miss(volume, camera_number, segment, unread)
            elif header is None or (header.camera_number, header.sequence) != (camera_number, segment.sequence):
                continue  # not written yet, overwritten meanwhile, or damaged: it can name no key
            else:
                end_utc_ms = self.end_of(camera_number, segment.sequence, segment.end_utc_ms)
                dated_by_ms = segment.start_utc_ms - header.start_utc_ms if header.time_unknown else 0
                found.append(FoundSegment(volume, segment.slot, header, end_utc_ms, dated_by_ms))

    def _miss(
        self, volume: Volume, camera_number: int, segment: CataloguedSegment, unread: list[UnreadSegment]
    ) -> None:
        entry = volume.entry(segment.slot)
        if entry is not None and (entry.camera_number, entry.sequence) == (camera_number, segment.sequence):
            end_utc_ms = self.end_of(camera_number, segment.sequence, segment.end_utc_ms)
            unread.append(UnreadSegment(volume, segment.slot, segment.sequence, entry.epoch_id, end_utc_ms))

    def end_of(self, camera_number: int, sequence: int, end_utc_ms: int) -> int:
        """Return the end of a segment; of an open one, what is durable of its camera, or of what is filled of it."""
        if end_utc_ms != OPEN_END:
            return end_utc_ms
        if provenance_of(sequence) is Provenance.FILLED_FROM_CAMERA:
            lane = self._recorder.filled.get(camera_number)
            return lane.durable.utc_ms if lane is not None and lane.durable is not None else 0
        camera = self._recorder.camera_numbered(camera_number)
        return camera.durable.utc_ms if camera is not None and camera.durable is not None else 0
