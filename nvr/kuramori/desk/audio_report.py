"""What is known of each camera's sound, with evidence and time (R3): offered, chosen, on its card, decided. Pure.

Puts together what the recorder saw on the wire, what the door was told, and what the configuration decides. What
nobody tells is unknown, never silent. Must not know sockets or how it is shown.
"""

from dataclasses import dataclass
from enum import StrEnum

from kuramori.camera_messages import AudioFacts, CameraFacts, CardFacts, SilenceBy
from kuramori.desk.site import AudioDecision, SiteCamera
from kuramori.messages import CameraStatus

AUDIO_SETUP = "audio"


class AudioVerdict(StrEnum):
    """How it stands with a camera's sound, in one word."""

    SILENT = "silent"  # the stream offers none
    NOT_RECORDED = "not_recorded"  # offered, never set up
    RECORDED = "recorded"  # set up, by written decision
    DECIDED = "decided"  # by written decision, and none comes now
    VIOLATED = "violated"  # set up without a decision: a fault of ours
    UNKNOWN = "unknown"  # the stream was not described since the recorder started


@dataclass(frozen=True, slots=True)
class AudioLine:
    """One camera's sound. Times are None where nobody said anything yet."""

    camera: str
    place: str
    verdict: AudioVerdict
    stream_offered: tuple[str, ...]  # encodings of the sound in the stream's description (SDP)
    stream_setups: tuple[str, ...]  # media that were set up
    stream_utc_ms: int | None  # in this state since
    profiles_with_audio: tuple[str, ...]
    profile_encodings: tuple[str, ...]
    chosen_profile: str
    silence: SilenceBy
    evidence: str
    facts_utc_ms: int | None
    card: CardFacts
    decision: AudioDecision | None


@dataclass(frozen=True, slots=True)
class AudioReport:
    """Every configured camera, in the order of the configuration. `problems`: who could not be asked."""

    utc_ms: int
    site: str
    lines: tuple[AudioLine, ...]
    problems: tuple[str, ...] = ()


def audio_line(camera: SiteCamera, status: CameraStatus | None, facts: CameraFacts | None) -> AudioLine:
    """Return what is known of one camera's sound; None: nobody could be asked, or knows nothing."""
    audio = facts.audio if facts is not None else AudioFacts()
    described = status is not None and status.codec != ""
    return AudioLine(
        camera=camera.name,
        place=camera.place,
        verdict=_verdict(camera, status if described else None),
        stream_offered=status.audio_offered if status is not None else (),
        stream_setups=status.setups if status is not None else (),
        stream_utc_ms=status.since_utc_ms if status is not None and described else None,
        profiles_with_audio=audio.profiles_with_audio,
        profile_encodings=audio.encodings,
        chosen_profile=audio.chosen_profile,
        silence=audio.silence,
        evidence=audio.evidence,
        facts_utc_ms=facts.utc_ms if facts is not None else None,
        card=facts.card if facts is not None else CardFacts(),
        decision=camera.audio,
    )


def newest(*told: CameraFacts | None) -> CameraFacts | None:
    """Return the newest of what door and recorder have of a camera."""
    known = [facts for facts in told if facts is not None]
    return max(known, key=lambda facts: facts.utc_ms, default=None)


def _verdict(camera: SiteCamera, status: CameraStatus | None) -> AudioVerdict:
    if status is None:
        return AudioVerdict.UNKNOWN
    heard = AUDIO_SETUP in status.setups
    if camera.audio is not None:
        return AudioVerdict.RECORDED if heard else AudioVerdict.DECIDED
    if heard:
        return AudioVerdict.VIOLATED
    return AudioVerdict.NOT_RECORDED if status.audio_offered else AudioVerdict.SILENT
