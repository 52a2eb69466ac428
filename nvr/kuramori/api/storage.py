"""Health of the recorder's own media over HTTP (O2).

Must not know how a light comes to be.
"""

from fastapi import APIRouter

from kuramori.api.context import Here, TheDesk
from kuramori.api.ending import Volume
from kuramori.api.identity import Anybody, MediaManager
from kuramori.api.requests import Body
from kuramori.desk.recorder import asking
from kuramori.storage_health.medium_report import MediaHealth, MediumReport

router = APIRouter(tags=["media"])


class AcceptanceBody(Body):
    """Under which volume the medium that lies there now is the right one."""

    volume: Volume


@router.get("/v1/storage")
async def storage(here: Here, caller: Anybody) -> MediaHealth:
    """Return light, wear and evidence of every medium of the recorder."""
    async with asking():
        return await here.recorder.media_health()


@router.post("/v1/storage/acceptances", status_code=201)
async def accept(body: AcceptanceBody, desk: TheDesk, caller: MediaManager) -> MediumReport:
    """Say that an exchanged medium is the right one; the alarm of an exchanged medium ends."""
    return await desk.media.accept(body.volume, caller.actor)
