"""Replayed pictures cut to a gap: dated, decodable, nothing recorded twice, nothing doubtful sealed as whole."""

import struct
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.replay import ReplayTime
from kuramori.capture.source import AccessUnit
from kuramori.filling.fill_plan import Piece, Span
from kuramori.filling.replay_cut import (
    MOST_STRAYS,
    Cut,
    FilledUnit,
    Junction,
    NewParameterSets,
    ReplayCutter,
    RunEnd,
)

START = 1_790_000_040_000  # a whole minute, UTC milliseconds
FRAME_MS = 100
GOP = 10
GAP = Span(START + 3_000, START + 8_000)


def payload(index: int) -> bytes:
    nal = b"\x65" + index.to_bytes(8, "big", signed=True)
    return struct.pack(">I", len(nal)) + nal


@dataclass
class Card:
    """A camera's card with a picture every tenth of a second and a key frame every second."""

    cutter: ReplayCutter
    offset_ms: int = 0
    cuts: list[Cut] = field(default_factory=list)

    def play(self, first: int, end: int, **told: bool) -> "Card":
        """Replay the pictures of these numbers; number 0 was filmed at START."""
        for index in range(first, end):
            self.picture(index, **told)
        return self

    def picture(
        self,
        index: int,
        *,
        utc_ms: int | None = None,
        dated: bool = True,
        damaged: bool = False,
        lost: int = 0,
        key: bool | None = None,
        terminal: bool = False,
        discontinuity: bool = False,
    ) -> None:
        utc_ms = START + index * FRAME_MS if utc_ms is None else utc_ms
        rtp_time = (1 << 32) + index * 9000
        if dated:
            told = ReplayTime((utc_ms + self.offset_ms) * 1000, False, discontinuity, terminal)
            self.cutter.on_replay_time(rtp_time, told)
        is_key = index % GOP == 0 if key is None else key
        unit = AccessUnit(rtp_time, 5_000_000_000, is_key, damaged, lost, 1, memoryview(payload(index)))
        self.cutter.on_access_unit(unit)
        self.cuts += self.cutter.take()

    def finish(self) -> "Card":
        self.cutter.finish()
        self.cuts += self.cutter.take()
        return self

    @property
    def sealed(self) -> list[int]:
        """The numbers of the sealed pictures."""
        return [(cut.utc_us // 1000 - START) // FRAME_MS for cut in self.cuts if isinstance(cut, FilledUnit)]

    @property
    def begins(self) -> list[int]:
        return [
            (cut.utc_us // 1000 - START) // FRAME_MS
            for cut in self.cuts
            if isinstance(cut, FilledUnit) and cut.begins_run
        ]

    @property
    def ends(self) -> list[int]:
        """When the runs end, in milliseconds from START."""
        return [cut.utc_ms - START for cut in self.cuts if isinstance(cut, RunEnd)]


def card(*gaps: Span, offset_ms: int = 0, junction: Junction | None = None, reach_ms: int = 4000) -> Card:
    cutter = ReplayCutter(Piece(gaps or (GAP,)), offset_ms=offset_ms, reach_ms=reach_ms, junction=junction)
    return Card(cutter, offset_ms)


class TestTheCut:
    def test_from_the_key_frame_before_the_gap_to_its_end(self) -> None:
        """Pictures 20 to 29 are needed to decode 30; 80 is recorded live and only shows that the gap is over."""
        played = card(Span(START + 2_500, START + 8_000)).play(0, 90)
        assert played.sealed == list(range(20, 80))
        assert played.begins == [20]
        assert played.ends == [8_000]
        assert played.cutter.is_over

    def test_the_gaps_first_moment_is_shown_by_the_picture_before_it(self) -> None:
        """Where a key frame comes 40 ms into the gap, those 40 ms belong to the group of pictures before."""
        played = card(Span(START + 2_960, START + 8_000)).play(0, 90)
        assert played.sealed == list(range(20, 80))
        assert played.begins == [20]

    def test_the_cameras_clock_is_corrected(self) -> None:
        """It is 7.3 s ahead: what it calls later was filmed in the gap."""
        ahead = card(offset_ms=7_300).play(0, 90)
        assert ahead.sealed == list(range(30, 80))

    def test_between_two_gaps_nothing_is_recorded_again(self) -> None:
        """What lies there was recorded live; the second run begins at its own key frame."""
        played = card(Span(START + 1_000, START + 2_000), Span(START + 5_500, START + 6_000)).play(0, 80)
        assert played.sealed == [*range(10, 20), *range(50, 60)]
        assert played.begins == [10, 50]
        assert played.ends == [2_000, 6_000]

    def test_without_a_key_frame_before_the_gap_it_begins_with_the_first_one(self) -> None:
        """The beginning of the gap stays a gap."""
        assert card(Span(START + 2_500, START + 8_000)).play(25, 90).sealed == list(range(30, 80))

    def test_what_the_stream_ends_with_counts_until_its_last_picture_was_shown(self) -> None:
        """The card has no more: the rest stays a gap."""
        played = card().play(0, 55).finish()
        assert played.sealed == list(range(30, 55))
        assert played.ends == [5_500]
        assert not played.cutter.is_over

    def test_pictures_shown_before_one_that_was_sealed_belong_to_it(self) -> None:
        """B-frames come in decode order: 31, 33, 32, and the key frame 40 before 39."""
        played = card()
        order = [30, 32, 31, 34, 33, 36, 35, 38, 37, 40, 39, 42, 41]
        for index in order:
            played.picture(index, key=index in (30, 40))
        assert played.sealed == order
        assert played.begins == [30]

    def test_new_parameter_sets_stay_in_their_place(self) -> None:
        """They are valid from the next picture on."""
        played = card().play(30, 32)
        played.cutter.on_parameter_sets((b"\x67new",))
        played.play(32, 34)
        kinds = [type(cut) for cut in played.cuts]
        assert kinds == [FilledUnit, FilledUnit, NewParameterSets, FilledUnit, FilledUnit]

    def test_pictures_without_a_time_lie_between_those_that_have_one(self) -> None:
        """Some cameras date only their key frames."""
        played = card()
        for index in range(20, 60):
            played.picture(index, dated=index % GOP == 0)
        assert played.sealed == list(range(30, 60))


class TestTheJunction:
    MINUTE = START + 60_000

    def first(self) -> Card:
        return card(Span(START + 57_000, self.MINUTE)).play(560, 610)

    def test_a_piece_goes_on_where_the_one_before_it_ended(self) -> None:
        """Without a key frame, and without a hole, in the middle of a group of pictures."""
        first = card(Span(START + 57_000, START + 59_500)).play(560, 610)
        assert first.cutter.junction is not None
        second = card(Span(START + 59_500, self.MINUTE), junction=first.cutter.junction).play(560, 610)
        assert first.sealed[-1] == 594
        assert second.sealed == list(range(595, 600))
        assert second.begins == []

    def test_another_picture_at_that_time_is_not_believed(self) -> None:
        """The camera replays something else: the piece begins with a key frame of its own."""
        junction = self.first().cutter.junction
        assert junction is not None
        other = Junction(junction.utc_us, bytes(32), junction.spacing_us)
        second = card(Span(self.MINUTE, self.MINUTE + 2_500), junction=other).play(590, 630)
        assert second.sealed == list(range(600, 625))
        assert second.begins == [600]

    def test_after_an_end_that_was_none_there_is_no_junction(self) -> None:
        """The camera stopped: what comes another time begins anew."""
        assert card().play(0, 55).finish().cutter.junction is None


class TestWhatIsNotBelieved:
    def test_nothing_outside_the_gap_is_sealed(self) -> None:
        """Whatever the camera replays before and behind it."""
        played = card(reach_ms=100_000).play(-500, 2_000)
        assert played.sealed == list(range(30, 80))

    def test_what_was_never_asked_for_is_counted(self) -> None:
        """A year ago, next year, and again and again."""
        played = card()
        for index in range(MOST_STRAYS):
            played.picture(index, utc_ms=START + (365 * 86_400_000 if index % 2 else -365 * 86_400_000))
        assert played.sealed == []
        assert played.cutter.is_stray

    def test_without_any_time_nothing_is_sealed(self) -> None:
        """A camera that tells no times fills no gap."""
        played = card().play(0, 100, dated=False)
        assert played.sealed == []
        assert played.cutter.strays == 100

    @pytest.mark.parametrize("fault", [{"damaged": True}, {"lost": 3}, {"discontinuity": True}])
    def test_what_is_not_whole_ends_the_run(self, fault: dict[str, int]) -> None:
        """The next key frame begins another one; a discontinuity that is a key frame begins it itself."""
        played = card().play(30, 45)
        played.picture(45, **fault)
        played.play(46, 90)
        assert played.sealed == [*range(30, 45), *range(50, 80)]
        assert played.begins == [30, 50]
        assert played.ends == [4_500, 8_000]

    def test_a_hole_in_time_ends_the_run(self) -> None:
        """The card has nothing for 1.5 s."""
        played = card().play(30, 45).play(60, 90)
        assert played.sealed == [*range(30, 45), *range(60, 80)]
        assert played.ends == [4_500, 8_000]

    def test_a_time_that_leaps_back_begins_nothing_without_a_key_frame(self) -> None:
        """By more than pictures are ever reordered."""
        played = card().play(30, 65)
        played.picture(41, utc_ms=START + 4_100)
        assert 41 not in played.sealed[-1:]
        assert played.begins == [30]

    def test_the_last_picture_of_all_is_the_end(self) -> None:
        """The camera says so, and nothing behind it is taken."""
        played = card().play(30, 50)
        played.picture(50, terminal=True)
        assert played.cutter.is_over
        assert played.play(51, 60).sealed == list(range(30, 51))


@given(
    st.lists(
        st.tuples(
            st.integers(-3_000, 3_000),
            st.booleans(),
            st.booleans(),
            st.integers(0, 2),
            st.booleans(),
            st.booleans(),
        ),
        max_size=200,
    )
)
def test_whatever_comes_what_is_sealed_lies_in_reach_of_the_gap(
    pictures: list[tuple[int, bool, bool, int, bool, bool]],
) -> None:
    """Each run begins with a key frame, and no picture was filmed after the gap."""
    played = card()
    for index, (place, key, damaged, lost, dated, discontinuity) in enumerate(pictures):
        played.picture(
            index,
            utc_ms=START + place * 10,
            key=key,
            damaged=damaged,
            lost=lost,
            dated=dated,
            discontinuity=discontinuity,
        )
    played.finish()
    running = False
    for cut in played.cuts:
        if isinstance(cut, RunEnd):
            running = False
        elif isinstance(cut, FilledUnit):
            assert running or (cut.begins_run and cut.is_key)
            running = True
            assert cut.utc_us < GAP.to_utc_ms * 1000
            assert cut.utc_us >= (GAP.from_utc_ms - 64_000) * 1000
