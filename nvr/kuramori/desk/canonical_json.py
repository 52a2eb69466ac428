"""One byte string for one JSON value (RFC 8785), and reading back nothing but that spelling.

The writing is the vault's; here is what the register and signed documents need besides: whoever hands in another
spelling of the same value is refused, so that a digest is a digest of what was read. Must not know what a document
means.
"""

from typing import Any

from kuramori_segments.canonical_json import JsonRefused, canonical, parse_strict

__all__ = ["DOCUMENT_LIMIT_BYTES", "JsonRefused", "canonical", "parse_canonical"]

DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024  # a granted request that names PLAN_LIMIT_SEGMENTS segments fits


def parse_canonical(document: bytes, limit_bytes: int = DOCUMENT_LIMIT_BYTES) -> Any:
    """Return the value of canonical bytes; any other spelling of the same value is refused. Raises JsonRefused."""
    value = parse_strict(document, limit_bytes=limit_bytes)
    if canonical(value) != document:
        raise JsonRefused("not in canonical form")
    return value
