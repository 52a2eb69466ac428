"""What the door and its inquirer say to one another: which camera to ask what, and what it said. Lines of JSON. Pure.

The password crosses a pipe between two processes of ours and stands in no repr. This module must not know processes.
"""

import json
from dataclasses import dataclass, field

from kuramori.door.camera_access import Access
from kuramori.door_messages import CardStretch, DoorCameraState
from kuramori.wire import WireInvalid, from_plain, to_plain
from kuramori_onvif.card_models import CardReport
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.event_models import ReportedEvent
from kuramori_onvif.network_time import NetworkTime, NtpSetting

LINE_LIMIT_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProfileChanges:
    """What may be changed in a camera so that its profile is silent (R3)."""

    make: bool = False  # make a profile of our own where every one carries sound
    edit: bool = False  # take the sound out of an existing one
    shun_made: bool = False  # delete one of our own, and record another: it streams nothing


UNTOUCHED = ProfileChanges()


@dataclass(frozen=True, slots=True)
class Description:
    """Ask what recording needs. Without one of the permissions nothing is changed in the camera."""

    profile: str | None = None
    changes: ProfileChanges = ProfileChanges()


@dataclass(frozen=True, slots=True)
class Look:
    """Ask the rest: masks, time servers (set where `ntp_server` says which), the memory card.

    `states` are those that the camera's events tell, `earlier` what was known of the card: evidence for the card's
    light.
    """

    ntp_server: str | None = None
    states: tuple[ReportedEvent, ...] = ()
    earlier: CardReport | None = None


@dataclass(frozen=True, slots=True)
class CardQuestion:
    """Ask what the camera's own card holds of this time, by the camera's clock, and where that is replayed."""

    from_camera_utc_ms: int
    to_camera_utc_ms: int


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """What it holds. `problems`: what could not be asked, one sentence each."""

    stretches: tuple[CardStretch, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Ask the camera one of the three."""

    access: Access
    description: Description | None = None
    look: Look | None = None
    card: CardQuestion | None = None


@dataclass(frozen=True, slots=True)
class CameraLook:
    """What else was found. None: the camera does not tell, or was not asked."""

    masks: int | None = None
    ntp: NtpSetting | None = None
    network_time: NetworkTime | None = None
    card: CardReport = field(default_factory=CardReport)
    problems: tuple[str, ...] = ()  # what could not be asked


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why there is no answer: the state, and a sentence for the operator without secrets."""

    state: DoorCameraState
    detail: str
    untrusted: str = ""  # SHA-256 of the certificate that was refused


@dataclass(frozen=True, slots=True)
class Reply:
    """One of the four. `certificate`: SHA-256 of the one that was taken as it was shown, for the first time."""

    description: CameraDescription | None = None
    look: CameraLook | None = None
    card: CardAnswer | None = None
    unanswered: Unanswered | None = None
    certificate: str = ""


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
