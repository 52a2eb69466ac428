"""One log event as an entry of systemd's journal: its fields and their bytes, by the documented native protocol.

Fields: MESSAGE, PRIORITY (syslog(3)), SYSLOG_IDENTIFIER, KURAMORI_EVENT, KURAMORI_PROCESS, CAMERA, VOLUME; whatever
else an event tells is KURAMORI_<NAME>. Pure. This module must not know where the journal is.
"""

import json
import re
import struct
from collections.abc import Mapping

IDENTIFIER = "kuramori"
VALUE_CHARACTERS_MOST = 8_192
FIELDS_MOST = 48
OWN_NAMES = {"camera": "CAMERA", "volume": "VOLUME", "process": "KURAMORI_PROCESS", "exception": "KURAMORI_EXCEPTION"}
PRIORITIES = {"critical": 2, "error": 3, "exception": 3, "warning": 4, "warn": 4, "info": 6, "debug": 7}
INFORMATIONAL = 6
NOT_TOLD = ("event", "level", "timestamp")  # the journal has its own time
_NOT_OF_A_NAME = re.compile(r"[^A-Z0-9_]")
_NAME_CHARACTERS_MOST = 50
_LENGTH = struct.Struct("<Q")


def entry_of(event: Mapping[str, object]) -> dict[str, str]:
    """Return the fields of an event as structlog hands it over."""
    name = _text(event.get("event", ""))
    facts = {key: _text(value) for key, value in event.items() if key not in NOT_TOLD and value is not None}
    fields = {
        "MESSAGE": _message(name, facts),
        "PRIORITY": str(PRIORITIES.get(str(event.get("level")), INFORMATIONAL)),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "KURAMORI_EVENT": name,
    }
    for key, value in facts.items():
        if len(fields) < FIELDS_MOST:
            fields.setdefault(OWN_NAMES.get(key) or _field_name(key), value[:VALUE_CHARACTERS_MOST])
    return fields


def _message(name: str, facts: Mapping[str, str]) -> str:
    told = " ".join(f"{key}={value}" for key, value in facts.items() if key not in ("process", "exception", "detail"))
    detail = facts.get("detail", "")
    said = name + (f" {told}" if told else "") + (f": {detail}" if detail else "")
    return on_one_line(said)[:VALUE_CHARACTERS_MOST]


def on_one_line(text: str) -> str:
    """Return a text without anything that could begin another line or steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _field_name(key: str) -> str:
    return "KURAMORI_" + _NOT_OF_A_NAME.sub("_", key.upper())[:_NAME_CHARACTERS_MOST]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def encode(fields: Mapping[str, str]) -> bytes:
    """Return the datagram: NAME=value lines; a value with a line break is given by its length (64 bit, little-endian).

    Source: systemd, "Native Journal Protocol".
    """
    parts = []
    for name, value in fields.items():
        raw = value.encode("utf-8", "replace")
        if b"\n" in raw:
            parts.append(name.encode() + b"\n" + _LENGTH.pack(len(raw)) + raw + b"\n")
        else:
            parts.append(name.encode() + b"=" + raw + b"\n")
    return b"".join(parts)
