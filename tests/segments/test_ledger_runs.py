"""Runs in the ledger: opened, closed, cut back after a crash, and asked for."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_fault import CameraUnknown, NoOpenRun, RunStillOpen
from kuramori_segments.ledger_records import DurableEnd, Repair, RepairedRun, Run
from kuramori_segments.ledger_runs import durable_ends
from tests.fakes.memory_directory import memory_directory

NOW = 1_790_000_000_000
OFFLINE, CRASHED = GapReason.CAMERA_OFFLINE, GapReason.RECORDER_CRASHED


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with memory_directory() as folder, Ledger.create(folder / "ledger.db", None, NOW) as opened:
        opened.camera_number("gate", NOW)
        opened.camera_number("yard", NOW)
        yield opened


@pytest.fixture(scope="module")
def shared_ledger() -> Iterator[Ledger]:
    """One ledger for many generated examples, each with a camera of its own."""
    with memory_directory() as folder, Ledger.create(folder / "ledger.db", None, NOW) as opened:
        yield opened


def spans(ledger: Ledger, camera: int = 1) -> list[tuple[int, int | None]]:
    return [
        (run.start_utc_ms - NOW, run.end_utc_ms and run.end_utc_ms - NOW) for run in ledger.runs(camera, 0, 1 << 62)
    ]


class TestOneRunAtATime:
    def test_a_run_is_open_until_it_is_closed_with_a_reason(self, ledger: Ledger) -> None:
        """What went in comes out, first without an end, then with it."""
        run_id = ledger.open_run(1, NOW, 7)
        assert ledger.open_runs() == (Run(run_id, 1, NOW, 7),)
        closed = ledger.close_run(1, NOW + 5000, 157, OFFLINE, "connection reset")
        assert closed == Run(run_id, 1, NOW, 7, NOW + 5000, 157, OFFLINE, "connection reset")
        assert ledger.open_runs() == ()
        assert ledger.runs(1, NOW, NOW + 1) == (closed,)

    def test_do_not_allow_a_second_open_run_of_a_camera(self, ledger: Ledger) -> None:
        """A camera is recorded once; but another camera has its own run."""
        ledger.open_run(1, NOW, 1)
        with pytest.raises(RunStillOpen):
            ledger.open_run(1, NOW + 1, 2)
        ledger.open_run(2, NOW, 1)
        assert [run.camera_number for run in ledger.open_runs()] == [1, 2]

    def test_do_not_close_what_is_not_open_or_before_it_began(self, ledger: Ledger) -> None:
        """An end without a beginning says nothing that could be true."""
        with pytest.raises(NoOpenRun):
            ledger.close_run(1, NOW, 1, OFFLINE)
        ledger.open_run(1, NOW, 10)
        with pytest.raises(NoOpenRun):
            ledger.close_run(1, NOW - 1, 10, OFFLINE)
        with pytest.raises(NoOpenRun):
            ledger.close_run(1, NOW, 9, OFFLINE)
        assert ledger.close_run(1, NOW, 10, OFFLINE).end_utc_ms == NOW

    def test_a_camera_without_a_number_has_no_runs(self, ledger: Ledger) -> None:
        """Its name must have been given a number before."""
        with pytest.raises(CameraUnknown):
            ledger.open_run(3, NOW, 1)

    def test_run_ids_are_never_used_twice(self, ledger: Ledger) -> None:
        """Not even after the latest run was deleted."""
        first = ledger.open_run(1, NOW, 1)
        ledger.close_open_runs({}, CRASHED, NOW)
        assert ledger.open_run(1, NOW, 1) > first

    def test_a_long_detail_is_cut(self, ledger: Ledger) -> None:
        """A camera's words cannot make the ledger grow without bound."""
        ledger.open_run(1, NOW, 1)
        assert len(ledger.close_run(1, NOW, 1, OFFLINE, "x" * 100_000).detail) == 500


