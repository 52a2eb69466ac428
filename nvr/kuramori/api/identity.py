"""Who calls, and what they may do: the one place where both are decided.

Today a caller on the desk's Unix socket declares a person of the configuration (header Kuramori-Person, percent-
encoded UTF-8); the kernel says which uid called, and the register notes both. Sign-in over TLS takes the place of
`identify` and nothing else changes. Must not know resources.
"""

import asyncio
import socket
import struct
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from kuramori.api.headers import PERSON_HEADER
from kuramori.desk.fault import PersonMissing, PersonUnknown, RoleMissing
from kuramori.desk.journal import Actor
from kuramori.desk.site import Site
from kuramori_config.schema import Role

PERSON_HEADER_MOST = 1024
_UCRED = struct.Struct("3i")  # pid, uid, gid (unix(7), SO_PEERCRED)


class Operation(StrEnum):
    """What can be asked of the API, as far as permission goes."""

    LOOK_AT_HEALTH = "look at health"  # status, cameras, coverage, checkpoints: no person is named in them
    APPROVE = "approve"  # proven by a custodian's key, not by a role
    FILE = "file"
    DECIDE = "decide"
    OPEN = "open"
    SEE_REQUESTS = "see requests"
    SEE_REGISTER = "see the register"
    SEE_KEEPING = "see holds and erasures"
    HOLD = "hold"
    ERASE = "erase"
    ENROL = "add, replace or remove cameras"
    PAUSE = "pause cameras"
    AIM = "look at a still for aiming"
    CONFIRM_VIEW = "confirm a camera's view"
    CHANGE_CUSTODY = "propose custodians, release them, use and replace the recovery key"
    SEE_CUSTODY = "see custodians"
    BACK_UP = "make backups"
    MANAGE_MEDIA = "retire media, permit them to leave"
    KEEP_CAMERAS = "accept a camera's certificate"


_DECIDERS = frozenset({Role.MANAGER, Role.DEPUTY})
_DESK_STAFF = _DECIDERS | {Role.HANDLER}

# None: whoever can open the socket. The socket is for the recorder's group only.
PERMITTED: dict[Operation, frozenset[Role] | None] = {
    Operation.LOOK_AT_HEALTH: None,
    Operation.APPROVE: None,
    Operation.FILE: frozenset({Role.HANDLER}),
    Operation.DECIDE: _DECIDERS,
    Operation.OPEN: frozenset({Role.HANDLER}),
    Operation.SEE_REQUESTS: _DESK_STAFF | {Role.AUDITOR},
    Operation.SEE_REGISTER: _DESK_STAFF | {Role.AUDITOR},
    Operation.SEE_KEEPING: _DESK_STAFF | {Role.AUDITOR, Role.ADMINISTRATOR},
    Operation.HOLD: _DECIDERS,
    Operation.ERASE: _DECIDERS,
    Operation.ENROL: _DECIDERS | {Role.ADMINISTRATOR},
    Operation.PAUSE: _DESK_STAFF | {Role.ADMINISTRATOR},
    Operation.AIM: frozenset({Role.INSTALLER, Role.HANDLER}),
    Operation.CONFIRM_VIEW: frozenset({Role.HANDLER}),
    Operation.CHANGE_CUSTODY: _DECIDERS,
    Operation.SEE_CUSTODY: _DESK_STAFF | {Role.AUDITOR, Role.ADMINISTRATOR},
    Operation.BACK_UP: _DECIDERS | {Role.ADMINISTRATOR},
    Operation.MANAGE_MEDIA: _DECIDERS,
    Operation.KEEP_CAMERAS: _DECIDERS | {Role.ADMINISTRATOR},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; `person` is empty where nobody was declared."""

    person: str
    roles: frozenset[Role]
    identified_by: str

    @property
    def actor(self) -> Actor:
        """What the register notes."""
        return Actor(self.person, self.identified_by)


class PeerProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with the uid of a Unix socket's peer where an address would stand."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note the peer."""
        super().connection_made(transport)
        self.client = ("uid", peer_uid(transport.get_extra_info("socket")))


def peer_uid(connection: socket.socket) -> int:
    """Return the uid of the process at the other end of a Unix socket, -1 where the kernel does not say."""
    try:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    except (OSError, AttributeError):
        return -1
    uid: int = _UCRED.unpack(credentials)[1]
    return uid


async def identify(request: Request) -> Caller:
    """Return who calls. Raises PersonUnknown for a declared person without duties."""
    site: Site = request.app.state.site
    uid = request.client.port if request.client is not None else -1
    identified_by = f"declared on the local socket, uid {uid}"
    declared = request.headers.get(PERSON_HEADER, "")
    if not declared:
        return Caller("", frozenset(), identified_by)
    name = urllib.parse.unquote(declared, errors="replace")[:PERSON_HEADER_MOST]
    person = site.person(name)
    if person is None:
        raise PersonUnknown("".join(letter if letter.isprintable() else "?" for letter in name[:64]))
    return Caller(person.name, person.roles, identified_by)


def permit(operation: Operation) -> Callable[..., Awaitable[Caller]]:
    """Return the dependency that lets through who may do this. Raises PersonMissing, RoleMissing."""
    allowed = PERMITTED[operation]

    async def check(caller: Annotated[Caller, Depends(identify)]) -> Caller:
        if allowed is None:
            return caller
        if not caller.person:
            raise PersonMissing
        if not caller.roles & allowed:
            raise RoleMissing(caller.person, tuple(sorted(role.value for role in allowed)))
        return caller

    return check


# The parameter of an endpoint says who may use it: `caller: Filer`.
Anybody = Annotated[Caller, Depends(permit(Operation.LOOK_AT_HEALTH))]
Approver = Annotated[Caller, Depends(permit(Operation.APPROVE))]
Filer = Annotated[Caller, Depends(permit(Operation.FILE))]
Decider = Annotated[Caller, Depends(permit(Operation.DECIDE))]
Opener = Annotated[Caller, Depends(permit(Operation.OPEN))]
RequestReader = Annotated[Caller, Depends(permit(Operation.SEE_REQUESTS))]
RegisterReader = Annotated[Caller, Depends(permit(Operation.SEE_REGISTER))]
KeepingReader = Annotated[Caller, Depends(permit(Operation.SEE_KEEPING))]
Holder = Annotated[Caller, Depends(permit(Operation.HOLD))]
Eraser = Annotated[Caller, Depends(permit(Operation.ERASE))]
Enroller = Annotated[Caller, Depends(permit(Operation.ENROL))]
Pauser = Annotated[Caller, Depends(permit(Operation.PAUSE))]
Aimer = Annotated[Caller, Depends(permit(Operation.AIM))]
Handler = Annotated[Caller, Depends(permit(Operation.CONFIRM_VIEW))]
CameraKeeper = Annotated[Caller, Depends(permit(Operation.KEEP_CAMERAS))]
CustodyManager = Annotated[Caller, Depends(permit(Operation.CHANGE_CUSTODY))]
CustodyReader = Annotated[Caller, Depends(permit(Operation.SEE_CUSTODY))]
BackupMaker = Annotated[Caller, Depends(permit(Operation.BACK_UP))]
MediaManager = Annotated[Caller, Depends(permit(Operation.MANAGE_MEDIA))]
