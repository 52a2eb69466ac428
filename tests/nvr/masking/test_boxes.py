"""The boxes file: what it means at each moment, and that nothing else is read as one."""

import contextlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.masking.boxes import (
    BLOCKS_MOST,
    FILE_BYTES_MOST,
    POINTS_MOST,
    TRACKS_MOST,
    Box,
    BoxesRefused,
    BoxPoint,
    BoxTrack,
    Outside,
    read_drawing,
)
from tests.nvr.masking.drawings import document, file, point

NOON_MS = 1_764_000_000_000
US = 1000
CORNER = point(NOON_MS, 0, 0, 0.1, 0.1), point(NOON_MS + 2000, 0.5, 0.4, 0.3, 0.1)


def test_a_box_goes_on_the_straight_line_between_two_points() -> None:
    """Half way in time is half way in place and in size."""
    drawing = read_drawing(file([list(CORNER)]))
    (box,) = drawing.kept_at((NOON_MS + 1000) * US)
    assert box == Box(0.25, 0.2, 0.2, 0.1)


def test_a_box_is_there_from_its_first_point_to_its_last_and_at_no_other_time() -> None:
    """What is not drawn is covered."""
    drawing = read_drawing(file([list(CORNER)]))
    first, last = NOON_MS * US, (NOON_MS + 2000) * US
    assert [len(drawing.kept_at(when)) for when in (first - 1, first, last, last + 1)] == [0, 1, 1, 0]
    assert drawing.kept_at(last) == (Box(0.5, 0.4, 0.3, 0.1),)


def test_times_are_absolute_whatever_their_offset() -> None:
    """The same moment in Tokyo and in UTC, with fractions of a second."""
    points = [dict(CORNER[0], at="2026-11-23T14:00:00.5+09:00"), dict(CORNER[1], at="2026-11-23T05:00:01Z")]
    track = read_drawing(file([points])).keep[0]
    assert [one.utc_us for one in track.points] == [1_795_410_000_500_000, 1_795_410_001_000_000]


def test_what_is_not_said_is_as_coarse_as_may_be_seen_through_least() -> None:
    """Mosaic, and no finer than the limit."""
    drawing = read_drawing(file([]))
    assert (drawing.outside, drawing.blocks, drawing.keep, drawing.cover) == (Outside.MOSAIC, BLOCKS_MOST, (), ())


two = [point(NOON_MS, 0, 0, 0.1, 0.1), point(NOON_MS, 0, 0, 0.1, 0.1)]
half = [point(NOON_MS, 0, 0, 0.6, 0.6), point(NOON_MS + 1, 0, 0, 0.6, 0.6)]
other_half = [point(NOON_MS, 0.4, 0.4, 0.5, 0.6), point(NOON_MS + 1, 0.4, 0.4, 0.5, 0.6)]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "file"),
        (b"[]", "file"),
        (b"[" * 100_000, "file"),
        (b" " * (FILE_BYTES_MOST + 1), "file"),
        (b'{"kuramori": "boxes", "version": 1, "camera": "gate"}', "file.keep"),
        (file([], version=2), "kuramori"),
        (file([], version=True), "kuramori"),
        (file([], more=1), "file"),
        (file([], outside="blur"), "outside"),
        (file([], outside=[]), "outside"),
        (file([], blocks=BLOCKS_MOST + 1), "blocks"),
        (file([], blocks=7), "blocks"),
        (file([], blocks=True), "blocks"),
        (file([], camera="a\n"), "camera"),
        (file([list(CORNER)] * (TRACKS_MOST + 1)), "keep"),
        (file([[CORNER[0]]]), "keep[0].points"),
        (file([[CORNER[0]] * (POINTS_MOST + 1)]), "keep[0].points"),
        (file([two]), "keep[0].points"),
        (file([list(reversed(CORNER))]), "keep[0].points"),
        (file([[dict(CORNER[0], left=0.95), CORNER[1]]]), "keep[0].points[0]"),
        (file([[dict(CORNER[0], width=0), CORNER[1]]]), "keep[0].points[0]"),
        (file([[dict(CORNER[0], left=float("nan")), CORNER[1]]]), "keep[0].points[0].left"),
        (file([[dict(CORNER[0], left=True), CORNER[1]]]), "keep[0].points[0].left"),
        (file([[dict(CORNER[0], at="2026-11-23T14:00:00"), CORNER[1]]]), "keep[0].points[0].at"),
        (file([[dict(CORNER[0], at="2026-13-23T14:00:00Z"), CORNER[1]]]), "keep[0].points[0].at"),
        (file([[dict(CORNER[0], at="0001-01-01T00:00:00+23:59"), CORNER[0]]], blocks=0), "blocks"),
        (file([], [two]), "cover[0].points"),
        (file([half, other_half]), "keep"),
    ],
)
def test_what_is_no_boxes_file_is_refused_where_it_is_wrong(content: bytes, field: str) -> None:
    """The refusal names the place."""
    with pytest.raises(BoxesRefused) as refused:
        read_drawing(content)
    assert refused.value.field == field


