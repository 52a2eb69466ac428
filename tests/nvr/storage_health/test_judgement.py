"""Green, red or unknown: what decides, and that unknown is never taken for green."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.camera_messages import Light
from kuramori.storage_health.drive_report import read_report
from kuramori.storage_health.flash_registers import FlashRegisters
from kuramori.storage_health.judgement import ERROR_REMEMBERED_MS, REPORT_STALE_SECONDS, Seen, judge
from kuramori.storage_health.medium_facts import MediumFacts, OwnFacts
from kuramori.storage_health.medium_history import MediumLife, MediumPlace
from kuramori.storage_health.medium_report import MediumKind, MediumReport
from kuramori.storage_health.medium_texts import SENTENCES, SOURCES, evidence_text, report_problems
from kuramori.storage_health.sync_pace import LOOKS_TO_LEARN, SyncPace
from tests.nvr.storage_health.drives import as_bytes, failing_sata, healthy_sata, nvme, sata, unknown_bridge

NOW = 1_790_000_000_000
TERABYTE = 10**12
CARD = MediumFacts("mmcblk0", MediumKind.SD, "cid:" + "a" * 32)


def keys(report: MediumReport) -> set[str]:
    return {one.key for one in report.evidence}


def deciding(report: MediumReport) -> set[str]:
    return {one.key for one in report.evidence if one.light is report.light}


def seen(facts: MediumFacts | None, **more: Any) -> MediumReport:
    return judge(Seen("/v", facts, **more), NOW)


def of_drive(document: Any, **more: Any) -> MediumReport:
    drive = read_report(as_bytes(document))
    return seen(MediumFacts("sda", MediumKind.SATA, drive=drive, report_age_seconds=60.0), **more)


class TestRegisters:
    @pytest.mark.parametrize(
        ("registers", "light", "key"),
        [
            (FlashRegisters(3, 1), Light.GREEN, "life_time"),
            (FlashRegisters(10, 2), Light.GREEN, "reserve_warning"),
            (FlashRegisters(11, 1), Light.RED, "life_used_up"),
            (FlashRegisters(1, 3), Light.RED, "reserve_urgent"),
            (FlashRegisters(), Light.UNKNOWN, "registers_undefined"),
        ],
    )
    def test_an_emmc_is_judged_by_its_registers(self, registers: FlashRegisters, light: Light, key: str) -> None:
        """Until its life is used up it is green; how worn it is stands beside."""
        report = seen(MediumFacts("mmcblk0", MediumKind.EMMC, registers=registers))
        assert report.light is light
        assert key in deciding(report)
        assert report.worn_percent == registers.worn_percent


class TestDrives:
    def test_verdicts(self) -> None:
        """What the drive says of itself."""
        assert of_drive(healthy_sata()).light is Light.GREEN
        assert of_drive(failing_sata()).light is Light.RED
        assert of_drive(nvme()).light is Light.GREEN
        assert of_drive(nvme(critical_warning=4)).light is Light.RED
        assert of_drive(nvme(percentage_used=100)).light is Light.RED
        assert of_drive(nvme(percentage_used=85)).light is Light.GREEN

    def test_a_bridge_that_hides_the_disk(self) -> None:
        """Unknown, with the reason; with a rated endurance what was written counts instead."""
        report = of_drive(unknown_bridge())
        assert report.light is Light.UNKNOWN
        assert deciding(report) == {"drive_not_reached", "no_endurance"}
        life = MediumLife("wwid:1", written_bytes=TERABYTE, counted_sectors=1)
        assert of_drive(unknown_bridge(), life=life, endurance_bytes=10 * TERABYTE).light is Light.GREEN

    def test_an_old_report_proves_failure_but_not_health(self) -> None:
        """The timer stopped: red stays, green goes."""
        for document, light in ((healthy_sata(), Light.UNKNOWN), (failing_sata(), Light.RED)):
            drive = read_report(as_bytes(document))
            old = MediumFacts("sda", MediumKind.SATA, drive=drive, report_age_seconds=REPORT_STALE_SECONDS + 1)
            assert seen(old).light is light
            assert "report_stale" in keys(seen(old))

    def test_a_drive_that_says_nothing_of_health(self) -> None:
        """It answers, and tells neither verdict nor wear."""
        silent = sata()
        del silent["smart_status"]
        assert "drive_tells_nothing" in deciding(of_drive(silent))

    @pytest.mark.parametrize("problem", ["no-smartctl", "no-answer"])
    def test_a_drive_that_could_not_be_asked(self, problem: str) -> None:
        """smartctl is missing, or did not end."""
        report = of_drive({"kuramori": {"problem": problem}})
        assert report.light is Light.UNKNOWN
        assert f"report_{problem.replace('-', '_')}" in deciding(report)

    def test_a_timer_that_never_ran(self) -> None:
        """There is no report: unknown, and who writes it."""
        report = seen(MediumFacts("sda", MediumKind.SATA, report_trouble="no_report"))
        assert (report.light, "no_report" in deciding(report)) == (Light.UNKNOWN, True)


class TestCards:
    def test_a_card_is_unknown_without_its_endurance(self) -> None:
        """That nothing has failed yet is no evidence."""
        report = seen(CARD, life=MediumLife("", written_bytes=5, counted_sectors=1))
        assert (report.light, deciding(report)) == (Light.UNKNOWN, {"no_endurance"})

    @pytest.mark.parametrize(("written", "light"), [(0, Light.GREEN), (9, Light.GREEN), (10, Light.RED)])
    def test_a_card_is_judged_by_what_was_written(self, written: int, light: Light) -> None:
        """Against what it is rated to take."""
        life = MediumLife("", written_bytes=written * TERABYTE, counted_sectors=1)
        report = seen(CARD, life=life, endurance_bytes=10 * TERABYTE)
        assert report.light is light
        assert report.worn_percent == written * 10

    def test_write_protection_is_how_cards_end(self) -> None:
        """The card itself takes no writes."""
        report = seen(replace(CARD, read_only=True))
        assert (report.light, deciding(report)) == (Light.RED, {"device_read_only"})

    def test_another_card_alarms_but_may_be_well(self) -> None:
        """The exchange is told beside the light."""
        place = MediumPlace("/v", "cid:" + "b" * 32, CARD.identity)
        life = MediumLife("", written_bytes=1, counted_sectors=1)
        report = seen(CARD, place=place, life=life, endurance_bytes=TERABYTE)
        assert (report.light, report.swapped) == (Light.GREEN, True)
        assert "kuramori storage --accept /v" in report_problems(report)[0]


class TestRecorder:
    @pytest.mark.parametrize(
        ("own", "key"),
        [
            (OwnFacts(fault="EROFS"), "takes_nothing"),
            (OwnFacts(bad_slots=1), "bad_slots"),
            (OwnFacts(damaged_segments=2), "damaged"),
            (OwnFacts(scrub_fault="EIO"), "reads_nothing"),
        ],
    )
    def test_what_the_recorder_met_is_red_whatever_the_drive_says(self, own: OwnFacts, key: str) -> None:
        """A drive that passes its own check and loses pictures is red."""
        report = of_drive(healthy_sata(), own=own)
        assert (report.light, deciding(report)) == (Light.RED, {key})
        assert report.evidence[0].key == key

    def test_an_error_is_remembered_for_a_week(self) -> None:
        """Then it stands there still, and counts no more."""
        for age, light in ((ERROR_REMEMBERED_MS - 1, Light.RED), (ERROR_REMEMBERED_MS, Light.GREEN)):
            life = MediumLife("", io_errors=1, last_error_utc_ms=NOW - age)
            report = of_drive(healthy_sata(), life=life)
            assert report.light is light
            assert "io_errors" in keys(report)

    def test_a_medium_that_became_slow_is_red(self) -> None:
        """It hides its wear by taking longer."""
        life = MediumLife("", pace=SyncPace(0.02, 0.5, LOOKS_TO_LEARN))
        report = of_drive(healthy_sata(), life=life)
        assert (report.light, deciding(report)) == (Light.RED, {"slow"})

    def test_a_system_that_does_not_answer_makes_nothing_green(self) -> None:
        """Even what was counted against the endurance; red stays red."""
        life = MediumLife("", written_bytes=1, counted_sectors=1)
        report = seen(None, silent_seconds=45.0, life=life, endurance_bytes=TERABYTE)
        assert (report.light, "silent" in keys(report)) == (Light.UNKNOWN, True)
        assert seen(None, silent_seconds=45.0, own=OwnFacts(fault="EIO")).light is Light.RED


FACTS = st.builds(
    MediumFacts,
    device=st.just("x"),
    kind=st.sampled_from(MediumKind),
    read_only=st.booleans(),
    registers=st.none() | st.builds(FlashRegisters, st.none() | st.integers(1, 11), st.none() | st.integers(1, 3)),
    drive=st.sampled_from(
        [None, *(read_report(as_bytes(one)) for one in (healthy_sata(), failing_sata(), nvme(), unknown_bridge()))]
    ),
    report_age_seconds=st.none() | st.floats(0, 1e9),
    trouble=st.sampled_from(["", "not_there", "several_devices"]),
)
OWN = st.builds(
    OwnFacts,
    fault=st.sampled_from(["", "EIO"]),
    bad_slots=st.integers(0, 2),
    damaged_segments=st.integers(0, 2),
    scrub_fault=st.sampled_from(["", "EIO"]),
)


@given(st.none() | FACTS, OWN, st.none() | st.integers(1, 10**15), st.integers(0, 10**15))
def test_the_light_is_never_better_than_its_evidence(
    facts: MediumFacts | None, own: OwnFacts, endurance: int | None, written: int
) -> None:
    """Red exactly where some evidence is red, green only where some is green; and every sentence exists."""
    life = MediumLife("", written_bytes=written, counted_sectors=1)
    report = judge(Seen("/v", facts, own=own, life=life, endurance_bytes=endurance), NOW)
    lights = [one.light for one in report.evidence]
    assert (report.light is Light.RED) == (Light.RED in lights)
    assert report.light is not Light.GREEN or Light.GREEN in lights
    for one in report.evidence:
        assert one.key in SENTENCES
        assert one.source in SOURCES
        assert "{value}" not in evidence_text(one)
