"""From the history of a recording to the spans in which it holds data."""

from hypothesis import given
from hypothesis import strategies as st

from kuramori_onvif.card_answers import Mark
from kuramori_onvif.card_models import CardRecording, CardSpan, CardTrack, TrackKind
from kuramori_onvif.card_spans import clipped, of_history

TRACKS = (CardTrack("v1", TrackKind.VIDEO), CardTrack("v2", TrackKind.VIDEO), CardTrack("a", TrackKind.AUDIO))
RECORDING = CardRecording("r", TRACKS, (CardSpan(0, 1000),))


def _marks(*points: tuple[str, int, bool]) -> list[Mark]:
    return [Mark("r", *point) for point in points]


def test_begin_and_end_make_a_span() -> None:
    """In any order in which the camera tells them."""
    marks = _marks(("v1", 300, False), ("v1", 100, True), ("v1", 500, True))
    assert of_history(RECORDING, marks, 0, 1000) == (CardSpan(100, 300), CardSpan(500, 1000))


def test_a_first_mark_that_ends_was_on_from_the_beginning() -> None:
    """The camera told no state at the start."""
    assert of_history(RECORDING, _marks(("v1", 300, False)), 0, 1000) == (CardSpan(0, 300),)


def test_video_tracks_count_together_and_sound_does_not() -> None:
    """A moment that one lens has is there."""
    marks = _marks(("v1", 0, True), ("v1", 200, False), ("v2", 100, True), ("v2", 400, False), ("a", 0, True))
    assert of_history(RECORDING, marks, 0, 1000) == (CardSpan(0, 400),)


def test_the_whole_recording_counts_where_no_track_is_told() -> None:
    """And marks of other recordings do not."""
    marks = [Mark("other", "", 0, True), *_marks(("", 100, True), ("", 200, False))]
    assert of_history(RECORDING, marks, 0, 1000) == (CardSpan(100, 200),)
    assert of_history(RECORDING, [Mark("other", "", 0, True)], 0, 1000) is None


MARKS = st.lists(st.tuples(st.sampled_from(["v1", "v2", "a", ""]), st.integers(-50, 1100), st.booleans()), max_size=20)


@given(MARKS)
def test_spans_are_ordered_within_the_time_and_do_not_touch(points: list[tuple[str, int, bool]]) -> None:
    """Whatever history a camera tells."""
    spans = of_history(RECORDING, _marks(*points), 0, 1000) or ()
    edges = [edge for span in spans for edge in (span.from_utc_ms, span.until_utc_ms)]
    assert edges == sorted(set(edges))
    assert all(0 <= edge <= 1000 for edge in edges)


def test_pieces_that_touch_are_joined() -> None:
    """And cut to the time."""
    assert clipped([CardSpan(50, 100), CardSpan(0, 50), CardSpan(990, 2000), CardSpan(3000, 4000)], 10, 1000) == (
        CardSpan(10, 100),
        CardSpan(990, 1000),
    )
