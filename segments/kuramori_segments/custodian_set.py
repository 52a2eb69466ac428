"""Who may open recordings together: k of n custodians, and the recovery key on paper.

The set is kept as JSON (all cards with their proofs). Its identity is the first 16 bytes of SHA-256 over its
canonical spelling; every segment names it, and every sealed share is bound to it. Custodians stand in the order of
their ids, so the same people give the same set, and the i-th of them holds share i. This module must not know
private keys or segments.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kuramori_segments.canonical_json import canonical
from kuramori_segments.custodian_card import ID_BYTES, MAX_CARD_BYTES, CustodianCard, card_from_value
from kuramori_segments.key_faults import CardUnreadable, CustodiansExpired, CustodianTwice, ThresholdRefused
from kuramori_segments.limits import MAX_CUSTODIANS, MIN_CUSTODIANS_TO_OPEN
from kuramori_segments.recovery_key import RecoveryCard, recovery_card_from_value
from kuramori_segments.strict_document import DocumentRefused, StrictDocument

KIND = "custodian set"
VERSION = 1
MAX_SET_BYTES = MAX_CARD_BYTES * (MAX_CUSTODIANS + 1) + 4096

_NAMES = frozenset(["kuramori", "version", "threshold", "custodians", "recovery"])


@dataclass(frozen=True, slots=True)
class CustodianSet:
    """k of n custodians in the order of their ids, with the recovery key. Make it with `of` or `read_set`."""

    k: int
    custodians: tuple[CustodianCard, ...]
    recovery: RecoveryCard
    set_id: bytes  # 16 bytes

    @classmethod
    def of(cls, k: int, custodians: Iterable[CustodianCard], recovery: RecoveryCard) -> "CustodianSet":
        """Put a set together. Raises CustodianTwice, ThresholdRefused, CardForged."""
        cards = tuple(sorted(custodians, key=lambda card: card.custodian_id))
        if not MIN_CUSTODIANS_TO_OPEN <= k <= len(cards) <= MAX_CUSTODIANS:
            _refuse_doubles(cards)
            raise ThresholdRefused(k, len(cards), MIN_CUSTODIANS_TO_OPEN, MAX_CUSTODIANS)
        _refuse_doubles(cards)
        recovery.check()
        for card in cards:
            card.check()
        digest = hashlib.sha256(canonical(_document(k, cards, recovery))).digest()
        return cls(k, cards, recovery, digest[:ID_BYTES])

    @property
    def n(self) -> int:
        """Return how many custodians there are."""
        return len(self.custodians)

    def share_number(self, custodian_id: bytes) -> int | None:
        """Return which share (1..n) a custodian holds; None for a stranger."""
        for number, card in enumerate(self.custodians, start=1):
            if card.custodian_id == custodian_id:
                return number
        return None

    def valid_at(self, utc_ms: int) -> tuple[CustodianCard, ...]:
        """Return the custodians whose cards have not expired."""
        return tuple(card for card in self.custodians if not card.expired(utc_ms))

    def require_valid(self, utc_ms: int) -> None:
        """Refuse to seal for people who could not open it together any more. Raises CustodiansExpired."""
        valid = len(self.valid_at(utc_ms))
        if valid < self.k:
            raise CustodiansExpired(valid, self.k)

    def document(self) -> dict[str, Any]:
        """Return the set as JSON values."""
        return _document(self.k, self.custodians, self.recovery)

    def to_bytes(self) -> bytes:
        """Return the set as it is kept in a file."""
        return canonical(self.document()) + b"\n"


def read_set(data: bytes) -> CustodianSet:
    """Read a set from bytes of any origin, checking every proof. Raises CardRefused, SetRefused."""
    try:
        document = StrictDocument.parse(data, _NAMES, limit_bytes=MAX_SET_BYTES)
        document.constant("kuramori", KIND)
        document.constant("version", VERSION)
        k = document.integer("threshold", 0, 255)
        values = document.items("custodians", MAX_CUSTODIANS)
    except DocumentRefused as refusal:
        raise CardUnreadable(refusal.field, refusal.expected) from None
    cards = [card_from_value(value) for value in values]
    return CustodianSet.of(k, cards, recovery_card_from_value(document.value("recovery")))


def _refuse_doubles(cards: tuple[CustodianCard, ...]) -> None:
    """A person, an opening key or a signing key may stand in a set once only (H4)."""
    seen: set[tuple[str, ...] | bytes] = set()
    for card in cards:
        marks: tuple[tuple[str, ...] | bytes, ...] = (
            (card.name, card.title),
            card.opening_key,
            card.signing_key,
        )
        if seen.intersection(marks):
            raise CustodianTwice(card.name, card.title)
        seen.update(marks)


def _document(k: int, cards: tuple[CustodianCard, ...], recovery: RecoveryCard) -> dict[str, Any]:
    return {
        "kuramori": KIND,
        "version": VERSION,
        "threshold": k,
        "custodians": [card.document() for card in cards],
        "recovery": recovery.document(),
    }
