"""When a run begins and ends, access unit by access unit; compared with a model that looks at the whole stream."""

import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.gap_reason import GapReason
from kuramori_segments.run_tracker import RunChange, RunClosed, RunOpened, RunTracker

T0 = 1_790_000_000_000
DAMAGED, STALLED = GapReason.STREAM_DAMAGED, GapReason.CAMERA_STALLED


@dataclass(frozen=True)
class Unit:
    utc_ms: int
    number: int
    is_key: bool = False
    lost_packets: int = 0
    damaged: bool = False


def steady(count: int, spacing_ms: int = 40, start_ms: int = 0, first: int = 1, key_every: int = 10) -> list[Unit]:
    return [Unit(T0 + start_ms + i * spacing_ms, first + i, i % key_every == 0) for i in range(count)]


def feed(tracker: RunTracker, units: list[Unit]) -> list[RunChange]:
    changes: list[RunChange] = []
    for unit in units:
        changes += tracker.observe(unit.utc_ms, unit.number, unit.is_key, unit.lost_packets, unit.damaged)
    return changes


class TestBeginning:
    def test_a_run_begins_with_a_key_frame(self) -> None:
        """What comes before it cannot be shown."""
        tracker = RunTracker()
        assert feed(tracker, [Unit(T0, 1), Unit(T0 + 40, 2)]) == []
        assert feed(tracker, [Unit(T0 + 80, 3, is_key=True)]) == [RunOpened(T0 + 80, 3)]
        assert tracker.is_open

    def test_a_damaged_key_frame_begins_nothing(self) -> None:
        """The next whole one does."""
        units = [Unit(T0, 1, is_key=True, lost_packets=2, damaged=True), Unit(T0 + 400, 2, is_key=True)]
        assert feed(RunTracker(), units) == [RunOpened(T0 + 400, 2)]


class TestEnding:
    def test_a_loss_ends_the_run_until_the_next_key_frame(self) -> None:
        """The last whole access unit is the end; its showing time counts."""
        tracker = RunTracker()
        units = steady(8)
        units += [Unit(T0 + 320, 9, lost_packets=3, damaged=True), Unit(T0 + 360, 10), Unit(T0 + 400, 11, is_key=True)]
        assert feed(tracker, units) == [
            RunOpened(T0, 1),
            RunClosed(T0 + 320, 8, DAMAGED, "3 packets lost"),
            RunOpened(T0 + 400, 11),
        ]

    def test_a_whole_key_frame_right_after_a_loss_begins_the_next_run(self) -> None:
        """Nothing more than what is missing is called missing."""
        changes = feed(RunTracker(), [*steady(8), Unit(T0 + 360, 9, is_key=True, lost_packets=5)])
        assert changes[1:] == [RunClosed(T0 + 320, 8, DAMAGED, "5 packets lost"), RunOpened(T0 + 360, 9)]

    def test_a_spacing_of_a_second_is_no_gap_but_a_longer_one_is(self) -> None:
        """At the usual rates the floor of one second rules."""
        tracker = RunTracker()
        feed(tracker, steady(8))
        assert feed(tracker, [Unit(T0 + 280 + 1000, 9)]) == []
        assert feed(tracker, [Unit(T0 + 1280 + 1001, 10, is_key=True)]) == [
            RunClosed(T0 + 1280 + 40, 9, STALLED, "nothing for 1001 ms"),
            RunOpened(T0 + 2281, 10),
        ]

    def test_a_slow_camera_has_its_own_rhythm(self) -> None:
        """With a picture every five seconds, fifteen are no gap and more are."""
        tracker = RunTracker()
        feed(tracker, steady(40, spacing_ms=5000, key_every=1))
        assert tracker.limit_ms == 15_000
        last = T0 + 39 * 5000
        assert feed(tracker, [Unit(last + 15_000, 41)]) == []
        (change,) = feed(tracker, [Unit(last + 30_001, 42)])
        assert isinstance(change, RunClosed)

    def test_silence_is_noticed_without_an_access_unit(self) -> None:
        """The tick asks; once."""
        tracker = RunTracker()
        feed(tracker, steady(8))
        assert tracker.check_silence(T0 + 280 + 1000) == ()
        assert tracker.check_silence(T0 + 280 + 1001) == (RunClosed(T0 + 320, 8, STALLED, "nothing for 1001 ms"),)
        assert tracker.check_silence(T0 + 99_000) == ()
        assert not tracker.is_open

    def test_the_caller_names_the_reason_of_silence(self) -> None:
        """Announced maintenance is no stall."""
        tracker = RunTracker()
        tracker.silence_reason, tracker.silence_detail = GapReason.MAINTENANCE, "lens cleaning"
        feed(tracker, steady(8))
        (closed,) = tracker.check_silence(T0 + 60_000)
        assert closed == RunClosed(T0 + 320, 8, GapReason.MAINTENANCE, "lens cleaning")

    def test_the_caller_ends_a_run_for_its_own_reason(self) -> None:
        """The connection ended; without an open run nothing happens."""
        tracker = RunTracker()
        assert tracker.break_run(GapReason.CAMERA_OFFLINE) == ()
        feed(tracker, steady(8))
        assert tracker.break_run(GapReason.CAMERA_OFFLINE, "reset") == (
            RunClosed(T0 + 320, 8, GapReason.CAMERA_OFFLINE, "reset"),
        )
        assert feed(tracker, steady(2, start_ms=900, first=9)) == [RunOpened(T0 + 900, 9)]

    def test_time_that_goes_back_ends_a_run_but_b_frames_do_not(self) -> None:
        """Time stamps swing by a few frames in decode order; a step back is something else."""
        tracker = RunTracker()
        swing = [0, 160, 80, 40, 120, 320, 240, 200, 280]
        units = [Unit(T0 + at, number, number == 1) for number, at in enumerate(swing, start=1)]
        assert feed(tracker, units) == [RunOpened(T0, 1)]
        assert tracker.end_utc_ms == T0 + 320 + 40
        (closed,) = feed(tracker, [Unit(T0 - 3_600_000, 10)])
        assert closed == RunClosed(T0 + 360, 9, GapReason.CLOCK_UNKNOWN, "time went back by 3600320 ms")

    def test_an_outage_is_no_spacing_of_the_camera(self) -> None:
        """A camera that is cut off again and again keeps the limit of its rhythm."""
        tracker = RunTracker()
        for outage in range(200):
            feed(tracker, steady(2, start_ms=outage * 10_000, first=outage * 2 + 1))
            tracker.break_run(GapReason.CAMERA_OFFLINE)
        assert tracker.limit_ms == 1000


