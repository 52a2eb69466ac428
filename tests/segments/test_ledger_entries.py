"""Cameras' numbers, events, holds, erasure receipts, custodian sets and clock anchors in the ledger."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger import CameraNameRefused, CustodianSetRefused, Ledger
from kuramori_segments.ledger_events import EventRefused
from kuramori_segments.ledger_fault import CameraUnknown, HoldDiffers, HoldUnknown
from kuramori_segments.ledger_holds import HoldRefused
from kuramori_segments.ledger_records import ClockAnchor, ErasedEpochs, ErasureReceipt, Hold, KeySpan
from tests.fakes.memory_directory import memory_directory

NOW = 1_790_000_000_000
DAY = 86_400_000


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with memory_directory() as folder, Ledger.create(folder / "ledger.db", folder / "mirror.db", NOW) as opened:
        yield opened


class TestCameraNumbers:
    def test_a_name_keeps_its_number_and_a_number_its_name(self, ledger: Ledger) -> None:
        """Numbers count from one, and a retired camera's number is not given away."""
        assert [ledger.camera_number(name, NOW) for name in ("gate", "yard", "gate")] == [1, 2, 1]
        ledger.retire_camera(2, NOW + 5)
        assert ledger.camera_number("hall", NOW) == 3
        assert ledger.camera(2).retired_utc_ms == NOW + 5
        assert ledger.camera_number("yard", NOW) == 2
        assert ledger.camera(2).retired_utc_ms is None

    @pytest.mark.parametrize("name", ["", "Gate", "-gate", "a" * 33, "gate ", "門", "gate\n", "../x"])
    def test_what_is_no_camera_name_gets_no_number(self, ledger: Ledger, name: str) -> None:
        """The same names as in the configuration."""
        with pytest.raises(CameraNameRefused):
            ledger.camera_number(name, NOW)
        assert ledger.cameras() == ()

    def test_numbers_can_be_brought_back_from_segment_headers(self, ledger: Ledger) -> None:
        """After a lost ledger a camera keeps the number that its segments name, and new ones go beyond."""
        ledger.import_camera(7, "gate", NOW)
        ledger.import_camera(7, "gate", NOW)
        assert ledger.camera_number("gate", NOW) == 7
        assert ledger.camera_number("yard", NOW) == 8
        for number, name in ((7, "hall"), (9, "gate"), (0, "hall"), (1 << 32, "hall")):
            with pytest.raises(CameraNameRefused):
                ledger.import_camera(number, name, NOW)

    def test_an_unknown_number_is_an_error(self, ledger: Ledger) -> None:
        """Neither retired nor shown."""
        with pytest.raises(CameraUnknown):
            ledger.retire_camera(1, NOW)
        with pytest.raises(CameraUnknown):
            ledger.camera(1)


class TestEvents:
    def test_events_come_back_by_time_with_their_facts(self, ledger: Ledger) -> None:
        """Of a camera or of the recorder; asked for by range, camera and kind."""
        gate = ledger.camera_number("gate", NOW)
        ledger.record_event("clock_step", utc_ms=NOW + 9, boot_ns=5, by_ms=-1200, trusted=True, who=None)
        ledger.record_event("audio_offered", utc_ms=NOW + 3, camera_number=gate, encoding="PCMU")
        first, second = ledger.events(NOW, NOW + 10)
        assert (first.kind, first.camera_number, first.fact("encoding")) == ("audio_offered", gate, "PCMU")
        assert (second.boot_ns, second.facts) == (5, (("by_ms", -1200), ("trusted", True), ("who", None)))
        assert second.fact("missing") is None
        assert ledger.events(NOW, NOW + 9) == (first,)
        assert ledger.events(NOW, NOW + 10, camera_number=gate) == (first,)
        assert ledger.events(NOW, NOW + 10, kind="clock_step") == (second,)
        assert ledger.events(NOW, NOW + 10, limit=1) == (first,)

    def test_an_event_has_a_fixed_name_and_small_facts(self, ledger: Ledger) -> None:
        """Prose and floods are refused."""
        with pytest.raises(EventRefused):
            ledger.record_event("Something happened", utc_ms=NOW)
        with pytest.raises(EventRefused):
            ledger.record_event("flood", utc_ms=NOW, text="x" * 5000)

    def test_clock_anchors_are_kept_per_boot(self, ledger: Ledger) -> None:
        """The latest one is the least that the time can be."""
        assert ledger.latest_clock_anchor() is None
        early, late = ClockAnchor("a", 10, NOW, "synchronised"), ClockAnchor("a", 20, NOW + 10, "unchecked")
        other = ClockAnchor("b", 5, NOW + 5, "person")
        for anchor in (late, early, other):
            ledger.add_clock_anchor(anchor)
        assert ledger.clock_anchors("a") == (early, late)
        assert ledger.latest_clock_anchor() == late


