"""Cameras over HTTP: which there are and how it stands with them; their life; aiming; the report on their sound.

The still of `aim` is the only picture that any resource gives without a granted request (R4); it is never cached.
Must not know rules, video or how anything is asked of a camera.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from kuramori.api.camera_views import CameraFactsList, CameraFactsView, CameraList, CameraView
from kuramori.api.context import Context, Here, TheDesk
from kuramori.api.headers import AIMS_LEFT_HEADER
from kuramori.api.identity import Aimer, Anybody, CameraKeeper, Enroller, Handler, Pauser
from kuramori.api.requests import Body, Line, UtcMs
from kuramori.camera_messages import Pause
from kuramori.desk.audio_report import AudioReport, audio_line, newest
from kuramori.desk.camera_book import CameraBook
from kuramori.desk.camera_steps import EnrolledBy
from kuramori.desk.door import asking_door
from kuramori.desk.fault import CameraUnknown, DoorAway, RecorderAway, RequestInvalid
from kuramori.desk.granted import one_line
from kuramori.desk.recorder import asking
from kuramori.desk.site import SiteCamera
from kuramori.door_messages import DoorCamera
from kuramori.messages import Acknowledged, CameraStatus
from kuramori_config.addresses import MAX_URL_LENGTH
from kuramori_config.schema import Role
from kuramori_config.values import CAMERA_NAME_PATTERN

JPEG = "image/jpeg"
DECIDERS = frozenset({Role.MANAGER, Role.DEPUTY})

router = APIRouter(tags=["cameras"])
Name = Annotated[str, Path(pattern=CAMERA_NAME_PATTERN)]


class EnrolmentBody(Body):
    """A camera that is about to stand in the configuration."""

    how: Annotated[str, Field(pattern="^(added|replaced)$")]
    address: Annotated[str, Field(min_length=1, max_length=MAX_URL_LENGTH)]
    place: Line


class ReasonBody(Body):
    """Why."""

    reason: Line


class PauseBody(Body):
    """Until when nothing is recorded, and why."""

    until_utc_ms: UtcMs
    reason: Line


class AimBody(Body):
    """Who looks at the still, and which handler is present."""

    installer: Line
    handler: Line


class CertificateBody(Body):
    """The certificate that is trusted from now on, and the one before it."""

    fingerprint: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    before: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""


@router.get("/v1/cameras")
async def cameras(here: Here, caller: Anybody) -> CameraList:
    """Return the configured cameras with what the register has of each, then those that were removed."""
    book = here.desk.cameras.book if here.desk is not None else CameraBook()
    now_utc_ms = here.clock.utc_ms()
    listed = [CameraView.of(camera, book.of(camera.name), now_utc_ms) for camera in here.site.cameras]
    removed = [CameraView.of(camera, book.of(camera.name), now_utc_ms) for camera in here.site.removed]
    return CameraList(tuple(listed), tuple(removed))


@router.get("/v1/cameras/facts")
async def facts(here: Here, caller: Anybody) -> CameraFactsList:
    """Return what door and recorder know of each camera beside its pictures, the newer of the two."""
    statuses, told, problems = await _ask_both(here)
    found = []
    for camera in here.site.cameras:
        status, door = statuses.get(camera.name), told.get(camera.name)
        known = newest(door.facts if door is not None else None, status.facts if status is not None else None)
        found.append(CameraFactsView(camera.name, status, door, known))
    return CameraFactsList(here.clock.utc_ms(), tuple(found), problems)


@router.get("/v1/audio-report")
async def audio_report(here: Here, caller: Anybody) -> AudioReport:
    """Return for each camera what sound was offered, chosen, kept on its card and decided, with evidence (R3)."""
    statuses, told, problems = await _ask_both(here)
    lines = []
    for camera in here.site.cameras:
        status, door = statuses.get(camera.name), told.get(camera.name)
        known = newest(door.facts if door is not None else None, status.facts if status is not None else None)
        lines.append(audio_line(camera, status, known))
    return AudioReport(here.clock.utc_ms(), here.site.name, tuple(lines), problems)


@router.post("/v1/cameras/{name}/enrolment", status_code=201)
async def enrol(name: Name, body: EnrolmentBody, desk: TheDesk, caller: Enroller) -> CameraView:
    """Register that a camera is added or replaced. Aiming counts anew where a manager or deputy does it."""
    _check(body.place, "place")
    _check(body.address, "address")
    camera = SiteCamera(name, body.place, body.address)
    new_count = bool(caller.roles & DECIDERS)
    life = await desk.cameras.enrol(camera, EnrolledBy(body.how), caller.actor, new_count=new_count)
    return CameraView.of(camera, life, desk.clock.utc_ms())


@router.post("/v1/cameras/{name}/retirement")
async def retire(name: Name, body: ReasonBody, desk: TheDesk, caller: Enroller) -> Acknowledged:
    """Register that a camera is removed for good. Its recordings end with their retention."""
    _check(body.reason, "reason")
    await desk.cameras.retire(name, body.reason, caller.actor)
    return Acknowledged()


@router.post("/v1/cameras/{name}/pause", status_code=201)
async def pause(name: Name, body: PauseBody, desk: TheDesk, caller: Pauser) -> Pause:
    """Record nothing of a camera until a time; the gap's reason is maintenance. It ends by itself."""
    _check(body.reason, "reason")
    return await desk.cameras.pause(name, body.until_utc_ms, body.reason, caller.actor)


