"""The OpenAPI 3.1 document of the desk: every operation with a summary, examples, and the codes it can refuse with.

Made from the routes and the code behind them; served as it was committed (`openapi.json`), which a test compares with
what this makes. Must not know a running desk.
"""

import functools
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from kuramori.api.contract.examples import Examples
from kuramori.api.contract.reach import faults_of
from kuramori.api.headers import KEY_HEADER, PERSON_HEADER, REPLAYED_HEADER
from kuramori.api.idempotency import WITHOUT_KEYS, WRITES
from kuramori.api.identity import PERMITTED, Operation, identify, judge
from kuramori.api.problems import HTTP_CODES, MEDIA_TYPE, STATUS_OF, TYPE_PREFIX, phrase_of
from kuramori.api.rules import DOCUMENT, operation_of
from kuramori.desk import call_fault
from kuramori.desk.fault import DeskFault, PersonMissing, RoleMissing

JSON = "application/json"
OPENAPI = "3.1.0"
PROBLEM = "Problem"
BODY_CODES = ((400, "http-400"), (408, HTTP_CODES[408]), (413, HTTP_CODES[413]))
KEY_FAULTS = (
    call_fault.KeyInvalid,
    call_fault.KeyReused,
    call_fault.OutcomeUnknown,
    call_fault.AnswerGone,
    call_fault.CallsUnkept,
)
DESCRIPTION = """The desk of a recorder: what is asked of it, by whom, and what it answers.

Times are UTC milliseconds since 1970, bytes base64, digests and ids hexadecimal. A failure is a problem document
(RFC 9457) whose `code` never changes; its sentence is English, or Japanese for `Accept-Language: ja`. A write takes an
`Idempotency-Key`. A list that grows takes `limit` and `cursor`, and says `next`. Long work is a job (`/v1/jobs`).
"""
_SHAPE: Mapping[str, Any] = {
    "type": "object",
    "title": PROBLEM,
    "description": "A problem document (RFC 9457). `code` is for programs and never changes.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "description": f"{TYPE_PREFIX} and the code"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string", "description": "one sentence for the person"},
    },
    "additionalProperties": True,
    "examples": [
        {
            "type": f"{TYPE_PREFIX}request-unknown",
            "title": "Not Found",
            "status": 404,
            "code": "request-unknown",
            "detail": "There is no request 20261123-9.",
        }
    ],
}


def committed() -> dict[str, Any]:
    """Return the document as it was committed."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document


def document_of(app: FastAPI) -> dict[str, Any]:
    """Make the document of an app."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=OPENAPI,
        description=DESCRIPTION,
        routes=app.routes,
    )
    shapes = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):  # the framework's own, which nobody gets to see
        shapes.pop(name, None)
    shapes[PROBLEM] = dict(_SHAPE)
    document["components"]["securitySchemes"] = {
        "signedIn": {"type": "http", "scheme": "bearer", "description": "A sign-in, or a machine's token."},
        "declared": {
            "type": "apiKey",
            "in": "header",
            "name": PERSON_HEADER,
            "description": "On the local socket of a desk without sign-in: who acts, percent-encoded UTF-8.",
        },
    }
    examples = Examples(shapes)
    for one in served_by(app):
        _complete(document["paths"][one.path][one.method.lower()], one, examples)
    return document


@dataclass(frozen=True, slots=True)
class Served:
    """One operation of the document, and the route behind it."""

    path: str
    method: str
    route: APIRoute


