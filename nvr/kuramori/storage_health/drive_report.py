"""What a drive tells of itself, read from the JSON of `smartctl --json --all`. Pure, and made for rubbish.

Sources: smartctl(8) of smartmontools 7, "EXIT STATUS" and its JSON output; NVMe Base Specification, SMART / Health
Information log (critical warning, percentage used; a data unit is 1000 times 512 bytes). The file is written by a
privileged unit, from what a drive says: neither is trusted. This module must not know files.
"""

import json
from dataclasses import dataclass
from typing import Any

REPORT_BYTES_MOST = 1 << 20
TEXT_CHARACTERS_MOST = 120
MESSAGES_MOST = 4
NUMBER_MOST = 2**63
PERCENT_MOST = 255.0  # NVMe's percentage used ends there
NVME_DATA_UNIT_BYTES = 512_000
NVME_WARNINGS_RED = 0b0001_1101  # spare used up, unreliable, read-only, memory backup failed; bit 1 is temperature
EXIT_OPEN_FAILED = 0b0000_0011  # the command line, or the device could not be opened
EXIT_FAILING_NOW = 0b0000_1000  # "DISK FAILING"
EXIT_PREFAIL_NOW = 0b0001_0000  # prefailure attributes at or below their threshold
ATTRIBUTE_REALLOCATED = 5
ATTRIBUTE_PENDING = 197
ATTRIBUTE_UNCORRECTABLE = 198
ATTRIBUTE_WRITTEN = (241, "Total_LBAs_Written")  # other names count in other units
ATTRIBUTES_OF_LIFE = {  # of these the normalised value is what is left of 100
    177: "Wear_Leveling_Count",
    202: "Percent_Lifetime_Remain",
    231: "SSD_Life_Left",
    233: "Media_Wearout_Indicator",
}


class DriveReportUnreadable(ValueError):
    """The file is no report of smartctl."""


@dataclass(frozen=True, slots=True)
class DriveReport:
    """One drive, as it tells. None: it does not tell."""

    protocol: str = ""  # "ATA", "NVMe", "SCSI"; empty where the drive was not reached
    model: str = ""
    serial: str = ""
    capacity_bytes: int | None = None
    exit_status: int = 0
    messages: tuple[str, ...] = ()  # what smartctl had to complain of
    problem: str = ""  # why the unit could not ask, by a fixed short name
    passed: bool | None = None  # its own overall verdict
    worn_percent: float | None = None
    written_bytes: int | None = None
    critical_warning: int | None = None  # NVMe, bits
    spare_percent: float | None = None
    spare_least_percent: float | None = None
    media_errors: int | None = None
    pending_sectors: int | None = None
    uncorrectable_sectors: int | None = None
    reallocated_sectors: int | None = None

    @property
    def reached(self) -> bool:
        """Tell whether the drive answered at all."""
        return not self.problem and not self.exit_status & EXIT_OPEN_FAILED

    @property
    def failing(self) -> bool:
        """Tell whether the drive, or a threshold of its own, says that it fails."""
        spare, least = self.spare_percent, self.spare_least_percent
        return (
            self.passed is False
            or bool(self.exit_status & (EXIT_FAILING_NOW | EXIT_PREFAIL_NOW))
            or bool((self.critical_warning or 0) & NVME_WARNINGS_RED)
            or (spare is not None and least is not None and spare < least)
        )

    @property
    def unreadable_sectors(self) -> int:
        """How many sectors cannot be read now, or could never be mended."""
        return max(self.pending_sectors or 0, self.uncorrectable_sectors or 0)


