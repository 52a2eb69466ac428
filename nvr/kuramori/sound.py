"""What is done with a camera's sound, and the sentence that says so everywhere (R3).

Without a written decision nothing; with one, what the stream set up, or the reason why it did not. Pure; must not
know streams' bytes, segments in the making or files.
"""

from dataclasses import dataclass

from kuramori.capture.source import StreamDescription
from kuramori.texts import tr
from kuramori_config.schema import Camera as CameraTable
from kuramori_segments.audio_track import AudioDecision, AudioTrack
from kuramori_segments.codes import AudioState


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """What a segment says of the camera's sound. `track` only where it is recorded."""

    state: AudioState
    text: str
    track: AudioTrack | None = None
    refused: bool = False  # decided, and not recorded all the same


def decision_of(table: CameraTable) -> AudioDecision | None:
    """Return the written decision to record a camera's sound, if the configuration holds one."""
    if table.audio is None:
        return None
    return AudioDecision(table.audio.who, table.audio.date.isoformat(), table.audio.reason)


def decision_words(decision: AudioDecision) -> str:
    """Return who decided, when and why."""
    return f"written decision of {decision.who}, {decision.date}: {decision.reason}"


def sound_troubles(camera: str, sound: SoundFacts | None) -> tuple[str, ...]:
    """Return a sentence for the operator where sound was decided and is not recorded."""
    if sound is None or not sound.refused:
        return ()
    return (
        tr(
            f"camera {camera}: sound was decided, but is not recorded: {sound.text}",
            f"カメラ {camera}: 録音の決定がありますが、音声は記録されていません: {sound.text}",
        ),
    )


def sound_of(description: StreamDescription, decision: AudioDecision | None) -> SoundFacts:
    """Return what is done with the sound of a stream that has been set up."""
    offered = ", ".join(description.audio_offered)
    state = AudioState.OFFERED_NOT_SET_UP if offered else AudioState.NONE_OFFERED
    if decision is None:
        return SoundFacts(state, f"offered ({offered}), not set up" if offered else "none offered")
    words = decision_words(decision)
    audio = description.audio
    if audio is None:
        reason = description.audio_refused or "the camera offers no sound"
        text = f"offered ({offered}), not set up" if offered else "none offered"
        return SoundFacts(state, f"{text}; {reason}; {words}", refused=True)
    track = AudioTrack(audio.clock_rate_hz, audio.sample_rate_hz, audio.channels, audio.specific_config, decision)
    return SoundFacts(AudioState.RECORDED_BY_DECISION, f"recorded by {words}", track)
