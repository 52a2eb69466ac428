"""What was recorded joined with what is in the ring: recorded, unproven or erased since."""

from dataclasses import replace

from kuramori.coverage_answer import PresentSegment, coverage_answer
from kuramori.messages import CoverageSpan, SpanKind
from kuramori_segments.coverage import Coverage, Gap, Recorded
from kuramori_segments.gap_reason import GapReason

FOUND = Coverage(0, 50_000, 1000, 40_000, (Recorded(1000, 30_000), Gap(30_000, 40_000, GapReason.CAMERA_OFFLINE)))
GAP = CoverageSpan(30_000, 40_000, SpanKind.GAP, "camera_offline")


def segment(sequence: int, start: int, last: int, *, openable: bool = True, recovered: bool = False) -> PresentSegment:
    return PresentSegment(sequence, start, last, openable, recovered)


def spans(*segments: PresentSegment) -> tuple[CoverageSpan, ...]:
    return coverage_answer("gate", FOUND, segments).spans


def test_segments_that_follow_each_other_hold_all_that_was_recorded() -> None:
    """Between the last picture of one and the first of the next nothing is lost."""
    assert spans(segment(8, 10_000, 29_960), segment(7, 500, 9900)) == (
        CoverageSpan(1000, 30_000, SpanKind.RECORDED),
        GAP,
    )


def test_what_was_overwritten_is_erased() -> None:
    """The slot before the oldest segment is gone; and so is one in between."""
    assert spans(segment(3, 10_000, 14_900), segment(5, 20_000, 29_960)) == (
        CoverageSpan(1000, 10_000, SpanKind.ERASED),
        CoverageSpan(10_000, 15_900, SpanKind.RECORDED),
        CoverageSpan(15_900, 20_000, SpanKind.ERASED),
        CoverageSpan(20_000, 30_000, SpanKind.RECORDED),
        GAP,
    )
    assert spans() == (CoverageSpan(1000, 30_000, SpanKind.ERASED), GAP)


def test_a_segment_without_a_key_is_erased_and_a_recovered_one_unproven() -> None:
    """It lies in the ring all the same."""
    assert spans(
        segment(1, 0, 9900, openable=False), segment(2, 10_000, 19_900, recovered=True), segment(3, 20_000, 29_960)
    ) == (
        CoverageSpan(1000, 10_000, SpanKind.ERASED),
        CoverageSpan(10_000, 20_000, SpanKind.UNPROVEN),
        CoverageSpan(20_000, 30_000, SpanKind.RECORDED),
        GAP,
    )


def test_the_answer_covers_what_is_known_without_holes() -> None:
    """The future is not in it."""
    answer = coverage_answer("gate", FOUND, [segment(1, 0, 29_960)])
    assert (answer.camera, answer.from_utc_ms, answer.to_utc_ms) == ("gate", 1000, 40_000)
    assert answer.spans[0].from_utc_ms == 1000
    assert answer.spans[-1].to_utc_ms == 40_000


def test_a_clock_that_was_put_back_between_segments_does_no_harm() -> None:
    """The next segment begins before this one; each moment is said once."""
    said = spans(segment(1, 5000, 29_960), segment(2, 2000, 28_000, openable=False))
    assert [span.kind for span in said] == [SpanKind.ERASED, SpanKind.RECORDED, SpanKind.GAP]
    assert sum(span.to_utc_ms - span.from_utc_ms for span in said) == 39_000


def test_what_the_medium_does_not_give_back_is_damaged_and_nothing_beside_it() -> None:
    """The damaged times alone, within what can be opened at all; a gap and what is erased stay what they are."""
    broken = PresentSegment(1, 0, 19_900, openable=True, recovered=True, damaged=((5000, 6000), (18_000, 90_000)))
    erased = PresentSegment(2, 20_000, 29_960, openable=False, recovered=False, damaged=((21_000, 22_000),))
    assert spans(broken, erased) == (
        CoverageSpan(1000, 5000, SpanKind.UNPROVEN),
        CoverageSpan(5000, 6000, SpanKind.DAMAGED),
        CoverageSpan(6000, 18_000, SpanKind.UNPROVEN),
        CoverageSpan(18_000, 20_000, SpanKind.DAMAGED),
        CoverageSpan(20_000, 30_000, SpanKind.ERASED),
        GAP,
    )


def test_what_lies_on_a_volume_that_is_away_is_not_called_erased() -> None:
    """A volume that does not answer: its segments are known. One that was never there: nothing is said to be erased."""
    known = coverage_answer("gate", FOUND, [replace(segment(1, 0, 29_960), away=True)])
    assert {span.kind for span in known.spans if span.kind is not SpanKind.GAP} == {SpanKind.AWAY}
    never = coverage_answer("gate", FOUND, [], some_away=True)
    assert {span.kind for span in never.spans if span.kind is not SpanKind.GAP} == {SpanKind.AWAY}
