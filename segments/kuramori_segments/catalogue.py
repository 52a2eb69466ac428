"""Which slots hold which camera's time: an index in memory, rebuilt from the slot table at every start.

It is disposable and therefore never stored (nvr/decisions/0011-catalogue-in-memory.md). It must not know files; the
volume feeds it. Per camera it keeps four plain arrays in the order of recording (sequence), not of time: a wall
clock that was set back must not reorder anything. 28 bytes per segment. Segments that were filled from a camera's card
(see numbering) stand behind the live ones.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import merge
from operator import attrgetter
from typing import NamedTuple

from kuramori_segments.codes import Provenance
from kuramori_segments.numbering import FIRST_FILLED_NUMBER
from kuramori_segments.ring import RingSegment

OPEN_END = 0  # end_utc_ms of a segment that is still written, as in the slot table


class CataloguedSegment(NamedTuple):
    """One segment: its slot, its number within the camera, its time. `end_utc_ms` is 0 while it is written."""

    slot: int
    sequence: int
    start_utc_ms: int
    end_utc_ms: int


class _CameraIndex:
    """The segments of one camera, by sequence."""

    __slots__ = ("ends", "sequences", "slots", "starts")

    def __init__(self) -> None:
        self.sequences = array("Q")
        self.slots = array("I")
        self.starts = array("q")
        self.ends = array("q")

    def place(self, sequence: int, slot: int | None = None) -> tuple[int, bool]:
        """Return where that segment stands (in that slot, or in any), or where it belongs."""
        place = bisect_left(self.sequences, sequence)
        while place < len(self.sequences) and self.sequences[place] == sequence:
            if slot is None or self.slots[place] == slot:
                return place, True
            place += 1
        return place, False

    @property
    def first_filled(self) -> int:
        """Where the filled segments begin."""
        return bisect_left(self.sequences, FIRST_FILLED_NUMBER)

    def finished(self, places: Iterable[int]) -> Iterator[RingSegment]:
        return (RingSegment(self.slots[place], self.ends[place]) for place in places if self.ends[place] != OPEN_END)

    def segment(self, place: int) -> CataloguedSegment:
        return CataloguedSegment(self.slots[place], self.sequences[place], self.starts[place], self.ends[place])


class Catalogue:
    """All segments of a volume by camera, sequence and time. Not safe for use by two threads at once."""

    def __init__(self) -> None:
        self._cameras: dict[int, _CameraIndex] = {}

    def load(self, rows: Iterable[tuple[int, int, int, int, int]]) -> None:
        """Fill an empty catalogue at once: camera number, sequence, slot, start and end of each, in any order.

        Plain tuples, for there are 65,536 of them at each start.
        """
        by_camera: dict[int, list[tuple[int, int, int, int, int]]] = defaultdict(list)
        for row in rows:
            by_camera[row[0]].append(row)
        for camera_number, segments in by_camera.items():
            segments.sort()
            _, sequences, slots, starts, ends = zip(*segments, strict=True)
            index = self._cameras[camera_number] = _CameraIndex()
            index.sequences.extend(sequences)
            index.slots.extend(slots)
            index.starts.extend(starts)
            index.ends.extend(ends)

    def put(self, camera_number: int, segment: CataloguedSegment) -> None:
        """Add a segment, or replace what is known of it. A sequence met twice (it is a finding) is kept twice."""
        index = self._cameras.setdefault(camera_number, _CameraIndex())
        place, known = index.place(segment.sequence, segment.slot)
        if known:
            index.starts[place] = segment.start_utc_ms
            index.ends[place] = segment.end_utc_ms
            return
        index.sequences.insert(place, segment.sequence)
        index.slots.insert(place, segment.slot)
        index.starts.insert(place, segment.start_utc_ms)
        index.ends.insert(place, segment.end_utc_ms)

    def remove(self, camera_number: int, sequence: int, slot: int) -> None:
        """Forget a segment; does nothing when it is not (or no longer) known to stand in that slot."""
        index = self._cameras.get(camera_number)
        if index is None:
            return
        place, known = index.place(sequence, slot)
        if not known:
            return
        for column in (index.sequences, index.slots, index.starts, index.ends):
            del column[place]
        if not index.sequences:
            del self._cameras[camera_number]

    def cameras(self) -> Iterable[int]:
        """Return the numbers of all cameras that own a segment."""
        return self._cameras.keys()

    def count(self, camera_number: int) -> int:
        """Return how many segments the camera has, the open one too."""
        index = self._cameras.get(camera_number)
        return 0 if index is None else len(index.sequences)

    def oldest_first(self, camera_number: int) -> Iterator[RingSegment]:
        """Yield the camera's finished segments in the order of recording.

        Filled ones, which are recorded in any order of time, are put in among them by their end.
        """
        index = self._cameras.get(camera_number)
        if index is None:
            return
        border, by_end = index.first_filled, attrgetter("end_utc_ms")
        live = index.finished(range(border))
        if border == len(index.sequences):
            yield from live
        else:
            filled = sorted(index.finished(range(border, len(index.sequences))), key=by_end)
            yield from merge(live, filled, key=by_end)

    def latest(self, camera_number: int, provenance: Provenance = Provenance.LIVE) -> CataloguedSegment | None:
        """Return the live (or filled) segment with the highest sequence."""
        index = self._cameras.get(camera_number)
        if index is None:
            return None
        first, end = 0, index.first_filled
        if provenance is Provenance.FILLED_FROM_CAMERA:
            first, end = end, len(index.sequences)
        return index.segment(end - 1) if end > first else None

    def oldest(self, camera_number: int) -> CataloguedSegment | None:
        """Return the camera's first live segment, or the filled one that begins before it."""
        index = self._cameras.get(camera_number)
        if index is None:
            return None
        border = index.first_filled
        first = [0] if border else []
        return index.segment(min([*first, *range(border, len(index.starts))], key=index.starts.__getitem__))

    def find(self, camera_number: int, sequence: int) -> CataloguedSegment | None:
        """Return the segment with this sequence, when it stands in the ring."""
        index = self._cameras.get(camera_number)
        if index is None:
            return None
        place, known = index.place(sequence)
        return index.segment(place) if known else None

    def overlapping(self, camera_number: int, from_utc_ms: int, to_utc_ms: int) -> list[CataloguedSegment]:
        """Return the segments that touch [from, to), in the order of recording; an open one has no end yet.

        Looks at every segment of the camera, because a wall clock may have been set back between any two.
        """
        index = self._cameras.get(camera_number)
        if index is None:
            return []
        return [
            index.segment(place)
            for place, (start, end) in enumerate(zip(index.starts, index.ends, strict=True))
            if start < to_utc_ms and (end >= from_utc_ms or end == OPEN_END)
        ]
