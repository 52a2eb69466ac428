"""Who calls, and what they may do: the one place where both are decided.

Without a table [api] a caller on the desk's Unix socket declares a person of the configuration (header Kuramori-Person,
percent-encoded UTF-8); the kernel says which uid called, and the register notes both. With it every person is signed in
(Authorization: Bearer), on the socket too, and nobody acts in another's name. Must not know resources.
"""

import asyncio
import ipaddress
import os
import socket
import struct
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request

from kuramori import log
from kuramori.api.context import Context
from kuramori.api.headers import PERSON_HEADER
from kuramori.api.patience import PatientProtocol
from kuramori.desk.account_fault import EnrolmentUnfinished, PersonDiffers, ScopeMissing, SignInMissing
from kuramori.desk.accounts.account import Scope
from kuramori.desk.accounts.accounts import TOKEN_PREFIX, Place
from kuramori.desk.fault import DeskFault, PersonMissing, PersonUnknown, RegisterAway, RoleMissing
from kuramori.desk.journal import Actor
from kuramori.desk.site import Site
from kuramori_config.schema import Role

PERSON_HEADER_MOST = 1024
BEARER_MOST = 256
LOCAL_HOST = "uid"  # where an address would stand, of a caller on the Unix socket
_UCRED = struct.Struct("3i")  # pid, uid, gid (unix(7), SO_PEERCRED)


class Operation(StrEnum):
    """What can be asked of the API, as far as permission goes."""

    LOOK_AT_HEALTH = "look at health"  # status, cameras, coverage, checkpoints: no person is named in them
    APPROVE = "approve"  # proven by a custodian's key, not by a role
    FILE = "file"
    DECIDE = "decide"
    DOCUMENT = "note the document of an urgent request"
    OPEN = "open"
    CONFIRM_PRESENCE = "confirm being present"
    LOOK_THROUGH = "look through masked copies and confirm them"
    SEE_REQUESTS = "see requests"
    SEE_REGISTER = "see the register"
    SEE_KEEPING = "see holds and erasures"
    HOLD = "hold"
    ERASE = "erase"
    ENROL = "add, replace or remove cameras"
    INSTALL = "try cameras, take new ones into service"
    PAUSE = "pause cameras"
    AIM = "look at a still for aiming"
    CONFIRM_VIEW = "confirm a camera's view"
    CHANGE_CUSTODY = "propose custodians, release them, use and replace the recovery key"
    SEE_CUSTODY = "see custodians"
    BACK_UP = "make backups"
    MANAGE_MEDIA = "retire media, permit them to leave"
    KEEP_CAMERAS = "accept a camera's certificate"
    SIGN_IN = "sign in"  # proven by password and code, or the code from the safe
    OWN_ACCOUNT = "see the own sign-in, leave"
    SEE_USERS = "see accounts and tokens"
    KEEP_USERS = "add, reset and end accounts, print the recovery code"
    KEEP_TOKENS = "make and revoke tokens"
    TAKE_COMPLAINT = "write complaints down"
    ANSWER_COMPLAINT = "answer complaints"
    SEE_COMPLAINTS = "see complaints"
    PRINT = "print rules, notices and empty forms"
    AUDIT = "see the audit, print the report"
    OWN_JOBS = "see and stop the own jobs"


_DECIDERS = frozenset({Role.MANAGER, Role.DEPUTY})
_DESK_STAFF = _DECIDERS | {Role.HANDLER}

