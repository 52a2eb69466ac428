"""What the door tells and answers: where cameras stream, how it stands with them, what a search found.

Part of the protocol of `messages`, which says how a value becomes a line. This module must not know sockets, and
nothing here acts.
"""

from dataclasses import dataclass
from enum import StrEnum

from kuramori.camera_messages import CameraFacts


@dataclass(frozen=True, slots=True)
class CameraStream:
    """The door found where a camera streams now (no credentials in the URI)."""

    camera: str
    stream_uri: str
    endpoint_uuid: str = ""
    profile: str = ""
    audio_encoder: bool = False  # the profile in use carries an audio encoder, or does not tell (R3)
    detail: str = ""  # what was found strange, one sentence each, "; " between
    codec: str = ""  # "h264" or "h265"
    width: int = 0
    height: int = 0
    audio_encoding: str = ""  # "AAC", where told
    clock_offset_ms: int | None = None  # camera minus us; None when unknown


# ---- what the door answers (door.sock) ---------------------------------------------------------------------


class DoorCameraState(StrEnum):
    """How the door stands with a camera."""

    ASKING = "asking"  # not yet known
    FOUND = "found"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"  # user or password
    UNSUITABLE = "unsuitable"  # it answers, but not what recording needs


@dataclass(frozen=True, slots=True)
class DoorStatusRequest:
    """How do you stand with the cameras?"""


@dataclass(frozen=True, slots=True)
class KnownCertificate:
    """By which certificate a camera is known: SHA-256 in hexadecimal, "" where there is none."""

    pinned: str = ""
    refused: str = ""  # another one that it shows now, and that an operator may accept
    configured: bool = False  # the configuration says whom to trust: only there can it be changed


@dataclass(frozen=True, slots=True)
class DoorCamera:
    """One ONVIF camera as the door sees it now. `detail` is a sentence for the operator, never a secret."""

    name: str
    state: DoorCameraState
    address: str  # where it is asked now
    asked_utc_ms: int | None = None
    detail: str = ""
    endpoint_uuid: str = ""
    model: str = ""
    serial: str = ""
    stream: CameraStream | None = None  # the last one told to the recorder
    facts: CameraFacts | None = None  # likewise
    certificate: KnownCertificate | None = None  # None: it is not asked over https
    dropped_events: int = 0  # since the door was started: there were too many


@dataclass(frozen=True, slots=True)
class DoorStatus:
    """The door at a glance. `problems`: what keeps it from hearing cameras come and go."""

    utc_ms: int
    cameras: tuple[DoorCamera, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscoverRequest:
    """Search the network. No interfaces: all that carry multicast."""

    duration_ms: int = 4000
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscoveredCamera:
    """A device that answered; unproven. `configured_as` is the camera of that identity, "" if none."""

    endpoint_uuid: str
    address: str
    address_replaced: bool
    interface: str
    vendor: str = ""
    model: str = ""
    name: str = ""
    configured_as: str = ""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a search found."""

    cameras: tuple[DiscoveredCamera, ...]
    searched: tuple[str, ...]
    problems: tuple[str, ...] = ()
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class FindRecordingsRequest:
    """What does this camera's own card hold of this time? Times by the camera's clock."""

    camera: str
    from_camera_utc_ms: int
    to_camera_utc_ms: int


@dataclass(frozen=True, slots=True)
class CardStretch:
    """A stretch of a recording on the card, and where that is replayed (no credentials in the URI).

    `exact` False: only its first and last moment are told, and there may be holes in it.
    """

    token: str
    replay_uri: str
    from_camera_utc_ms: int
    to_camera_utc_ms: int
    exact: bool = False


@dataclass(frozen=True, slots=True)
class CardRecordings:
    """What the card holds; nothing, where the camera says so. `detail`: what else it said, for the log."""

    camera: str
    stretches: tuple[CardStretch, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RefreshCameraRequest:
    """Ask this camera again now, also after a refused password."""

    camera: str


@dataclass(frozen=True, slots=True)
class AcceptCertificateRequest:
    """Know this camera by another certificate: exactly the one that it showed and that was refused.

    Asked of the door (https) and of the recorder (rtsps): each knows a camera by its own.
    """

    camera: str
    fingerprint: str  # SHA-256 as a person writes it: "sha256:…" or plain, with or without colons
