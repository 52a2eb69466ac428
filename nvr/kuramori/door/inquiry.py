"""What the door and its inquirer say to one another: which camera to ask, and what it said. Lines of JSON. Pure.

The password crosses a pipe between two processes of ours and stands in no repr. This module must not know processes.
"""

import json
from dataclasses import dataclass, field

from kuramori.door_messages import DoorCameraState
from kuramori.wire import WireInvalid, from_plain, to_plain
from kuramori_onvif.device import CameraDescription

LINE_LIMIT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Ask the camera at `url` what recording needs."""

    url: str
    profile: str | None = None
    user: str | None = None
    password: str = field(default="", repr=False)
    fingerprint: str | None = None  # 64 hexadecimal digits
    authority_file: str | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why there is no description: the state, and a sentence for the operator without secrets."""

    state: DoorCameraState
    detail: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One of the two."""

    description: CameraDescription | None = None
    unanswered: Unanswered | None = None


class LineUnreadable(ValueError):
    """A line is neither inquiry nor reply."""


def encode(number: int, value: Inquiry | Reply) -> bytes:
    """Return the line that carries a value and its number."""
    return json.dumps({"number": number, "value": to_plain(value)}, ensure_ascii=False).encode() + b"\n"


def decode_inquiry(line: bytes) -> tuple[int, Inquiry]:
    """Read an inquiry. Raises LineUnreadable."""
    number, plain = _parse(line)
    try:
        return number, from_plain(Inquiry, plain)
    except WireInvalid as error:
        raise LineUnreadable(str(error)) from None


def decode_reply(line: bytes) -> tuple[int, Reply]:
    """Read a reply. Raises LineUnreadable."""
    number, plain = _parse(line)
    try:
        return number, from_plain(Reply, plain)
    except WireInvalid as error:
        raise LineUnreadable(str(error)) from None


def _parse(line: bytes) -> tuple[int, object]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise LineUnreadable("not JSON") from None
    if not isinstance(document, dict) or type(document.get("number")) is not int:
        raise LineUnreadable("without a number")
    return document["number"], document.get("value")
