"""Bundles over HTTP: opened, waiting sealed, taken whole or from where a download broke off, written, given up.

Thin: reads and checks shapes, asks the desk, shows the result. Must not know rules or keys.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field
from starlette.requests import Request as HttpRequest

from kuramori import log
from kuramori.api.context import TheDesk
from kuramori.api.headers import MANIFEST_HEADER, OPENING_HEADER
from kuramori.api.identity import Filer, Opener
from kuramori.api.ranges import ranged
from kuramori.api.requests import Body, Digest, Id, Line, Names, Uid
from kuramori.api.views import RequestView
from kuramori.clips.job import BUNDLE_MEDIA_TYPE, ExtractionFailed
from kuramori.desk.granted import SEGMENTS_MOST
from kuramori.desk.waiting_bundles import Bundle, BundleFacts
from kuramori.wire import WireBytes

router = APIRouter(prefix="/v1", tags=["bundles"])


class OpenBody(Body):
    """The DEK of each granted segment, by segment uid, and who is present besides the handler."""

    deks: Annotated[dict[Uid, WireBytes], Field(max_length=SEGMENTS_MOST, repr=False)]
    present: Names = ()


class WrittenBody(Body):
    """The bundle stands on this medium and was read back."""

    manifest_digest: Digest
    medium: Line


@dataclass(frozen=True, slots=True)
class BundleView:
    """An opened bundle that waits, sealed, until it is written, given up, or a week old."""

    request_id: str
    opening: int
    manifest_digest: str
    size_bytes: int | None
    opened_utc_ms: int
    until_utc_ms: int
    taken: bool

    @classmethod
    def of(cls, facts: BundleFacts) -> Self:
        """Return the view of a bundle."""
        return cls(
            facts.request_id,
            facts.opening,
            facts.manifest_digest.hex(),
            facts.size_bytes,
            facts.opened_utc_ms,
            facts.until_utc_ms,
            facts.taken,
        )


@dataclass(frozen=True, slots=True)
class BundleList:
    """Those of the caller's own requests, the oldest first."""

    bundles: tuple[BundleView, ...]


@dataclass(frozen=True, slots=True)
class ErasedView:
    """Whether there was anything to erase. What is left on the disk, if anything, has no key any more."""

    erased: bool


@router.get("/bundles")
async def listing(desk: TheDesk, caller: Filer) -> BundleList:
    """Return the opened bundles that wait, of the requests that the caller filed."""
    own = [one for one in desk.opening.bundles.all() if _requester(desk, one.request_id) == caller.person]
    return BundleList(tuple(BundleView.of(one) for one in own))


@router.post("/requests/{request_id}/opening", status_code=201)
async def open_it(request_id: Id, body: OpenBody, desk: TheDesk, caller: Opener) -> BundleView:
    """Open the granted segments; the bundle waits. Registered as opened, and as released before it can be taken."""
    deks = {bytes.fromhex(uid): dek for uid, dek in body.deks.items()}
    return BundleView.of((await desk.opening.open(request_id, deks, body.present, caller.actor)).facts)


@router.post("/requests/{request_id}/bundle", response_class=Response, response_model=None)
async def open_and_take(request_id: Id, body: OpenBody, desk: TheDesk, http: HttpRequest, caller: Opener) -> Response:
    """Open the granted segments and stream the bundle (tar). It waits as well, should it have to be taken again."""
    deks = {bytes.fromhex(uid): dek for uid, dek in body.deks.items()}
    return _answer(http, desk, await desk.opening.open(request_id, deks, body.present, caller.actor))


@router.get("/requests/{request_id}/bundle", response_class=Response, response_model=None)
async def take(request_id: Id, desk: TheDesk, http: HttpRequest, caller: Opener) -> Response:
    """Stream the bundle that waits (tar), or the part that `Range` names."""
    return _answer(http, desk, desk.opening.waiting(request_id, caller.actor))


@router.delete("/requests/{request_id}/bundle")
async def erase(request_id: Id, desk: TheDesk, caller: Opener) -> ErasedView:
    """Give the bundle that waits up: its key is destroyed."""
    return ErasedView(await desk.opening.erase(request_id, caller.actor))


@router.post("/requests/{request_id}/written")
async def written(request_id: Id, body: WrittenBody, desk: TheDesk, caller: Opener) -> RequestView:
    """Note that the bundle stands on its medium and was read back; the hold ends, and what waited is erased."""
    digest = bytes.fromhex(body.manifest_digest)
    return RequestView.of(await desk.opening.written(request_id, digest, body.medium, caller.actor))


def _answer(http: HttpRequest, desk: TheDesk, made: Bundle) -> Response:
    """Stream it. When the worker dies midway the connection is cut: never a short archive that looks whole."""
    headers = {
        MANIFEST_HEADER: made.manifest_digest.hex(),
        OPENING_HEADER: str(made.opening),
        "Cache-Control": "no-store",
    }

    async def pieces(start: int) -> AsyncIterator[bytes]:
        try:
            async for piece in made.pieces(start):
                yield piece
        except ExtractionFailed as failed:
            log.get().error("bundle_broke_off", fault=failed.fault.value, detail=failed.detail)
            await desk.opening.bundles.erase(made.request_id, "its worker has ended")
            raise

    return ranged(
        http,
        size_bytes=made.size_bytes or 0,
        tag=f'"{made.manifest_digest.hex()}"',
        pieces=pieces,
        media_type=BUNDLE_MEDIA_TYPE,
        headers=headers,
    )


def _requester(desk: TheDesk, request_id: str) -> str:
    return desk.journal.request(request_id).document.requester
