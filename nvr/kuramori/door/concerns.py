"""What an operator must be told of a camera: sentences made from its facts and its configuration. Pure.

Each concern has a kind that stays the same while numbers in its sentence change, so that it is logged once. What a
camera does not tell is a concern only where the configuration asks for an answer. This module must not know how the
facts came.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kuramori.camera_messages import CameraFacts, EventsState, Light, SilenceBy
from kuramori.door.inquiry import CameraLook
from kuramori.door.watch_messages import Heard
from kuramori.texts import tr
from kuramori_config.schema import Camera as CameraTable
from kuramori_onvif.camera_description import CameraDescription
from kuramori_onvif.edge_storage import CardConcern
from kuramori_onvif.edge_storage import concerns as card_concerns
from kuramori_onvif.network_time import NtpOutcome

_MS_PER_SECOND = 1000


@dataclass(frozen=True, slots=True)
class Concern:
    """One sentence; `kind` tells whether it is the same one as before."""

    kind: str
    text: str


def concerns_of(
    table: CameraTable,
    facts: CameraFacts,
    description: CameraDescription | None,
    look: CameraLook,
    heard: Heard | None,
    refusal: str,
    alarm_ms: int,
) -> tuple[Concern, ...]:
    """Return everything that an operator must be told of this camera, the gravest first."""
    found: list[Concern] = []
    found += _of_trust(table, facts, refusal)
    found += _of_sight(facts)
    found += _of_sound(table, facts) if description is not None else ()
    found += _of_card(table, facts, look)
    found += _of_masks(facts) if look.card.looked_utc_ms or look.problems else ()
    found += _of_clock(facts, look, alarm_ms)
    found += _of_events(facts, heard)
    oddities = description.oddities if description is not None else ()
    found += [Concern(f"oddity {one}", _oddity(one)) for one in (*oddities, *look.problems, *look.card.oddities)]
    return tuple(found)


def _of_trust(table: CameraTable, facts: CameraFacts, refusal: str) -> Iterator[Concern]:
    if facts.certificate.startswith("changed"):
        name = table.name
        yield Concern(
            "certificate",
            tr(
                "The camera shows another certificate than before, and is refused. If it was changed on purpose: "
                f"kuramori camera accept-certificate {name}",
                "カメラの証明書が以前と異なるため、接続を拒否しました。意図した変更であれば次を実行してください: "
                f"kuramori camera accept-certificate {name}",
            ),
        )
    elif refusal:
        yield Concern("refusal", refusal)


def _of_sight(facts: CameraFacts) -> Iterator[Concern]:
    words = {
        "scene_change": ("its view was changed", "画角の変化"),
        "too_dark": ("its picture is too dark", "画像が暗すぎる"),
        "too_bright": ("its picture is too bright", "画像が明るすぎる"),
        "blurred": ("its picture is blurred", "画像のぼやけ"),
        "signal_loss": ("it has lost its picture", "映像信号の喪失"),
    }
    for tamper in facts.tampered:
        english, japanese = words.get(tamper, ("somebody tampers with it", "いたずら・妨害"))
        yield Concern(
            f"tamper {tamper}",
            tr(
                f"The camera reports that {english}: go and look.",
                f"カメラの通知: {japanese}。現地を確認してください。",
            ),
        )


def _of_sound(table: CameraTable, facts: CameraFacts) -> Iterator[Concern]:
    """Sound on offer is reported (R3), unless it is recorded by a written decision."""
    if table.audio is not None:
        return
    profile, encodings = facts.audio.chosen_profile, ", ".join(facts.audio.encodings) or "?"
    if facts.audio.silence is SilenceBy.NOT_SILENT:
        yield Concern(
            "sound",
            tr(
                f"The camera offers sound with the recorded profile {profile} ({encodings}); none is recorded. "
                "Turn the microphone off in the camera.",
                f"録画に使うプロファイル {profile} は音声（{encodings}）を含みますが、録音はしていません。"
                "カメラのマイクを無効にしてください。",
            ),
        )
    elif facts.audio.silence is SilenceBy.NOT_TOLD:
        yield Concern(
            "sound",
            tr(
                f"The camera does not say whether its profile {profile} carries sound; none is recorded.",
                f"プロファイル {profile} が音声を含むかどうかをカメラが応答しません（録音はしていません）。",
            ),
        )


def of_shunned() -> Concern:
    """A profile of ours with which no picture came gave way to another one."""
    return Concern(
        "made_profile",
        tr(
            "The camera streamed no pictures with the silent profile that was made in it; another one is recorded. "
            "To try it once more: systemctl reload kuramori",
            "カメラ内に作成した音声なしのプロファイルでは映像が届かないため、別のプロファイルで録画しています。"
            "再試行するには次を実行してください: systemctl reload kuramori",
        ),
    )


_CARD_JAPANESE = {
    CardConcern.RECORDS_UNINVITED: "設定で許可していないのに、カメラ内のカードに録画しています。",
    CardConcern.MAY_RECORD_UNINVITED: "カメラ内のカードへの録画（許可していません）の有無が分かりません。",
    CardConcern.RECORDS_AUDIO: "カメラ内のカードの録画に、音声またはそのトラックが含まれています。",
    CardConcern.NOT_ENCRYPTED_AS_FAR_AS_TOLD: (
        "カメラ内のカードに録画していますが、暗号化しているとの応答がありません。"
    ),
}


def _of_card(table: CameraTable, facts: CameraFacts, look: CameraLook) -> Iterator[Concern]:
    if facts.card.light is Light.RED:
        yield Concern(
            "card",
            tr(
                f"The memory card in the camera has failed: {facts.card.evidence}",
                f"カメラ内のメモリーカードに異常があります: {facts.card.evidence}",
            ),
        )
    allowed, audio_allowed = table.card_recording, table.audio is not None
    for concern in card_concerns(look.card, allowed=allowed, audio_allowed=audio_allowed):
        yield Concern(f"card {concern.name.lower()}", tr(concern.value, _CARD_JAPANESE[concern]))


def _of_masks(facts: CameraFacts) -> Iterator[Concern]:
    """A camera that must have a mask, and is seen to have none or does not tell (R4)."""
    if not facts.masks.expected:
        return
    if facts.masks.count is None:
        yield Concern(
            "mask",
            tr(
                "The camera must have a privacy mask and does not tell whether it has one: look at its settings.",
                "プライバシーマスクが必要なカメラですが、有無を応答しません。カメラの設定画面で確認してください。",
            ),
        )
    elif facts.masks.count == 0:
        yield Concern(
            "mask",
            tr(
                "The camera must have a privacy mask and has none that is switched on.",
                "プライバシーマスクが必要なカメラですが、有効なマスクがありません。",
            ),
        )


def _of_clock(facts: CameraFacts, look: CameraLook, alarm_ms: int) -> Iterator[Concern]:
    offset_ms = facts.clock_offset_ms
    if offset_ms is not None and abs(offset_ms) > alarm_ms:
        seconds = round(abs(offset_ms) / _MS_PER_SECOND)
        english, japanese = ("ahead", "進んで") if offset_ms > 0 else ("behind", "遅れて")
        yield Concern(
            "clock",
            tr(
                f"The camera's clock is {seconds} s {english}; recordings are dated by the recorder's clock.",
                f"カメラの時計が{seconds}秒{japanese}います。録画の時刻は録画装置の時計によります。",
            ),
        )
    if look.ntp is not None and look.ntp.outcome in (NtpOutcome.REFUSED, NtpOutcome.IGNORED):
        yield Concern(
            "ntp",
            tr(
                f"The camera does not take its time server from us: {look.ntp.evidence}",
                f"カメラに時刻サーバーを設定できません: {look.ntp.evidence}",
            ),
        )


def _of_events(facts: CameraFacts, heard: Heard | None) -> Iterator[Concern]:
    if facts.events is EventsState.LOST and heard is not None and heard.problem:
        yield Concern(
            "events",
            tr(
                f"The camera's events are not heard: {heard.problem}",
                f"カメラの通知を受信できません: {heard.problem}",
            ),
        )


def _oddity(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "。")) else ".")
