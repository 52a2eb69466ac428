"""What a bundle says of sound: none, or by whose written decision, when and why (R3).

Both languages, as they stand in the manifest and on the receipt. Pure; must not know files or how sound is stored.
"""

from collections.abc import Iterable

from kuramori_segments.audio_track import AudioDecision

SILENT_ENGLISH = "No audio."
SILENT_JAPANESE = "音声は含みません。"


def decisions_of(decisions: Iterable[AudioDecision]) -> tuple[AudioDecision, ...]:
    """Return each decision once, in the order of their dates."""
    return tuple(sorted(set(decisions), key=lambda decision: (decision.date, decision.who, decision.reason)))


def sound_english(decisions: tuple[AudioDecision, ...]) -> str:
    """Return the sentence."""
    if not decisions:
        return SILENT_ENGLISH
    said = "; ".join(f"{one.who}, {one.date}: {one.reason}" for one in decisions)
    return (
        f"Sound was recorded by written decision ({said}); it is AAC as the camera sent it. "
        "The proof of the pictures does not cover the sound: the recorder vouches for it by this manifest alone."
    )


def sound_japanese(decisions: tuple[AudioDecision, ...]) -> str:
    """Return the sentence."""
    if not decisions:
        return SILENT_JAPANESE
    said = "、".join(f"決定者 {one.who}、決定日 {one.date}、理由 {one.reason}" for one in decisions)
    return (
        f"音声は書面による決定に基づき録音したものです({said})。カメラが送信したAACデータのままです。"
        "映像の証明は音声には及ばず、音声は本目録の署名のみにより保証されます。"
    )