@st.composite
def streams(draw: st.DrawFn) -> tuple[int, list[Unit]]:
    """A stream of one rhythm with stalls, losses, damage and key frames anywhere."""
    spacing = draw(st.sampled_from([20, 33, 40, 200, 400, 1000, 3000]))
    units = steady(16, spacing, key_every=1)
    for _ in range(draw(st.integers(0, 40))):
        step = draw(st.sampled_from([1, 1, 1, 1, 1, 2, 3, 4, 40]))
        lost = draw(st.sampled_from([0, 0, 0, 0, 0, 1]))
        units.append(
            Unit(
                units[-1].utc_ms + step * spacing,
                units[-1].number + 1,
                draw(st.sampled_from([False, False, True])),
                lost,
                draw(st.booleans()) if lost else False,
            )
        )
    return spacing, units


@given(streams())
def test_runs_are_what_the_model_finds_in_the_whole_stream(stream: tuple[int, list[Unit]]) -> None:
    """The rule applied to the list of all access units gives the same runs."""
    spacing, units = stream
    limit = max(1000, 3 * spacing)
    tracker = RunTracker()
    feed(tracker, units[:16])
    assert tracker.limit_ms == limit
    expected: list[tuple[int, int, GapReason | None]] = []
    opened, previous = tracker._start_number, units[15]  # a slow camera's first pictures are runs of their own
    for unit in units[16:]:
        broken = bool(unit.lost_packets) or unit.utc_ms - previous.utc_ms > limit
        if opened and broken:
            expected.append((opened, previous.number, DAMAGED if unit.lost_packets else STALLED))
            opened = 0
        if not opened and unit.is_key and not unit.damaged:
            opened = unit.number
        previous = unit
    if opened:
        expected.append((opened, previous.number, None))
    found: list[tuple[int, int, GapReason | None]] = []
    beginning = tracker._start_number
    for change in feed(tracker, units[16:]):
        if isinstance(change, RunOpened):
            beginning = change.start_access_unit
        else:
            found.append((beginning, change.end_access_unit, change.reason))
    if tracker.is_open:
        found.append((beginning, tracker._last_number, None))
    assert found == expected


@given(st.lists(st.tuples(st.integers(-5000, 90_000), st.booleans(), st.integers(0, 2), st.booleans()), max_size=80))
def test_whatever_comes_runs_alternate_and_never_claim_beyond_what_came(
    steps: list[tuple[int, bool, int, bool]],
) -> None:
    """Opened, closed, opened ...; an end is never before its beginning, and never later than one spacing after."""
    tracker, utc_ms, latest, opened = RunTracker(), T0, T0, None
    for number, (step, is_key, lost, damaged) in enumerate(steps, start=1):
        utc_ms += step
        for change in tracker.observe(utc_ms, number, is_key, lost, damaged):
            if isinstance(change, RunOpened):
                assert opened is None
                assert is_key
                assert not damaged
                opened = change
            else:
                assert opened is not None
                assert opened.start_utc_ms <= change.end_utc_ms <= latest + 60_000
                assert opened.start_access_unit <= change.end_access_unit < number
                opened = None
        latest = max(latest, utc_ms)


@pytest.mark.bench
def test_an_access_unit_costs_less_than_half_a_microsecond() -> None:
    """On the recorder's path, for every picture of every camera."""
    tracker, count = RunTracker(), 500_000
    begin = time.perf_counter()
    for number in range(count):
        tracker.observe(T0 + number * 33, number, number % 60 == 0, 0)
    assert (time.perf_counter() - begin) / count < 0.5e-6
