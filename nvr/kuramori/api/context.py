"""How an endpoint gets at the desk: the one thing that the app carries.

Must not know resources.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from kuramori.desk.account_fault import AccountsOff
from kuramori.desk.accounts.accounts import Accounts
from kuramori.desk.desk import Desk
from kuramori.desk.door import Door
from kuramori.desk.fault import RegisterAway
from kuramori.desk.recorder import Recorder
from kuramori.desk.site import Site
from kuramori.timebase import Clock

if TYPE_CHECKING:
    from kuramori.desk.enrolling import Enrolling


@dataclass(slots=True)
class Context:
    """What the API serves. `desk` is None where the register could not be opened; `trouble` says why."""

    site: Site
    recorder: Recorder
    clock: Clock
    runtime_directory: Path
    desk: Desk | None
    trouble: str = ""
    door: Door | None = None
    sign_in: bool = False  # every person signs in ([api]); then `accounts` is there, unless `desk` is not
    accounts: Accounts | None = None
    configuration_path: Path | None = None
    enrolling: "Enrolling | None" = None  # made at the first use
    network_trouble: str = ""  # why other machines cannot reach the desk, though they should


def context_of(request: Request) -> Context:
    """Return what the app serves."""
    context: Context = request.app.state.context
    return context


def desk_of(request: Request) -> Desk:
    """Return the desk. Raises RegisterAway where its register does not verify."""
    context = context_of(request)
    if context.desk is None:
        raise RegisterAway(context.trouble)
    return context.desk


def accounts_of(request: Request) -> Accounts:
    """Return the accounts. Raises AccountsOff without sign-in, RegisterAway where the register does not verify."""
    context = context_of(request)
    if not context.sign_in:
        raise AccountsOff
    if context.accounts is None:
        raise RegisterAway(context.trouble)
    return context.accounts


Here = Annotated[Context, Depends(context_of)]
TheDesk = Annotated[Desk, Depends(desk_of)]
TheAccounts = Annotated[Accounts, Depends(accounts_of)]