# None: whoever can open the socket, which is for the recorder's group only; over the network whoever is signed in.
PERMITTED: dict[Operation, frozenset[Role] | None] = {
    Operation.LOOK_AT_HEALTH: None,
    Operation.APPROVE: None,
    Operation.FILE: frozenset({Role.HANDLER}),
    Operation.DECIDE: _DECIDERS,
    Operation.DOCUMENT: _DESK_STAFF,
    Operation.OPEN: frozenset({Role.HANDLER}),
    Operation.CONFIRM_PRESENCE: _DESK_STAFF,
    Operation.LOOK_THROUGH: _DESK_STAFF,
    Operation.SEE_REQUESTS: _DESK_STAFF | {Role.AUDITOR},
    Operation.SEE_REGISTER: _DESK_STAFF | {Role.AUDITOR},
    Operation.SEE_KEEPING: _DESK_STAFF | {Role.AUDITOR, Role.ADMINISTRATOR},
    Operation.HOLD: _DECIDERS,
    Operation.ERASE: _DECIDERS,
    Operation.ENROL: _DECIDERS | {Role.ADMINISTRATOR},
    Operation.INSTALL: _DECIDERS | {Role.ADMINISTRATOR, Role.INSTALLER},
    Operation.PAUSE: _DESK_STAFF | {Role.ADMINISTRATOR},
    Operation.AIM: frozenset({Role.INSTALLER, Role.HANDLER}),
    Operation.CONFIRM_VIEW: frozenset({Role.HANDLER}),
    Operation.CHANGE_CUSTODY: _DECIDERS,
    Operation.SEE_CUSTODY: _DESK_STAFF | {Role.AUDITOR, Role.ADMINISTRATOR},
    Operation.BACK_UP: _DECIDERS | {Role.ADMINISTRATOR},
    Operation.MANAGE_MEDIA: _DECIDERS,
    Operation.KEEP_CAMERAS: _DECIDERS | {Role.ADMINISTRATOR},
    Operation.SIGN_IN: None,
    Operation.OWN_ACCOUNT: frozenset(Role),
    Operation.SEE_USERS: _DECIDERS | {Role.ADMINISTRATOR, Role.AUDITOR},
    Operation.KEEP_USERS: _DECIDERS | {Role.ADMINISTRATOR},
    Operation.KEEP_TOKENS: _DECIDERS | {Role.ADMINISTRATOR},
    Operation.TAKE_COMPLAINT: _DESK_STAFF,
    Operation.ANSWER_COMPLAINT: _DECIDERS,
    Operation.SEE_COMPLAINTS: _DESK_STAFF | {Role.AUDITOR},
    Operation.PRINT: frozenset(Role) - {Role.CUSTODIAN},
    Operation.AUDIT: _DECIDERS | {Role.AUDITOR},
    Operation.OWN_JOBS: frozenset(Role),
}

