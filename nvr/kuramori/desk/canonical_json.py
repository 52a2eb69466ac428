"""One byte string for one JSON value: the part of RFC 8785 (JCS) that the register and signed documents use.

Strings, integers up to 2^53 - 1, booleans, null, lists and objects; no fractions, so no rule about them is needed.
What is digested or signed is always these bytes. This module must not know what a document means.
"""

import json
from typing import Any

INTEGER_MOST = 2**53 - 1  # beyond it JSON numbers are not exact everywhere (RFC 8785 section 3.2.2.3)
DEPTH_MOST = 16
DOCUMENT_LIMIT_BYTES = 64 * 1024 * 1024


class NotCanonical(ValueError):
    """A value has no canonical form here, or bytes are not the canonical form of what they say."""


def canonical(value: Any) -> bytes:
    """Return the canonical UTF-8 bytes of a value. Raises NotCanonical."""
    _check(value, 0)
    try:
        return _encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise NotCanonical("a string holds half a character (lone surrogate)") from None


def parse_canonical(document: bytes) -> Any:
    """Return the value of canonical bytes; any other spelling of the same value is refused. Raises NotCanonical."""
    if len(document) > DOCUMENT_LIMIT_BYTES:
        raise NotCanonical(f"longer than {DOCUMENT_LIMIT_BYTES} bytes")
    try:
        value = json.loads(document.decode("utf-8"), parse_float=_no_fraction, parse_constant=_no_fraction)
    except (ValueError, RecursionError):
        raise NotCanonical("not JSON of this form") from None
    if canonical(value) != document:
        raise NotCanonical("not in canonical form")
    return value


def _no_fraction(text: str) -> Any:
    raise NotCanonical(f"{text[:20]} is not an integer")


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH_MOST:
        raise NotCanonical(f"nested deeper than {DEPTH_MOST}")
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > INTEGER_MOST:
            raise NotCanonical(f"an integer beyond 2^53 - 1 ({value.bit_length()} bits)")
    elif isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str):
                raise NotCanonical(f"a key that is {type(key).__name__}")
            _check(member, depth + 1)
    elif isinstance(value, list | tuple):
        for member in value:
            _check(member, depth + 1)
    else:
        raise NotCanonical(f"{type(value).__name__} has no canonical form here")


def _encode(value: Any) -> str:
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: _utf16(member[0]))
        return "{" + ",".join(f"{_string(key)}:{_encode(member)}" for key, member in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_encode(member) for member in value) + "]"
    if isinstance(value, str):
        return _string(value)
    return json.dumps(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _utf16(key: str) -> bytes:
    """Keys are sorted by their UTF-16 code units (RFC 8785 section 3.2.3)."""
    return key.encode("utf-16-be", "surrogatepass")
