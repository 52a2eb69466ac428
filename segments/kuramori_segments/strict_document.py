"""One flat JSON object read field by field, trusting nothing: what is missing, superfluous or odd has a name.

Cards and key files come from strangers' machines and USB sticks. This module must not know any kind of document.
"""

import base64
import binascii
import unicodedata
from collections.abc import Mapping
from typing import Any

from kuramori_segments.canonical_json import JsonRefused, parse_strict

MAX_TEXT_BYTES = 256


class DocumentRefused(ValueError):
    """A document is not what it should be: `field` is the name of the field, empty for the document itself."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field or 'document'}: expected {expected}")
        self.field = field
        self.expected = expected


class StrictDocument:
    """A JSON object with exactly the expected names."""

    def __init__(self, value: object, names: frozenset[str]) -> None:
        """Raises DocumentRefused where the names differ."""
        if not isinstance(value, dict):
            raise DocumentRefused("", "a JSON object")
        for name in sorted(names - value.keys()):
            raise DocumentRefused(name, "to be there")
        for name in sorted(value.keys() - names):
            raise DocumentRefused(printable(name), "not to be there")
        self._value: Mapping[str, Any] = value

    @classmethod
    def parse(cls, data: bytes, names: frozenset[str], *, limit_bytes: int) -> "StrictDocument":
        """Read a document from bytes. Raises DocumentRefused."""
        try:
            value = parse_strict(data, limit_bytes=limit_bytes)
        except JsonRefused as refusal:
            raise DocumentRefused("", f"JSON ({refusal.detail})") from None
        return cls(value, names)

    def constant(self, name: str, expected: str | int) -> None:
        """Require that a field holds exactly this value."""
        found = self._value[name]
        if type(found) is not type(expected) or found != expected:
            raise DocumentRefused(name, f"{expected!r}")

    def integer(self, name: str, least: int, most: int) -> int:
        """Return a whole number between two limits, both included."""
        found = self._value[name]
        if type(found) is not int or not least <= found <= most:
            raise DocumentRefused(name, f"a whole number from {least} to {most}")
        return found

    def octets(self, name: str, length_bytes: int) -> bytes:
        """Return exactly that many bytes, written as base64 (RFC 4648 section 4)."""
        found = self._value[name]
        expected = f"{length_bytes} bytes as base64"
        if not isinstance(found, str) or not found.isascii():
            raise DocumentRefused(name, expected)
        try:
            data = base64.b64decode(found, validate=True)
        except binascii.Error:
            raise DocumentRefused(name, expected) from None
        if len(data) != length_bytes or to_base64(data) != found:
            raise DocumentRefused(name, expected)
        return data

    def words(self, name: str, most_characters: int) -> str:
        """Return a text of one line that can be shown to a person as it stands."""
        found = self._value[name]
        if not isinstance(found, str) or not shows_as_written(found, most_characters):
            raise DocumentRefused(name, f"one line of 1 to {most_characters} visible characters")
        return found

    def value(self, name: str) -> object:
        """Return what stands in a field, unchecked."""
        return self._value[name]

    def has(self, name: str) -> bool:
        """Tell whether a field that may be left out is there."""
        return name in self._value

    def without(self, name: str) -> dict[str, Any]:
        """Return the document as JSON values without one field."""
        return {key: value for key, value in self._value.items() if key != name}

    def part(self, name: str, names: frozenset[str]) -> "StrictDocument":
        """Return the object in a field."""
        try:
            return StrictDocument(self._value[name], names)
        except DocumentRefused as refusal:
            inner = f"{name}.{refusal.field}" if refusal.field else name
            raise DocumentRefused(inner, refusal.expected) from None

    def items(self, name: str, most: int) -> list[Any]:
        """Return the list in a field."""
        found = self._value[name]
        if not isinstance(found, list) or len(found) > most:
            raise DocumentRefused(name, f"a list of at most {most}")
        return found


def to_base64(data: bytes) -> str:
    """Return bytes as base64 text, with padding."""
    return base64.b64encode(data).decode("ascii")


def shows_as_written(text: str, most_characters: int) -> bool:
    """Tell whether a text looks on a screen as it is: NFC, no control or direction characters, no odd blanks."""
    if not 1 <= len(text) <= most_characters or len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        return False
    if text != unicodedata.normalize("NFC", text) or text != text.strip():
        return False
    return all(character in " \u3000" or not _invisible(character) for character in text)


def _invisible(character: str) -> bool:
    return unicodedata.category(character)[0] in "CZ"


def printable(text: str) -> str:
    """Return a stranger's text so that it cannot play with a terminal."""
    return "".join("?" if _invisible(character) and character != " " else character for character in text[:64])
