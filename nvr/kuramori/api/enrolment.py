"""Taking cameras into service over HTTP: trying one, and writing it down. For installers without shell or pictures.

No resource here gives a picture. Must not know how a camera is asked or a file is written.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from pydantic import Field

from kuramori.api.camera_views import CameraView
from kuramori.api.cameras import DECIDERS
from kuramori.api.context import Context, Here, TheDesk
from kuramori.api.identity import Installer
from kuramori.api.requests import Body, Line
from kuramori.desk.fault import RegisterAway, RequestInvalid
from kuramori.desk.granted import one_line
from kuramori_config.addresses import MAX_URL_LENGTH
from kuramori_config.values import CAMERA_NAME_PATTERN

if TYPE_CHECKING:
    from kuramori.camera_trial import Trial
    from kuramori.desk.enrolling import Enrolling, NewCamera

SECRET_MOST = 200

router = APIRouter(tags=["cameras"])


class NewCameraBody(Body):
    """A camera about to be taken into service. `fingerprint`: its certificate as compared, for https and rtsps."""

    name: Annotated[str, Field(pattern=CAMERA_NAME_PATTERN)]
    place: Annotated[Line, Field(min_length=1)]
    address: Annotated[str, Field(min_length=1, max_length=MAX_URL_LENGTH)]
    user: Annotated[str | None, Field(min_length=1, max_length=SECRET_MOST)] = None
    password: Annotated[str, Field(max_length=SECRET_MOST, repr=False)] = ""
    retention: Annotated[str, Field(max_length=40)] = ""
    profile: Annotated[str | None, Field(min_length=1, max_length=SECRET_MOST)] = None
    fingerprint: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


@dataclass(frozen=True, slots=True)
class ProfileView:
    """One way to record the camera; null where it does not tell."""

    token: str
    name: str
    codec: str
    width: int | None
    height: int | None
    frames_per_second: float | None
    bitrate_kbps: int | None
    audio: bool | None
    audio_encoding: str
    usable: bool


@dataclass(frozen=True, slots=True)
class TrialView:
    """What a camera that answered is and offers; `proposed` is the profile that would be recorded, and `why`."""

    profiles: tuple[ProfileView, ...]
    proposed: str
    why: str
    vendor: str
    model: str
    firmware: str
    serial: str
    clock_offset_ms: int | None
    oddities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnrolledView:
    """A camera in service. `service`: told (it reads the camera now), not_running or not_permitted."""

    camera: CameraView
    trial: TrialView
    retention: str
    service: str


@router.post("/v1/camera-trials")
async def try_out(caller: Installer, body: NewCameraBody, here: Here, desk: TheDesk) -> TrialView:
    """Ask a camera what it is and offers, as it would be recorded. Nothing is changed, no picture is taken."""
    return _trial(await _enrolling(here).try_out(_wish(body)))


@router.post("/v1/cameras", status_code=201)
async def take(caller: Installer, body: NewCameraBody, here: Here, desk: TheDesk) -> EnrolledView:
    """Take a camera into service: tried, registered, written down, recorded within seconds."""
    decides = bool(caller.roles & DECIDERS)
    made = await _enrolling(here).take(_wish(body), caller.actor, decides=decides)
    view = CameraView.of(made.camera, made.life, here.clock.utc_ms())
    return EnrolledView(view, _trial(made.trial), made.retention, made.told.value)


def _wish(body: NewCameraBody) -> "NewCamera":
    from kuramori.desk.enrolling import NewCamera

    for name in ("place", "address"):
        if not getattr(body, name).strip() or not one_line(getattr(body, name)):
            raise RequestInvalid(name, "one line of text is needed.", "1行の文字列を入力してください。")
    return NewCamera(**body.model_dump())


def _enrolling(here: Context) -> "Enrolling":
    """Return who takes cameras in: made at the first use, for asking cameras takes much that a desk seldom needs."""
    from kuramori.desk.enrolling import Enrolling

    if here.desk is None or here.configuration_path is None:
        raise RegisterAway(here.trouble)
    if here.enrolling is None:
        here.enrolling = Enrolling(here.configuration_path, here.site, here.desk.cameras)
    return here.enrolling


def _trial(found: "Trial") -> TrialView:
    return TrialView(
        profiles=tuple(ProfileView(**asdict(one)) for one in found.profiles),
        proposed=found.proposed,
        why=found.why,
        vendor=found.vendor,
        model=found.model,
        firmware=found.firmware,
        serial=found.serial,
        clock_offset_ms=found.clock_offset_ms,
        oddities=found.oddities,
    )
