"""What was filled from a camera's card has numbers, a chain and runs of its own, and disturbs nothing that is live."""

from collections.abc import Iterator

import pytest

from kuramori_segments.catalogue import Catalogue, CataloguedSegment
from kuramori_segments.codes import Provenance
from kuramori_segments.coverage import Coverage, Gap, Recorded, coverage
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.key_records import NO_BOOT_ID, Moment
from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_records import DurableEnd, Outage, Run
from kuramori_segments.ledger_records import Provenance as RunProvenance
from kuramori_segments.numbering import FIRST_FILLED_NUMBER, first_number, provenance_of
from kuramori_segments.retention import ROTATION_HORIZON_MS, RetentionRules, plan_rotation
from tests.fakes.crashing_files import Machine
from tests.fakes.keystore_machine import BOOT, new_store
from tests.fakes.memory_directory import memory_directory

F = FIRST_FILLED_NUMBER
NOW = 1_790_000_000_000
HOUR_MS = 3_600_000
OFFLINE, CRASHED, REFUSED = GapReason.CAMERA_OFFLINE, GapReason.RECORDER_CRASHED, GapReason.CAMERA_REFUSED


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with memory_directory() as folder, Ledger.create(folder / "ledger.db", None, NOW) as opened:
        opened.camera_number("gate", NOW)
        yield opened


def test_a_number_says_where_a_picture_came_from() -> None:
    """And no space reaches into the other, nor beyond what JSON holds exactly."""
    assert [provenance_of(number) for number in (1, F - 1, F, F + 1)] == [1, 1, 2, 2]
    assert [first_number(provenance) for provenance in Provenance] == [1, F]
    assert F + (1 << 48) < 1 << 53


class TestInTheRing:
    def catalogue(self) -> Catalogue:
        found = Catalogue()
        for slot, sequence, start, end in (
            (0, 7, 100, 200),
            (1, 8, 200, 0),
            (2, F, 500, 600),  # filled first, but filmed later
            (3, F + 1, 20, 90),
        ):
            found.put(1, CataloguedSegment(slot, sequence, start, end))
        return found

    def test_each_space_has_its_own_latest_segment(self) -> None:
        """Live recording goes on behind its own last segment, whatever was filled since."""
        found = self.catalogue()
        assert found.latest(1) == (1, 8, 200, 0)
        assert found.latest(1, Provenance.FILLED_FROM_CAMERA) == (3, F + 1, 20, 90)
        assert found.find(1, F) == (2, F, 500, 600)

    def test_what_was_filmed_first_is_overwritten_first(self) -> None:
        """Filled segments take their place by time, in whatever order they came; the open one stays."""
        assert [segment.slot for segment in self.catalogue().oldest_first(1)] == [3, 0, 2]
        oldest = self.catalogue().oldest(1)
        assert oldest is not None
        assert oldest.start_utc_ms == 20
        assert self.catalogue().count(1) == 4

    def test_a_camera_with_filled_segments_only(self) -> None:
        """Its live ones are overwritten: nothing live is latest."""
        found = self.catalogue()
        found.remove(1, 7, 0)
        found.remove(1, 8, 1)
        assert found.latest(1) is None
        assert [segment.slot for segment in found.oldest_first(1)] == [3, 2]


class TestInTheLedger:
    def test_a_filled_run_grows_while_a_live_one_is_open(self, ledger: Ledger) -> None:
        """Two runs at once, because two moments are recorded at once."""
        ledger.open_run(1, NOW, 100)
        ledger.note_filled(1, DurableEnd(NOW - 9000, F), DurableEnd(NOW - 8000, F + 10))
        ledger.note_filled(1, DurableEnd(NOW - 9000, F), DurableEnd(NOW - 5000, F + 40))
        (filled,) = [run for run in ledger.runs(1, 0, NOW + 1) if run.provenance is RunProvenance.FILLED]
        assert (filled.start_utc_ms, filled.end_utc_ms, filled.end_access_unit) == (NOW - 9000, NOW - 5000, F + 40)
        assert [run.start_access_unit for run in ledger.open_runs()] == [100]

    def test_each_space_says_where_its_numbers_go_on(self, ledger: Ledger) -> None:
        """A filled number never becomes a live one."""
        ledger.open_run(1, NOW, 100)
        ledger.close_run(1, NOW + 5, 120, OFFLINE)
        ledger.note_filled(1, DurableEnd(NOW, F), DurableEnd(NOW + 5, F + 7))
        assert ledger.last_access_unit(1) == 120
        assert ledger.last_access_unit(1, RunProvenance.FILLED) == F + 7

    def test_start_up_cuts_each_space_back_to_what_is_durable_of_it(self, ledger: Ledger) -> None:
        """The live end does not touch the filled run, nor the other way round."""
        ledger.open_run(1, NOW, 100)
        ledger.note_filled(1, DurableEnd(NOW - 9000, F), DurableEnd(NOW - 5000, F + 40))
        ledger.close_open_runs(
            {1: DurableEnd(NOW + 700, 117)}, CRASHED, NOW, filled={1: DurableEnd(NOW - 7000, F + 20)}
        )
        assert [(run.provenance, run.end_utc_ms, run.end_access_unit) for run in ledger.runs(1, 0, NOW * 2)] == [
            (RunProvenance.FILLED, NOW - 7000, F + 20),
            (RunProvenance.LIVE, NOW + 700, 117),
        ]

    def test_a_filled_run_gives_no_gap_its_reason(self, ledger: Ledger) -> None:
        """The outage behind it is noted as before, and the run before the range is the live one."""
        ledger.open_run(1, NOW, 1)
        ledger.close_run(1, NOW + 1000, 30, OFFLINE)
        ledger.note_filled(1, DurableEnd(NOW + 1000, F), DurableEnd(NOW + 3000, F + 40))
        assert not ledger.note_outage(1, NOW + 4000, OFFLINE)
        assert ledger.note_outage(1, NOW + 4000, REFUSED)
        before = ledger.runs(1, NOW + 5000, NOW + 6000)
        assert [run.end_reason for run in before] == [OFFLINE]
        assert [outage.reason for outage in ledger.outages(1, NOW + 5000, NOW + 6000)] == [REFUSED]