def read_report(content: bytes) -> DriveReport:
    """Return what the report says. Raises DriveReportUnreadable."""
    if len(content) > REPORT_BYTES_MOST:
        raise DriveReportUnreadable(f"the report has more than {REPORT_BYTES_MOST} bytes")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as cause:
        raise DriveReportUnreadable("the report is not JSON") from cause
    if not isinstance(found, dict) or not isinstance(found.get("smartctl"), dict | None):
        raise DriveReportUnreadable("the report is not one of smartctl")
    problem = _text(found, "kuramori", "problem")
    exit_status = _number(found, "smartctl", "exit_status")
    if not problem and exit_status is None:
        raise DriveReportUnreadable("the report is not one of smartctl")
    attributes = _attributes(found)
    worn, written = _wear(found, attributes), _written(found, attributes)
    nvme = ("nvme_smart_health_information_log",)
    return DriveReport(
        protocol=_text(found, "device", "protocol"),
        model=_text(found, "model_name") or _text(found, "scsi_model_name"),
        serial=_text(found, "serial_number"),
        capacity_bytes=_whole(found, "user_capacity", "bytes"),
        exit_status=int(exit_status or 0) & 0xFF,
        messages=_messages(found),
        problem=problem,
        passed=_flag(found, "smart_status", "passed"),
        worn_percent=min(worn, PERCENT_MOST) if worn is not None else None,
        written_bytes=written,
        critical_warning=_whole(found, *nvme, "critical_warning"),
        spare_percent=_number(found, *nvme, "available_spare"),
        spare_least_percent=_number(found, *nvme, "available_spare_threshold"),
        media_errors=_whole(found, *nvme, "media_errors"),
        pending_sectors=_raw(attributes, ATTRIBUTE_PENDING),
        uncorrectable_sectors=_raw(attributes, ATTRIBUTE_UNCORRECTABLE),
        reallocated_sectors=_raw(attributes, ATTRIBUTE_REALLOCATED),
    )


def _wear(found: Any, attributes: dict[int, Any]) -> float | None:
    told = (
        ("endurance_used", "current_percent"),
        ("nvme_smart_health_information_log", "percentage_used"),
        ("scsi_percentage_used_endurance_indicator",),
    )
    for path in told:
        number = _number(found, *path)
        if number is not None:
            return number
    left = [
        value
        for number, name in ATTRIBUTES_OF_LIFE.items()
        if _text(attributes.get(number), "name") == name
        and (value := _number(attributes[number], "value")) is not None
        and 1 <= value <= 100
    ]
    return 100.0 - min(left) if left else None


def _written(found: Any, attributes: dict[int, Any]) -> int | None:
    units = _whole(found, "nvme_smart_health_information_log", "data_units_written")
    if units is not None:
        return units * NVME_DATA_UNIT_BYTES
    number, name = ATTRIBUTE_WRITTEN
    blocks = _raw(attributes, number)
    if blocks is None or _text(attributes[number], "name") != name:
        return None
    return blocks * (_whole(found, "logical_block_size") or 512)


def _attributes(found: Any) -> dict[int, Any]:
    """The ATA attributes by their number."""
    table = _at(found, "ata_smart_attributes", "table")
    if not isinstance(table, list):
        return {}
    return {int(number): row for row in table[:256] if (number := _number(row, "id")) is not None}


def _raw(attributes: dict[int, Any], number: int) -> int | None:
    return _whole(attributes.get(number), "raw", "value")


def _messages(found: Any) -> tuple[str, ...]:
    messages = _at(found, "smartctl", "messages")
    if not isinstance(messages, list):
        return ()
    return tuple(text for one in messages[:MESSAGES_MOST] if (text := _text(one, "string")))


def _at(value: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _number(value: Any, *path: str) -> float | None:
    found = _at(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return found if 0 <= found < NUMBER_MOST else None


def _whole(value: Any, *path: str) -> int | None:
    found = _number(value, *path)
    return int(found) if found is not None else None


def _flag(value: Any, *path: str) -> bool | None:
    found = _at(value, *path)
    return found if isinstance(found, bool) else None


def _text(value: Any, *path: str) -> str:
    """A text that can be printed; whatever else is there is none."""
    found = _at(value, *path)
    if not isinstance(found, str):
        return ""
    return "".join(letter for letter in found[:TEXT_CHARACTERS_MOST] if letter.isprintable()).strip()
