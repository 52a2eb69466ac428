"""Signing in over HTTP: a name, a password and a code become a short session; the first time with the duty of secrecy.

Secrets come in bodies and the Authorization header, never in an address. Must not know how anybody is proven.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import StringConstraints

from kuramori.api.context import TheAccounts
from kuramori.api.identity import AccountOwner, SignInTrier, bearer_of
from kuramori.api.problems import japanese
from kuramori.api.requests import Body
from kuramori.desk.account_fault import LocalOnly
from kuramori.desk.accounts import totp
from kuramori.desk.accounts.accounts import SignedIn
from kuramori.desk.accounts.secrecy import statement

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Secret = Annotated[str, StringConstraints(max_length=200)]
NO_STORE = {"Cache-Control": "no-store"}

router = APIRouter(tags=["sign-in"])


class SignInBody(Body):
    """Who signs in, with what they know and have. `device`: what this machine was given at an earlier sign-in."""

    person: Name
    password: Secret
    code: Secret = ""
    device: Secret = ""


class EnrolmentBody(Body):
    """What finishes the first sign-in."""

    new_password: Secret
    code: Secret
    acknowledged: bool


class RecoveryUseBody(Body):
    """The code from the safe, and whose sign-in it gets back."""

    person: Name
    code: Secret


@dataclass(frozen=True, slots=True)
class EnrolmentView:
    """What the first sign-in still takes: a key for the authenticator, and the duty of secrecy."""

    authenticator_key: str
    secrecy: str


@dataclass(frozen=True, slots=True)
class SignInView:
    """An open sign-in. `token` goes into the header Authorization: Bearer; `device` is kept for the next sign-in."""

    person: str
    token: str
    device: str
    enrolment: EnrolmentView | None


@dataclass(frozen=True, slots=True)
class SessionView:
    """Who is signed in, as the desk sees it."""

    person: str
    roles: tuple[str, ...]
    identified_by: str


@dataclass(frozen=True, slots=True)
class StartView:
    """A password for the first sign-in, shown once."""

    person: str
    start_password: str


@router.post("/v1/sign-in", status_code=201)
async def sign_in(
    caller: SignInTrier, body: SignInBody, accounts: TheAccounts, http: Request, answer: Response
) -> SignInView:
    """Sign in. The first time nothing else is allowed before the enrolment."""
    answer.headers.update(NO_STORE)
    signed = await accounts.sign_in(body.person, body.password, body.code, body.device, caller.place)
    return _view(signed, http)


@router.post("/v1/sign-in/enrolment", status_code=201)
async def enrol(
    caller: SignInTrier, body: EnrolmentBody, accounts: TheAccounts, http: Request, answer: Response
) -> SignInView:
    """Finish the first sign-in: an own password, a code of the authenticator, the duty of secrecy (H3)."""
    answer.headers.update(NO_STORE)
    shown = statement(japanese=japanese(http))
    signed = await accounts.enrol(bearer_of(http), body.new_password, body.code, shown, body.acknowledged)
    return _view(signed, http)


@router.post("/v1/sign-in/recovery", status_code=201)
async def recover(caller: SignInTrier, body: RecoveryUseBody, accounts: TheAccounts, answer: Response) -> StartView:
    """Get a sign-in back with the code from the safe: on the recorder itself, registered, told as a problem."""
    if caller.place.uid is None:
        raise LocalOnly
    answer.headers.update(NO_STORE)
    return StartView(body.person, await accounts.use_code(body.person, body.code, caller.place))


@router.get("/v1/session")
async def session(caller: AccountOwner) -> SessionView:
    """Return who is signed in."""
    return SessionView(caller.person, tuple(sorted(role.value for role in caller.roles)), caller.identified_by)


@router.post("/v1/sign-out", status_code=204)
async def sign_out(caller: AccountOwner, accounts: TheAccounts, http: Request) -> None:
    """End this sign-in."""
    accounts.sign_out(bearer_of(http))


def _view(signed: SignedIn, http: Request) -> SignInView:
    enrolment = None
    if signed.secret:
        enrolment = EnrolmentView(totp.shown(signed.secret), statement(japanese=japanese(http)))
    return SignInView(signed.session.person, signed.token, signed.device, enrolment)
