"""What a bundle says of sound: none, or by whose written decision, when and why (R3).

Both languages, as they stand in the manifest and on the receipt. Pure; must not know files or how sound is stored.
"""

from collections.abc import Iterable

from kuramori_segments.audio_track import AudioDecision

SILENT_ENGLISH = "No audio."
SILENT_JAPANESE = "音声は含みません。"
FILLED_ENGLISH = " What was filled from the camera's card has no sound."
FILLED_JAPANESE = "カメラのメモリーカードから補完した部分には、音声がありません。"


def decisions_of(decisions: Iterable[AudioDecision]) -> tuple[AudioDecision, ...]:
    """Return each decision once, in the order of their dates."""
    return tuple(sorted(set(decisions), key=lambda decision: (decision.date, decision.who, decision.reason)))


def sound_english(decisions: tuple[AudioDecision, ...], *, filled: bool = False) -> str:
    """Return the sentence. `filled`: some of the pictures come from the camera's card, and so without their sound."""
    if not decisions:
        return SILENT_ENGLISH
    said = "; ".join(f"{one.who}, {one.date}: {one.reason}" for one in decisions)
    return (
        f"Sound was recorded by written decision ({said}); it is AAC as the camera sent it. "
        "The proof of the pictures does not cover the sound: the recorder vouches for it by this manifest alone."
        + FILLED_ENGLISH
        * filled
    )


def sound_japanese(decisions: tuple[AudioDecision, ...], *, filled: bool = False) -> str:
    """Return the sentence. `filled`: as in English."""
    if not decisions:
        return SILENT_JAPANESE
    said = "、".join(f"決定者 {one.who}、決定日 {one.date}、理由 {one.reason}" for one in decisions)
    return (
        f"音声は書面による決定に基づき録音したものです({said})。カメラが送信したAACデータのままです。"
        "映像の証明は音声には及ばず、音声は本目録の署名のみにより保証されます。" + FILLED_JAPANESE * filled
    )
