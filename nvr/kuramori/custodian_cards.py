"""Takes the custodians' public cards from a folder and puts the custodian set together, or says why not.

Every file in the folder counts: a card that cannot be read is never passed over, or the set would be another than the
one people believe in. This module must not know private keys; it refuses a folder that holds one.
"""

from pathlib import Path

from kuramori.texts import tr
from kuramori_segments.custodian_card import MAX_CARD_BYTES, CustodianCard, read_card
from kuramori_segments.custodian_key import KIND as KEY_FILE_KIND
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.key_faults import (
    CardForged,
    CardRefused,
    CustodiansExpired,
    CustodianTwice,
    ThresholdRefused,
)
from kuramori_segments.recovery_key import RecoveryCard, read_recovery_card


class CardsRefused(Exception):
    """No custodian set can be made of these cards. The message is one sentence in the reader's language."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.path = path


def gather_set(cards_directory: Path, recovery_card: Path, threshold: int, utc_ms: int) -> CustodianSet:
    """Return the set of all cards in the folder, every proof checked, valid at `utc_ms`. Raises CardsRefused."""
    cards = [_card(path) for path in _files(cards_directory, recovery_card)]
    recovery = _recovery(recovery_card)
    try:
        custodian_set = CustodianSet.of(threshold, cards, recovery)
        custodian_set.require_valid(utc_ms)
    except CustodianTwice as twice:
        message = tr(
            f"{twice.name} ({twice.title}) is among the custodians twice: each needs one card, and own keys",
            f"鍵管理者 {twice.name}（{twice.title}）が重複しています。カードと鍵は1人1組としてください",
        )
        raise CardsRefused(message, cards_directory) from None
    except ThresholdRefused as refusal:
        message = tr(
            f"{refusal.n} custodian cards in {cards_directory}, of which {refusal.k} are to open together: at least "
            f"{max(refusal.least, refusal.k)} cards are needed, at most {refusal.most}, and a threshold of "
            f"{refusal.least} or more",
            f"{cards_directory} の鍵管理者カードは{refusal.n}枚、開封に必要な人数は{refusal.k}人です。カードは"
            f"{max(refusal.least, refusal.k)}枚以上{refusal.most}枚以下、人数は{refusal.least}人以上としてください",
        )
        raise CardsRefused(message, cards_directory) from None
    except CustodiansExpired as expired:
        message = tr(
            f"only {expired.valid} custodian cards are still valid and {expired.needed} are needed: have new ones made "
            "with `kuramori custodian new`",
            f"有効な鍵管理者カードが{expired.valid}枚しかありません（{expired.needed}枚必要）。"
            "`kuramori custodian new` で作り直してください",
        )
        raise CardsRefused(message, cards_directory) from None
    return custodian_set


def _files(folder: Path, recovery_card: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        message = tr(
            f"{folder}: the folder of the custodian cards cannot be read ({error.strerror}); it is named by "
            "custody.cards_directory",
            f"{folder}: 鍵管理者カードの場所を読めません（{error.strerror}）。設定は custody.cards_directory です",
        )
        raise CardsRefused(message, folder) from None
    return [path for path in found if path.resolve() != recovery_card.resolve()]


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_CARD_BYTES * 4)
    except OSError as error:
        message = tr(f"{path}: cannot be read ({error.strerror})", f"{path}: 読み取れません（{error.strerror}）")
        raise CardsRefused(message, path) from None


def _card(path: Path) -> CustodianCard:
    content = _content(path)
    if f'"{KEY_FILE_KIND}"'.encode() in content:
        message = tr(
            f"{path} is a private key file and must not be here: it belongs on the custodian's own machine. Take it "
            "away, and have a new key made if others could read it",
            f"{path} は秘密鍵のファイルです。鍵管理者本人の端末にのみ置くものですので、ここから取り除き、"
            "他者が読めた可能性があれば鍵を作り直してください",
        )
        raise CardsRefused(message, path)
    try:
        return read_card(content)
    except CardForged as forged:
        raise CardsRefused(_forged(path, forged), path) from None
    except CardRefused as refusal:
        message = tr(
            f"{path} is not a custodian card ({refusal}); the folder must hold cards only",
            f"{path} は鍵管理者カードではありません（{refusal}）。このフォルダーにはカードだけを置いてください",
        )
        raise CardsRefused(message, path) from None


def _recovery(path: Path) -> RecoveryCard:
    try:
        return read_recovery_card(_content(path))
    except CardForged as forged:
        raise CardsRefused(_forged(path, forged), path) from None
    except CardRefused as refusal:
        message = tr(
            f"{path} is not a recovery card ({refusal}); have one made with `kuramori recovery new`",
            f"{path} は復旧カードではありません（{refusal}）。`kuramori recovery new` で作成してください",
        )
        raise CardsRefused(message, path) from None


def _forged(path: Path, forged: CardForged) -> str:
    return tr(
        f"{path}: the proof in the card does not hold ({forged.proof}): it was altered, or not made by the holder of "
        "the keys. Ask its holder for it again, and compare the fingerprint in person",
        f"{path}: カードの証明が一致しません（{forged.proof}）。改変されたか、鍵の所持者が作成したものではありません。"
        "本人から再度受け取り、指紋（fingerprint）を対面で照合してください",
    )
