"""Changes the text of a configuration as an operator would: one table at a time, comments and order kept. Pure.

What a change does to the values is computed a second way, from the parsed file, and compared: a text in which it comes
out otherwise (inline tables, tables of one kind apart from one another) is refused and left to a person. This file
must not know files, or which values are sensible.
"""

import tomllib
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

CAMERA = "camera"
VOLUME = "volume"
RETIRED = "retired_camera"

Values = Mapping[str, Any]  # key → TOML value; in a change None takes the key away


class EditRefused(Exception):
    """The text cannot be changed without risk to the rest of it. `what` is the table."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} cannot be changed by a program here")
        self.what = what


def with_camera(text: str, values: Values) -> str:
    """Return the text with a [[camera]] table more, at the end. Raises EditRefused."""
    expected = _parsed(text)
    expected.setdefault(CAMERA, []).append(dict(values))
    return _proven(_appended(text, CAMERA, values), expected, f"[[{CAMERA}]]")


def with_changed_camera(text: str, name: str, changes: Values) -> str:
    """Return the text with other values in a camera's table. Raises EditRefused; KeyError where there is none."""
    expected = _parsed(text)
    position = _position(expected, name)
    table = expected[CAMERA][position]
    for key, value in changes.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    document, tables = _tables(text)
    written = tables[position]
    for key, value in changes.items():
        if value is None:
            written.pop(key, None)
        else:
            written[key] = value
    return _proven(tomlkit.dumps(document), expected, f"[[{CAMERA}]] {name}")


def with_removed_camera(text: str, name: str, retired: Values) -> str:
    """Return the text without a camera's table and with a [[retired_camera]] at the end. Raises as above."""
    expected = _parsed(text)
    position = _position(expected, name)
    document, tables = _tables(text)
    del tables[position]
    del expected[CAMERA][position]
    if not expected[CAMERA]:
        del expected[CAMERA]
        document.pop(CAMERA, None)
    expected.setdefault(RETIRED, []).append(dict(retired))
    return _proven(_appended(tomlkit.dumps(document), RETIRED, retired), expected, f"[[{CAMERA}]] {name}")


def with_volume(text: str, values: Values) -> str:
    """Return the text with a [[volume]] table more, at the end. Raises EditRefused."""
    expected = _parsed(text)
    expected.setdefault(VOLUME, []).append(dict(values))
    return _proven(_appended(text, VOLUME, values), expected, f"[[{VOLUME}]]")


def with_volume_size(text: str, position: int, size: str) -> str:
    """Return the text with another size of the volume at that place. Raises EditRefused."""
    expected = _parsed(text)
    tables = expected.get(VOLUME)
    if not isinstance(tables, list) or not 0 <= position < len(tables) or not isinstance(tables[position], dict):
        raise EditRefused(f"[[{VOLUME}]]")
    tables[position]["size"] = size
    document, written = _tables(text, VOLUME)
    written[position]["size"] = size
    return _proven(tomlkit.dumps(document), expected, f"[[{VOLUME}]]")


def _position(document: Mapping[str, Any], name: str) -> int:
    tables = document.get(CAMERA, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise EditRefused(f"[[{CAMERA}]]")
    names = [table.get("name") for table in tables]
    if name not in names:
        raise KeyError(name)
    return names.index(name)


def _appended(text: str, kind: str, values: Values) -> str:
    tables = tomlkit.aot()
    table = tomlkit.table()
    for key, value in values.items():
        table[key] = value
    tables.append(table)
    addition = tomlkit.document()
    addition[kind] = tables
    body = text if text.endswith("\n") or not text else text + "\n"
    return f"{body}\n{tomlkit.dumps(addition).strip()}\n"


def _tables(text: str, kind: str = CAMERA) -> tuple[tomlkit.TOMLDocument, list[Table] | AoT]:
    try:
        document = tomlkit.parse(text)
        tables = document[kind]
    except TOMLKitError:
        raise EditRefused(f"[[{kind}]]") from None
    if not isinstance(tables, AoT):
        raise EditRefused(f"[[{kind}]]")
    return document, tables


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise EditRefused("the file") from None


def _proven(text: str, expected: Mapping[str, Any], what: str) -> str:
    """Return the text where it says exactly what is expected. Raises EditRefused."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise EditRefused(what) from None
    if said != expected:
        raise EditRefused(what)
    return text
