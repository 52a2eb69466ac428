"""The door's values: small, frozen, and free of SOAP; the only shapes in which a camera's words leave this room.

Lengths are already capped and control characters removed when one of these is made. This module must not know how
the words came.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class AudioFact(StrEnum):
    """What is known of audio in a profile. Only a well-formed answer makes it ABSENT (R3: fail closed)."""

    ABSENT = "absent"  # the profile carries no audio encoder: the stream has no sound
    CONFIGURED = "configured"  # the profile carries one: the stream offers sound, which is not set up
    UNKNOWN = "unknown"  # the camera did not tell


class ClockSource(StrEnum):
    """Where a reading of the camera's clock came from."""

    ONVIF = "onvif"  # GetSystemDateAndTime
    HTTP_DATE = "http_date"  # the Date header of a refused request
    UNKNOWN = "unknown"  # missing or impossible: never read as zero


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The camera's clock against ours, to one second at best.

    `offset_ms` = camera minus us; None when unknown. `round_trip_ms` bounds its error (half of it each way).
    """

    source: ClockSource
    camera_utc_ms: int | None
    offset_ms: int | None
    round_trip_ms: int


@dataclass(frozen=True, slots=True)
class DeviceInformation:
    """GetDeviceInformation. Texts as the camera says, cut and cleaned; empty where it says nothing."""

    manufacturer: str
    model: str
    firmware: str
    serial: str
    hardware: str


@dataclass(frozen=True, slots=True)
class Services:
    """Where the camera's services answer: URLs pinned to the host that we connect to; None if not offered."""

    device: str
    media: str | None = None
    media2: str | None = None
    events: str | None = None
    recording: str | None = None
    search: str | None = None
    replay: str | None = None
    replaced_hosts: tuple[str, ...] = ()  # hosts that the camera named instead of its own


@dataclass(frozen=True, slots=True)
class VideoEncoder:
    """A profile's video encoder configuration. `encoding` is H264, H265, JPEG or another word in capitals."""

    token: str
    encoding: str
    width: int
    height: int
    frames_per_second: float | None
    bitrate_kbps: int | None
    frames_per_gop: int | None


@dataclass(frozen=True, slots=True)
class MediaProfile:
    """One media profile. `media_version` tells which service named it (1: ver10, 2: ver20).

    The tokens are those of the configurations that it is put together from; "" where it has none or does not say.
    """

    token: str
    name: str
    fixed: bool  # only means: cannot be deleted
    media_version: int
    video: VideoEncoder | None
    audio: AudioFact
    audio_encoding: str  # "" unless CONFIGURED and told
    video_source_token: str = ""
    audio_encoder_token: str = ""
    audio_source_token: str = ""


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """A profile's RTSP address: pinned to the connected host, without user, password or fragment."""

    uri: str
    replaced_host: str | None  # the host that the camera named, if another


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device that answered a probe or said Hello. Nothing of it is proven; nobody signed in to it.

    `address` is the first XAddr bound to the datagram's source; `address_replaced` tells that the camera named
    another host there.
    """

    endpoint_id: str
    address: str
    address_replaced: bool
    source: str
    interface: str
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    vendor: str = ""
    model: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class DiscoveryReport:
    """What a search found, in order of appearance, and what kept it from finding more."""

    devices: tuple[FoundDevice, ...]
    searched: tuple[str, ...]  # interface names
    problems: tuple[str, ...] = field(default=())
    dropped: int = 0  # answers beyond the caps
    malformed: int = 0
