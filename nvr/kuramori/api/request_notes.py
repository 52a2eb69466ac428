"""What happens to a request beside its course, over HTTP: its document follows, the receiver is identified, it is held
longer, its refusal is written to who asked.

Thin. Must not know rules, nor how a letter looks.
"""

import asyncio
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.requests import Request as HttpRequest

from kuramori.api.context import TheDesk
from kuramori.api.identity import Documenter, Filer, Holder, RequestReader
from kuramori.api.requests import Body, Id, Line, UtcMs, with_trouble
from kuramori.api.views import RequestView
from kuramori.desk.request_steps import Documented, IdentityChecked
from kuramori.paper.refusal_letter import refusal_facts, refusal_markdown, refusal_pdf

MARKDOWN = "text/markdown"
PDF = "application/pdf"
_OF_LETTER: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {}, MARKDOWN: {}}}}

router = APIRouter(prefix="/v1/requests", tags=["requests"])


class LetterFormat(StrEnum):
    """As what a letter is wanted."""

    PDF = "pdf"
    MARKDOWN = "md"


class LetterLanguage(StrEnum):
    """In which language."""

    JAPANESE = "ja"
    ENGLISH = "en"


class DocumentationBody(Body):
    """The document that follows an urgent request, and when it came; 0: now."""

    document_number: Line
    received_utc_ms: UtcMs = 0


class IdentityBody(Body):
    """How identity was checked; `name` of who receives in person, where that is somebody else than the recipient."""

    identity_check: Line
    name: Line = ""


class LongerBody(Body):
    """Until when the minutes are held, and why."""

    until_utc_ms: UtcMs
    reason: Line


@router.post("/{request_id}/documentation")
async def document(request_id: Id, body: DocumentationBody, desk: TheDesk, caller: Documenter) -> RequestView:
    """Note that the document of an urgent request is there."""
    step = Documented(body.document_number, body.received_utc_ms)
    return RequestView.of(await desk.filing.document(request_id, step, caller.actor))


@router.post("/{request_id}/identity")
async def identify(request_id: Id, body: IdentityBody, desk: TheDesk, caller: Filer) -> RequestView:
    """Note how the identity of whoever receives the pictures was checked. Nothing is handed over before."""
    step = IdentityChecked(body.name, body.identity_check)
    return RequestView.of(await desk.filing.identify(request_id, step, caller.actor))


@router.post("/{request_id}/hold")
async def hold_longer(
    request_id: Id, body: LongerBody, desk: TheDesk, http: HttpRequest, caller: Holder
) -> RequestView:
    """Hold the minutes of a request beyond the end of its hold, while it is undecided or not finished."""
    request, trouble = await desk.filing.extend_hold(request_id, body.until_utc_ms, body.reason, caller.actor)
    return with_trouble(request, trouble, http)


@router.get("/{request_id}/refusal-letter", response_class=Response, responses=_OF_LETTER)
async def refusal_letter(
    request_id: Id,
    desk: TheDesk,
    caller: RequestReader,
    shape: Annotated[LetterFormat, Query(alias="format")] = LetterFormat.PDF,
    language: LetterLanguage = LetterLanguage.JAPANESE,
) -> Response:
    """Return the letter that tells who asked that it was refused, why, and where to turn."""
    facts = refusal_facts(desk.journal.request(request_id), desk.site, desk.clock.utc_ms())
    write = refusal_pdf if shape is LetterFormat.PDF else refusal_markdown
    content = await asyncio.to_thread(partial(write, facts, japanese=language is LetterLanguage.JAPANESE))
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="refusal-{request_id}.{shape.value}"',
    }
    media_type = PDF if shape is LetterFormat.PDF else f"{MARKDOWN}; charset=utf-8"
    return Response(content, media_type=media_type, headers=headers)
