"""The recovery key: a way in when custodians are gone, on paper in safes, broken out only in an emergency.

Its public half stands in the custodian set; every segment's DEK is sealed to it too. Its private half (X25519, 32
bytes) exists only as SLIP-39 sheets of 33 words, k of n (`shamir-mnemonic`, no passphrase: nobody would know it in
ten years). It is made on a custodian's machine, shown once, typed back once, and forgotten. Paper never outlives
erasure: a DEK alone opens nothing once the epoch key is destroyed. After use it is replaced.

This module must not know terminals, files or segments, and it imports nothing that exists on Linux only.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics

from kuramori_segments.canonical_json import canonical
from kuramori_segments.custodian_card import MAX_CARD_BYTES, MAX_UTC_MS
from kuramori_segments.key_faults import (
    CardForged,
    CardUnreadable,
    ThresholdRefused,
    WordsMisspelt,
    WordsOfAnotherKey,
    WordsStrange,
    WordsTooFew,
    WordsTwice,
)
from kuramori_segments.opening_key import KEY_BYTES, PROOF_BYTES, UnprovenKey, proof_holds, public_half
from kuramori_segments.strict_document import DocumentRefused, StrictDocument, to_base64

KIND = "recovery card"
VERSION = 1
LEAST_SHEETS_TOGETHER = 2  # nobody opens recordings alone (H4)
MOST_SHEETS = 16  # SLIP-39
WORDS_PER_SHEET = 33  # for 256 bits
MAX_SHEET_CHARACTERS = 1024
MOST_ITERATION_EXPONENT = 4  # ours say 1; a sheet that says 15 would keep the machine busy for an hour

_POSSESSION_LABEL = b"kuramori/v1/recovery-possession\0"
_FINGERPRINT_LABEL = b"kuramori/v1/recovery-fingerprint\0"
_NAMES = frozenset(["kuramori", "version", "opening_key", "created_utc_ms", "threshold", "sheets", "possession"])


@dataclass(frozen=True, slots=True)
class RecoveryCard:
    """The public half: what segments are sealed to, and how many sheets of how many give the private one."""

    opening_key: bytes  # X25519, 32 bytes
    created_utc_ms: int
    threshold: int
    sheets: int
    possession: bytes = b""  # 96 bytes

    @property
    def fingerprint(self) -> str:
        """Return eight groups of four hexadecimal digits, as on a custodian's card."""
        digest = hashlib.sha256(_FINGERPRINT_LABEL + canonical(self.body())).hexdigest()
        return " ".join(digest[start : start + 4] for start in range(0, 32, 4))

    def body(self) -> dict[str, Any]:
        """Return the card without its proof, as JSON values."""
        return {
            "kuramori": KIND,
            "version": VERSION,
            "opening_key": to_base64(self.opening_key),
            "created_utc_ms": self.created_utc_ms,
            "threshold": self.threshold,
            "sheets": self.sheets,
        }

    def document(self) -> dict[str, Any]:
        """Return the whole card as JSON values."""
        return self.body() | {"possession": to_base64(self.possession)}

    def to_bytes(self) -> bytes:
        """Return the card as it is written into a file."""
        return canonical(self.document()) + b"\n"

    def check(self) -> None:
        """Check the proof. Raises CardForged."""
        if not proof_holds(self.opening_key, self.possession, _POSSESSION_LABEL + canonical(self.body())):
            raise CardForged("possession")


@dataclass(frozen=True, slots=True)
class RecoverySheets:
    """A new recovery key: the card, and the words (secret) of each sheet. Show them once, then let go of this."""

    card: RecoveryCard
    words: tuple[str, ...] = field(repr=False)


