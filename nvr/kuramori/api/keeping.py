"""Holds and erasures over HTTP (K5): for named cameras and times, by a named person, with a reason and an end.

Must not know how keys are kept or destroyed.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query

from kuramori.api.context import TheDesk
from kuramori.api.identity import Eraser, Holder, KeepingReader
from kuramori.api.paging import ThePage, make_cursor, page_of, read_cursor
from kuramori.api.requests import Body, Cameras, Line, UtcMs
from kuramori.capacity_messages import HoldBudget
from kuramori.desk.call_fault import CursorInvalid
from kuramori.desk.fault import RequestInvalid
from kuramori.desk.granted import one_line
from kuramori.desk.keeping import new_id
from kuramori.desk.recorder import asking
from kuramori.desk.site import Site
from kuramori.desk.steps import EraseOrdered, HoldPlaced
from kuramori.erasure_messages import ErasureProof, ErasureProofRequest
from kuramori.messages import Acknowledged, Erasure, Hold

HOLD_MOST_MS = 366 * 24 * 3600 * 1000  # a hold has an end; it can be placed again
ERASURES = "erasures"
NUMBERS_MOST = 1 << 62

router = APIRouter(tags=["keeping"])
HoldId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


class HoldBody(Body):
    """What to keep longer, until when, and why."""

    cameras: Cameras
    from_utc_ms: UtcMs
    to_utc_ms: UtcMs
    until_utc_ms: UtcMs
    reason: Line


class LiftBody(Body):
    """Why a hold ends."""

    reason: Line


class EraseBody(Body):
    """What to erase before its time, and why."""

    camera: Line
    from_utc_ms: UtcMs
    to_utc_ms: UtcMs
    reason: Line


@dataclass(frozen=True, slots=True)
class HoldList:
    """A page of the holds in force, oldest first, and how much of the rings holds may keep and do."""

    holds: tuple[Hold, ...]
    budget: HoldBudget | None
    next: str | None


@dataclass(frozen=True, slots=True)
class ErasureList:
    """A page of receipts, oldest first. `next` is null once nothing stands behind."""

    erasures: tuple[Erasure, ...]
    next: str | None


@router.get("/v1/holds")
async def holds(desk: TheDesk, caller: KeepingReader, asked: ThePage) -> HoldList:
    """Return the holds in force, as the recorder has them."""
    async with asking():
        found = await desk.recorder.holds()
    page = page_of("holds", found.holds, lambda hold: (hold.placed_utc_ms, hold.hold_id), asked)
    return HoldList(page.rows, found.budget, page.next)


@router.post("/v1/holds", status_code=201)
async def place(body: HoldBody, desk: TheDesk, caller: Holder) -> Hold:
    """Place a hold. Refused where it would push other cameras below their floor."""
    _check(desk.site, body.cameras, body.from_utc_ms, body.to_utc_ms, body.reason)
    now = desk.clock.utc_ms()
    if not now < body.until_utc_ms <= now + HOLD_MOST_MS:
        raise RequestInvalid(
            "until_utc_ms", "a hold ends in the future, within 366 days.", "延長の期限は366日以内の将来としてください。"
        )
    step = HoldPlaced(new_id(), body.cameras, body.from_utc_ms, body.to_utc_ms, body.until_utc_ms, body.reason)
    return await desk.keeping.place(step, caller.actor)


@router.post("/v1/holds/{hold_id}/lift")
async def lift(hold_id: HoldId, body: LiftBody, desk: TheDesk, caller: Holder) -> Acknowledged:
    """End a hold now."""
    _check_reason(body.reason)
    await desk.keeping.lift(hold_id, body.reason, caller.actor)
    return Acknowledged()


@router.get("/v1/erasures")
async def erasures(
    desk: TheDesk,
    caller: KeepingReader,
    asked: ThePage,
    after_number: Annotated[int, Query(ge=0, lt=NUMBERS_MOST)] = 0,
) -> ErasureList:
    """Return the receipts of destroyed keys after this number, oldest first."""
    if asked.cursor:
        after_number = number_before(asked.cursor)
    async with asking():
        found = (await desk.recorder.erasures(after_number)).erasures
    shown = found[: asked.limit]
    behind = make_cursor(ERASURES, (shown[-1].number,)) if shown else None  # empty only behind the last
    return ErasureList(shown, behind)


def number_before(cursor: str) -> int:
    """Return behind which receipt the page of a cursor begins. Raises CursorInvalid."""
    match read_cursor(ERASURES, cursor):
        case (int(number),) if 0 <= number < NUMBERS_MOST:
            return number
    raise CursorInvalid


@router.get("/v1/erasures/proof")
async def erasure_proof(
    desk: TheDesk,
    caller: KeepingReader,
    camera: Annotated[str, Query(max_length=64)],
    from_utc_ms: Annotated[int, Query(ge=0)],
    to_utc_ms: Annotated[int, Query(ge=0)],
) -> ErasureProof:
    """Return what became of every moment of a camera's minutes, with the signed receipts of what was destroyed."""
    async with asking(camera):
        return await desk.recorder.erasure_proof(ErasureProofRequest(camera, from_utc_ms, to_utc_ms))


@router.post("/v1/erasures", status_code=201)
async def erase(body: EraseBody, desk: TheDesk, caller: Eraser) -> Erasure:
    """Destroy the keys of a range now; minutes under a hold stay. It cannot be undone."""
    _check(desk.site, (body.camera,), body.from_utc_ms, body.to_utc_ms, body.reason)
    order = EraseOrdered(new_id(), body.camera, body.from_utc_ms, body.to_utc_ms, body.reason)
    return await desk.keeping.erase(order, caller.actor)


def _check(site: Site, cameras: tuple[str, ...], from_utc_ms: int, to_utc_ms: int, reason: str) -> None:
    if not cameras or len(set(cameras)) != len(cameras) or any(site.camera(name) is None for name in cameras):
        raise RequestInvalid(
            "cameras", "name cameras of this site, each once.", "登録されたカメラを重複なく指定してください。"
        )
    if from_utc_ms >= to_utc_ms:
        raise RequestInvalid("to_utc_ms", "the range has to end after it begins.", "終了は開始より後にしてください。")
    _check_reason(reason)


def _check_reason(reason: str) -> None:
    if not reason or not one_line(reason):
        raise RequestInvalid("reason", "a reason in one line is needed.", "理由を1行で入力してください。")
