"""The life of each camera as the register has it: enrolments, aiming, confirmation of its view, pauses, removal.

Pure: fed with the register's steps. `judge` refuses what cannot follow from what happened, before it is written. Must
not know the recorder, the configuration or the register.
"""

from dataclasses import dataclass, field, replace

from kuramori.desk.camera_steps import (
    Aimed,
    CameraEnrolled,
    CameraPaused,
    CameraResumed,
    CameraRetired,
    CameraStep,
    CertificateAccepted,
    EnrolledBy,
    ViewConfirmed,
)
from kuramori.desk.fault import AimingUsedUp, CameraRemoved, CameraUnknown, EnrolmentChanged

AIMS_MOST = 12  # stills in one enrolment (R4)


@dataclass(frozen=True, slots=True)
class CameraLife:
    """One camera's history in short. `confirmed_utc_ms` is None until a handler has confirmed its view."""

    enrolment: int = 0
    enrolled_utc_ms: int = 0
    address: str = ""
    aims: int = 0
    confirmed_utc_ms: int | None = None
    confirmed_by: str = ""
    paused_until_utc_ms: int = 0
    pause_reason: str = ""
    paused_by: str = ""
    certificate: str = ""
    retired_utc_ms: int | None = None

    @property
    def aims_left(self) -> int:
        """How many stills may still be shown in this enrolment."""
        return AIMS_MOST - self.aims


@dataclass(slots=True)
class CameraBook:
    """Every camera that the register has met, by name."""

    lives: dict[str, CameraLife] = field(default_factory=dict)

    def of(self, camera: str) -> CameraLife | None:
        """Return what is known of a camera."""
        return self.lives.get(camera)

    def in_service(self, camera: str) -> CameraLife:
        """Return a camera that is in service. Raises CameraUnknown, CameraRemoved."""
        life = self.lives.get(camera)
        if life is None:
            raise CameraUnknown(camera)
        if life.retired_utc_ms is not None:
            raise CameraRemoved(camera)
        return life

    def judge(self, step: CameraStep) -> None:
        """Refuse a step that cannot follow. Raises CameraUnknown, CameraRemoved, EnrolmentChanged, AimingUsedUp."""
        known = self.lives.get(step.camera)
        if known is not None and known.retired_utc_ms is not None:
            raise CameraRemoved(step.camera)
        if isinstance(step, CameraEnrolled):
            if step.enrolment != (known.enrolment if known is not None else 0) + 1:
                raise EnrolmentChanged(step.camera)
            return
        if known is None:
            raise CameraUnknown(step.camera)
        if isinstance(step, Aimed | ViewConfirmed) and step.enrolment != known.enrolment:
            raise EnrolmentChanged(step.camera)
        if isinstance(step, Aimed) and not (step.number == known.aims + 1 <= AIMS_MOST):
            raise AimingUsedUp(step.camera, AIMS_MOST)

    def apply(self, step: CameraStep, person: str, utc_ms: int) -> None:
        """Note a step that happened."""
        life = self.lives.get(step.camera, CameraLife())
        match step:
            case CameraEnrolled():
                life = _enrolled(life, step, utc_ms)
            case CameraRetired():
                life = replace(life, retired_utc_ms=utc_ms, paused_until_utc_ms=0)
            case CameraPaused():
                life = replace(life, paused_until_utc_ms=step.until_utc_ms, pause_reason=step.reason, paused_by=person)
            case CameraResumed():
                life = replace(life, paused_until_utc_ms=0)
            case Aimed():
                life = replace(life, aims=step.number)
            case ViewConfirmed():
                life = replace(life, confirmed_utc_ms=utc_ms, confirmed_by=person)
            case CertificateAccepted():
                life = replace(life, certificate=step.fingerprint)
        self.lives[step.camera] = life


def _enrolled(life: CameraLife, step: CameraEnrolled, utc_ms: int) -> CameraLife:
    """Another device or place asks for another look; a mere line in the configuration does not forget one."""
    same_view = step.how is EnrolledBy.FOUND
    return CameraLife(
        enrolment=step.enrolment,
        enrolled_utc_ms=utc_ms,
        address=step.address,
        aims=0 if step.new_count else life.aims,
        confirmed_utc_ms=life.confirmed_utc_ms if same_view else None,
        confirmed_by=life.confirmed_by if same_view else "",
        paused_until_utc_ms=life.paused_until_utc_ms,
        pause_reason=life.pause_reason,
        paused_by=life.paused_by,
    )