class TestHolds:
    HOLD = Hold("ab" * 16, (1, 2), NOW, NOW + 600_000, "request", "Sato", NOW + DAY, NOW + 30 * DAY, "r-1")

    @pytest.fixture(autouse=True)
    def _cameras(self, ledger: Ledger) -> None:
        ledger.camera_number("gate", NOW)
        ledger.camera_number("yard", NOW)

    def test_a_hold_is_in_force_from_placing_to_its_end(self, ledger: Ledger) -> None:
        """Named cameras, named minutes, a person, a reason and an end."""
        assert ledger.place_hold(self.HOLD) == self.HOLD
        assert ledger.holds(NOW + 29 * DAY) == (self.HOLD,)
        assert ledger.holds(NOW + 30 * DAY) == ()
        assert ledger.holds() == (self.HOLD,)
        assert self.HOLD.in_force(NOW + 29 * DAY)
        assert not self.HOLD.in_force(NOW + 30 * DAY)

    def test_placing_it_again_is_the_same_hold_but_not_with_other_contents(self, ledger: Ledger) -> None:
        """A repeated message does no harm; a changed one is refused."""
        ledger.place_hold(self.HOLD)
        assert ledger.place_hold(replace(self.HOLD, created_utc_ms=NOW + 2 * DAY)) == self.HOLD
        with pytest.raises(HoldDiffers):
            ledger.place_hold(replace(self.HOLD, to_utc_ms=NOW + 700_000))
        assert ledger.holds() == (self.HOLD,)

    def test_a_lifted_hold_stays_on_record(self, ledger: Ledger) -> None:
        """Who lifted it and why is not changed by lifting it again."""
        ledger.place_hold(self.HOLD)
        lifted = ledger.lift_hold(self.HOLD.hold_id, NOW + 3 * DAY, "Suzuki", "withdrawn")
        assert (lifted.lifted_utc_ms, lifted.lifted_by, lifted.lift_reason) == (NOW + 3 * DAY, "Suzuki", "withdrawn")
        assert ledger.lift_hold(self.HOLD.hold_id, NOW + 4 * DAY, "Other", "again") == lifted
        assert ledger.holds(NOW + 5 * DAY) == ()
        assert ledger.holds() == (lifted,)

    def test_a_hold_of_nothing_or_of_an_unknown_camera_is_refused(self, ledger: Ledger) -> None:
        """And nothing of it is kept."""
        with pytest.raises(HoldRefused):
            ledger.place_hold(replace(self.HOLD, to_utc_ms=NOW))
        with pytest.raises(HoldRefused):
            ledger.place_hold(replace(self.HOLD, camera_numbers=()))
        with pytest.raises(CameraUnknown):
            ledger.place_hold(replace(self.HOLD, camera_numbers=(1, 3)))
        with pytest.raises(HoldUnknown):
            ledger.lift_hold(self.HOLD.hold_id, NOW, "Suzuki", "")
        assert ledger.holds() == ()


class TestErasures:
    def test_a_receipt_names_the_keys_of_each_camera(self, ledger: Ledger) -> None:
        """When, by which rule, how strongly, signed; numbered without a hole."""
        for name in ("gate", "yard"):
            ledger.camera_number(name, NOW)
        parts = (
            ErasedEpochs(
                *(1, (b"a" * 16, b"b" * 16), NOW - DAY, NOW - DAY + 5),
                epochs=(KeySpan(b"a" * 16, NOW - DAY, NOW - DAY + 3), KeySpan(b"b" * 16, NOW - DAY + 3, NOW - DAY + 5)),
                kept=(KeySpan(b"c" * 16, NOW - DAY + 1, NOW - DAY + 2),),
            ),
            ErasedEpochs(2, (), NOW - DAY, NOW - DAY + 5),
        )
        receipt = ledger.record_erasure(
            ErasureReceipt(0, NOW, "retention", "E0", parts, kept_for_holds=3, cell="cell-a"),
            lambda numbered: b"%03d" % numbered.erasure_number + b"s" * 61,
        )
        assert (receipt.erasure_number, receipt.erased, receipt.tier) == (1, parts, "E0")
        assert (receipt.signature, receipt.kept_for_holds, receipt.cell) == (b"001" + b"s" * 61, 3, "cell-a")
        second = ledger.record_erasure(ErasureReceipt(0, NOW, "retention", "E0", ()))
        assert ledger.erasures() == (receipt, second)
        assert ledger.erasures(after_number=1) == (second,)

    def test_an_order_is_carried_out_once(self, ledger: Ledger) -> None:
        """The same order again gives the first receipt."""
        order = ErasureReceipt(0, NOW, "request", "E2", (), "cd" * 16, "Sato", "filmed a home")
        first = ledger.record_erasure(order)
        assert ledger.record_erasure(replace(order, erased_utc_ms=NOW + 1, person="Other")) == first
        assert ledger.erasure("cd" * 16) == first
        assert ledger.erasure("") is None
        assert ledger.erasures() == (first,)

    def test_receipts_outlive_the_timeline(self, ledger: Ledger) -> None:
        """They have a limit of their own."""
        for day in range(4):
            ledger.record_erasure(ErasureReceipt(0, NOW + day * DAY, "retention", "E0", ()))
        ledger.prune(NOW + 100 * DAY, NOW + 2 * DAY)
        assert [receipt.erasure_number for receipt in ledger.erasures()] == [3, 4]
        with pytest.raises(CameraUnknown):
            ledger.record_erasure(ErasureReceipt(0, NOW, "r", "E0", (ErasedEpochs(9, (), 0, 0),)))


