"""The boxes file: what staff drew, and where each box stands at a moment (format in MASKING.md).

Times are absolute, places are shares of the picture, so that a drawing fits whatever the clip's first picture and size
are. A box is there from its first point to its last, in between on the straight line; at no other time. Pure: any bytes
give a drawing or BoxesRefused. Must not know pictures.
"""

import json
import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

KIND = "boxes"
VERSION = 1
FILE_BYTES_MOST = 1 << 20
TRACKS_MOST = 64  # of each kind
POINTS_MOST = 2000  # of one box
BLOCKS_LEAST, BLOCKS_MOST = 8, 24  # across the shorter side of the picture
KEPT_AREA_MOST = 0.5  # of the picture, all boxes together: more is no masked copy
WORDS_MOST = 100  # characters of a box's note
CAMERA_MOST = 64
_AREA_TOLERANCE = 1e-9
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z")
_NAMES = frozenset({"kuramori", "version", "camera", "keep"})
_MORE = frozenset({"cover", "outside", "blocks"})
_SIDES = ("left", "top", "width", "height")


class BoxesRefused(ValueError):
    """The file cannot be used; `field` says where, `expected` what belongs there."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}")
        self.field = field
        self.expected = expected


class Outside(StrEnum):
    """What is shown where nothing is kept."""

    MOSAIC = "mosaic"
    GREY = "grey"  # nothing at all, where even a mosaic says too much


@dataclass(frozen=True, slots=True)
class Box:
    """A place in the picture, in shares of its width and height."""

    left: float
    top: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Share of the picture."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class BoxPoint:
    """Where a box was drawn."""

    utc_us: int
    box: Box


@dataclass(frozen=True, slots=True)
class BoxTrack:
    """One box on its way; points in ascending order of time, at least two."""

    what: str
    points: tuple[BoxPoint, ...]

    def at(self, utc_us: int) -> Box | None:
        """Return where it stands, None before its first point and after its last."""
        points = self.points
        if not points[0].utc_us <= utc_us <= points[-1].utc_us:
            return None
        behind = bisect_right(points, utc_us, key=lambda point: point.utc_us)
        before = points[behind - 1]
        if behind == len(points) or before.utc_us == utc_us:
            return before.box
        after = points[behind]
        share = (utc_us - before.utc_us) / (after.utc_us - before.utc_us)
        return Box(*(_between(getattr(before.box, side), getattr(after.box, side), share) for side in _SIDES))


@dataclass(frozen=True, slots=True)
class Drawing:
    """What stays visible (`keep`), what is covered inside that (`cover`), and how the rest is shown."""

    camera: str
    keep: tuple[BoxTrack, ...]
    cover: tuple[BoxTrack, ...] = ()
    outside: Outside = Outside.MOSAIC
    blocks: int = BLOCKS_MOST

    def kept_at(self, utc_us: int) -> tuple[Box, ...]:
        """Return the boxes that stay visible at a moment."""
        return _standing(self.keep, utc_us)

    def covered_at(self, utc_us: int) -> tuple[Box, ...]:
        """Return the boxes that are covered at a moment."""
        return _standing(self.cover, utc_us)


def read_drawing(content: bytes) -> Drawing:
    """Read a boxes file. Raises BoxesRefused, and nothing else."""
    if len(content) > FILE_BYTES_MOST:
        raise BoxesRefused("file", f"at most {FILE_BYTES_MOST} bytes")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise BoxesRefused("file", "JSON") from None
    return _drawing(value)


def _drawing(value: Any) -> Drawing:
    members = _object(value, "file", _NAMES, _MORE)
    if members["kuramori"] != KIND or members["version"] != VERSION or isinstance(members["version"], bool):
        raise BoxesRefused("kuramori", f'"{KIND}", version {VERSION}')
    outside = members.get("outside", Outside.MOSAIC.value)
    if outside not in tuple(Outside):
        raise BoxesRefused("outside", " or ".join(Outside))
    blocks = members.get("blocks", BLOCKS_MOST)
    if type(blocks) is not int or not BLOCKS_LEAST <= blocks <= BLOCKS_MOST:
        raise BoxesRefused("blocks", f"a whole number from {BLOCKS_LEAST} to {BLOCKS_MOST}")
    drawing = Drawing(
        _words(members["camera"], "camera", 1, CAMERA_MOST),
        _tracks(members["keep"], "keep"),
        _tracks(members.get("cover", []), "cover"),
        Outside(outside),
        blocks,
    )
    _require_masking(drawing)
    return drawing


def _require_masking(drawing: Drawing) -> None:
    """At no moment more than half of the picture stays visible, between the drawn ones neither."""
    before: list[Box | None] = []
    for moment in sorted({point.utc_us for track in drawing.keep for point in track.points}):
        now = [track.at(moment) for track in drawing.keep]
        most = max(sum(box.area for box in now if box is not None), _most_between(before, now))
        if most > KEPT_AREA_MOST + _AREA_TOLERANCE:
            raise BoxesRefused("keep", f"boxes that together show at most {KEPT_AREA_MOST:.0%} of the picture")
        before = now


def _most_between(before: Sequence[Box | None], after: Sequence[Box | None]) -> float:
    """Return the largest area inside the way from one moment to the next: wide and low to narrow and high is large."""
    area = slope = bend = 0.0  # area + slope * share + bend * share²
    for one, other in zip(before, after, strict=False):
        if one is not None and other is not None:
            wider, higher = other.width - one.width, other.height - one.height
            area += one.area
            slope += one.width * higher + one.height * wider
            bend += wider * higher
    share = -slope / (2 * bend) if bend < 0 else 0.0
    return area + slope * share + bend * share * share if 0 < share < 1 else 0.0


def _tracks(value: Any, name: str) -> tuple[BoxTrack, ...]:
    if not isinstance(value, list) or len(value) > TRACKS_MOST:
        raise BoxesRefused(name, f"a list of at most {TRACKS_MOST} boxes")
    return tuple(_track(item, f"{name}[{number}]") for number, item in enumerate(value))


def _track(value: Any, name: str) -> BoxTrack:
    members = _object(value, name, frozenset({"points"}), frozenset({"what"}))
    points = members["points"]
    if not isinstance(points, list) or not 2 <= len(points) <= POINTS_MOST:
        raise BoxesRefused(f"{name}.points", f"2 to {POINTS_MOST} points")
    found = tuple(_point(point, f"{name}.points[{number}]") for number, point in enumerate(points))
    if any(after.utc_us <= before.utc_us for before, after in pairwise(found)):
        raise BoxesRefused(f"{name}.points", "points in ascending order of time")
    return BoxTrack(_words(members.get("what", ""), f"{name}.what", 0, WORDS_MOST), found)


def _point(value: Any, name: str) -> BoxPoint:
    members = _object(value, name, frozenset({"at", *_SIDES}), frozenset())
    left, top, width, height = (_share(members[side], f"{name}.{side}") for side in _SIDES)
    if not width or not height or left + width > 1 or top + height > 1:
        raise BoxesRefused(name, "a box inside the picture")
    return BoxPoint(_moment(members["at"], f"{name}.at"), Box(left, top, width, height))


def _share(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise BoxesRefused(name, "a number from 0 to 1")
    return float(value)


def _moment(value: Any, name: str) -> int:
    expected = "a time with its offset, as 2026-11-23T14:00:05.5+09:00"
    if not isinstance(value, str) or not value.isascii() or not _MOMENT.match(value):
        raise BoxesRefused(name, expected)
    try:
        moment = datetime.fromisoformat(value)
        whole_seconds = math.floor(moment.replace(microsecond=0).timestamp())
    except (ValueError, OverflowError, OSError):
        raise BoxesRefused(name, expected) from None
    return whole_seconds * 1_000_000 + moment.microsecond


def _words(value: Any, name: str, least: int, most: int) -> str:
    if not isinstance(value, str) or not least <= len(value) <= most or not value.isprintable():
        raise BoxesRefused(name, f"{least} to {most} printable characters")
    return value


def _object(value: Any, name: str, required: frozenset[str], optional: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BoxesRefused(name, "an object")
    if missing := sorted(required - value.keys()):
        raise BoxesRefused(f"{name}.{missing[0]}", "to be there")
    if value.keys() - required - optional:
        raise BoxesRefused(name, f"no other members than {', '.join(sorted(required | optional))}")
    return value


def _standing(tracks: tuple[BoxTrack, ...], utc_us: int) -> tuple[Box, ...]:
    return tuple(box for track in tracks if (box := track.at(utc_us)) is not None)


def _between(before: float, after: float, share: float) -> float:
    return before + (after - before) * share
