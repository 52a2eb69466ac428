"""How long the desk waits for a caller: for the head of a call, for its body, and until an answer is taken.

A caller that is slower is let go: neither a stranger's trickle nor a reader that never reads keeps a connection, a
worker or memory; and one address never takes all the connections there are. Must not know resources.
"""

import asyncio
import ipaddress
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0  # from the connection, or the first byte of a further call, to the end of its head
BODY_SECONDS = 120.0  # for all of a body; eight megabytes over a line of 70 kB/s
TAKE_SECONDS = 120.0  # in which a reader takes some of what waits for it
CONNECTIONS_MOST = 512
CONNECTIONS_MOST_EACH = 256  # of one address, or of one user at the local socket


class _Timer:
    """One call later, or none."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop, seconds: float, then: Callable[[], object]) -> None:
        """Begin to wait, unless it waits already."""
        if self._handle is None:
            self._handle = loop.call_later(seconds, then)

    def stop(self) -> None:
        """Wait no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which lets go of a connection whose call does not come or whose answer is not taken."""

    head_seconds = HEAD_SECONDS
    take_seconds = TAKE_SECONDS
    caller = ""  # whose share of the connections this is

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait; refuse where this caller has too many connections."""
        self._for_head, self._for_reader = _Timer(), _Timer()
        super().connection_made(transport)
        self._watch_head()
        if self.client is not None and self.client[0]:
            self.require_share(share_of(self.client[0]))

    def require_share(self, caller: str) -> None:
        """Let go of a connection beyond its caller's share."""
        self.caller = caller
        if sum(getattr(one, "caller", "") == caller for one in self.connections) > CONNECTIONS_MOST_EACH:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a head, or no more."""
        super().data_received(data)
        self._watch_head()

    def pause_writing(self) -> None:
        """The reader is slow: wait until it takes something."""
        super().pause_writing()
        self._for_reader.start(self.loop, self.take_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It took something."""
        super().resume_writing()
        self._for_reader.stop()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that rests; one that does not take its last answer is cut."""
        super().timeout_keep_alive_handler()
        self._for_reader.start(self.loop, self.take_seconds, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._for_head.stop()
        self._for_reader.stop()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch_head(self) -> None:
        if self._is_answering or self.transport.is_closing():
            self._for_head.stop()
        else:
            self._for_head.start(self.loop, self.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        self._for_head.stop()
        if not self._is_answering:
            self.transport.abort()


def share_of(host: str) -> str:
    """Return whose share of the connections an address takes: its own, of IPv6 that of its network."""
    return ":".join(ipaddress.ip_address(host).exploded.split(":")[:4]) if ":" in host else host


class BodyInTime:
    """Answers 408 where a body does not come in time."""

    body_seconds = BODY_SECONDS

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watch the clock until the body is there."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        deadline, is_whole = asyncio.get_running_loop().time() + self.body_seconds, False

        async def in_time() -> Message:
            nonlocal is_whole
            if is_whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408) from None
            is_whole = not message.get("more_body", False)
            return message

        await self._app(scope, in_time, send)
