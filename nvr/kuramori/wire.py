"""Frozen dataclasses as JSON and back, strictly: the one way in which values of ours cross a socket or a file.

A field annotated `WireBytes` is bytes in Python and base64 in JSON. Types are not guessed: text is not a number.
This module must not know any particular value.
"""

import base64
import json
from typing import Annotated, Any, TypeVar

from pydantic import PlainSerializer, PlainValidator, TypeAdapter, ValidationError, WithJsonSchema

Value = TypeVar("Value")


class WireInvalid(ValueError):
    """JSON does not fit the dataclass; names the place, never the content."""


def _to_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("expected base64 text")
    return base64.b64decode(value, validate=True)


def _to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


WireBytes = Annotated[
    bytes,
    PlainValidator(_to_bytes),
    PlainSerializer(_to_base64, return_type=str),
    WithJsonSchema({"type": "string", "format": "byte"}),
]

_adapters: dict[type[Any], TypeAdapter[Any]] = {}  # made at first use: start-up stays quick


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    adapter = _adapters.get(kind)
    if adapter is None:
        adapter = _adapters[kind] = TypeAdapter(kind)
    return adapter


def to_plain(value: Any) -> Any:
    """Return a dataclass as JSON values (dicts, lists, texts, numbers)."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_plain(kind: type[Value], plain: Any) -> Value:
    """Return the dataclass of JSON values; unknown members are ignored. Raises WireInvalid."""
    try:
        value: Value = _adapter(kind).validate_json(json.dumps(plain), strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WireInvalid(f"{kind.__name__}.{where}: {first['msg']}") from None
    return value
