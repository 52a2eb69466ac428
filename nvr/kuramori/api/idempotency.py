"""Idempotency-Key on every write: a call that is repeated with its key is answered again, and done once.

Sits around the app. A key belongs to who calls and to the address called. Signing in takes none: what it answers is a
secret that is nowhere kept. Must not know resources.
"""

import hashlib
import re
from dataclasses import dataclass, field

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kuramori.api.context import Context
from kuramori.api.headers import KEY_HEADER, REPLAYED_HEADER
from kuramori.api.identity import identify
from kuramori.api.problems import fault_answer, http_answer
from kuramori.desk.call_fault import KeyInvalid
from kuramori.desk.call_store import Call, KeptAnswer
from kuramori.desk.calls import Calls
from kuramori.desk.effect import watching_effect
from kuramori.desk.fault import DeskFault

ANSWER_BYTES_MOST = 64 * 1024
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
WITHOUT_KEYS = "/v1/sign-"  # in and out
_KEY = re.compile(r'"?([A-Za-z0-9_-]{8,128})"?')  # a bare word, or the quoted one of a structured header


class IdempotentWrites:
    """Lets each write with a key through once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on what has no key."""
        if scope["type"] != "http" or scope["method"] not in WRITES or scope["path"].startswith(WITHOUT_KEYS):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        context: Context = request.app.state.context
        text = request.headers.get(KEY_HEADER)
        if text is None or context.desk is None:
            await self._app(scope, receive, send)
            return
        answer = await self._answer(request, text, context.desk.calls, send)
        if answer is not None:
            await answer(scope, receive, send)

    async def _answer(self, request: Request, text: str, calls: Calls, send: Send) -> Response | None:
        """Return what is to be answered; None where the app has answered."""
        try:
            caller = await identify(request)
        except DeskFault as fault:
            return fault_answer(request, fault)
        try:
            body = await request.body()
        except HTTPException as error:
            return http_answer(request, error)
        where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        try:
            route = f"{request.method} {where}"
            call = Call(caller.person or caller.identified_by, route, _key_of(text), hashlib.sha256(body).digest())
            async with calls.turn(call):
                kept = await calls.begin(call)
                if kept is not None:
                    return _again(kept)
                await self._make(request, body, call, calls, send)
        except DeskFault as fault:
            return fault_answer(request, fault)
        return None

    async def _make(self, request: Request, body: bytes, call: Call, calls: Calls, send: Send) -> None:
        """Have the app answer; the answer leaves when it is kept."""
        held = _Held(send)

        async def whole() -> Message:
            if not held.is_body_given:
                held.is_body_given = True
                return {"type": "http.request", "body": body, "more_body": False}
            return await request.receive()

        with watching_effect() as effect:

            async def holding(message: Message) -> None:
                if await held.take(message):
                    await calls.end(call, held.answer(), is_registered=effect.is_registered)
                    await held.release()

            try:
                await self._app(request.scope, whole, holding)
            except BaseException:  # a fault of ours, or the desk ends: what was registered stays noted as begun
                if not effect.is_registered and not held.is_open:
                    await calls.drop(call)
                raise


@dataclass(slots=True)
class _Held:
    """An answer on its way: held back while it is small, let through where it is not to be kept."""

    send: Send
    is_body_given: bool = False
    messages: list[Message] = field(default_factory=list)
    content: bytearray = field(default_factory=bytearray)
    is_open: bool = False

    async def take(self, message: Message) -> bool:
        """Take the next piece; tell whether the answer is complete, or its end need not be waited for."""
        if self.is_open:
            await self.send(message)
            return False
        self.messages.append(message)
        self.content += message.get("body", b"")
        if self._header(b"cache-control") == b"no-store" or len(self.content) > ANSWER_BYTES_MOST:
            return True
        return message["type"] == "http.response.body" and not message.get("more_body", False)

    def answer(self) -> KeptAnswer:
        """Return what is to be kept of it."""
        secret = self._header(b"cache-control") == b"no-store"
        content = bytes(self.content)
        kept = None if secret or len(content) > ANSWER_BYTES_MOST else content
        media_type = self._header(b"content-type").decode("latin-1")
        return KeptAnswer(self.messages[0]["status"], media_type, kept, hashlib.sha256(content).digest())

    async def release(self) -> None:
        """Send what was held back, and let the rest through."""
        self.is_open = True
        for message in self.messages:
            await self.send(message)
        self.messages.clear()

    def _header(self, name: bytes) -> bytes:
        headers = self.messages[0].get("headers", ()) if self.messages else ()
        return next((bytes(value) for key, value in headers if bytes(key).lower() == name), b"")


def _key_of(text: str) -> str:
    found = _KEY.fullmatch(text.strip())
    if found is None:
        raise KeyInvalid
    return found[1]


def _again(kept: KeptAnswer) -> Response:
    answer = Response(kept.content, kept.status, {REPLAYED_HEADER: "true"})
    if kept.media_type:
        answer.headers["content-type"] = kept.media_type
    return answer
