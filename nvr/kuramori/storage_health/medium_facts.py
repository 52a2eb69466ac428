"""What a look at a medium finds, before anybody judges: plain values from the system, the drive and the recorder.

This module must not know how any of it is read.
"""

from dataclasses import dataclass

from kuramori.storage_health.drive_report import DriveReport
from kuramori.storage_health.flash_registers import FlashRegisters
from kuramori.storage_health.medium_report import MediumKind


@dataclass(frozen=True, slots=True)
class MediumFacts:
    """As the system tells it. `trouble`: why nothing more is known, by the key of its sentence."""

    device: str = ""
    kind: MediumKind = MediumKind.OTHER
    identity: str = ""
    size_bytes: int | None = None
    written_sectors: int | None = None  # of 512 bytes, since the device came to this machine or the machine started
    read_only: bool = False  # the device itself takes no writes
    registers: FlashRegisters | None = None  # eMMC only
    drive: DriveReport | None = None
    report_trouble: str = ""  # why there is no drive's report: the key of a sentence; "" where none is expected
    report_age_seconds: float | None = None
    trouble: str = ""
    trouble_value: str = ""


@dataclass(frozen=True, slots=True)
class OwnFacts:
    """As the recorder itself has found the medium."""

    fault: str = ""  # it does not take recordings now: why
    io_errors: int = 0  # EIO since the recorder started
    bad_slots: int = 0
    damaged_segments: int = 0  # reading back found them changed
    scrub_fault: str = ""  # nothing can be read back: why
    commits: int = 0  # since the recorder started
    commit_seconds: float = 0.0  # all of them together
