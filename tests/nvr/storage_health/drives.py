"""What smartctl answers, for tests: documents in the shape that smartmontools 7 prints with --json."""

import json
from typing import Any

SATA_BYTES = 1_000_204_886_016
NVME_BYTES = 512_110_190_592


def smartctl(exit_status: int = 0, *messages: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "version": [7, 3],
        "svn_revision": "5338",
        "platform_info": "x86_64-linux-6.1.0",
        "argv": ["smartctl", "--json=c", "--all", "/dev/sda"],
        "exit_status": exit_status,
    }
    if messages:
        found["messages"] = [{"string": text, "severity": "error"} for text in messages]
    return found


def attribute(number: int, name: str, value: int, raw: int, thresh: int = 0) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "value": value,
        "worst": value,
        "thresh": thresh,
        "when_failed": "now" if value <= thresh else "",
        "flags": {"value": 51, "string": "PO--CK ", "prefailure": True},
        "raw": {"value": raw, "string": str(raw)},
    }


def sata(*attributes: dict[str, Any], passed: bool = True, exit_status: int = 0) -> dict[str, Any]:
    """A SATA drive: what smartctl --all says of it."""
    return {
        "json_format_version": [1, 0],
        "smartctl": smartctl(exit_status),
        "local_time": {"time_t": 1_790_000_000, "asctime": "Mon Sep 21 12:53:20 2026 UTC"},
        "device": {"name": "/dev/sda", "info_name": "/dev/sda [SAT]", "type": "sat", "protocol": "ATA"},
        "model_name": "EXAMPLE SSD 1TB",
        "serial_number": "S3Z9NB0K123456",
        "wwn": {"naa": 5, "oui": 9528, "id": 61920000000},
        "firmware_version": "EXF61W1Q",
        "user_capacity": {"blocks": SATA_BYTES // 512, "bytes": SATA_BYTES},
        "logical_block_size": 512,
        "physical_block_size": 4096,
        "smart_status": {"passed": passed},
        "ata_smart_attributes": {"revision": 16, "table": list(attributes)},
        "power_on_time": {"hours": 8123},
        "temperature": {"current": 31},
    }


def healthy_sata() -> dict[str, Any]:
    return sata(
        attribute(5, "Reallocated_Sector_Ct", 100, 0, 10),
        attribute(177, "Wear_Leveling_Count", 97, 41),
        attribute(197, "Current_Pending_Sector", 100, 0),
        attribute(198, "Offline_Uncorrectable", 100, 0),
        attribute(241, "Total_LBAs_Written", 99, 40_000_000_000),
    )


def failing_sata() -> dict[str, Any]:
    """The overall verdict is bad, a prefailure attribute is below its threshold: bits 3 and 4."""
    return sata(
        attribute(5, "Reallocated_Sector_Ct", 4, 3980, 10),
        attribute(197, "Current_Pending_Sector", 80, 264),
        passed=False,
        exit_status=0b0001_1000,
    )


def nvme(**log: int) -> dict[str, Any]:
    """An NVMe drive."""
    told = {
        "critical_warning": 0,
        "temperature": 38,
        "available_spare": 100,
        "available_spare_threshold": 10,
        "percentage_used": 3,
        "data_units_read": 1_234_567,
        "data_units_written": 20_000_000,
        "power_on_hours": 5100,
        "unsafe_shutdowns": 14,
        "media_errors": 0,
        "num_err_log_entries": 0,
    }
    told |= log
    bad = told["critical_warning"] != 0
    return {
        "json_format_version": [1, 0],
        "smartctl": smartctl(8 if bad else 0),
        "device": {"name": "/dev/nvme0n1", "info_name": "/dev/nvme0n1", "type": "nvme", "protocol": "NVMe"},
        "model_name": "EXAMPLE NVMe 512GB",
        "serial_number": "E2048B07",
        "nvme_total_capacity": NVME_BYTES,
        "user_capacity": {"blocks": NVME_BYTES // 512, "bytes": NVME_BYTES},
        "logical_block_size": 512,
        "smart_status": {"passed": not bad, "nvme": {"value": told["critical_warning"]}},
        "nvme_smart_health_information_log": told,
    }


def unknown_bridge() -> dict[str, Any]:
    """A disk in a USB enclosure that smartctl does not know."""
    text = "/dev/sda: Unknown USB bridge [0x152d:0x0562 (0x214)]"
    return {"json_format_version": [1, 0], "smartctl": smartctl(1, text), "device": {"name": "/dev/sda"}}


def as_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()
