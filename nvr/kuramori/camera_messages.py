"""What is known of a camera beyond its stream: audio, memory card, events, masks, clock; and how an operator pauses it.

Part of the protocol of `messages`. The door tells facts and events to the recorder; the desk reads them from both.
Every fact has its evidence and its time; what the camera does not tell is unknown, never good (R3, K8). This module
must not know ONVIF or sockets, and nothing here acts.
"""

from dataclasses import dataclass
from enum import StrEnum


class Light(StrEnum):
    """Green: seen to be well. Red: seen to be wrong. Unknown: the camera does not tell; neither of the two."""

    GREEN = "green"
    RED = "red"
    UNKNOWN = "unknown"


class SilenceBy(StrEnum):
    """How the media profile in use came to be silent, or that it did not (R3)."""

    CHOSEN = "chosen"  # a profile without audio encoder was there
    MADE = "made"  # we made one of video source and encoder only, and read it back
    EDITED = "edited"  # the sound was taken out of an existing one, as configured, and read back
    NOT_SILENT = "not_silent"  # the profile carries sound, which is never set up
    NOT_TOLD = "not_told"  # the camera does not say what the profile carries


class EventsState(StrEnum):
    """Whether the camera's events are heard."""

    OFF = "off"  # not asked for in the configuration
    UNSUPPORTED = "unsupported"
    SUBSCRIBED = "subscribed"
    LOST = "lost"  # were heard, or should be, and are not now


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What the camera could send of sound, and what was chosen."""

    profiles_with_audio: tuple[str, ...] = ()  # tokens
    encodings: tuple[str, ...] = ()  # "AAC", "G711", in these profiles
    chosen_profile: str = ""
    silence: SilenceBy = SilenceBy.NOT_TOLD
    evidence: str = ""  # a sentence


@dataclass(frozen=True, slots=True)
class CardFacts:
    """The memory card inside the camera (K8). None: not told."""

    light: Light = Light.UNKNOWN
    evidence: str = ""
    has_storage: bool | None = None
    records: bool | None = None
    records_audio: bool | None = None
    encrypted: bool | None = None
    oldest_utc_ms: int | None = None
    latest_utc_ms: int | None = None


@dataclass(frozen=True, slots=True)
class MaskFacts:
    """Privacy masks (R4). `count` None: the camera does not tell."""

    count: int | None = None
    expected: bool = False


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """All that the door knows of a camera beside its stream, as of `utc_ms`. Sent whole, whenever it changes."""

    camera: str
    utc_ms: int
    audio: AudioFacts = AudioFacts()
    card: CardFacts = CardFacts()
    masks: MaskFacts = MaskFacts()
    events: EventsState = EventsState.OFF
    tampered: tuple[str, ...] = ()  # active tamper events: "scene_change", "too_dark", "blurred", "signal_loss", ...
    clock_offset_ms: int | None = None
    clock_source: str = ""  # "onvif", "http_date", "unknown"
    ntp: str = ""  # "set", "refused", "not asked", with what the camera says
    certificate: str = ""  # "", "pinned sha256:...", or "changed: ..." (refused)
    concerns: tuple[str, ...] = ()  # sentences for the operator


@dataclass(frozen=True, slots=True)
class CameraEvent:
    """One event that a camera reported, for the encrypted index: it opens only with the recording (R5)."""

    kind: str  # "motion", "tamper", "signal_loss", "storage_failure", "recording_job", "reboot", "other"
    topic: str
    begins: bool | None  # True: began, False: ended, None: a moment
    camera_utc_ms: int | None  # as the camera says
    received_utc_ms: int  # by our clock
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CameraEvents:
    """Events of one camera, in the order in which they came; the recorder seals them."""

    camera: str
    events: tuple[CameraEvent, ...]
    dropped: int = 0  # how many were let go before these, because there were too many


@dataclass(frozen=True, slots=True)
class PauseCameraRequest:
    """Record nothing of this camera until `until_utc_ms`; the gap's reason is maintenance. It ends by itself.

    The same request again changes the end. `until_utc_ms` in the past, or 0, ends a pause now.
    """

    camera: str
    until_utc_ms: int
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that is in force, or the one that has just been ended (`until_utc_ms` is not later than now)."""

    camera: str
    from_utc_ms: int
    until_utc_ms: int
    person: str
    reason: str
