"""What a camera was found to be and to offer, as one value: to record it, or only to look at it.

This module must not know how any of it was asked.
"""

from dataclasses import dataclass

from kuramori_onvif.models import ClockReading, DeviceInformation, MediaProfile, StreamAddress
from kuramori_onvif.profiles import Choice
from kuramori_onvif.silent_profile import Silenced

MAX_LISTED_PROFILES = 64  # of a camera; an encoder for many cameras has more, of which only the choice is told


@dataclass(frozen=True, slots=True)
class CameraDescription:
    """All that is needed to record a camera, and what was found strange on the way."""

    information: DeviceInformation | None  # None: it does not tell, or not in UTF-8
    endpoint_id: str  # its WS-Discovery identity, "" if it does not tell
    clock: ClockReading
    choice: Choice
    stream: StreamAddress
    sign_in_method: str
    oddities: tuple[str, ...]
    silenced: Silenced | None = None  # None in descriptions that nobody asked a camera for
    profiles_with_audio: tuple[str, ...] = ()  # tokens of those that carry an audio encoder
    audio_encodings: tuple[str, ...] = ()  # of these, each once
    profiles: tuple[MediaProfile, ...] = ()  # as they are at the end, at most MAX_LISTED_PROFILES


@dataclass(frozen=True, slots=True)
class CameraInspection:
    """What a camera is and offers, found out without changing anything in it."""

    information: DeviceInformation | None
    endpoint_id: str
    clock: ClockReading
    profiles: tuple[MediaProfile, ...]
    proposal: Choice | None  # what would be recorded; None: nothing could be
    stream: StreamAddress | None  # of the proposal; None where it does not tell
    sign_in_method: str
    oddities: tuple[str, ...]
