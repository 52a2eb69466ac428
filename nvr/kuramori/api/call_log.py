"""Every call stands in the log: by whom, from where, what, how it ended, how long it took; also what was no call.

What a caller wrote (address, body, headers) is never logged. Only a look at health from the machine itself by nobody in
particular is left out while it succeeds: mails, metrics and watches look every few seconds. Must not know resources.
"""

import time

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kuramori import log
from kuramori.api.identity import Caller, Operation, identify, place_of, route_of
from kuramori.desk.fault import DeskFault

KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BROKEN_OFF = 0  # the status of a call that was never answered


class CallLog:
    """Logs each call when it is over."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on and note its end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, sent_bytes = time.perf_counter(), BROKEN_OFF, 0

        async def counted(message: Message) -> None:
            nonlocal status, sent_bytes
            status = message.get("status", status)
            sent_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            request = Request(scope)
            _note(request, await _caller(request), status, sent_bytes, time.perf_counter() - began)


async def _caller(request: Request) -> Caller | None:
    """Return who called: as found at the door, or now, where the call ended before it."""
    found: Caller | None = getattr(request.state, "caller", None)
    if found is not None:
        return found
    try:
        return await identify(request)
    except DeskFault:
        return None


def _note(request: Request, caller: Caller | None, status: int, sent_bytes: int, seconds: float) -> None:
    operation: Operation | None = getattr(request.state, "operation", None)
    if is_look_at_health(caller, operation, status):
        return
    place = place_of(request)
    where = f"the local socket, uid {place.uid}" if place.uid is not None else place.address
    log.get().info(
        "answered",
        method=request.method if request.method in KNOWN_METHODS else "?",
        route=route_of(request),
        operation=operation.name if operation is not None else "",
        person=caller.person if caller is not None else "",
        identified_by=caller.identified_by if caller is not None else f"not identified, {where}",
        status=status,
        sent_bytes=sent_bytes,
        ms=round(seconds * 1000, 1),
    )


def is_look_at_health(caller: Caller | None, operation: Operation | None, status: int) -> bool:
    """Tell whether this is the machine itself looking whether all is well. Pure."""
    return (
        operation is Operation.LOOK_AT_HEALTH
        and caller is not None
        and not caller.person
        and caller.scopes is None
        and 200 <= status < 300
    )
