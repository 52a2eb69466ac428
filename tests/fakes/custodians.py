"""Custodians and a recovery key for tests: public cards in a folder, as `kuramori init` takes them."""

from dataclasses import dataclass
from pathlib import Path

from kuramori_segments.custodian_key import CustodianKey, new_custodian_key
from kuramori_segments.recovery_key import RecoverySheets, new_recovery_key

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Custodians:
    """Their open keys, the recovery sheets, and where their cards lie."""

    keys: tuple[CustodianKey, ...]
    recovery: RecoverySheets
    cards_directory: Path
    recovery_card: Path


def make_custodians(folder: Path, now_utc_ms: int, *, count: int = 3, valid_days: int = 365) -> Custodians:
    """Make `count` custodians and a recovery key; write their cards below `folder`."""
    cards = folder / "cards"
    cards.mkdir(parents=True)
    keys = []
    for number in range(1, count + 1):
        key = new_custodian_key(f"Custodian {number}", "Office", now_utc_ms, now_utc_ms + valid_days * DAY_MS)
        (cards / f"custodian-{number}.card").write_bytes(key.card.to_bytes())
        keys.append(key)
    recovery = new_recovery_key(2, 3, now_utc_ms)
    card = folder / "recovery.card"
    card.write_bytes(recovery.card.to_bytes())
    return Custodians(tuple(keys), recovery, cards, card)
