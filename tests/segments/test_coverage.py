"""Coverage: every moment is recorded, a gap with its reason, or not known; a model that looks at moments agrees."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.coverage import Coverage, Gap, RangeEmpty, ReasonTotal, Recorded, coverage
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger_records import Outage, Run

OFFLINE, STALLED, CRASHED = GapReason.CAMERA_OFFLINE, GapReason.CAMERA_STALLED, GapReason.RECORDER_CRASHED
NOT_YET = GapReason.NOT_YET_STARTED


def closed(start: int, end: int, reason: GapReason = OFFLINE, run_id: int = 0, detail: str = "") -> Run:
    return Run(run_id or start + 1, 1, start, start, end, end, reason, detail)


class TestWhatIsSaid:
    def test_recorded_between_gaps_with_their_reasons(self) -> None:
        """A gap's reason is the end of the run before it."""
        runs = [closed(100, 200, STALLED, detail="nothing for 3000 ms"), closed(250, 300, CRASHED)]
        answer = coverage(runs, 0, 1000, now_utc_ms=400)
        assert answer.spans == (
            Gap(0, 100, NOT_YET),
            Recorded(100, 200),
            Gap(200, 250, STALLED, "nothing for 3000 ms"),
            Recorded(250, 300),
            Gap(300, 400, CRASHED),
        )

    def test_the_future_is_not_known(self) -> None:
        """It is neither recorded nor missing, and counts in no percentage."""
        answer = coverage([closed(0, 300)], 0, 1000, now_utc_ms=400)
        assert (answer.known_from_utc_ms, answer.known_to_utc_ms) == (0, 400)
        assert answer.recorded_fraction == 0.75
        assert coverage([], 500, 600, now_utc_ms=400) == Coverage(500, 600, 500, 500, ())
        assert coverage([], 500, 600, now_utc_ms=400).recorded_fraction is None

    def test_an_open_run_is_recorded_up_to_its_live_end(self) -> None:
        """What is not durable yet is not claimed, and is no gap either."""
        answer = coverage([Run(1, 1, 100, 1)], 0, 1000, now_utc_ms=900, live_end_utc_ms=880)
        assert answer.spans == (Gap(0, 100, NOT_YET), Recorded(100, 880))
        assert answer.known_to_utc_ms == 880

    def test_an_open_run_without_anything_durable_claims_nothing(self) -> None:
        """A run that has only just begun."""
        answer = coverage([closed(0, 50), Run(1, 1, 100, 1)], 0, 1000, now_utc_ms=900)
        assert answer.spans == (Recorded(0, 50), Gap(50, 100, OFFLINE))

    def test_runs_that_touch_or_overlap_are_one_recorded_span(self) -> None:
        """An orderly change within the stream, or a wall clock that was put back, leaves no hole."""
        runs = [closed(0, 100), closed(100, 200), closed(150, 180), closed(190, 300, CRASHED)]
        assert coverage(runs, 0, 400, now_utc_ms=400).spans == (Recorded(0, 300), Gap(300, 400, CRASHED))

    def test_outages_change_the_reason_within_a_gap(self) -> None:
        """The recorder was stopped, and when it came back the camera refused it."""
        outages = [Outage(1, 150, GapReason.CAMERA_REFUSED, "401"), Outage(1, 180, OFFLINE), Outage(1, 50, STALLED)]
        answer = coverage([closed(0, 100, GapReason.RECORDER_STOPPED)], 0, 200, now_utc_ms=200, outages=outages)
        assert answer.spans == (
            Recorded(0, 100),
            Gap(100, 150, GapReason.RECORDER_STOPPED),
            Gap(150, 180, GapReason.CAMERA_REFUSED, "401"),
            Gap(180, 200, OFFLINE),
        )

    def test_a_camera_that_never_answered_says_why(self) -> None:
        """Not yet started until the first attempt, then the reason of the attempt."""
        answer = coverage([], 0, 100, now_utc_ms=100, outages=[Outage(1, 30, OFFLINE, "no route")])
        assert answer.spans == (Gap(0, 30, NOT_YET), Gap(30, 100, OFFLINE, "no route"))

    def test_what_the_ledger_forgot_is_not_known(self) -> None:
        """Pruned time is not turned into gaps."""
        answer = coverage([closed(400, 500)], 0, 600, now_utc_ms=600, known_from_utc_ms=450)
        assert (answer.known_from_utc_ms, answer.spans) == (450, (Recorded(450, 500), Gap(500, 600, OFFLINE)))

    def test_a_range_must_have_a_length(self) -> None:
        """Asking for nothing is an error."""
        with pytest.raises(RangeEmpty):
            coverage([], 5, 5, now_utc_ms=9)