def served_by(app: FastAPI) -> Iterator[Served]:
    """Yield every operation of an app."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and context.path_format is not None:
            for method in sorted(route.methods or ()):
                yield Served(context.path_format, method, route)


def _complete(said: dict[str, Any], one: Served, examples: Examples) -> None:
    """Add to an operation what the framework does not know of it."""
    text = inspect.getdoc(one.route.endpoint) or ""
    said["summary"] = text.partition("\n")[0].partition(". ")[0].rstrip(".")
    said["description"] = text
    operation = operation_of(one.route)
    if operation is not Operation.SIGN_IN:
        said["security"] = [{"signedIn": []}, {"declared": []}] + ([{}] if PERMITTED[operation] is None else [])
    said["responses"].pop("422", None)  # the framework's own
    if "requestBody" in said:
        _exemplify(said["requestBody"]["content"], examples)
    for answer in said["responses"].values():
        _exemplify(answer.get("content", {}), examples)
    for parameter in said.get("parameters", ()):
        if parameter.get("required") and "example" not in parameter:
            parameter["example"] = examples.of(parameter["schema"], parameter["name"])
    if takes_key(one):
        _say_key(said)
    for status, codes in sorted(problems_of(one).items()):
        said["responses"][str(status)] = _problem(status, codes)


def _exemplify(content: dict[str, Any], examples: Examples) -> None:
    for media_type, one in content.items():
        if media_type.partition(";")[0] == JSON and "example" not in one and one.get("schema"):
            one["example"] = examples.of(one["schema"])


def takes_key(one: Served) -> bool:
    """Tell whether a call of this may carry an Idempotency-Key."""
    return one.method in WRITES and not one.path.startswith(WITHOUT_KEYS)


def _say_key(said: dict[str, Any]) -> None:
    said.setdefault("parameters", []).append(
        {
            "name": KEY_HEADER,
            "in": "header",
            "required": False,
            "description": "Repeated with it within a day, the call is answered again and done once.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,128}$"},
            "example": "3b1f8b0e-7a57-4c0e-9a1e-2f3c5f0f4a11",
        }
    )
    for status, answer in said["responses"].items():
        if status.startswith("2"):
            schema = {"type": "string", "const": "true"}
            answer.setdefault("headers", {})[REPLAYED_HEADER] = {
                "description": "there where the answer is given again",
                "schema": schema,
            }


def problems_of(one: Served) -> dict[int, list[str]]:
    """Return the codes that a call of this can be refused with, by status."""
    route, operation = one.route, operation_of(one.route)
    faults: set[type[Exception]] = set()
    asked = [route.endpoint, *(needed.call for needed in _needed(route.dependant) if needed.call is not None)]
    if operation is not Operation.SIGN_IN:
        asked += [identify, judge]
    for function in asked:
        faults |= _faults(function)
    if PERMITTED[operation] is None:
        faults -= {RoleMissing, PersonMissing}
    if takes_key(one):
        faults |= set(KEY_FAULTS)
    found: dict[int, set[str]] = {500: {"internal"}}
    for fault in faults:
        if issubclass(fault, DeskFault):
            found.setdefault(STATUS_OF.get(fault, HTTPStatus.INTERNAL_SERVER_ERROR).value, set()).add(fault.code)
        else:
            found.setdefault(422, set()).add("proof-impossible")
    if route.dependant.body_params or takes_key(one):
        for status, code in BODY_CODES:
            found.setdefault(status, set()).add(code)
    if any(part.path_params or part.query_params or part.body_params for part in _needed(route.dependant)):
        found.setdefault(422, set()).add("request-invalid")
    return {status: sorted(codes) for status, codes in found.items()}


@functools.cache
def _faults(function: Any) -> frozenset[type[Exception]]:
    return faults_of(function)


def _needed(dependant: Any) -> Iterator[Any]:
    yield dependant
    for part in dependant.dependencies:
        yield from _needed(part)


def _problem(status: int, codes: list[str]) -> dict[str, Any]:
    schema = {
        "allOf": [{"$ref": f"#/components/schemas/{PROBLEM}"}],
        "properties": {"code": {"type": "string", "enum": codes}},
    }
    return {"description": phrase_of(HTTPStatus(status)), "content": {MEDIA_TYPE: {"schema": schema}}}


def codes_in(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the codes that a described answer can have; none of one that is no problem."""
    schema = answer.get("content", {}).get(MEDIA_TYPE, {}).get("schema", {})
    return tuple(schema.get("properties", {}).get("code", {}).get("enum", ()))
