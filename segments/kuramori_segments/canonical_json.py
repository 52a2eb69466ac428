"""JSON in one spelling, so that it can be signed and digested: RFC 8785 for everything but fractions.

`canonical` writes it, `parse_strict` reads what a stranger wrote. Only objects, lists, texts, whole numbers of
at most 53 bits, true, false and null exist here, as every browser's JSON agrees on those. This module must not
know what a document means.
"""

import json
from typing import Any, NoReturn

MAX_DEPTH = 16  # our documents are flat; deeper ones are somebody's attack
MAX_INTEGER = (1 << 53) - 1  # RFC 8785 section 3.2.2.3 and RFC 7493: beyond, readers disagree
MAX_INTEGER_DIGITS = 16


class JsonRefused(ValueError):
    """A document or a value is not JSON as this project writes it. `detail` says what and never the content."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"not acceptable as JSON: {detail}")
        self.detail = detail


def canonical(value: object) -> bytes:
    """Return the one UTF-8 spelling of a value (RFC 8785). Raises JsonRefused for what has none."""
    ordered = _ordered(value, MAX_DEPTH)
    return json.dumps(ordered, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def parse_strict(data: bytes, *, limit_bytes: int) -> Any:
    """Return the value that stands in `data`, in any spelling. Raises JsonRefused, and nothing else.

    Refused: more than `limit_bytes`, no UTF-8, a name twice in an object, fractions, integers beyond 53 bits,
    lone surrogates, more than MAX_DEPTH levels.
    """
    if len(data) > limit_bytes:
        raise JsonRefused(f"{len(data)} bytes; at most {limit_bytes}")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_fraction,
            parse_int=_integer,
            parse_constant=_fraction,
        )
    except JsonRefused:
        raise
    except RecursionError:
        raise JsonRefused(f"more than {MAX_DEPTH} levels") from None
    except ValueError:
        raise JsonRefused("the text is damaged") from None
    _ordered(value, MAX_DEPTH)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonRefused("a name stands twice in an object")
    return found


def _fraction(_text: str) -> NoReturn:
    raise JsonRefused("a number that is not whole")


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise JsonRefused("a number beyond 53 bits")
    return int(text)


def _ordered(value: object, depth: int) -> object:
    if depth == 0:
        raise JsonRefused(f"more than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise JsonRefused("a number beyond 53 bits")
        return value
    if isinstance(value, str):
        return _whole_text(value)
    if isinstance(value, list | tuple):
        return [_ordered(item, depth - 1) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise JsonRefused("a name that is not a text")
        names = sorted(value, key=lambda name: _whole_text(name).encode("utf-16-be"))
        return {name: _ordered(value[name], depth - 1) for name in names}
    raise JsonRefused(f"a {type(value).__name__}")


def _whole_text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise JsonRefused("a text with half a character") from None
    return text
