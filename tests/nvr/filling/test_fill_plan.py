"""Which missing minutes are fetched: what an outage took, not too young, not too old, the newest first."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.filling.fill_plan import (
    FILLABLE,
    GUARD_MS,
    LEAST_GAP_MS,
    MOST_ATTEMPTS,
    PIECE_MS,
    STRETCH_MS,
    Piece,
    Span,
    fillable_span,
    filming_hour_utc_ms,
    missing_spans,
    next_piece,
    on_card,
    pieces_of,
)
from kuramori_segments.coverage import Coverage, Gap, Recorded
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.retention import ROTATION_HORIZON_MS

HOUR_MS = 3_600_000
NOW = 500_000 * HOUR_MS + 1_234_567
ALL = Span(0, 1 << 50)
OFFLINE = GapReason.CAMERA_OFFLINE


def found(*gaps: tuple[int, int, GapReason]) -> Coverage:
    return Coverage(0, NOW, 0, NOW, tuple(Gap(begin, end, reason) for begin, end, reason in gaps))


class TestWhatMayBeFetched:
    def test_never_what_is_so_young_that_it_may_still_be_written(self) -> None:
        """The live run is being closed, and the card may be behind."""
        allowed = fillable_span(NOW, 24 * HOUR_MS)
        assert allowed is not None
        assert allowed.to_utc_ms == NOW - GUARD_MS

    @pytest.mark.parametrize("retention_ms", [2 * HOUR_MS + 1, 3 * HOUR_MS, 5 * HOUR_MS + 17, 30 * 24 * HOUR_MS])
    def test_never_a_minute_whose_hour_would_be_destroyed_at_once(self, retention_ms: int) -> None:
        """The whole hour, from its beginning, has time left until the rotation after the next."""
        allowed = fillable_span(NOW, retention_ms)
        if allowed is None:
            assert retention_ms < 3 * HOUR_MS + GUARD_MS
            return
        hour_utc_ms = filming_hour_utc_ms(allowed.from_utc_ms)
        assert hour_utc_ms == allowed.from_utc_ms
        assert NOW - hour_utc_ms < retention_ms - ROTATION_HORIZON_MS
        assert NOW - (hour_utc_ms - HOUR_MS) >= retention_ms - ROTATION_HORIZON_MS - 300_000

    def test_nothing_at_all_where_the_retention_is_too_short(self) -> None:
        """An hour is destroyed as soon as it is over."""
        assert fillable_span(NOW, HOUR_MS) is None

    def test_nothing_before_a_step_of_the_clock(self) -> None:
        """Nobody knows which moment of the camera's it was."""
        allowed = fillable_span(NOW, 24 * HOUR_MS, NOW - HOUR_MS)
        assert allowed is not None
        assert allowed.from_utc_ms == NOW - HOUR_MS
        assert fillable_span(NOW, 24 * HOUR_MS, NOW) is None

    def test_only_what_an_outage_took(self) -> None:
        """A pause, the time before the first recording, a time without custodians were not to be recorded."""
        for reason in GapReason:
            gap = Span(5_000, 50_000)
            missing = missing_spans(found((5_000, 50_000, reason)), ALL)
            assert missing == ((gap,) if reason in FILLABLE else ())
        for reason in (GapReason.MAINTENANCE, GapReason.NOT_YET_STARTED, GapReason.NO_CUSTODIANS):
            assert reason not in FILLABLE
        assert GapReason.CLOCK_UNKNOWN not in FILLABLE

    def test_what_a_person_had_erased_is_never_fetched(self) -> None:
        """Nor the part of a gap that lies in it."""
        missing = missing_spans(found((10_000, 100_000, OFFLINE)), ALL, [Span(30_000, 60_000), Span(90_000, 120_000)])
        assert missing == (Span(10_000, 30_000), Span(60_000, 90_000))

    def test_a_gap_that_is_too_young_at_its_end_waits_or_gives_its_whole_minutes(self) -> None:
        """It is not nibbled at second by second while it grows old."""
        allowed = Span(0, 3 * PIECE_MS + 20_000)
        assert missing_spans(found((3 * PIECE_MS + 5_000, 3 * PIECE_MS + 25_000, OFFLINE)), allowed) == ()
        for end in (NOW, allowed.to_utc_ms):
            assert missing_spans(found((PIECE_MS + 5_000, end, OFFLINE)), allowed) == (
                Span(PIECE_MS + 5_000, 3 * PIECE_MS),
            )

    def test_gaps_that_touch_are_one_and_tiny_ones_none(self) -> None:
        """The reason may change within an outage; a few pictures are no outage."""
        gaps = found(
            (0, 600, OFFLINE), (600, 1_200, GapReason.CAMERA_REFUSED), (5_000, 5_000 + LEAST_GAP_MS - 1, OFFLINE)
        )
        assert missing_spans(gaps, ALL) == (Span(0, 1_200),)

    def test_recorded_spans_are_not_missing(self) -> None:
        """Filled ones included: nothing is fetched twice."""
        answer = Coverage(
            0, 9000, 0, 9000, (Recorded(0, 3000), Recorded(3000, 6000, filled=True), Gap(6000, 9000, OFFLINE))
        )
        assert missing_spans(answer, ALL) == (Span(6000, 9000),)


