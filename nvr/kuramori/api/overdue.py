"""What is overdue over HTTP, and custodians' word for the time where no clock is trusted (K4).

Must not know keys.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from kuramori.api.context import TheDesk
from kuramori.api.identity import Eraser, KeepingReader
from kuramori.api.requests import Body, UtcMs
from kuramori.erasure_messages import Overdue
from kuramori.messages import Erasure
from kuramori.wire import WireBytes
from kuramori_segments.limits import MAX_CUSTODIANS

router = APIRouter(prefix="/v1/overdue", tags=["keeping"])


class StatementBody(Body):
    """Which date the custodians shall vouch for; without one, what the recorder's clock shows."""

    later_than_utc_ms: UtcMs | None = None


class ConfirmationsBody(Body):
    """What custodians signed."""

    confirmations: Annotated[tuple[WireBytes, ...], Field(max_length=MAX_CUSTODIANS)]


@dataclass(frozen=True, slots=True)
class StatementView:
    """A statement to be signed by `needed` custodians on their own machines."""

    document: WireBytes
    later_than_utc_ms: int
    needed: int


@router.get("")
async def overdue(desk: TheDesk, caller: KeepingReader) -> Overdue:
    """Return what is over by a clock that is not trusted."""
    return await desk.overdue.overdue()


@router.post("/statement", status_code=201)
async def state(body: StatementBody, desk: TheDesk, caller: Eraser) -> StatementView:
    """Return a new statement. Nothing changes by it."""
    statement = desk.overdue.state(body.later_than_utc_ms)
    return StatementView(statement.to_bytes(), statement.later_than_utc_ms, desk.custodians().k)


@router.post("/confirmations", status_code=201)
async def confirm(body: ConfirmationsBody, desk: TheDesk, caller: Eraser) -> Erasure:
    """Destroy what is overdue by a date that k custodians confirm. It cannot be undone."""
    return await desk.overdue.take(body.confirmations, caller.actor)
