"""Finding a clip among the recorder's leaves: one unbroken run, or where it is altered, shortened or repeated.

NAL units go in one by one, in decode order. Each is hashed with the salt of the segment that is due, and with all
others only when that does not fit. A hand-over mark is passed over and told (MANIFEST.md). Pure; must not know
containers or files.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from kuramori.clips.handover_mark import HandOverMark, mark_in
from kuramori.clips.nal_units import is_slice
from kuramori_segments.codes import VideoCodec
from kuramori_segments.nal_leaves import COVERED

if TYPE_CHECKING:
    from hashlib import _Hash

BREAKS_MOST = 1000
MARKS_MOST = 16  # different ones; a clip that was handed over carries one
PLACES_MOST = 4096  # of equal leaves
US_PER_SECOND = 1_000_000
STRANGER_AFTER = 2000  # that many units without one known: the clip is not of this recording


@dataclass(frozen=True, slots=True)
class SaltedRun:
    """Leaves of one segment, as far as they stand in the list: from `first` up to `last`."""

    salt: bytes
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class RecordedLeaves:
    """The recorder's leaves of one clip: times (UTC microseconds) and hashes, and whose salt they have."""

    times: Sequence[int]
    hashes: Sequence[bytes]
    runs: tuple[SaltedRun, ...]


