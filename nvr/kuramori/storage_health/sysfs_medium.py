"""Finds the disk under a path and reads what the system and its drive tell of it. Blocks, and may never return.

Call it in a thread that nothing waits for: a file of a dying device can hang. What comes back is capped and may be
rubbish; the pure files beside this one judge that. This module must not know recording.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kuramori.storage_health.drive_report import REPORT_BYTES_MOST, DriveReport, DriveReportUnreadable, read_report
from kuramori.storage_health.flash_registers import FlashRegisters, read_registers
from kuramori.storage_health.medium_facts import MediumFacts
from kuramori.storage_health.medium_report import MediumKind

SYSFS = Path("/sys")
MOUNTS = Path("/proc/self/mountinfo")
FILE_BYTES_MOST = 4096
MOUNTS_BYTES_MOST = 4 << 20
IDENTITY_CHARACTERS_MOST = 128
STORIES_MOST = 8  # partitions on volumes on loops on partitions: nobody builds higher
SECTOR_BYTES = 512
WRITTEN_SECTORS_FIELD = 6  # of `stat`: Documentation/block/stat.rst
CLOCK_SLACK_SECONDS = 86_400.0  # a report from further ahead is not one of now
CID = re.compile(r"[0-9a-f]{32}")
KINDS_OF_PROTOCOL = {"ATA": MediumKind.SATA, "NVMe": MediumKind.NVME}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look; other places in tests."""

    smart_directory: Path
    sysfs: Path = SYSFS
    mounts: Path = MOUNTS


class DeviceUnknown(Exception):
    """There is no one disk under a path; `key` names the sentence that says why."""

    def __init__(self, key: str, value: str = "") -> None:
        self.key, self.value = key, value
        super().__init__(f"{key}: {value}")


def look(path: Path, sources: Sources, utc_seconds: float) -> MediumFacts:
    """Return what is known of the medium under a file, folder or block device. Blocks."""
    try:
        node = find_device(path, sources)
    except DeviceUnknown as unknown:
        return MediumFacts(trouble=unknown.key, trouble_value=unknown.value)
    except OSError as error:
        return MediumFacts(trouble="not_there", trouble_value=error.strerror or str(error))
    kind = _kind(node)
    size_bytes = _number(node / "size", SECTOR_BYTES)
    drive, trouble, age = _drive(node, sources.smart_directory, size_bytes, utc_seconds)
    if drive is not None and kind in (MediumKind.SATA, MediumKind.OTHER):
        kind = KINDS_OF_PROTOCOL.get(drive.protocol, kind)
    return MediumFacts(
        device=node.name,
        kind=kind,
        identity=_identity(node, drive),
        size_bytes=size_bytes,
        written_sectors=_written_sectors(node),
        read_only=_text(node / "ro") == "1",
        registers=_registers(node) if kind is MediumKind.EMMC else None,
        drive=drive,
        report_trouble=trouble if kind in (MediumKind.SATA, MediumKind.NVME) or trouble == "report_foreign" else "",
        report_age_seconds=age,
    )


def find_device(path: Path, sources: Sources) -> Path:
    """Return the folder in sysfs of the disk under a path. Raises DeviceUnknown, OSError."""
    status = path.stat()
    number = status.st_rdev if stat.S_ISBLK(status.st_mode) else status.st_dev
    for _ in range(STORIES_MOST):
        if os.major(number) == 0:
            number = mounted_from(number, sources)
        link = sources.sysfs / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
        if not link.exists():
            raise DeviceUnknown("no_device", f"{os.major(number)}:{os.minor(number)}")
        node = link.resolve()
        if (node / "partition").exists():
            node = node.parent
        below = _below(node)
        if below is None:
            return node
        number = below
    raise DeviceUnknown("too_high")


def _below(node: Path) -> int | None:
    """Return the number of what a device lies on; None: it is a disk."""
    slaves = sorted(one.name for one in (node / "slaves").iterdir()) if (node / "slaves").is_dir() else []
    if len(slaves) > 1:
        raise DeviceUnknown("several_devices", ", ".join(slaves[:8]))
    if slaves:
        return _device_number(_text(node / "slaves" / slaves[0] / "dev"))
    backing = _text(node / "loop" / "backing_file")
    if not backing:
        return None
    status = Path(backing).stat()
    return status.st_rdev if stat.S_ISBLK(status.st_mode) else status.st_dev