# What a machine's token may do. A scope that is not named here may do nothing.
SCOPED: dict[Scope, frozenset[Operation]] = {
    Scope.HEALTH: frozenset({Operation.LOOK_AT_HEALTH}),
    Scope.KEEPING: frozenset({Operation.SEE_KEEPING}),
    Scope.CUSTODY: frozenset({Operation.SEE_CUSTODY}),
    Scope.REGISTER: frozenset({Operation.SEE_REGISTER}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; `person` is empty where nobody was declared or signed in."""

    person: str
    roles: frozenset[Role]
    identified_by: str
    place: Place = field(default_factory=Place)
    scopes: frozenset[Scope] | None = None  # of a machine's token
    founding: bool = False  # root or the service itself, on the recorder, before the first account

    @property
    def actor(self) -> Actor:
        """What the register notes."""
        return Actor(self.person, self.identified_by)


class PeerProtocol(PatientProtocol):
    """The HTTP protocol, with the uid of a Unix socket's peer where an address would stand."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the peer."""
        super().connection_made(transport)
        self.client = (LOCAL_HOST, peer_uid(transport.get_extra_info("socket")))
        self.require_share(str(self.client))


def peer_uid(connection: socket.socket) -> int:
    """Return the uid of the process at the other end of a Unix socket, -1 where the kernel does not say."""
    try:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    except (OSError, AttributeError):
        return -1
    uid: int = _UCRED.unpack(credentials)[1]
    return uid


async def identify(request: Request) -> Caller:
    """Return who calls. Raises PersonUnknown for a person without duties; SignInMissing, PersonDiffers, …"""
    context: Context = request.app.state.context
    site: Site = request.app.state.site
    name = declared_name(request)
    if context.sign_in:
        return _signed_in(context, site, place_of(request), bearer_of(request), name)
    uid = request.client.port if request.client is not None else -1
    identified_by = f"declared on the local socket, uid {uid}"
    if not name:
        return Caller("", frozenset(), identified_by)
    return _person(site, name, identified_by)


def declared_name(request: Request) -> str:
    """Return who the caller says acts; "" for nobody."""
    declared = request.headers.get(PERSON_HEADER, "")
    return urllib.parse.unquote(declared, errors="replace")[:PERSON_HEADER_MOST]


def bearer_of(request: Request) -> str:
    """Return the token that the caller shows; "" for none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip()[:BEARER_MOST] if scheme.lower() == "bearer" else ""


def place_of(request: Request) -> Place:
    """Return where the caller is: the uid at the local socket, or the address, of IPv6 the network of one site."""
    host, port = (request.client.host, request.client.port) if request.client is not None else ("", -1)
    if host == LOCAL_HOST:
        return Place(uid=port)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return Place(host or "?")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return Place(str(ipaddress.ip_network((address, 64), strict=False)))
    return Place(host)


def _signed_in(context: Context, site: Site, place: Place, token: str, name: str) -> Caller:
    where = f"the local socket, uid {place.uid}" if place.uid is not None else place.address
    accounts = context.accounts
    if not token:
        if accounts is None or not accounts.nobody_yet or place.uid not in (0, os.geteuid()) or not name:
            return Caller("", frozenset(), f"not signed in, {where}", place)
        declared = _person(site, name, f"declared before the first account, {where}")
        return replace(declared, place=place, founding=True)
    if accounts is None:
        raise RegisterAway(context.trouble)
    if token.startswith(TOKEN_PREFIX):
        machine = accounts.token(token)
        if machine is None:
            raise SignInMissing
        return Caller("", frozenset(), f"token {machine.token_id}, {where}", place, frozenset(machine.scopes))
    session = accounts.session(token)
    if session is None:
        raise SignInMissing
    if session.new_secret is not None:
        raise EnrolmentUnfinished
    if name and name != session.person:
        raise PersonDiffers(session.person)
    return replace(_person(site, session.person, f"signed in, {where}"), place=place)


def _person(site: Site, name: str, identified_by: str) -> Caller:
    person = site.person(name)
    if person is None:
        raise PersonUnknown("".join(letter if letter.isprintable() else "?" for letter in name[:64]))
    return Caller(person.name, person.roles, identified_by)


# Which operation each dependency below stands for: the app refuses to start with a route that has none.
OPERATION_OF: dict[object, Operation] = {}


def permit(operation: Operation) -> Callable[..., Awaitable[Caller]]:
    """Return the dependency that lets through who may do this. Raises PersonMissing, RoleMissing, SignInMissing, …"""

    async def check(request: Request, caller: Annotated[Caller, Depends(identify)]) -> Caller:
        context: Context = request.app.state.context
        request.state.caller, request.state.operation = caller, operation  # for the log
        try:
            judge(operation, caller, sign_in=context.sign_in)
        except DeskFault as refused:
            _note(request, operation, caller, refused.code)
            raise
        _note(request, operation, caller, "permitted")
        return caller

    OPERATION_OF[check] = operation
    return check


async def trying(request: Request) -> Caller:
    """Return from where somebody tries to sign in; who it is has to be proven first."""
    caller = Caller("", frozenset(), "not signed in", place_of(request))
    request.state.caller, request.state.operation = caller, Operation.SIGN_IN
    return caller


OPERATION_OF[trying] = Operation.SIGN_IN


def judge(operation: Operation, caller: Caller, *, sign_in: bool) -> None:
    """Let a caller do this or raise why not. Pure."""
    allowed = PERMITTED[operation]
    if caller.scopes is not None:
        if not any(operation in SCOPED.get(scope, ()) for scope in caller.scopes):
            raise ScopeMissing
        return
    if caller.founding and operation is not Operation.KEEP_USERS and allowed is not None:
        raise SignInMissing
    if allowed is None:
        if sign_in and not caller.person and caller.place.uid is None:
            raise SignInMissing
        return
    if not caller.person:
        raise SignInMissing if sign_in else PersonMissing
    if not caller.roles & allowed:
        raise RoleMissing(caller.person, tuple(sorted(role.value for role in allowed)))


def route_of(request: Request) -> str:
    """Return which resource is called, without what the caller put into its address; "" where there is none."""
    if request.scope.get("route") is None:
        return ""
    names = {str(value): f"{{{name}}}" for name, value in request.path_params.items()}
    return "/".join(names.get(part, part) for part in request.url.path.split("/"))


def _note(request: Request, operation: Operation, caller: Caller, verdict: str) -> None:
    """Log who is about to do what, before it is done; a local look at health by nobody is too frequent to tell."""
    looks = operation is Operation.LOOK_AT_HEALTH and not caller.person and caller.scopes is None
    if looks and verdict == "permitted":
        return
    log.get().info(
        "call",
        method=request.method,
        route=route_of(request),
        operation=operation.name,
        person=caller.person,
        identified_by=caller.identified_by,
        verdict=verdict,
    )


# The parameter of an endpoint says who may use it: `caller: Filer`.
Anybody = Annotated[Caller, Depends(permit(Operation.LOOK_AT_HEALTH))]
Approver = Annotated[Caller, Depends(permit(Operation.APPROVE))]
Filer = Annotated[Caller, Depends(permit(Operation.FILE))]
Documenter = Annotated[Caller, Depends(permit(Operation.DOCUMENT))]
Decider = Annotated[Caller, Depends(permit(Operation.DECIDE))]
Opener = Annotated[Caller, Depends(permit(Operation.OPEN))]
PresenceWitness = Annotated[Caller, Depends(permit(Operation.CONFIRM_PRESENCE))]
MaskingWitness = Annotated[Caller, Depends(permit(Operation.LOOK_THROUGH))]
RequestReader = Annotated[Caller, Depends(permit(Operation.SEE_REQUESTS))]
RegisterReader = Annotated[Caller, Depends(permit(Operation.SEE_REGISTER))]
KeepingReader = Annotated[Caller, Depends(permit(Operation.SEE_KEEPING))]
Holder = Annotated[Caller, Depends(permit(Operation.HOLD))]
Eraser = Annotated[Caller, Depends(permit(Operation.ERASE))]
Installer = Annotated[Caller, Depends(permit(Operation.INSTALL))]
Enroller = Annotated[Caller, Depends(permit(Operation.ENROL))]
Pauser = Annotated[Caller, Depends(permit(Operation.PAUSE))]
Aimer = Annotated[Caller, Depends(permit(Operation.AIM))]
Handler = Annotated[Caller, Depends(permit(Operation.CONFIRM_VIEW))]
CameraKeeper = Annotated[Caller, Depends(permit(Operation.KEEP_CAMERAS))]
CustodyManager = Annotated[Caller, Depends(permit(Operation.CHANGE_CUSTODY))]
CustodyReader = Annotated[Caller, Depends(permit(Operation.SEE_CUSTODY))]
BackupMaker = Annotated[Caller, Depends(permit(Operation.BACK_UP))]
MediaManager = Annotated[Caller, Depends(permit(Operation.MANAGE_MEDIA))]
SignInTrier = Annotated[Caller, Depends(trying)]
AccountOwner = Annotated[Caller, Depends(permit(Operation.OWN_ACCOUNT))]
UserReader = Annotated[Caller, Depends(permit(Operation.SEE_USERS))]
UserKeeper = Annotated[Caller, Depends(permit(Operation.KEEP_USERS))]
TokenKeeper = Annotated[Caller, Depends(permit(Operation.KEEP_TOKENS))]
ComplaintTaker = Annotated[Caller, Depends(permit(Operation.TAKE_COMPLAINT))]
ComplaintAnswerer = Annotated[Caller, Depends(permit(Operation.ANSWER_COMPLAINT))]
ComplaintReader = Annotated[Caller, Depends(permit(Operation.SEE_COMPLAINTS))]
PaperPrinter = Annotated[Caller, Depends(permit(Operation.PRINT))]
Auditor = Annotated[Caller, Depends(permit(Operation.AUDIT))]
JobOwner = Annotated[Caller, Depends(permit(Operation.OWN_JOBS))]
