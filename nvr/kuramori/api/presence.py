"""Being present at a viewing or a hand-over, over HTTP: the second person's own word, by an own sign-in.

Either they call themselves, from wherever they are signed in; or they type name, password and code at the handler's
desk at that moment, which opens no session. Must not know what is opened, nor how anybody is proven.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from kuramori.api.context import TheAccounts, TheDesk
from kuramori.api.identity import Caller, Operation, PresenceWitness, RequestReader, judge
from kuramori.api.requests import Body, Id
from kuramori.desk.fault import PersonUnknown
from kuramori.desk.presence import Act
from kuramori.desk.site import Site

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Secret = Annotated[str, StringConstraints(max_length=200)]
NO_STORE = {"Cache-Control": "no-store"}

router = APIRouter(prefix="/v1/requests", tags=["requests"])


class ProofBody(Body):
    """Who is present, and what they type at the desk: used at once and kept nowhere."""

    person: Name
    password: Annotated[Secret, Field(repr=False)]
    code: Annotated[Secret, Field(repr=False)]


class PresenceBody(Body):
    """At what somebody is present. Without a `proof` it is who calls."""

    act: Act
    proof: ProofBody | None = None


@dataclass(frozen=True, slots=True)
class PresentView:
    """Who confirmed, for which act, and how long it still counts."""

    person: str
    act: Act
    left_seconds: int


@dataclass(frozen=True, slots=True)
class PresenceView:
    """Everybody who confirmed and has not been counted yet."""

    request_id: str
    present: tuple[PresentView, ...]


@router.post("/{request_id}/presence", status_code=201)
async def confirm(
    caller: PresenceWitness, request_id: Id, body: PresenceBody, desk: TheDesk, accounts: TheAccounts, answer: Response
) -> PresentView:
    """Confirm being present: good for five minutes, for this granted request and this act, once. Registered."""
    answer.headers.update(NO_STORE)
    witness = caller
    if body.proof is not None:
        proof = body.proof
        desk.journal.request(request_id)  # no code is used up for a request that is not there
        await accounts.prove(proof.person, proof.password, proof.code, caller.place)
        witness = _witness(desk.site, proof.person, f"password and code at the desk of {caller.person}")
        judge(Operation.CONFIRM_PRESENCE, witness, sign_in=True)
    made = await desk.presence.confirm(request_id, body.act, witness.actor)
    return PresentView(made.person, made.act, made.left_seconds)


@router.get("/{request_id}/presence")
async def present(caller: RequestReader, request_id: Id, desk: TheDesk) -> PresenceView:
    """Return who has confirmed being present and not been counted yet."""
    found = desk.presence.confirmed(request_id)
    return PresenceView(request_id, tuple(PresentView(one.person, one.act, one.left_seconds) for one in found))


def _witness(site: Site, name: str, identified_by: str) -> Caller:
    person = site.person(name)
    if person is None:
        raise PersonUnknown("?")
    return Caller(person.name, person.roles, identified_by)