@router.post("/v1/cameras/{name}/resumption")
async def resume(name: Name, body: ReasonBody, desk: TheDesk, caller: Pauser) -> Pause:
    """End a pause now."""
    _check(body.reason, "reason")
    return await desk.cameras.resume(name, body.reason, caller.actor)


@router.post("/v1/cameras/{name}/still", response_class=Response, responses={200: {"content": {JPEG: {}}}})
async def aim(name: Name, body: AimBody, desk: TheDesk, caller: Aimer) -> Response:
    """Show one still to an installer while a handler is present. Registered before it leaves, stored nowhere (R4)."""
    shown = await desk.aiming.aim(name, body.installer, body.handler, caller.actor)
    headers = {"Cache-Control": "no-store", AIMS_LEFT_HEADER: str(shown.left)}
    return Response(shown.still.jpeg, media_type=JPEG, headers=headers)


@router.post("/v1/cameras/{name}/view-confirmation", status_code=201)
async def confirm_view(name: Name, desk: TheDesk, caller: Handler) -> CameraView:
    """Register that no private space is visible in the picture (R4)."""
    life = await desk.cameras.confirm_view(name, caller.actor)
    camera = desk.site.in_service(name) or SiteCamera(name, "")
    return CameraView.of(camera, life, desk.clock.utc_ms())


@router.post("/v1/cameras/{name}/certificate", status_code=201)
async def accept_certificate(
    name: Name, body: CertificateBody, here: Here, desk: TheDesk, caller: CameraKeeper
) -> Acknowledged:
    """Register that another TLS certificate of a camera is trusted, and tell who has to know it."""
    await desk.cameras.accept_certificate(name, body.fingerprint, body.before, caller.actor, here.door)
    return Acknowledged()


@router.post("/v1/cameras/{name}/inquiry", status_code=202)
async def ask(name: Name, here: Here, caller: CameraKeeper) -> Acknowledged:
    """Have the door ask a camera again now, also after a refused password; what it learns shows in the facts."""
    if here.site.in_service(name) is None:
        raise CameraUnknown(name)
    if here.door is None:
        raise DoorAway
    async with asking_door():
        await here.door.refresh(name)
    return Acknowledged()


async def _ask_both(here: Context) -> tuple[dict[str, CameraStatus], dict[str, DoorCamera], tuple[str, ...]]:
    """Return what recorder and door know, by camera, and a sentence for each that does not answer."""
    statuses: dict[str, CameraStatus] = {}
    told: dict[str, DoorCamera] = {}
    problems = []
    try:
        async with asking():
            statuses = {status.name: status for status in (await here.recorder.status()).cameras}
    except RecorderAway as away:
        problems.append(away.english)
    try:
        if here.door is not None:
            async with asking_door():
                told = {camera.name: camera for camera in (await here.door.status()).cameras}
    except DoorAway as away:
        problems.append(away.english)
    return statuses, told, tuple(problems)


def _check(text: str, field: str) -> None:
    if not text.strip() or not one_line(text):
        raise RequestInvalid(field, "one line of text is needed.", "1行の文字列を入力してください。")
