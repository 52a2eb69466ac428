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
class RefreshCameraRequest:
    """Ask this camera again now, also after a refused password."""

    camera: str