class TestAfterACrash:
    def test_an_open_run_ends_where_the_volume_ends(self, ledger: Ledger) -> None:
        """The recovered end, the reason of the stop, and the mark that it was found and not told."""
        ledger.open_run(1, NOW, 1)
        (repaired,) = ledger.close_open_runs({1: DurableEnd(NOW + 900, 30)}, CRASHED, NOW + 5000, "killed")
        assert repaired.repair is Repair.CLOSED
        assert repaired.run == ledger.runs(1, NOW, NOW + 1)[0]
        assert (repaired.run.end_utc_ms, repaired.run.end_access_unit) == (NOW + 900, 30)
        assert (repaired.run.end_reason, repaired.run.detail, repaired.run.recovered) == (CRASHED, "killed", True)

    @pytest.mark.parametrize("recovered", [{}, {1: DurableEnd(NOW - 100, 9)}, {2: DurableEnd(NOW + 900, 30)}])
    def test_a_run_with_nothing_durable_is_deleted(self, ledger: Ledger, recovered: dict[int, DurableEnd]) -> None:
        """Nothing of it can be opened, so it was never recorded."""
        ledger.open_run(1, NOW, 10)
        (repaired,) = ledger.close_open_runs(recovered, CRASHED, NOW)
        assert repaired.repair is Repair.DELETED
        assert spans(ledger) == []

    def test_a_closed_run_that_claims_more_than_is_durable_is_cut_back(self, ledger: Ledger) -> None:
        """Its end was noted before its last pictures were synced, and the crash came between."""
        ledger.open_run(1, NOW, 1)
        ledger.close_run(1, NOW + 3000, 90, GapReason.STREAM_DAMAGED)
        ledger.open_run(1, NOW + 3500, 95)
        changes = ledger.close_open_runs({1: DurableEnd(NOW + 2000, 60)}, CRASHED, NOW)
        assert [change.repair for change in changes] == [Repair.DELETED, Repair.SHORTENED]
        assert spans(ledger) == [(0, 2000)]
        assert ledger.runs(1, NOW, NOW + 1)[0].end_reason is CRASHED

    def test_closed_runs_of_a_camera_whose_volume_is_away_are_left_alone(self, ledger: Ledger) -> None:
        """No news of a camera is not bad news."""
        ledger.open_run(1, NOW, 1)
        ledger.close_run(1, NOW + 3000, 90, OFFLINE)
        assert ledger.close_open_runs({}, CRASHED, NOW) == ()
        assert spans(ledger) == [(0, 3000)]

    def test_doing_it_again_changes_nothing(self, ledger: Ledger) -> None:
        """A start that crashes too is followed by another."""
        ledger.open_run(1, NOW, 1)
        ends = {1: DurableEnd(NOW + 900, 30)}
        assert len(ledger.close_open_runs(ends, CRASHED, NOW)) == 1
        assert ledger.close_open_runs(ends, CRASHED, NOW) == ()

    def test_each_change_is_an_event(self, ledger: Ledger) -> None:
        """Nothing vanishes from the timeline without a row that says so."""
        run_id = ledger.open_run(1, NOW, 10)
        ledger.close_open_runs({}, CRASHED, NOW + 7)
        (event,) = ledger.events(0, 1 << 62)
        assert (event.kind, event.utc_ms, event.camera_number) == ("run_repaired", NOW + 7, 1)
        assert (event.fact("repair"), event.fact("run_id")) == ("deleted", run_id)

    def test_a_wrong_wall_clock_does_not_move_the_ends(self, ledger: Ledger) -> None:
        """After a power cut the machine may believe that it is 1970."""
        ledger.open_run(1, NOW, 1)
        ledger.close_open_runs({1: DurableEnd(NOW + 900, 30)}, CRASHED, 0)
        assert spans(ledger) == [(0, 900)]

    @settings(max_examples=50)
    @given(
        cuts=st.lists(st.tuples(st.integers(1, 20), st.integers(1, 10)), max_size=12),
        durable=st.integers(0, 200),
        still_open=st.booleans(),
    )
    def test_no_run_claims_more_than_is_durable(
        self, cuts: list[tuple[int, int]], durable: int, still_open: bool, shared_ledger: Ledger
    ) -> None:
        """Whatever was noted before the crash, afterwards: exactly the units noted and durable."""
        ledger, unit, claimed = shared_ledger, 1, set[int]()
        with ledger.batch():
            camera = ledger.camera_number(f"c{len(ledger.cameras())}", NOW)
            for length, distance in cuts:
                ledger.open_run(camera, NOW + unit * 100, unit)
                ledger.close_run(camera, NOW + (unit + length) * 100, unit + length - 1, OFFLINE)
                claimed |= set(range(unit, unit + length))
                unit += length + distance
            if still_open:
                ledger.open_run(camera, NOW + unit * 100, unit)
                claimed |= set(range(unit, 1000))
        ledger.close_open_runs({camera: DurableEnd(NOW + durable * 100, durable)}, CRASHED, NOW)
        left: set[int] = set()
        for run in ledger.runs(camera, 0, 1 << 62):
            assert run.end_access_unit is not None
            left |= set(range(run.start_access_unit, run.end_access_unit + 1))
        assert left == {number for number in claimed if number <= durable}

    def test_the_latest_end_of_each_camera_is_found_among_all_slots(self) -> None:
        """Slots come in any order; the highest access unit counts."""
        assert durable_ends([(1, 50, 5), (2, 10, 1), (1, 90, 9), (1, 70, 7)]) == {
            1: DurableEnd(90, 9),
            2: DurableEnd(10, 1),
        }


