"""What the API shows of cameras: frozen values, JSON by their field names. Times are UTC milliseconds.

Must not know HTTP.
"""

from dataclasses import dataclass

from kuramori.camera_messages import CameraFacts
from kuramori.desk.camera_book import AIMS_MOST, CameraLife
from kuramori.desk.site import SiteCamera
from kuramori.door_messages import DoorCamera
from kuramori.messages import CameraStatus


@dataclass(frozen=True, slots=True)
class CameraView:
    """A camera of the configuration with its history in the register. How it records stands in the status.

    `enrolment` 0: the register has not met it yet. `confirmed_utc_ms` null: nobody has confirmed that no private space
    is visible since it was added or replaced (R4). `paused_until_utc_ms` null: it is not paused.
    """

    name: str
    place: str
    address: str
    enrolment: int
    enrolled_utc_ms: int | None
    aims: int
    aims_most: int
    confirmed_utc_ms: int | None
    confirmed_by: str
    paused_until_utc_ms: int | None
    pause_reason: str
    retired_utc_ms: int | None

    @classmethod
    def of(cls, camera: SiteCamera, life: CameraLife | None, now_utc_ms: int) -> "CameraView":
        """Return the view of a camera."""
        known = life or CameraLife()
        paused = known.paused_until_utc_ms > now_utc_ms
        return cls(
            name=camera.name,
            place=camera.place,
            address=camera.address,
            enrolment=known.enrolment,
            enrolled_utc_ms=known.enrolled_utc_ms if known.enrolment else None,
            aims=known.aims,
            aims_most=AIMS_MOST,
            confirmed_utc_ms=known.confirmed_utc_ms,
            confirmed_by=known.confirmed_by,
            paused_until_utc_ms=known.paused_until_utc_ms if paused else None,
            pause_reason=known.pause_reason if paused else "",
            retired_utc_ms=known.retired_utc_ms,
        )


@dataclass(frozen=True, slots=True)
class CameraList:
    """The cameras in the order of the configuration, and those that were removed."""

    cameras: tuple[CameraView, ...]
    removed: tuple[CameraView, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraFactsView:
    """One camera as recorder and door know it; null: who could not be asked, or does not know it."""

    camera: str
    recorder: CameraStatus | None
    door: DoorCamera | None
    facts: CameraFacts | None  # the newer of what the two have


@dataclass(frozen=True, slots=True)
class CameraFactsList:
    """All configured cameras. `problems`: who could not be asked."""

    utc_ms: int
    cameras: tuple[CameraFactsView, ...]
    problems: tuple[str, ...] = ()