class TestFigures:
    def test_totals_by_reason_are_the_longest_first(self) -> None:
        """How long and how often, for each reason."""
        runs = [closed(0, 10, STALLED), closed(20, 30, OFFLINE), closed(60, 70, STALLED), closed(75, 80)]
        answer = coverage(runs, 0, 80, now_utc_ms=80)
        assert answer.totals_by_reason == (ReasonTotal(OFFLINE, 30, 1), ReasonTotal(STALLED, 15, 2))
        assert (answer.recorded_ms, answer.missing_ms, answer.known_ms) == (35, 45, 80)


REASONS = [OFFLINE, STALLED, CRASHED, GapReason.STREAM_DAMAGED]
TIME = st.integers(0, 40)


@st.composite
def timelines(draw: st.DrawFn) -> tuple[list[Run], int | None, list[Outage]]:
    runs = []
    for run_id, (start, length, reason) in enumerate(
        draw(st.lists(st.tuples(TIME, st.integers(0, 12), st.sampled_from(REASONS)), max_size=6)), start=1
    ):
        runs.append(closed(start, start + length, reason, run_id))
    live_end = None
    if draw(st.booleans()):
        start = draw(TIME)
        runs.append(Run(99, 1, start, start))
        live_end = draw(st.none() | st.integers(0, 60))
    times = draw(st.lists(TIME, unique=True, max_size=4))
    return runs, live_end, [Outage(1, time, draw(st.sampled_from(REASONS))) for time in times]


def moment(runs: list[Run], live_end: int | None, outages: list[Outage], at: int) -> GapReason | None:
    """The model: look at one moment alone; None is recorded."""
    ends = []
    for run in runs:
        if run.is_open:
            end = run.start_utc_ms if live_end is None else max(live_end, run.start_utc_ms)
        else:
            end = run.end_utc_ms or 0
        if run.start_utc_ms <= at < end:
            return None
        if end <= at and run.end_reason is not None:
            ends.append((end, run.start_utc_ms, run.run_id, run.end_reason))
    last_end, *_, reason = max(ends, default=(-1, 0, 0, NOT_YET))
    since = [(outage.utc_ms, outage.reason) for outage in outages if last_end <= outage.utc_ms <= at]
    return max(since)[1] if since else reason


@given(timelines(), TIME, st.integers(1, 50), st.integers(0, 70), st.integers(0, 20))
def test_every_moment_is_what_the_model_says(
    timeline: tuple[list[Run], int | None, list[Outage]], begin: int, length: int, now: int, memory: int
) -> None:
    """No moment is forgotten, counted twice or given another reason; and the figures follow from the moments."""
    runs, live_end, outages = timeline
    answer = coverage(
        runs,
        begin,
        begin + length,
        now_utc_ms=now,
        live_end_utc_ms=live_end,
        outages=outages,
        known_from_utc_ms=memory,
    )
    said = {}
    reached = answer.known_from_utc_ms
    for span in answer.spans:
        assert span.from_utc_ms == reached < span.to_utc_ms
        reached = span.to_utc_ms
        said |= {at: None if isinstance(span, Recorded) else span.reason for at in range(span.from_utc_ms, reached)}
    assert reached == answer.known_to_utc_ms <= min(now, begin + length) or not answer.spans
    assert said == {at: moment(runs, live_end, outages, at) for at in said}
    assert answer.recorded_ms == list(said.values()).count(None)
    assert answer.missing_ms == sum(total.duration_ms for total in answer.totals_by_reason)
    kinds = [span.reason if isinstance(span, Gap) else None for span in answer.spans]
    assert all(one is not other for one, other in itertools.pairwise(kinds))


def test_without_an_open_run_everything_up_to_now_is_known() -> None:
    """The end of what is known is now, not the last run."""
    assert coverage([closed(0, 10)], 0, 100, now_utc_ms=60).known_to_utc_ms == 60