class TestAskingForRuns:
    def test_the_run_before_the_range_comes_too(self, ledger: Ledger) -> None:
        """It carries the reason of a gap that lies across the beginning."""
        for start in (0, 1000, 2000, 3000):
            ledger.open_run(1, NOW + start, start + 1)
            ledger.close_run(1, NOW + start + 500, start + 2, OFFLINE)
        found = ledger.runs(1, NOW + 2600, NOW + 3001)
        assert [run.start_utc_ms - NOW for run in found] == [2000, 3000]
        assert [run.start_utc_ms - NOW for run in ledger.runs(1, NOW + 700, NOW + 800)] == [0]
        assert ledger.runs(2, 0, 1 << 62) == ()

    def test_the_last_access_unit_of_a_camera_is_known(self, ledger: Ledger) -> None:
        """Numbers go on from there and never start again."""
        assert ledger.last_access_unit(1) is None
        ledger.open_run(1, NOW, 10)
        assert ledger.last_access_unit(1) == 10
        ledger.close_run(1, NOW + 10, 40, OFFLINE)
        assert ledger.last_access_unit(1) == 40


class TestOutages:
    def test_only_a_change_of_the_reason_is_noted(self, ledger: Ledger) -> None:
        """A camera that is tried a thousand times makes one row."""
        ledger.open_run(1, NOW, 1)
        assert not ledger.note_outage(1, NOW, OFFLINE)
        ledger.close_run(1, NOW + 1000, 30, OFFLINE)
        assert not ledger.note_outage(1, NOW + 1000, OFFLINE)
        assert ledger.note_outage(1, NOW + 2000, GapReason.CAMERA_REFUSED, "401")
        assert not ledger.note_outage(1, NOW + 3000, GapReason.CAMERA_REFUSED, "401")
        assert ledger.note_outage(1, NOW + 4000, OFFLINE)
        assert [(outage.utc_ms - NOW, outage.reason) for outage in ledger.outages(1, 0, 1 << 62)] == [
            (2000, GapReason.CAMERA_REFUSED),
            (4000, OFFLINE),
        ]

    def test_outages_before_the_range_count_from_the_last_run_on(self, ledger: Ledger) -> None:
        """What was wrong before the last run has nothing to do with this gap."""
        ledger.note_outage(1, NOW, GapReason.CAMERA_REFUSED)
        ledger.open_run(1, NOW + 1000, 1)
        ledger.close_run(1, NOW + 2000, 30, OFFLINE)
        ledger.note_outage(1, NOW + 3000, GapReason.MAINTENANCE)
        assert [outage.reason for outage in ledger.outages(1, NOW + 5000, NOW + 6000)] == [GapReason.MAINTENANCE]
        assert ledger.outages(1, NOW + 5000, NOW + 3000) == ()


def test_pruning_forgets_old_runs_but_not_the_reason_that_still_holds(ledger: Ledger) -> None:
    """The timeline stays small, and says from where on it is known."""
    for start in range(0, 10_000, 1000):
        ledger.open_run(1, NOW + start, start + 1)
        ledger.close_run(1, NOW + start + 500, start + 2, OFFLINE)
    ledger.record_event("old", utc_ms=NOW)
    assert ledger.prune(NOW + 5700, 0) == 6
    assert spans(ledger)[0] == (5000, 5500)
    assert ledger.pruned_before_utc_ms == NOW + 5700
    assert ledger.events(0, 1 << 62) == ()
    assert ledger.last_access_unit(1) == 9002


def test_changes_in_one_batch_are_one_commit_or_none(ledger: Ledger) -> None:
    """A tick that closes one run and opens another never leaves only half of it."""
    before = ledger.statistics().batches
    with ledger.batch():
        ledger.open_run(1, NOW, 1)
        ledger.open_run(2, NOW, 1)
    assert ledger.statistics().batches == before + 1

    def half_impossible() -> None:
        with ledger.batch():
            ledger.close_run(1, NOW + 10, 2, OFFLINE)
            ledger.open_run(2, NOW, 1)

    with pytest.raises(RunStillOpen):
        half_impossible()
    assert spans(ledger) == [(0, None)]


def test_what_was_repaired_is_a_value(ledger: Ledger) -> None:
    """The recorder logs it without looking into the ledger again."""
    ledger.open_run(1, NOW, 1)
    assert ledger.close_open_runs({}, CRASHED, NOW) == (RepairedRun(Repair.DELETED, Run(1, 1, NOW, 1)),)
