"""What people read of a camera's card, tampering, clock and masks: sentences in English and Japanese.

Made from facts as they were told. What is not told is called unknown, never good. This module must not know who shows
the sentences.
"""

from collections.abc import Iterable

from kuramori.camera_messages import CameraFacts, CardFacts, Light
from kuramori.fact_book import is_stale, light_of
from kuramori.texts import Said, joined, tr

TAMPER_TEXTS: dict[str, tuple[str, str]] = {
    "scene_change": ("the scene has changed", "画角の急変"),
    "too_dark": ("the picture is too dark", "映像が暗すぎる"),
    "too_bright": ("the picture is too bright", "映像が明るすぎる"),
    "blurred": ("the picture is blurred", "映像のぼけ"),
    "signal_loss": ("no signal from the sensor", "映像信号の消失"),
    "tampering": ("the camera reports tampering", "妨害行為の検知"),
}
LIGHT_TEXTS = {Light.GREEN: ("green", "緑"), Light.RED: ("RED", "赤"), Light.UNKNOWN: ("unknown", "不明")}
CHANGED = "changed"  # how the certificate's text begins when another one was shown


def tamper_text(kinds: Iterable[str]) -> Said:
    """Return the active kinds of tampering in the reader's language."""
    return joined((tr(*TAMPER_TEXTS.get(kind, (kind, kind))) for kind in kinds), ", ", "、")


def light_text(light: Light) -> str:
    """Return the light's name in the reader's language."""
    return tr(*LIGHT_TEXTS[light])


def card_notes(card: CardFacts) -> tuple[str, ...]:
    """Return what else is told of the card: whether it records, with sound, encrypted."""
    told = (
        (card.has_storage is False, tr("no card", "カードなし")),
        (card.records is True, tr("records", "記録中")),
        (card.records is False, tr("does not record", "記録していない")),
        (card.records_audio is True, tr("WITH SOUND", "音声あり")),
        (card.encrypted is True, tr("encrypted", "暗号化あり")),
        (card.records is True and card.encrypted is False, tr("not encrypted", "暗号化なし")),
    )
    return tuple(text for holds, text in told if holds)


def certificate_changed(facts: CameraFacts) -> bool:
    """Tell whether the camera showed another certificate than the pinned one."""
    return facts.certificate.startswith(CHANGED)


def masks_missing(facts: CameraFacts) -> bool:
    """Tell whether the camera should have a privacy mask and is not seen to have one (R4)."""
    return facts.masks.expected and not facts.masks.count


def camera_troubles(facts: CameraFacts, utc_ms: int, clock_limit_ms: float) -> tuple[str, ...]:
    """Return a sentence for everything that is wrong with a camera now; nothing is green."""
    name, found = facts.camera, []
    if light_of(facts, utc_ms) is Light.RED:
        evidence = facts.card.evidence
        found.append(
            tr(f"{name}: the card in the camera has failed ({evidence})", f"{name}: カメラ内カードの異常（{evidence}）")
        )
    if facts.tampered:
        kinds = tamper_text(facts.tampered)
        found.append(tr(f"{name}: tampering: {kinds.english}", f"{name}: 妨害の疑い: {kinds.japanese}"))
    if certificate_changed(facts):
        found.append(
            tr(
                f"{name}: the camera shows another certificate than before and is not trusted",
                f"{name}: カメラの証明書が変わったため接続を拒否しています",
            )
        )
    if masks_missing(facts):
        found.append(
            tr(
                f"{name}: a privacy mask is required, but none is seen",
                f"{name}: 必要なプライバシーマスクが確認できません",
            )
        )
    offset_ms = facts.clock_offset_ms
    if offset_ms is not None and abs(offset_ms) > clock_limit_ms and not is_stale(facts, utc_ms):
        seconds = f"{offset_ms / 1000:+.1f}"
        found.append(
            tr(f"{name}: the camera's clock is off by {seconds} s", f"{name}: カメラの時計が {seconds} 秒ずれています")
        )
    return tuple(found)
