"""Machines' tokens over HTTP: made with scopes and an end, listed without their secret, revoked.

Must not know what a scope allows.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from kuramori.api.context import Here, TheAccounts
from kuramori.api.identity import TokenKeeper, UserReader
from kuramori.api.paging import ThePage, page_of
from kuramori.api.requests import Body
from kuramori.api.sign_in import NO_STORE, Name
from kuramori.desk.accounts.account import Scope
from kuramori.desk.fault import RequestInvalid

LIFETIME_MOST_MS = 400 * 24 * 3600 * 1000  # a year and some weeks to renew it

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])


class TokenBody(Body):
    """What a machine's token is called, what it may read, and until when."""

    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))]
    until_utc_ms: Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token without its secret."""

    token_id: str
    name: str
    scopes: tuple[Scope, ...]
    made_by: str
    made_utc_ms: int
    until_utc_ms: int


@dataclass(frozen=True, slots=True)
class TokenList:
    """A page of the tokens that are not revoked, oldest first. `next` is null on the last page."""

    tokens: tuple[TokenView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class NewTokenView:
    """A new token, shown once."""

    name: str
    token: str


@router.get("")
async def tokens(caller: UserReader, accounts: TheAccounts, asked: ThePage) -> TokenList:
    """Return the tokens."""
    page = page_of("tokens", accounts.tokens(), lambda one: (one.made_utc_ms, one.token_id), asked)
    shown = (
        TokenView(one.token_id, one.name, one.scopes, one.made_by, one.made_utc_ms, one.until_utc_ms)
        for one in page.rows
    )
    return TokenList(tuple(shown), page.next)


@router.post("", status_code=201)
async def make(
    caller: TokenKeeper, body: TokenBody, here: Here, accounts: TheAccounts, answer: Response
) -> NewTokenView:
    """Make a token. It reads, and never more than its scopes say."""
    now = here.clock.utc_ms()
    if not now < body.until_utc_ms <= now + LIFETIME_MOST_MS:
        raise RequestInvalid("until_utc_ms", "it ends within the next 400 days.", "400日以内の期限にしてください。")
    answer.headers.update(NO_STORE)
    token = await accounts.make_token(body.name, tuple(sorted(set(body.scopes))), body.until_utc_ms, caller.actor)
    return NewTokenView(body.name, token)


@router.post("/{token_id}/revocation", status_code=204)
async def revoke(
    caller: TokenKeeper, token_id: Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")], accounts: TheAccounts
) -> None:
    """Make a token void."""
    await accounts.revoke_token(token_id, caller.actor)