def new_recovery_key(threshold: int, sheets: int, created_utc_ms: int) -> RecoverySheets:
    """Make a recovery key and split it. Raises ThresholdRefused."""
    if not LEAST_SHEETS_TOGETHER <= threshold <= sheets <= MOST_SHEETS:
        raise ThresholdRefused(threshold, sheets, LEAST_SHEETS_TOGETHER, MOST_SHEETS)
    unproven = UnprovenKey()
    draft = RecoveryCard(unproven.public_bytes, created_utc_ms, threshold, sheets)
    key = unproven.prove(_POSSESSION_LABEL + canonical(draft.body()))
    words = generate_mnemonics(1, [(threshold, sheets)], key.private_bytes)[0]
    return RecoverySheets(replace(draft, possession=key.proof), tuple(words))


def restore(card: RecoveryCard, words: Sequence[str]) -> bytes:
    """Return the private half (32 bytes, secret) from typed sheets, at least `card.threshold` of them.

    Raises WordsTooFew, WordsMisspelt, WordsTwice, WordsStrange, WordsOfAnotherKey.
    """
    shares: list[Share] = []
    for number, typed in enumerate(words, start=1):
        share = _sheet(typed, number)
        if any(share.index == other.index for other in shares if _together(share, other)):
            raise WordsTwice(number)
        shares.append(share)
    if any(not _together(share, shares[0]) for share in shares):
        raise WordsStrange
    if len(shares) < card.threshold:
        raise WordsTooFew(len(shares), card.threshold)
    if shares[0].member_threshold != card.threshold or shares[0].iteration_exponent > MOST_ITERATION_EXPONENT:
        raise WordsOfAnotherKey
    try:
        private_bytes = combine_mnemonics([share.mnemonic() for share in shares[: card.threshold]])
    except MnemonicError:
        raise WordsStrange from None
    if len(private_bytes) != KEY_BYTES or public_half(private_bytes) != card.opening_key:
        raise WordsOfAnotherKey
    return private_bytes


def same_words(typed: str, shown: str) -> bool:
    """Tell whether somebody typed a sheet right; capitals, blanks and line breaks do not matter."""
    return tidy(typed) == tidy(shown)


def tidy(typed: str) -> str:
    """Return typed words in small letters with one blank between them."""
    return " ".join(typed.lower().split())


def read_recovery_card(data: bytes) -> RecoveryCard:
    """Read a card from bytes of any origin, and check its proof. Raises CardUnreadable, CardForged."""
    try:
        return _card_from(StrictDocument.parse(data, _NAMES, limit_bytes=MAX_CARD_BYTES))
    except DocumentRefused as refusal:
        raise CardUnreadable(refusal.field, refusal.expected) from None


def recovery_card_from_value(value: object) -> RecoveryCard:
    """Read a card from parsed JSON, and check its proof. Raises CardUnreadable, CardForged."""
    try:
        return _card_from(StrictDocument(value, _NAMES))
    except DocumentRefused as refusal:
        raise CardUnreadable(refusal.field, refusal.expected) from None


def _card_from(document: StrictDocument) -> RecoveryCard:
    document.constant("kuramori", KIND)
    document.constant("version", VERSION)
    threshold = document.integer("threshold", LEAST_SHEETS_TOGETHER, MOST_SHEETS)
    card = RecoveryCard(
        opening_key=document.octets("opening_key", KEY_BYTES),
        created_utc_ms=document.integer("created_utc_ms", 0, MAX_UTC_MS),
        threshold=threshold,
        sheets=document.integer("sheets", threshold, MOST_SHEETS),
        possession=document.octets("possession", PROOF_BYTES),
    )
    card.check()
    return card


def _sheet(typed: str, number: int) -> Share:
    if len(typed) > MAX_SHEET_CHARACTERS or len(tidy(typed).split()) != WORDS_PER_SHEET:
        raise WordsMisspelt(number)
    try:
        return Share.from_mnemonic(tidy(typed))
    except MnemonicError:
        raise WordsMisspelt(number) from None


def _together(share: Share, other: Share) -> bool:
    return bool(
        share.group_parameters() == other.group_parameters() and share.common_parameters() == other.common_parameters()
    )
