"""The index in memory: every answer is what a plain search through a list would say."""

import random

from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.catalogue import Catalogue, CataloguedSegment
from kuramori_segments.ring import RingSegment


def segment(slot: int, sequence: int, start: int, end: int) -> CataloguedSegment:
    return CataloguedSegment(slot, sequence, start, end)


def test_keeps_each_camera_by_sequence() -> None:
    """Segments come oldest first however they were put in, and the open one is not offered for overwriting."""
    catalogue = Catalogue()
    rows = [segment(3, 12, 300, 0), segment(9, 10, 100, 200), segment(1, 11, 200, 300)]
    random.Random(1).shuffle(rows)
    for row in rows:
        catalogue.put(7, row)
    assert list(catalogue.oldest_first(7)) == [RingSegment(9, 200), RingSegment(1, 300)]
    assert catalogue.latest(7) == segment(3, 12, 300, 0)
    assert catalogue.count(7) == 3
    assert list(catalogue.cameras()) == [7]


def test_a_clock_set_back_reorders_nothing() -> None:
    """The order is that of recording even where times run backwards, and both stretches are found by time."""
    catalogue = Catalogue()
    catalogue.put(1, segment(0, 1, 5000, 6000))
    catalogue.put(1, segment(1, 2, 1000, 2000))
    assert [s.slot for s in catalogue.oldest_first(1)] == [0, 1]
    assert [s.slot for s in catalogue.overlapping(1, 1500, 1600)] == [1]
    assert [s.slot for s in catalogue.overlapping(1, 0, 10_000)] == [0, 1]


def test_knows_a_segment_anew_when_it_is_finished() -> None:
    """Putting the same segment again replaces its times."""
    catalogue = Catalogue()
    catalogue.put(1, segment(4, 1, 100, 0))
    catalogue.put(1, segment(4, 1, 100, 900))
    assert catalogue.find(1, 1) == segment(4, 1, 100, 900)
    assert catalogue.count(1) == 1


def test_a_sequence_met_twice_hides_no_slot() -> None:
    """Two slots that claim one sequence are both kept and both overwritten in time."""
    catalogue = Catalogue()
    catalogue.put(1, segment(4, 1, 100, 900))
    catalogue.put(1, segment(5, 1, 100, 900))
    assert {s.slot for s in catalogue.oldest_first(1)} == {4, 5}
    catalogue.remove(1, 1, 4)
    assert [s.slot for s in catalogue.oldest_first(1)] == [5]


def test_an_unknown_camera_has_nothing() -> None:
    """Asking for a camera that never recorded gives emptiness, not an error."""
    catalogue = Catalogue()
    assert catalogue.count(1) == 0
    assert catalogue.latest(1) is None
    assert catalogue.find(1, 1) is None
    assert list(catalogue.oldest_first(1)) == []
    assert catalogue.overlapping(1, 0, 1) == []
    catalogue.remove(1, 1, 1)


ROWS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 30), st.integers(0, 1000), st.integers(0, 1000)), max_size=40
)


@given(ROWS, st.integers(0, 1000), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_answers_like_a_plain_list(
    rows: list[tuple[int, int, int, int]], start: int, length: int, rng: random.Random
) -> None:
    """After any puts and removals, overlap and order are those of the list that remains."""
    catalogue = Catalogue()
    plain: dict[tuple[int, int], CataloguedSegment] = {}
    for slot, (camera, sequence, begin, duration) in enumerate(rows):
        if (camera, sequence) in plain:
            catalogue.remove(camera, sequence, plain.pop((camera, sequence)).slot)
        if rng.random() < 0.8:
            plain[camera, sequence] = segment(slot, sequence, begin, begin + duration if duration else 0)
            catalogue.put(camera, plain[camera, sequence])
    for camera in (1, 2, 3):
        own = [row for (owner, _), row in sorted(plain.items()) if owner == camera]
        assert catalogue.count(camera) == len(own)
        assert [s.slot for s in catalogue.oldest_first(camera)] == [r.slot for r in own if r.end_utc_ms]
        assert catalogue.overlapping(camera, start, start + length) == [
            r for r in own if r.start_utc_ms < start + length and (r.end_utc_ms >= start or not r.end_utc_ms)
        ]
