"""Accounts over HTTP: who has one, giving one, a new start password, leaving, the recovery code.

Must not know how anybody is proven.
"""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from kuramori.api.context import TheAccounts, TheDesk
from kuramori.api.identity import AccountOwner, Operation, UserKeeper, UserReader, judge
from kuramori.api.paging import ThePage, page_of
from kuramori.api.problems import japanese
from kuramori.api.requests import Body
from kuramori.api.sign_in import NO_STORE, Name, StartView
from kuramori.desk.accounts.secrecy import statement

router = APIRouter(prefix="/v1/users", tags=["users"])


class UserBody(Body):
    """A person of the configuration."""

    person: Name


class LeavingBody(Body):
    """Who leaves. `acknowledged` is for one's own leaving: the duty of secrecy goes on."""

    person: Name
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class UserView:
    """An account. `roles` are those of the configuration now; times are 0 where it did not happen."""

    person: str
    roles: tuple[str, ...]
    made_utc_ms: int
    is_enrolled: bool
    secrecy_acknowledged_utc_ms: int
    left_utc_ms: int


@dataclass(frozen=True, slots=True)
class UserList:
    """A page of the accounts, also of those who left, by name. `next` is null on the last page."""

    users: tuple[UserView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class RecoveryCodeView:
    """The administrator recovery code, shown once, for the safe."""

    code: str


@router.get("")
async def users(caller: UserReader, accounts: TheAccounts, desk: TheDesk, asked: ThePage) -> UserList:
    """Return the accounts."""
    found = []
    page = page_of("users", accounts.accounts(), lambda account: (account.person,), asked)
    for one in page.rows:
        person = desk.site.person(one.person)
        roles = tuple(sorted(role.value for role in person.roles)) if person else ()
        found.append(
            UserView(one.person, roles, one.made_utc_ms, one.is_enrolled, one.acknowledged_utc_ms, one.left_utc_ms)
        )
    return UserList(tuple(found), page.next)


@router.post("", status_code=201)
async def add(caller: UserKeeper, body: UserBody, accounts: TheAccounts, answer: Response) -> StartView:
    """Give a person of the configuration an account; the start password is good for a week and one sign-in."""
    answer.headers.update(NO_STORE)
    start = await accounts.add(body.person, caller.actor, again=False, founding=caller.founding)
    return StartView(body.person, start)


@router.post("/resets", status_code=201)
async def reset(caller: UserKeeper, body: UserBody, accounts: TheAccounts, answer: Response) -> StartView:
    """Give a new start password; the old password, authenticator, devices and sign-ins count no more."""
    answer.headers.update(NO_STORE)
    return StartView(body.person, await accounts.add(body.person, caller.actor, again=True))


@router.post("/departures", status_code=204)
async def leave(caller: AccountOwner, body: LeavingBody, accounts: TheAccounts, http: Request) -> None:
    """End the own account, acknowledging secrecy once more; or, as who keeps accounts, another's."""
    if body.person != caller.person:
        judge(Operation.KEEP_USERS, caller, sign_in=True)
    shown = statement(japanese=japanese(http))
    await accounts.leave(body.person, caller.actor, shown, acknowledged=body.acknowledged)


@router.post("/recovery-codes", status_code=201)
async def make_code(caller: UserKeeper, accounts: TheAccounts, answer: Response) -> RecoveryCodeView:
    """Make the administrator recovery code anew; the one before is void (O4)."""
    answer.headers.update(NO_STORE)
    return RecoveryCodeView(await accounts.make_code(caller.actor))
