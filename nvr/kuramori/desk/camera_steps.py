"""What can happen to a camera beside requests, one frozen value each: further bodies of the register.

Like `steps`, whose tables name them: field names are part of the register's format (REGISTER.md) and never change
their meaning. Who did it stands in the entry. Pure.
"""

from dataclasses import dataclass
from enum import StrEnum


class EnrolledBy(StrEnum):
    """How a camera came to be in service."""

    ADDED = "added"
    REPLACED = "replaced"  # another device under the same name and history
    FOUND = "found"  # the desk found it in the configuration; nobody told it who wrote it there


@dataclass(frozen=True, slots=True)
class CameraEnrolled:
    """A camera is in service, at this address, from here on. `new_count`: aiming it counts anew (R4)."""

    camera: str
    enrolment: int  # 1 for the first of this name
    how: EnrolledBy
    address: str  # as configured, without credentials
    place: str
    new_count: bool


@dataclass(frozen=True, slots=True)
class CameraRetired:
    """A camera is out of service for good; its name is never used again. Its recordings end with their retention."""

    camera: str
    reason: str


@dataclass(frozen=True, slots=True)
class CameraPaused:
    """Nothing is recorded of it until then, unless it is resumed before."""

    camera: str
    until_utc_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class CameraResumed:
    """The pause ends now."""

    camera: str
    reason: str


@dataclass(frozen=True, slots=True)
class Aimed:
    """One still of it is about to be shown to an installer while a handler is present; nothing of it is kept (R4)."""

    camera: str
    enrolment: int
    number: int  # which one of AIMS_MOST, from 1
    installer: str
    handler: str


@dataclass(frozen=True, slots=True)
class ViewConfirmed:
    """A handler has seen that no private space is visible (R4)."""

    camera: str
    enrolment: int


@dataclass(frozen=True, slots=True)
class CertificateAccepted:
    """Another TLS certificate of the camera is trusted from here on."""

    camera: str
    fingerprint: str  # "sha256:" and 64 hexadecimal digits; "": `before` is not trusted after all
    before: str  # the one that was trusted, "" if none


CameraStep = CameraEnrolled | CameraRetired | CameraPaused | CameraResumed | Aimed | ViewConfirmed | CertificateAccepted
CAMERA_STEPS = (
    CameraEnrolled,
    CameraRetired,
    CameraPaused,
    CameraResumed,
    Aimed,
    ViewConfirmed,
    CertificateAccepted,
)