class TestCustodianSets:
    def test_one_set_is_in_use_and_the_others_are_remembered(self, ledger: Ledger) -> None:
        """Segments sealed to an older set must still find it."""
        assert ledger.custodian_set_in_use() is None
        first, second = b"1" * 16, b"2" * 16
        for set_id, when in ((first, NOW), (first, NOW + 1), (second, NOW + 2)):
            ledger.install_custodian_set(set_id, threshold=2, custodians=3, document=set_id, now_utc_ms=when)
        assert [(entry.installed_utc_ms, entry.replaced_utc_ms) for entry in ledger.custodian_sets()] == [
            (NOW, NOW + 2),
            (NOW + 2, None),
        ]
        ledger.install_custodian_set(first, threshold=2, custodians=3, document=first, now_utc_ms=NOW + 3)
        in_use = ledger.custodian_set_in_use()
        assert in_use is not None
        assert (in_use.custodian_set_id, in_use.document) == (first, first)

    def test_a_set_that_cannot_open_anything_is_refused(self, ledger: Ledger) -> None:
        """More shares needed than there are, or an id of the wrong size."""
        for set_id, threshold in ((b"1" * 16, 4), (b"1" * 15, 2), (b"1" * 16, 0)):
            with pytest.raises(CustodianSetRefused):
                ledger.install_custodian_set(set_id, threshold=threshold, custodians=3, document=b"", now_utc_ms=NOW)


def test_a_ledger_of_the_first_version_is_brought_up_when_it_is_opened(tmp_path: Path) -> None:
    """Its receipts are there, without times; new ones have them; ledger and mirror alike."""
    paths = tmp_path / "ledger.db", tmp_path / "mirror.db"
    with Ledger.create(*paths, NOW) as ledger:
        ledger.camera_number("gate", NOW)
        ledger.record_erasure(ErasureReceipt(0, NOW, "retention", "E0", (ErasedEpochs(1, (b"a" * 16,), NOW, NOW + 1),)))
    for path in paths:
        connection = sqlite3.connect(path)
        connection.execute("DROP INDEX erased_time")
        newer = (
            ("erasure", "cell"),
            ("erased", "epochs"),
            ("erased", "segments"),
            ("erased", "kept"),
            ("outage", "undated_since"),
        )
        for table, column in newer:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("PRAGMA user_version=1")
        connection.commit()
        connection.close()
    part = ErasedEpochs(1, (b"b" * 16,), NOW, NOW + 9, epochs=(KeySpan(b"b" * 16, NOW, NOW + 9),))
    with Ledger.open(*paths) as ledger:
        ledger.record_erasure(ErasureReceipt(0, NOW + 9, "retention", "E2", (part,), cell="cell-b"))
        ledger.note_outage(1, NOW, GapReason.CAMERA_OFFLINE, undated_since=7)
        assert ledger.shift_outages(1, 7, 1000) == 1
    paths[0].unlink()
    with Ledger.open(*paths) as restored:
        assert [one.utc_ms for one in restored.outages(1, 0, NOW + 2000)] == [NOW + 1000]
        old, new = restored.erasures_of(1, NOW, NOW + 20)
        assert old.erased[0].destroyed() == ()
        assert (new.erased[0].destroyed(), new.cell) == (((NOW, NOW + 9),), "cell-b")
