"""What an operator is told of a volume or a ledger that fails, in both languages: what is, and what to do.

This module must not know how it was found out.
"""

from collections.abc import Sequence

from kuramori.texts import both, tr
from kuramori.volume_health import NS_PER_SECOND, VolumeHealth, VolumeState
from kuramori_segments.ledger_store import Mend


def volume_problem(name: str, health: VolumeHealth, boot_ns: int, *, alone: bool) -> str | None:
    """Return the sentence for a volume; None when there is nothing to tell. `alone`: no other volume takes over."""
    if health.is_sound(boot_ns):
        return None
    why = both(health.detail)
    seconds = max(0, boot_ns - health.since_boot_ns) // NS_PER_SECOND
    if health.state is VolumeState.GOOD:
        return tr(
            f"The volume {name} has failed within the last ten minutes and is used again: {why.english}",
            f"保存領域 {name} で10分以内に障害があり、現在は再び使用しています: {why.japanese}",
        )
    goes_on = (
        tr(
            "Its cameras are kept in memory until that is full; then pictures are lost, and said to be.",
            "このカメラの映像はメモリーに保持し、満杯になると欠落として記録します。",
        )
        if alone
        else tr("Its cameras are recorded on another volume.", "このカメラは別の保存領域に録画しています。")
    )
    if health.state is VolumeState.LATE:
        return tr(
            f"The volume {name} does not answer ({why.english}). {goes_on.english}",
            f"保存領域 {name} が応答しません（{why.japanese}）。{goes_on.japanese}",
        )
    if health.state is VolumeState.AWAY:
        return tr(
            f"The volume {name} is not in use: {why.english} {goes_on.english} It is taken up as soon as it is there.",
            f"保存領域 {name} は使用できません: {why.japanese} {goes_on.japanese} "
            "使用可能になり次第、自動で使用を再開します。",
        )
    return tr(
        f"The volume {name} has been out of use for {seconds} s: {why.english} {goes_on.english} Look at its medium; "
        "when it works again it is checked and used again by itself.",
        f"保存領域 {name} は{seconds}秒前から使用できません: {why.japanese} {goes_on.japanese} 媒体を確認してください。"
        f"正常に戻れば、検査のうえ自動で使用を再開します。",
    )


def out_of_reach(volumes: Sequence[str]) -> str:
    """Return why an order waits for volumes that are away or do not answer, and what to do."""
    named = ", ".join(volumes)
    return tr(
        f"Pictures that this concerns lie, or may lie, on {named}, which is away or does not answer. Nothing was "
        "destroyed yet: bring it back, or retire it (kuramori retire).",
        f"対象の画像は、使用できない保存領域 {named} にある（可能性がある）ため、まだ何も破棄していません。"
        "保存領域を復旧するか、廃棄（kuramori retire）してください。",
    )


def keystore_problem(detail: str) -> str:
    """Return the sentence for a keystore that makes no new key."""
    why = both(detail)
    return tr(
        f"No key can be made for the coming hour: {why.english} Cameras are recorded under the keys that they have, "
        "then kept in memory, then not at all. Make the state directory writable; it is tried again by itself.",
        f"次の時間帯の鍵を作成できません: {why.japanese} 現在の鍵で録画を続け、その後はメモリーに保持し、"
        "満杯になると録画できません。状態ディレクトリーを書き込み可能にしてください。自動で再試行します。",
    )


def keystore_late_problem() -> str:
    """Return the sentence for a keystore, or a cell, that does not answer."""
    return tr(
        "The keystore does not answer, so no key can be made for now. Cameras are recorded under the keys they have, "
        "then kept in memory, then not at all. Look at the media of the state directory and of the cell.",
        "鍵保管庫が応答せず、鍵を作成できません。現在の鍵で録画を続け、その後はメモリーに保持し、満杯になると"
        "録画できません。状態ディレクトリーと消去可能領域の媒体を確認してください。",
    )


def ledger_problem(detail: str, waiting: int) -> str:
    """Return the sentence for a ledger that takes nothing."""
    why = both(detail)
    return tr(
        f"The ledger cannot be written: {why.english} Recording goes on; {waiting} notes of runs and gaps wait in "
        "memory. Make its place writable again.",
        f"台帳に書き込めません: {why.japanese} 録画は続いています。録画区間の記録{waiting}件が"
        "メモリーで待機しています。保存場所を書き込み可能に戻してください。",
    )


def ledger_lost_problem(found: Mend) -> str:
    """Return the sentence for a ledger whose file went away while it was in use."""
    if found is Mend.ON_MIRROR:
        return tr(
            "The ledger was removed while in use and cannot be made anew: its mirror is the ledger now. Make its place "
            "writable and restart the recorder.",
            "台帳が使用中に失われ、作り直せません。現在は控えの台帳を使用しています。"
            "保存場所を書き込み可能にして、録画機を再起動してください。",
        )
    if found is Mend.LOST:
        return tr(
            "The ledger was removed while in use, cannot be made anew, and has no mirror: pictures are recorded, but "
            "runs and gaps are not noted. Make its place writable and restart the recorder.",
            "台帳が使用中に失われ、作り直せず、控えもありません。映像は録画していますが、録画区間と欠落を"
            "記録できません。保存場所を書き込み可能にして、録画機を再起動してください。",
        )
    return tr(
        "The ledger was removed or replaced while in use; it was made anew, and nothing of it is lost. Find out "
        "who did that.",
        "台帳が使用中に削除または差し替えられたため、作り直しました。内容は失われていません。原因を確認してください。",
    )
