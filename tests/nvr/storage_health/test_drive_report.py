"""What smartctl's answers mean, and what happens to everything that only looks like one."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.storage_health.drive_report import (
    NUMBER_MOST,
    REPORT_BYTES_MOST,
    DriveReport,
    DriveReportUnreadable,
    read_report,
)
from tests.nvr.storage_health.drives import (
    SATA_BYTES,
    as_bytes,
    attribute,
    failing_sata,
    healthy_sata,
    nvme,
    sata,
    smartctl,
    unknown_bridge,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PLACES = [
    ("device",),
    ("smart_status",),
    ("smart_status", "passed"),
    ("ata_smart_attributes",),
    ("ata_smart_attributes", "table"),
    ("nvme_smart_health_information_log",),
    ("nvme_smart_health_information_log", "percentage_used"),
    ("user_capacity", "bytes"),
    ("serial_number",),
    ("endurance_used",),
    ("smartctl",),
    ("smartctl", "messages"),
]


def read(document: Any) -> DriveReport:
    return read_report(as_bytes(document))


def test_a_healthy_sata_drive() -> None:
    """Verdict, wear and what was written."""
    found = read(healthy_sata())
    assert (found.protocol, found.passed, found.failing, found.unreadable_sectors) == ("ATA", True, False, 0)
    assert found.worn_percent == 3
    assert found.written_bytes == 40_000_000_000 * 512
    assert found.capacity_bytes == SATA_BYTES


def test_a_failing_sata_drive() -> None:
    """It says so itself, and cannot read 264 sectors."""
    found = read(failing_sata())
    assert found.failing
    assert found.passed is False
    assert (found.unreadable_sectors, found.reallocated_sectors) == (264, 3980)


@pytest.mark.parametrize(
    ("bits", "failing", "reached"),
    [
        (0b0000_0001, False, False),
        (0b0000_0010, False, False),
        (0b0000_0100, False, True),
        (0b0000_1000, True, True),
        (0b0001_0000, True, True),
        (0b0010_0000, False, True),
        (0b0100_0000, False, True),
        (0b1000_0000, False, True),
    ],
)
def test_each_bit_of_the_exit_status(bits: int, failing: bool, reached: bool) -> None:
    """Only the two that speak of now make a drive a failing one; errors in its old logs do not."""
    found = read(sata(exit_status=bits))
    assert (found.failing, found.reached) == (failing, reached)


@pytest.mark.parametrize(("warning", "failing"), [(0, False), (1, True), (4, True), (8, True), (16, True)])
def test_each_warning_of_an_nvme_drive(warning: int, failing: bool) -> None:
    """Spare used up, unreliable, read-only, memory backup failed."""
    assert read(nvme(critical_warning=warning)).failing is failing


def test_the_figures_of_an_nvme_drive() -> None:
    """Data units are half a million bytes; wear passes 100 where a drive outlives its rating."""
    found = read(nvme(percentage_used=104, media_errors=7, available_spare=9))
    assert found.written_bytes == 20_000_000 * 512_000
    assert (found.worn_percent, found.media_errors) == (104, 7)
    assert found.failing  # less spare than its own threshold


def test_a_newer_smartctl_says_wear_itself() -> None:
    """Its figure goes before attributes that may mean anything."""
    document = sata(attribute(231, "SSD_Life_Left", 10, 10)) | {"endurance_used": {"current_percent": 12}}
    assert read(document).worn_percent == 12


def test_an_attribute_of_another_name_is_not_guessed() -> None:
    """Vendors use the same numbers for other things, in other units."""
    found = read(sata(attribute(231, "Temperature_Celsius", 70, 30), attribute(241, "Lifetime_Writes_GiB", 99, 5000)))
    assert (found.worn_percent, found.written_bytes) == (None, None)


def test_an_unknown_bridge_is_no_answer() -> None:
    """The disk behind it was not reached; the reason is kept."""
    found = read(unknown_bridge())
    assert not found.reached
    assert "Unknown USB bridge" in found.messages[0]


def test_texts_are_short_and_can_be_printed() -> None:
    """A drive's own name reaches a terminal."""
    found = read(sata() | {"model_name": "\x1b[2J" + "x" * 5000})
    assert found.model.startswith("[2J")
    assert len(found.model) <= 120


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no drive",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"{}",
        b'{"smartctl": 3}',
        b'{"smartctl": {"exit_status": "0"}}',
        b"[" * 100_000,
        b'{"a": ' * 50_000,
        b'{"smartctl": {"exit_status": ' + b"9" * 10_000 + b"}}",
        b" " * (REPORT_BYTES_MOST + 1),
    ],
    ids=range(12),
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    """Empty, rubbish, too deep, too large."""
    with pytest.raises(DriveReportUnreadable):
        read_report(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """A report, or our error."""
    with contextlib.suppress(DriveReportUnreadable):
        read_report(content)


@given(st.sampled_from(PLACES), JSON)
def test_anything_may_stand_anywhere(place: tuple[str, ...], value: Any) -> None:
    """One member of a good report is exchanged for anything: no other error comes of it, and figures stay figures."""
    document = nvme() | healthy_sata() | {"smartctl": smartctl()}
    document["nvme_smart_health_information_log"] = dict(nvme()["nvme_smart_health_information_log"])
    inner = document
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    try:
        found = read_report(json.dumps(document).encode())
    except DriveReportUnreadable:
        return
    assert found.worn_percent is None or 0 <= found.worn_percent <= 255
    assert found.written_bytes is None or 0 <= found.written_bytes < NUMBER_MOST * 1_000_000
