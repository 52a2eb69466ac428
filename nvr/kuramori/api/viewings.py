"""Looking over HTTP: a viewing is begun, asked for pictures, and ended. The pictures pass through, never cached.

Thin: reads and checks shapes, asks the desk, shows the result. Must not know rules, keys or media.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field

from kuramori.api.context import TheDesk
from kuramori.api.headers import NEXT_HEADER
from kuramori.api.identity import Opener
from kuramori.api.requests import Body, Id, Line, Names, Uid
from kuramori.desk.granted import CAMERAS_MOST, SEGMENTS_MOST
from kuramori.desk.viewing_steps import Shown
from kuramori.desk.viewings import IDLE_SECONDS, VIEWING_SECONDS_MOST, Begun
from kuramori.messages import CoverageSpan
from kuramori.viewing.picture_wire import MEDIA_TYPE, Ask, Detail, encode_pictures
from kuramori.wire import WireBytes

Viewing = Annotated[int, Path(ge=1, le=1 << 31)]
AskedUtcMs = Annotated[int, Query(ge=0, lt=1 << 53)]

router = APIRouter(prefix="/v1/requests", tags=["viewings"])


class ViewBody(Body):
    """The DEK of each granted segment, by segment uid, how much is to be seen, and who is present besides."""

    deks: Annotated[dict[Uid, WireBytes], Field(max_length=SEGMENTS_MOST, repr=False)]
    detail: Detail
    present: Names = ()


@dataclass(frozen=True, slots=True)
class ViewedCameraView:
    """One camera of a viewing, with the coverage of the granted minutes."""

    name: str
    place: str
    spans: tuple[CoverageSpan, ...]


@dataclass(frozen=True, slots=True)
class ViewingView:
    """A viewing that goes on. It ends after so many seconds without a question, and after so many in all."""

    request_id: str
    viewing: int
    detail: Detail
    site: str
    time_zone: str
    from_utc_ms: int
    to_utc_ms: int
    cameras: Annotated[tuple[ViewedCameraView, ...], Field(max_length=CAMERAS_MOST)]
    present: tuple[str, ...]
    idle_seconds: float
    seconds_most: float


@dataclass(frozen=True, slots=True)
class ShownView:
    """What was shown, as registered; half open, UTC milliseconds."""

    camera: str
    detail: str
    from_utc_ms: int
    to_utc_ms: int

    @classmethod
    def of(cls, shown: Shown) -> "ShownView":
        """Return the view of a stretch."""
        return cls(shown.camera, shown.detail, shown.from_utc_ms, shown.to_utc_ms)


@dataclass(frozen=True, slots=True)
class ViewingEndedView:
    """A viewing that ended."""

    request_id: str
    viewing: int
    shown: tuple[ShownView, ...]


@router.post("/{request_id}/viewings", status_code=201)
async def begin(request_id: Id, body: ViewBody, desk: TheDesk, caller: Opener) -> ViewingView:
    """Begin to look at the granted minutes. Registered before any key is released; nothing is handed over."""
    deks = {bytes.fromhex(uid): dek for uid, dek in body.deks.items()}
    begun = await desk.viewings.begin(request_id, deks, body.detail, body.present, caller.actor)
    return _view(begun, desk.site.name, desk.site.time_zone)


@router.get(
    "/{request_id}/viewings/{viewing}/pictures",
    response_class=Response,
    response_model=None,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def pictures(
    request_id: Id,
    viewing: Viewing,
    camera: Annotated[Line, Query()],
    detail: Detail,
    from_utc_ms: AskedUtcMs,
    to_utc_ms: AskedUtcMs,
    desk: TheDesk,
    caller: Opener,
) -> Response:
    """Return pictures of a camera, JPEGs behind heads (kuramori.viewing.picture_wire), at most a piece of them.

    A storyboard has one small picture of each ten seconds. The header Kuramori-Next-Utc-Ms says where to go on.
    """
    position = desk.viewings.camera_number(request_id, viewing, camera, caller.actor)
    ask = Ask(position, detail, from_utc_ms, to_utc_ms)
    piece = await desk.viewings.pictures(request_id, viewing, ask, caller.actor)
    headers = {NEXT_HEADER: str(piece.next_utc_ms), "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(encode_pictures(piece.pictures), media_type=MEDIA_TYPE, headers=headers)


@router.post("/{request_id}/viewings/{viewing}/end")
async def end(request_id: Id, viewing: Viewing, desk: TheDesk, caller: Opener) -> ViewingEndedView:
    """End a viewing: the keys are gone, and what was shown is registered."""
    shown = await desk.viewings.end(request_id, viewing, caller.actor)
    return ViewingEndedView(request_id, viewing, tuple(ShownView.of(one) for one in shown))


def _view(begun: Begun, site: str, time_zone: str) -> ViewingView:
    return ViewingView(
        request_id=begun.request_id,
        viewing=begun.viewing,
        detail=begun.detail,
        site=site,
        time_zone=time_zone,
        from_utc_ms=begun.from_utc_ms,
        to_utc_ms=begun.to_utc_ms,
        cameras=tuple(ViewedCameraView(one.name, one.place, one.recording.spans) for one in begun.cameras),
        present=begun.present,
        idle_seconds=IDLE_SECONDS,
        seconds_most=VIEWING_SECONDS_MOST,
    )
