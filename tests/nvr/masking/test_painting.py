"""What stands in a masked picture: the mosaic's arithmetic, and that no pixel outside the boxes is the original's."""

import random
from datetime import UTC
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.masking.boxes import Box, Outside
from kuramori.masking.mark import Mark, mark_lines
from kuramori.masking.mosaic import STEPS, Plane, block_pixels, mosaic_of
from kuramori.masking.painting import Rectangle, around, inside, paint
from kuramori.masking.strip_sheets import COLUMNS, ROWS, digest_of, seconds_between
from kuramori.masking.strips import Strips

WIDTH, HEIGHT = 96, 64


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT, padding: int = 0) -> list[Plane]:
    """Return a picture of noise, each row with padding behind it."""
    noise = random.Random(seed)
    planes = []
    for number in range(3):
        wide, high = (width, height) if not number else (width // 2, height // 2)
        planes.append(
            Plane(wide, high, wide + padding, memoryview(bytearray(noise.randbytes((wide + padding) * high))))
        )
    return planes


def rows(plane: Plane) -> list[bytes]:
    """Return the samples of each row, without padding."""
    return [bytes(plane.samples[row * plane.stride : row * plane.stride + plane.width]) for row in range(plane.height)]


def painted(seed: int, kept: list[Rectangle], covered: list[Rectangle], padding: int = 0) -> tuple[list[Plane], ...]:
    """Return the original, its mosaic and the masked picture."""
    source, target = picture(seed, padding=padding), picture(0, padding=2 * padding)
    strides = [plane.stride for plane in target]
    mosaic = mosaic_of(source, strides, 8, Outside.MOSAIC)
    paint(target, source, mosaic, kept, covered)
    still = [Plane(p.width, p.height, p.stride, memoryview(m)) for p, m in zip(target, mosaic, strict=True)]
    return source, still, target


@pytest.mark.parametrize(("width", "height", "expected"), [(1920, 1080, 46), (1280, 720, 30), (3840, 2160, 90)])
def test_a_block_is_a_share_of_the_picture(width: int, height: int, expected: int) -> None:
    """Never more than 24 blocks on the shorter side, whatever the resolution; even, for colour."""
    assert block_pixels(width, height, 24) == expected
    assert height // expected <= 24


def test_a_small_picture_has_no_finer_blocks_than_eight_pixels() -> None:
    """Of 96 by 64 pixels 24 blocks would be 3 pixels wide."""
    assert block_pixels(WIDTH, HEIGHT, 24) == 8


def test_each_block_is_one_value_near_the_mean_of_its_pixels() -> None:
    """All pixels of a block are the same, the mean within half a step, and one of sixteen values."""
    source, (bright, *_), _ = painted(1, [], [])
    lines, original = rows(bright), rows(source[0])
    for top in range(0, HEIGHT, 8):
        for left in range(0, WIDTH, 8):
            block = {value for line in lines[top : top + 8] for value in line[left : left + 8]}
            mean = sum(value for line in original[top : top + 8] for value in line[left : left + 8]) / 64
            assert len(block) == 1
            assert abs(block.pop() - mean) <= 256 / STEPS / 2 + 1
    assert len({value for line in lines for value in line}) <= STEPS


def test_pictures_that_differ_inside_blocks_only_give_the_same_mosaic() -> None:
    """Irreversible: turning the pixels of each block around changes nothing of what is shown."""
    source = picture(2)
    turned = picture(2)
    for plane, block in zip(turned, (8, 4, 4), strict=True):
        for line in range(plane.height):
            for left in range(0, plane.width, block):
                at = line * plane.stride + left
                plane.samples[at : at + block] = bytes(plane.samples[at : at + block])[::-1]
    strides = [plane.stride for plane in source]
    assert bytes(source[0].samples) != bytes(turned[0].samples)
    assert mosaic_of(source, strides, 8, Outside.MOSAIC) == mosaic_of(turned, strides, 8, Outside.MOSAIC)


def test_grey_says_nothing_at_all() -> None:
    """Two pictures, one result."""
    one, other = picture(3), picture(4)
    strides = [plane.stride for plane in one]
    assert mosaic_of(one, strides, 8, Outside.GREY) == mosaic_of(other, strides, 8, Outside.GREY)


def test_the_edge_shows_its_neighbour() -> None:
    """Where the picture does not end with a block, the last whole block goes on: no mean of a few pixels."""
    source = picture(5, 104, 76)  # blocks of ten pixels
    strides = [plane.stride for plane in source]
    bright = mosaic_of(source, strides, 8, Outside.MOSAIC)[0]
    lines = [bright[row * 104 : row * 104 + 104] for row in range(76)]
    assert all(len(set(line[90:])) == 1 for line in lines)
    assert len(set(lines[60:])) == 1


@pytest.mark.parametrize("padding", [0, 32])
def test_outside_the_boxes_no_pixel_comes_from_the_original(padding: int) -> None:
    """Inside the kept box the original, inside the cover and everywhere else the mosaic, in every plane."""
    box, cover = Rectangle(20, 10, 60, 50), Rectangle(30, 20, 40, 34)
    source, still, target = painted(6, [box], [cover], padding)
    for number, planes in enumerate(zip(source, still, target, strict=True)):
        half = 1 if number else 0
        original, mosaic, shown = (rows(plane) for plane in planes)
        for y in range(planes[0].height):
            for x in range(planes[0].width):
                in_box = box.left <= x << half < box.right and box.top <= y << half < box.bottom
                in_cover = cover.left <= x << half < cover.right and cover.top <= y << half < cover.bottom
                expected = original if in_box and not in_cover else mosaic
                assert shown[y][x] == expected[y][x], (number, x, y)


@given(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.001, 0.1), st.floats(0.001, 0.1), st.integers(1, 400))
def test_edges_go_inwards_for_what_is_kept_and_outwards_for_what_is_covered(
    left: float, top: float, width: float, height: float, half: int
) -> None:
    """Never a pixel more than drawn is shown, never one less than drawn is covered; both inside the picture."""
    wide, high = 2 * half, 2 * half + 2
    box = Box(left, top, width, height)
    kept, covered = inside(box, wide, high), around(box, wide, high)
    right, bottom = (left + width) * wide, (top + height) * high
    assert (kept.left >= left * wide, kept.right <= right) == (True, True)
    assert (kept.top >= top * high, kept.bottom <= bottom) == (True, True)
    assert 0 <= covered.left <= left * wide
    assert 0 <= covered.top <= top * high
    assert min(wide, right) <= covered.right <= wide
    assert min(high, bottom) <= covered.bottom <= high