class TestPieces:
    def test_a_piece_never_crosses_a_minute(self) -> None:
        """So its name stays the same whatever becomes of its neighbours."""
        pieces = pieces_of([Span(50_000, 130_000), Span(170_000, 175_000)])
        assert pieces == (
            Piece((Span(50_000, 60_000),)),
            Piece((Span(60_000, 120_000),)),
            Piece((Span(120_000, 130_000), Span(170_000, 175_000))),
        )
        assert [piece.minute for piece in pieces] == [0, 1, 2]

    def test_what_is_too_short_to_hold_a_picture_is_not_cut_off(self) -> None:
        """It goes with its neighbour, and its neighbour's name."""
        (piece,) = pieces_of([Span(59_900, 120_300)])
        assert piece == Piece((Span(59_900, 120_300),))
        assert piece.minute == 1

    def test_what_the_card_has_not_is_no_piece(self) -> None:
        """And of the others only the part that it has."""
        pieces = pieces_of([Span(0, 60_000), Span(120_000, 180_000)])
        assert on_card(pieces, [Span(130_000, 140_000), Span(135_000, 150_000), Span(500_000, 600_000)]) == (
            Piece((Span(130_000, 150_000),)),
        )

    def test_the_newest_ten_minutes_come_first_and_run_forward(self) -> None:
        """So that they fill one segment, and the newest are there soonest."""
        pieces = list(pieces_of([Span(0, 2 * STRETCH_MS + 3 * PIECE_MS)]))
        order = []
        while (piece := next_piece(pieces, {})) is not None:
            order.append(piece.minute)
            pieces.remove(piece)
        assert order == [20, 21, 22, *range(10, 20), *range(10)]

    def test_what_was_tried_too_often_is_left_alone(self) -> None:
        """What cannot be fetched remains a gap."""
        pieces = pieces_of([Span(0, 2 * PIECE_MS)])
        assert next_piece(pieces, {0: MOST_ATTEMPTS}) == pieces[1]
        assert next_piece(pieces, {0: MOST_ATTEMPTS, 1: MOST_ATTEMPTS + 4}) is None
        assert next_piece(pieces, {0: MOST_ATTEMPTS - 1}) == pieces[0]


@given(st.lists(st.tuples(st.integers(0, 400_000), st.integers(1, 200_000)), max_size=8))
def test_pieces_hold_exactly_what_is_missing(ranges: list[tuple[int, int]]) -> None:
    """No millisecond is added, none is lost, and none is named twice."""
    gaps = found(*sorted((begin, begin + length, OFFLINE) for begin, length in ranges))
    missing = missing_spans(gaps, ALL)
    pieces = pieces_of(missing)
    assert sum(piece.missing_ms for piece in pieces) == sum(span.duration_ms for span in missing)
    flat = [gap for piece in pieces for gap in piece.gaps]
    assert all(one.to_utc_ms <= other.from_utc_ms for one, other in pairwise(flat))
    assert all(gap.duration_ms < PIECE_MS + 2 * LEAST_GAP_MS for gap in flat)
    assert len({piece.minute for piece in pieces}) == len(pieces)