def test_between_two_points_no_more_than_half_is_shown_neither() -> None:
    """Boxes that are thin where they are drawn, and large on their way from wide and low to narrow and high."""
    turning = [
        [point(NOON_MS, left, top, 0.5, 0.01), point(NOON_MS + 60_000, left, top, 0.01, 0.5)]
        for left in (0, 0.25, 0.5)
        for top in (0, 0.25, 0.5)
    ]
    with pytest.raises(BoxesRefused) as refused:
        read_drawing(file(turning))
    assert refused.value.field == "keep"
    drawing = read_drawing(file(turning[:7]))
    moments = [(NOON_MS + second * 1000) * US for second in range(61)]
    assert 0.4 < max(sum(box.area for box in drawing.kept_at(moment)) for moment in moments) <= 0.5


def test_more_than_half_of_the_picture_is_no_masked_copy() -> None:
    """One box of a bit more than half is refused, one of exactly half is not."""
    whole = [point(NOON_MS, 0, 0, 1, 0.5), point(NOON_MS + 1000, 0, 0.5, 1, 0.5)]
    assert read_drawing(file([whole])).keep
    with pytest.raises(BoxesRefused):
        read_drawing(file([[dict(whole[0], height=0.51), whole[1]]]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
MEMBERS = ("kuramori", "version", "camera", "keep", "cover", "outside", "blocks")


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_a_drawing_or_a_refusal(content: bytes) -> None:
    """Nothing else."""
    with contextlib.suppress(BoxesRefused):
        read_drawing(content)


@given(st.sampled_from(MEMBERS), json_values, st.sampled_from(("at", "left", "top", "width", "height", "points")))
def test_any_member_may_be_anything(name: str, value: Any, inner: str) -> None:
    """A good file with one member replaced gives a drawing or a refusal."""
    for changed in (
        document([list(CORNER)]) | {name: value},
        document([[dict(CORNER[0], **{inner: value}), CORNER[1]]]),
        document([]) | {"keep": [{"points": [value, CORNER[1]], inner: value}]},
    ):
        with contextlib.suppress(BoxesRefused):
            read_drawing(json.dumps(changed).encode())


shares = st.floats(0, 0.5, allow_nan=False)


@given(st.lists(st.tuples(st.integers(0, 10**9), shares, shares), min_size=2, max_size=6, unique_by=lambda p: p[0]))
def test_a_box_never_leaves_the_place_between_its_two_points(points: list[tuple[int, float, float]]) -> None:
    """At any moment each side lies between those of the points before and after."""
    ordered = sorted(points)
    track = BoxTrack("", tuple(BoxPoint(at, Box(left, top, 0.5, 0.5)) for at, left, top in ordered))
    for (at, left, _), (later, other, _) in pairwise(ordered):
        for when in (at, (at + later) // 2, later):
            box = track.at(when)
            assert box is not None
            assert min(left, other) - 1e-12 <= box.left <= max(left, other) + 1e-12


def test_the_example_in_the_document_is_a_boxes_file() -> None:
    """MASKING.md shows one that works."""
    page = (Path(__file__).parents[3] / "nvr/kuramori/masking/MASKING.md").read_text(encoding="utf-8")
    examples = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    drawing = read_drawing(examples[0].encode())
    assert drawing.camera == "gate"
    assert len(drawing.keep) == len(drawing.cover) == 1