def test_the_mark_is_burnt_in_whatever_is_below_it() -> None:
    """It says which copy of which request, and changes no pixel elsewhere; the same bytes on any picture."""
    assert mark_lines(3, "20261123-1") == (
        "マスキング済み写し 第3号(20261123-1)",
        "masked copy no. 3 (20261123-1)",
    )
    mark = Mark(mark_lines(3, "20261123-1"), 640, 360)
    one, other = picture(7, 640, 360), picture(8, 640, 360)
    before = rows(one[0])
    for planes in (one, other):
        mark.lay_on(planes)
    same = [left == right for left, right in zip(rows(one[0]), rows(other[0]), strict=True)]
    assert not any(same)
    shown = rows(one[0])
    changed = [x for line, old in zip(shown, before, strict=True) for x in range(640) if line[x] != old[x]]
    assert max(changed) < 640 * 0.7
    assert {16, 235} <= {value for line in shown[:40] for value in line[:200]}


def test_another_number_is_another_mark() -> None:
    """Two copies can be told apart by what is burnt in."""
    first, second = picture(9, 640, 360), picture(9, 640, 360)
    Mark(mark_lines(1, "20261123-1"), 640, 360).lay_on(first)
    Mark(mark_lines(2, "20261123-1"), 640, 360).lay_on(second)
    assert rows(first[0]) != rows(second[0])


def test_a_mark_fits_into_the_smallest_picture() -> None:
    """It is made smaller, and stays inside."""
    planes = picture(10, 96, 64)
    Mark(mark_lines(99, "20261123-12"), 96, 64).lay_on(planes)


def test_strips_show_one_picture_a_second_of_an_hour_s_tenth_and_fewer_of_more() -> None:
    """At most 1,200 pictures."""
    minute = 60_000
    assert [seconds_between(0, minutes * minute) for minutes in (1, 10, 20, 21, 60)] == [1, 1, 1, 2, 3]


def test_sheets_fill_one_after_the_other_and_their_digest_binds_all_of_them() -> None:
    """Twenty-one pictures make two sheets; a picture more, another order or another byte is another digest."""
    strips = Strips(96, 64, UTC, 1)
    wanted = []
    for tenth in range(210):
        if strips.wants(tenth * 100_000):
            wanted.append(tenth)
            strips.add(bytes(strips.size[0] * strips.size[1] * 3), tenth * 100_000)
    sheets = strips.finish()
    assert [later - earlier for earlier, later in pairwise(wanted)] == [10] * (COLUMNS * ROWS)
    assert len(sheets) == 2
    assert all(sheet.startswith(b"\xff\xd8\xff") for sheet in sheets)
    assert len({digest_of(sheets), digest_of(sheets[::-1]), digest_of(sheets[:1])}) == 3
