"""The desk's HTTP API, put together: routers, problems, limits.

The app is made per process and carries one `Context`. Must not know sockets or processes.
"""

import functools

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kuramori import __version__
from kuramori.api import (
    audit,
    bundles,
    cameras,
    complaints,
    custody,
    ending,
    enrolment,
    health,
    jobs,
    keeping,
    masked_copies,
    overdue,
    papers,
    presence,
    problems,
    register,
    request_notes,
    requests,
    sign_in,
    storage,
    tokens,
    users,
    viewings,
)
from kuramori.api.call_log import CallLog
from kuramori.api.context import Context
from kuramori.api.idempotency import IdempotentWrites
from kuramori.api.patience import BodyInTime
from kuramori.api.rules import DOCUMENT, RuledApp

DOCUMENT_PATH = "/v1/openapi.json"
BODY_LIMIT_BYTES = 8 * 1024 * 1024  # an approval of SEGMENTS_MOST shares fits


def make_app(context: Context) -> FastAPI:
    """Return the app that serves this desk."""
    app = routed_app()
    app.state.context = context
    app.state.site = context.site
    app.add_route(DOCUMENT_PATH, _document)
    problems.install(app)
    app.add_middleware(IdempotentWrites)
    app.add_middleware(BodyLimit)
    app.add_middleware(BodyInTime)
    app.add_middleware(CallLog)
    return app


def routed_app() -> RuledApp:
    """Return an app that knows its routes and no desk."""
    app = RuledApp(
        title="Kuramori desk",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(bundles.router)
    app.include_router(ending.router)
    app.include_router(storage.router)
    app.include_router(overdue.router)
    app.include_router(complaints.router)
    app.include_router(audit.router)
    app.include_router(papers.router)
    app.include_router(jobs.router)
    app.include_router(enrolment.router)
    app.include_router(presence.router)
    app.include_router(masked_copies.router)
    app.include_router(request_notes.router)
    app.include_router(viewings.router)
    for accounts in (sign_in, users, tokens):
        app.include_router(accounts.router)
    for router in (health.router, cameras.router, requests.router, register.router, keeping.router, custody.router):
        app.include_router(router)
    return app


async def _document(_request: Request) -> Response:
    """Return the document of the API, byte by byte as it was committed: it tells nothing of this recorder."""
    return Response(_document_bytes(), media_type="application/json")


@functools.cache
def _document_bytes() -> bytes:
    return DOCUMENT.read_bytes()


class BodyLimit:
    """Refuses a request body beyond the limit, said or sent, before it fills memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received_bytes = 0

        async def counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > BODY_LIMIT_BYTES:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