class TestInCoverage:
    LIVE = (Run(1, 1, 0, 1, 100, 9, OFFLINE), Run(2, 1, 200, 10, 300, 19, CRASHED))

    def answer(self, *filled: tuple[int, int], outages: tuple[Outage, ...] = ()) -> Coverage:
        runs = [
            Run(9 + start, 1, start, F + start, end, F + end, OFFLINE, provenance=RunProvenance.FILLED)
            for start, end in filled
        ]
        return coverage([*self.LIVE, *runs], 0, 300, now_utc_ms=300, outages=outages)

    def test_what_was_filled_says_so_and_the_rest_stays_a_gap(self) -> None:
        """With the reason that it had."""
        answer = self.answer((120, 150))
        assert answer.spans == (
            Recorded(0, 100),
            Gap(100, 120, OFFLINE),
            Recorded(120, 150, filled=True),
            Gap(150, 200, OFFLINE),
            Recorded(200, 300),
        )
        assert (answer.recorded_ms, answer.filled_ms, answer.missing_ms) == (230, 30, 70)

    def test_no_moment_is_recorded_twice(self) -> None:
        """What was witnessed live counts as live, and filled runs that overlap count once."""
        assert self.answer((50, 130), (120, 250)).spans == (
            Recorded(0, 100),
            Recorded(100, 200, filled=True),
            Recorded(200, 300),
        )

    def test_an_outage_during_what_was_filled_names_the_rest_of_the_gap(self) -> None:
        """The reason changed at that moment, filled or not."""
        assert self.answer((120, 150), outages=(Outage(1, 130, REFUSED),)).gaps == (
            Gap(100, 120, OFFLINE),
            Gap(150, 200, REFUSED),
        )


class TestForgetting:
    RULES = RetentionRules({}, 24 * HOUR_MS)

    @pytest.mark.parametrize("filmed_ago_ms", [HOUR_MS, 9 * HOUR_MS])
    def test_a_filled_epoch_dies_when_one_made_at_the_time_of_filming_would(self, filmed_ago_ms: int) -> None:
        """Whether the boot saw that moment (one hour ago) or not (nine hours ago, booted two hours ago)."""
        store = new_store(Machine())
        now = Moment(NOW, 2 * HOUR_MS, BOOT)
        store.rotate(frozenset(), now.utc_ms, now_boot_ms=now.boot_ms)
        boot_ms = now.boot_ms - filmed_ago_ms
        epoch = store.new_filmed_epoch(1, NOW - filmed_ago_ms, boot_ms if boot_ms >= 0 else None)
        assert epoch.first_utc_ms == NOW - filmed_ago_ms
        assert (epoch.boot_id == NO_BOOT_ID) is (boot_ms < 0)
        dies_in_ms = 24 * HOUR_MS - ROTATION_HORIZON_MS - filmed_ago_ms
        for later_ms, dead in ((dies_in_ms - 1, False), (dies_in_ms, True)):
            then = Moment(NOW + later_ms, now.boot_ms + later_ms, BOOT)
            plan = plan_rotation(store.epochs(), self.RULES, then, reference=store.reference)
            assert (epoch.epoch_id in plan.destroy) is dead

    def test_a_wall_clock_that_jumps_does_not_change_when_it_dies(self) -> None:
        """Of no known boot, it is judged by the reference and the boot time since."""
        store = new_store(Machine())
        store.rotate(frozenset(), NOW, now_boot_ms=HOUR_MS)
        epoch = store.new_filmed_epoch(1, NOW - 9 * HOUR_MS, None)
        for jump_ms in (-100 * HOUR_MS, 100 * HOUR_MS):
            then = Moment(NOW + jump_ms, 2 * HOUR_MS, BOOT, trusted=False)
            plan = plan_rotation(store.epochs(), self.RULES, then, reference=store.reference)
            assert epoch.epoch_id not in plan.destroy