class BreakKind(StrEnum):
    """What is wrong at a place."""

    ALTERED = "altered"
    LEFT_OUT = "left out"
    MOVED = "moved or repeated"


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the clip does not go on as the recording does."""

    kind: BreakKind
    from_utc_us: int
    to_utc_us: int
    from_picture: int = 0  # of the clip as handed over, counted from 1 in decode order
    to_picture: int = 0


@dataclass(frozen=True, slots=True)
class LeafMatch:
    """What was found."""

    units: int  # proven kinds of NAL units in the clip
    known: int  # of them, recorded ones
    slices: int  # of the known ones, parts of pictures: a SEI unit may be the same in any camera's stream
    first: int  # position of the first known one
    last: int  # of the last known one
    breaks: tuple[Break, ...]
    marks: tuple[HandOverMark, ...] = ()  # different ones, in the order in which they come

    @property
    def is_run(self) -> bool:
        """The clip is one unbroken run of the recording."""
        return self.units > 0 and self.known == self.units and not self.breaks


@dataclass(slots=True)
class _Stretch:
    """Units that follow one another as recorded. Equal leaves leave several places possible, until one is left."""

    places: list[int]  # where its latest unit may stand
    units: int = 1
    altered: list[int] = field(default_factory=list)  # which of its units are not the recorded ones

    @property
    def start(self) -> int:
        """Position of its first unit, at the first possible place."""
        return self.places[0] - self.units + 1


class LeafMatcher:
    """Matches one clip."""

    def __init__(self, codec: VideoCodec, recorded: RecordedLeaves) -> None:
        self._codec = codec
        self._covered = COVERED[codec]
        self._marks: dict[HandOverMark, None] = {}
        self._recorded = recorded
        self._positions: dict[bytes, list[int]] = {}
        for position, value in enumerate(recorded.hashes):
            places = self._positions.setdefault(value, [])
            if len(places) < PLACES_MOST:
                places.append(position)
        self._starts = [run.first for run in recorded.runs]
        begun = {run.salt: sha256(b"\0" + run.salt) for run in recorded.runs}
        self._begun = tuple(begun.values())  # leaf hashes as far as the salt
        self._begun_of_run = tuple(begun[run.salt] for run in recorded.runs)
        self._stretch: _Stretch | None = None
        self._unknown_before = 0  # units before the first known one
        self._units = self._known = self._slices = 0
        self._is_slice = bytes(is_slice(codec, first) for first in range(256))
        self._first: int | None = None
        self._last = 0
        self._breaks: list[Break] = []
        self._pictures: list[int] = []  # where each picture's leaves begin; worked out when a number is asked for

    @property
    def is_hopeless(self) -> bool:
        """So many units came without a known slice that no other will be known."""
        return self._slices == 0 and self._units >= STRANGER_AFTER

    def add(self, unit: bytes) -> None:
        """Add the next NAL unit; parameter sets and the like do not count."""
        if not unit or not self._covered[unit[0]]:
            return
        self._units += 1
        stretch = self._stretch
        if stretch is not None:
            going_on = self._going_on(stretch, unit)
            if going_on:
                self._known += 1
                self._slices += self._is_slice[unit[0]]
                stretch.places = going_on
                stretch.units += 1
                return
        places = self._places(unit)
        if places:
            self._known += 1
            self._slices += self._is_slice[unit[0]]
            if stretch is not None:
                self._end_stretch(stretch)
                places = [place for place in places if place > self._last] or places
            self._stretch = _Stretch(places)
        elif (mark := mark_in(self._codec, unit)) is not None:
            self._units -= 1
            if len(self._marks) < MARKS_MOST:
                self._marks.setdefault(mark)
        elif stretch is None:
            self._unknown_before += 1
        else:
            stretch.altered.append(stretch.units)
            stretch.units += 1
            stretch.places = [place + 1 for place in stretch.places]

    def result(self) -> LeafMatch:
        """Return what was found; nothing can be added afterwards."""
        if self._stretch is not None:
            self._end_stretch(self._stretch)
            self._stretch = None
        breaks, marks = tuple(self._breaks), tuple(self._marks)
        return LeafMatch(self._units, self._known, self._slices, self._first or 0, self._last, breaks, marks)

    def _going_on(self, stretch: _Stretch, unit: bytes) -> list[int]:
        """Return where the unit may stand if it follows the latest one: usually one hash decides."""
        hashes, found = self._recorded.hashes, []
        values: dict[int, bytes] = {}  # by run, as each has its own salt
        for place in stretch.places:
            following = place + 1
            if following >= len(hashes):
                continue
            run = bisect_right(self._starts, following) - 1
            if run not in values:
                values[run] = _leaf(self._begun_of_run[run], unit)
            if values[run] == hashes[following]:
                found.append(following)
        return found

    def _places(self, unit: bytes) -> list[int]:
        """Return where in the whole list the unit may stand, in ascending order."""
        found: set[int] = set()
        for begun in self._begun:
            found.update(self._positions.get(_leaf(begun, unit), ()))
        return sorted(found)

    def _end_stretch(self, stretch: _Stretch) -> None:
        """Say what is wrong before it and in it, now that its place is known."""
        start = stretch.start
        if self._first is None:
            self._first = start
            if self._unknown_before:
                self._break(BreakKind.ALTERED, max(0, start - self._unknown_before), start)
        elif start > self._last + 1:
            self._break(BreakKind.LEFT_OUT, self._last + 1, start)
        else:
            self._break(BreakKind.MOVED, start, start)
        for offset in stretch.altered:
            self._break(BreakKind.ALTERED, start + offset, start + offset)
        self._last = min(stretch.places[0], len(self._recorded.hashes) - 1)

    def _break(self, kind: BreakKind, first: int, last: int) -> None:
        """Note a break; alterations within a second are one."""
        times = self._recorded.times
        newest = len(times) - 1
        numbers = self._picture_at(min(first, newest)), self._picture_at(min(max(first, last - 1), newest))
        new = Break(kind, times[min(first, newest)], times[min(last, newest)], *numbers)
        before = self._breaks[-1] if self._breaks else None
        altered = before is not None and before.kind is kind is BreakKind.ALTERED
        if before is not None and altered and new.from_utc_us - before.to_utc_us <= US_PER_SECOND:
            until_us, until = max(before.to_utc_us, new.to_utc_us), max(before.to_picture, new.to_picture)
            self._breaks[-1] = Break(kind, before.from_utc_us, until_us, before.from_picture, until)
        elif len(self._breaks) < BREAKS_MOST:
            self._breaks.append(new)

    def _picture_at(self, position: int) -> int:
        """Return the number of the picture that a leaf belongs to: leaves of one picture have one time."""
        if not self._pictures:
            times = self._recorded.times
            self._pictures = [at for at in range(len(times)) if not at or times[at] != times[at - 1]]
        return bisect_right(self._pictures, position)


def _leaf(begun: "_Hash", unit: bytes) -> bytes:
    """Return `nal_tree.leaf` without hashing the salt again and without copying the unit."""
    state = begun.copy()
    state.update(unit if unit[-1] else unit.rstrip(b"\0"))
    return state.digest()