def _device_number(text: str) -> int:
    major, _, minor = text.partition(":")
    if not (major.isascii() and major.isdecimal() and minor.isascii() and minor.isdecimal()):
        raise DeviceUnknown("no_device", text[:32])
    return os.makedev(int(major), int(minor))


def mounted_from(number: int, sources: Sources) -> int:
    """Return the block device of a file system that hides its own (btrfs); others have none.

    By its name in sysfs: a service has no nodes of disks in its /dev.
    """
    wanted = f"{os.major(number)}:{os.minor(number)}"
    with sources.mounts.open("rb") as file:
        lines = file.read(MOUNTS_BYTES_MOST).decode(errors="replace").splitlines()
    for line in lines:
        before, _, after = line.partition(" - ")
        left, right = before.split(), after.split()
        if len(left) < 5 or len(right) < 2 or left[2] != wanted:
            continue
        found = _text(sources.sysfs / "class" / "block" / Path(right[1]).name / "dev")
        if not right[1].startswith("/dev/") or not found:
            raise DeviceUnknown("no_disk_below", right[0])
        return _device_number(found)
    raise DeviceUnknown("no_disk_below", wanted)


def _kind(node: Path) -> MediumKind:
    name = node.name
    if name.startswith("mmcblk"):
        return {"MMC": MediumKind.EMMC, "SD": MediumKind.SD}.get(_text(node / "device" / "type"), MediumKind.OTHER)
    if name.startswith("nvme"):
        return MediumKind.NVME
    if name.startswith("sd") and not any(part.startswith("usb") for part in node.parts):
        return MediumKind.SATA
    return MediumKind.OTHER


def _identity(node: Path, drive: DriveReport | None) -> str:
    cid = _text(node / "device" / "cid").lower()
    if CID.fullmatch(cid):
        return f"cid:{cid}"
    for kind, place in (("wwid", "wwid"), ("wwid", "device/wwid"), ("serial", "device/serial"), ("serial", "serial")):
        found = " ".join(_text(node / place).split())
        if found and found.isprintable():
            return f"{kind}:{found[:IDENTITY_CHARACTERS_MOST]}"
    if drive is not None and drive.serial:
        return f"drive:{drive.model} {drive.serial}"
    return ""


def _registers(node: Path) -> FlashRegisters:
    return read_registers(_text(node / "device" / "life_time"), _text(node / "device" / "pre_eol_info"))


def _written_sectors(node: Path) -> int | None:
    fields = _text(node / "stat").split()
    if len(fields) <= WRITTEN_SECTORS_FIELD:
        return None
    word = fields[WRITTEN_SECTORS_FIELD]
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 20 else None


def _drive(
    node: Path, folder: Path, size_bytes: int | None, utc_seconds: float
) -> tuple[DriveReport | None, str, float | None]:
    """Return the drive's own report, or why there is none, and its age in seconds."""
    try:
        with (folder / f"{node.name}.json").open("rb") as file:
            content = file.read(REPORT_BYTES_MOST + 1)
            age = utc_seconds - os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None, "no_report", None
    except OSError:
        return None, "report_unreadable", None
    try:
        report = read_report(content)
    except DriveReportUnreadable:
        return None, "report_unreadable", None
    if age < -CLOCK_SLACK_SECONDS:
        return None, "report_ahead", None
    if report.capacity_bytes is not None and size_bytes is not None and report.capacity_bytes != size_bytes:
        return None, "report_foreign", None
    return report, "", max(age, 0.0)


def _number(path: Path, factor: int) -> int | None:
    text = _text(path)
    return int(text) * factor if text.isascii() and text.isdecimal() and len(text) < 20 else None


def _text(path: Path) -> str:
    """Return a small file's text; what is absent, refused or too long is none."""
    with suppress(OSError), path.open("rb") as file:
        content = file.read(FILE_BYTES_MOST + 1)
        if len(content) <= FILE_BYTES_MOST:
            return content.decode("utf-8", errors="replace").strip()
    return ""


def disks(sysfs: Path) -> Iterator[str]:
    """Yield the names of the disks that a drive's report may exist for."""
    with suppress(OSError):
        for node in sorted((sysfs / "block").iterdir()):
            if re.fullmatch(r"sd[a-z]{1,3}|nvme[0-9]{1,3}n[0-9]{1,3}", node.name):
                yield node.name
