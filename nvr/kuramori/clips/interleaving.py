"""Puts what was recorded live and what was filled from the camera's card into one order of pictures. Pure.

Live segments are one lane, in the order of recording; each chain of filled segments is a lane of its own, because they
were filled in any order. Lanes are merged by groups of pictures. Where two hold the same moment the filled one counts
from its first key frame to its last picture, of two filled ones the later: a picture is shown once, and whatever is
shown can be decoded. Without filled segments nothing is held back and nothing is compared. Must not know keys or files.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kuramori.clips.selection import SourceUnit
from kuramori_segments.codes import Provenance
from kuramori_segments.numbering import provenance_of
from kuramori_segments.records import FLAG_DISCONTINUITY

MOST_GROUP_BYTES = 256 << 20  # a group of pictures longer than this is passed on in parts

ReadSegment = Callable[[int], Iterator[SourceUnit]]


@dataclass(frozen=True, slots=True)
class Placed:
    """A segment of a job: its position there, its number, when it begins, whether it begins inside a group."""

    position: int
    sequence: int
    begins_us: int
    continues: bool

    @property
    def is_filled(self) -> bool:
        """Tell whether it was filled from the camera's card."""
        return provenance_of(self.sequence) is Provenance.FILLED_FROM_CAMERA


@dataclass(slots=True)
class _Lane:
    """One lane: its next group of pictures is read when somebody must know it."""

    segments: list[Placed]
    rank: int  # of two lanes that hold a moment the higher counts
    units: Iterator[SourceUnit] | None = None
    group: list[SourceUnit] = field(default_factory=list)
    behind: SourceUnit | None = None  # the key frame that begins the group after
    is_over: bool = False
    held: tuple[int, int] = (0, -1)  # from when to when its latest unbroken pictures were passed on

    @property
    def begins_us(self) -> int:
        """When its next group begins; before it is read, not before this."""
        return self.group[0].record.utc_us if self.group else self.segments[0].begins_us

    def advance(self) -> None:
        """Read the next group."""
        if self.units is None:
            raise RuntimeError("the lane was not begun")
        self.group = [self.behind] if self.behind is not None else []
        self.behind, size_bytes = None, 0
        for unit in self.units:
            if self.group and (unit.record.is_key or size_bytes > MOST_GROUP_BYTES):
                self.behind = unit
                return
            self.group.append(unit)
            size_bytes += len(unit.record.payload)
        self.is_over = not self.group

    def note_passed(self, group: Sequence[SourceUnit]) -> None:
        """Remember that these were passed on."""
        first, last = group[0].record.utc_us, max(unit.record.utc_us for unit in group)
        goes_on = self.held[1] >= 0 and not group[0].record.flags & FLAG_DISCONTINUITY
        self.held = (self.held[0] if goes_on else first, last)


class Interleaving:
    """The units of all segments, in the order in which they are shown as far as decoding allows. Iterate once.

    `read` yields the units of the segment at a position; it is called once for each, when its turn comes.
    """

    def __init__(self, segments: Sequence[Placed], read: ReadSegment) -> None:
        self._lanes = _lanes(segments)
        self._read = read

    @property
    def held(self) -> frozenset[int]:
        """Positions of the segments of which units were read and not yet yielded."""
        waiting = [unit for lane in self._lanes for unit in (*lane.group, lane.behind) if unit is not None]
        return frozenset(unit.segment for unit in waiting)

    def __iter__(self) -> Iterator[SourceUnit]:
        """Yield them."""
        lanes, read = self._lanes, self._read
        if len(lanes) == 1 and not lanes[0].segments[0].is_filled:
            for segment in lanes[0].segments:
                yield from read(segment.position)
            return
        known = list(lanes)  # those that are over too: what they held still counts
        while lanes:
            lane = min(lanes, key=_turn)
            _know(lane, read)
            if lane.is_over:
                lanes.remove(lane)
                continue
            if lane is not min(lanes, key=_turn):
                continue  # it begins later than its header said
            group = _cut(lane, [other for other in known if other.rank > lane.rank], read)
            if group:
                lane.note_passed(group)
                yield from group
            lane.advance()


def _turn(lane: _Lane) -> tuple[int, int]:
    """Whose group begins first comes first; of two that begin together the one that counts."""
    return lane.begins_us, -lane.rank


def _lanes(segments: Sequence[Placed]) -> list[_Lane]:
    live = [segment for segment in segments if not segment.is_filled]
    lanes = [_Lane(live, 0)] if live else []
    for segment in sorted((one for one in segments if one.is_filled), key=lambda one: one.sequence):
        before = lanes[-1].segments[-1] if lanes else None
        if before is not None and segment.continues and before.sequence + 1 == segment.sequence:
            lanes[-1].segments.append(segment)
        else:
            lanes.append(_Lane([segment], len(lanes) + 1))
    return lanes


def _know(lane: _Lane, read: ReadSegment) -> None:
    """Make sure that the lane's next group is read."""
    if lane.units is None:
        lane.units = _all_units(lane.segments, read)
        lane.advance()


def _all_units(segments: Iterable[Placed], read: ReadSegment) -> Iterator[SourceUnit]:
    for segment in segments:
        yield from read(segment.position)


def _cut(lane: _Lane, above: Iterable[_Lane], read: ReadSegment) -> list[SourceUnit]:
    """Return what counts of a lane's group: up to the first picture that a higher lane holds."""
    group = lane.group
    begins_us, last_us = group[0].record.utc_us, max(unit.record.utc_us for unit in group)
    for other in above:
        if other.held[0] <= begins_us <= other.held[1]:
            return []
        if other.is_over or other.begins_us > last_us:
            continue
        _know(other, read)
        if not other.is_over and other.begins_us <= last_us:
            place = next((at for at, unit in enumerate(group) if unit.record.utc_us >= other.begins_us), len(group))
            group = group[:place]
    return group
