"""Bodies of the register past their five years over HTTP: which, and their deletion on the manager's confirmation.

Must not know how long they are kept.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from kuramori.api.context import TheDesk
from kuramori.api.identity import Eraser, RegisterReader
from kuramori.api.paging import ThePage, page_of
from kuramori.api.requests import Body
from kuramori.desk.body_keeping import BodyKeeping, KeptRequest
from kuramori.desk.desk import Desk
from kuramori.desk.fault import RegisterAway
from kuramori.desk.register import RegisterDamaged

CONFIRMED_MOST = 10_000  # requests at once

router = APIRouter()  # part of that of the register

RequestNumber = Annotated[str, StringConstraints(pattern=r"^C?[0-9]{8}-[0-9]{1,9}$")]


@dataclass(frozen=True, slots=True)
class OverView:
    """A page of the requests whose five years are over, oldest first. `next` is null on the last page."""

    requests: tuple[KeptRequest, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class DeletionView:
    """The entry that says which bodies went."""

    entry: int
    requests: int


class DeletionBody(Body):
    """The requests whose entries the manager has seen and lets go: each by its number, none by a rule."""

    requests: Annotated[tuple[RequestNumber, ...], Field(min_length=1, max_length=CONFIRMED_MOST)]


@router.get("/over")
async def over(desk: TheDesk, caller: RegisterReader, asked: ThePage) -> OverView:
    """Return the requests whose bodies may go, and those that have to stay all the same."""
    page = page_of("over", await _over(desk), lambda kept: (kept.newest_utc_ms, kept.request), asked)
    return OverView(page.rows, page.next)


@router.post("/over/deletion", status_code=201)
async def delete(body: DeletionBody, desk: TheDesk, caller: Eraser) -> DeletionView:
    """Delete the bodies of exactly these requests. It cannot be undone; the entries and the tree stay."""
    confirmed = tuple(dict.fromkeys(body.requests))
    record = await _keeping(desk).delete(await _over(desk), confirmed, caller.actor, desk.clock.utc_ms())
    return DeletionView(record.entry.index, len(confirmed))


def _keeping(desk: Desk) -> BodyKeeping:
    return BodyKeeping(desk.journal, ZoneInfo(desk.site.time_zone))


async def _over(desk: Desk) -> list[KeptRequest]:
    try:
        return await asyncio.to_thread(_keeping(desk).over, desk.clock.utc_ms())
    except RegisterDamaged as damage:
        raise RegisterAway(str(damage)) from damage
