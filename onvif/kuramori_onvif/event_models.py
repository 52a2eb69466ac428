"""What a camera reports, as small frozen values; the only shapes in which its events leave this room.

Lengths are capped and control characters removed when one of these is made. This module must not know SOAP, nor how
or when the words came.
"""

from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What an event is about. Everything that has no name here is OTHER."""

    MOTION = "motion"
    TAMPER = "tamper"
    SIGNAL_LOSS = "signal_loss"
    STORAGE_FAILURE = "storage_failure"
    RECORDING_JOB = "recording_job"
    REBOOT = "reboot"
    OTHER = "other"


class Tamper(StrEnum):
    """The ways in which a camera's sight may be taken (O7). NONE: the event is about something else."""

    NONE = ""
    SCENE_CHANGE = "scene_change"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    SIGNAL_LOSS = "signal_loss"
    TAMPERING = "tampering"  # a vendor's own, not further explained


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """One message of a camera (ONVIF Core 9.5, `tt:Message`). Every text may be empty."""

    kind: EventKind
    topic: str  # the path without prefixes and spaces: "VideoSource/ImageTooDark/ImagingService"
    begins: bool | None  # True: began, False: ended, None: a moment, or the camera does not say
    initialized: bool  # the state at subscription or synchronisation, not a change
    camera_utc_ms: int | None  # by the camera's clock; None: it wrote nothing that is a time
    source: str = ""  # "Source=video1", joined by ", "
    detail: str = ""  # the data: "State=true", joined by ", "
    tamper: Tamper = Tamper.NONE  # TAMPER and SIGNAL_LOSS only
    value: str = ""  # the datum that decides: "true", "Active"
    deleted: bool = False  # the camera no longer keeps this state: it is neither on nor off
