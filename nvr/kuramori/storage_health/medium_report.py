"""What is said of one medium: its light, and every piece of evidence with its source. Plain values that cross rooms.

This module must not know where evidence comes from, nor languages.
"""

from dataclasses import dataclass
from enum import StrEnum

from kuramori.camera_messages import Light


class MediumKind(StrEnum):
    """What a medium is, as far as the system tells."""

    EMMC = "emmc"
    SD = "sd"
    SATA = "sata"
    NVME = "nvme"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen. `light` None: it counts neither way. `key` names the sentence, `value` fills it."""

    source: str  # sysfs, smartctl, recorder, scrub, configuration, memory
    key: str
    value: str = ""
    light: Light | None = None


@dataclass(frozen=True, slots=True)
class MediumReport:
    """One medium. Times are UTC milliseconds."""

    volume: str  # path of the volume, or of the state directory, that lies on it
    device: str = ""  # the kernel's name of the disk; empty where it is not known
    kind: MediumKind = MediumKind.OTHER
    light: Light = Light.UNKNOWN
    light_since_utc_ms: int | None = None
    evidence: tuple[Evidence, ...] = ()  # what decides stands first
    identity: str = ""  # such as "cid:…"; empty where the medium has none
    accepted_identity: str = ""
    swapped: bool = False  # another one than the one accepted last
    worn_percent: float | None = None  # above 100 when its life is used up
    written_bytes: int | None = None
    endurance_bytes: int | None = None
    report_age_seconds: float | None = None  # of the drive's own report
    looked_utc_ms: int | None = None  # when the system was last asked with success

    def report_age_at(self, utc_ms: int) -> float | None:
        """Return how old the drive's report is now, in seconds."""
        if self.report_age_seconds is None or self.looked_utc_ms is None:
            return None
        return self.report_age_seconds + max(0, utc_ms - self.looked_utc_ms) / 1000


@dataclass(frozen=True, slots=True)
class MediaHealthRequest:
    """How are the recorder's own media?"""


@dataclass(frozen=True, slots=True)
class MediaHealth:
    """All of them, in the order of the configuration, and the one under the state directory."""

    utc_ms: int
    media: tuple[MediumReport, ...]


@dataclass(frozen=True, slots=True)
class AcceptMediumRequest:
    """The medium that lies there now is the right one."""

    volume: str
    person: str
    identity: str = ""  # what was seen when it was ordered; another one is not accepted
