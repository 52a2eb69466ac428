"""Statements of custodians that it is later than a date, where no clock can be trusted (KEYS.md, section 6).

A statement is for one recorder and the custodian set in use, and carries an id that is used once. Each custodian
confirms it on the own machine, whose own clock must be past that date. k of them together move the recorder's
reference up to the date, as a lower bound. This module must not know registers, files or clocks; it imports nothing
that exists on Linux only.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kuramori_segments import es256
from kuramori_segments.canonical_json import canonical
from kuramori_segments.custodian_card import ID_BYTES, MAX_UTC_MS, CustodianCard
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.key_faults import TimeRefused, TimeRefusedReason
from kuramori_segments.strict_document import DocumentRefused, StrictDocument, to_base64

STATEMENT_KIND = "time statement"
CONFIRMATION_KIND = "time confirmation"
VERSION = 1
MAX_TIME_BYTES = 4096

_LABEL = b"kuramori/v1/time-confirmation\0"
_STATEMENT_NAMES = frozenset(
    ["kuramori", "version", "recorder_id", "statement_id", "custodian_set_id", "later_than_utc_ms"]
)
_CONFIRMATION_NAMES = _STATEMENT_NAMES | {"custodian_id", "signed_utc_ms", "signature"}


@dataclass(frozen=True, slots=True)
class TimeStatement:
    """It is later than this."""

    recorder_id: bytes  # 16 bytes
    statement_id: bytes  # 16 random bytes
    custodian_set_id: bytes  # 16 bytes
    later_than_utc_ms: int

    def document(self, kind: str = STATEMENT_KIND) -> dict[str, Any]:
        """Return the statement as JSON values."""
        return {
            "kuramori": kind,
            "version": VERSION,
            "recorder_id": to_base64(self.recorder_id),
            "statement_id": to_base64(self.statement_id),
            "custodian_set_id": to_base64(self.custodian_set_id),
            "later_than_utc_ms": self.later_than_utc_ms,
        }

    def to_bytes(self) -> bytes:
        """Return the statement as it travels in a file."""
        return canonical(self.document()) + b"\n"


@dataclass(frozen=True, slots=True)
class TimeConfirmation:
    """A custodian's signature under a statement."""

    statement: TimeStatement
    custodian_id: bytes
    signed_utc_ms: int  # by the custodian's own machine
    signature: bytes

    def body(self) -> dict[str, Any]:
        """Return what is signed, as JSON values."""
        told = {"custodian_id": to_base64(self.custodian_id), "signed_utc_ms": self.signed_utc_ms}
        return self.statement.document(CONFIRMATION_KIND) | told

    def signed_message(self) -> bytes:
        """Return the bytes that are signed."""
        return _LABEL + canonical(self.body())

    def to_bytes(self) -> bytes:
        """Return the confirmation as it travels in a file."""
        return canonical(self.body() | {"signature": to_base64(self.signature)}) + b"\n"


def new_statement(recorder_id: bytes, custodians: CustodianSet, later_than_utc_ms: int) -> TimeStatement:
    """Return a new statement for the set in use."""
    return TimeStatement(recorder_id, secrets.token_bytes(ID_BYTES), custodians.set_id, later_than_utc_ms)


def confirm(statement: TimeStatement, key: CustodianKey, now_utc_ms: int) -> TimeConfirmation:
    """Sign a statement; `now_utc_ms` is the time of the custodian's own machine.

    Raises TimeRefused where that has not passed the date. Whether the key's card is of
    the set is seen where the confirmation is handed in.
    """
    if now_utc_ms <= statement.later_than_utc_ms:
        raise TimeRefused(TimeRefusedReason.NOT_YET)
    unsigned = TimeConfirmation(statement, key.custodian_id, now_utc_ms, b"")
    return TimeConfirmation(statement, key.custodian_id, now_utc_ms, key.sign(unsigned.signed_message()))


def read_statement(data: bytes) -> TimeStatement:
    """Read a statement from bytes of any origin. Raises TimeRefused."""
    try:
        return _statement(StrictDocument.parse(data, _STATEMENT_NAMES, limit_bytes=MAX_TIME_BYTES), STATEMENT_KIND)
    except DocumentRefused:
        raise TimeRefused(TimeRefusedReason.UNREADABLE) from None


def read_confirmation(data: bytes) -> TimeConfirmation:
    """Read a confirmation from bytes of any origin; nothing in it is checked yet. Raises TimeRefused."""
    try:
        document = StrictDocument.parse(data, _CONFIRMATION_NAMES, limit_bytes=MAX_TIME_BYTES)
        return TimeConfirmation(
            _statement(document, CONFIRMATION_KIND),
            document.octets("custodian_id", ID_BYTES),
            document.integer("signed_utc_ms", 0, MAX_UTC_MS),
            document.octets("signature", es256.SIGNATURE_BYTES),
        )
    except DocumentRefused:
        raise TimeRefused(TimeRefusedReason.UNREADABLE) from None


def check_confirmations(
    documents: Sequence[bytes], recorder_id: bytes, custodians: CustodianSet
) -> tuple[TimeStatement, tuple[CustodianCard, ...]]:
    """Return the statement that k custodians of this set confirm for this recorder, and who they are.

    Raises TimeRefused, with the reason.
    """
    found = [read_confirmation(document) for document in documents]
    cards = {card.custodian_id: card for card in custodians.custodians}
    signers: dict[bytes, CustodianCard] = {}
    for one in found:
        if one.statement != found[0].statement:
            raise TimeRefused(TimeRefusedReason.DIFFERENT)
        signers[one.custodian_id] = _checked(one, recorder_id, custodians.set_id, cards)
    if len(signers) != len(found):
        raise TimeRefused(TimeRefusedReason.TWICE)
    if len(signers) < custodians.k:
        raise TimeRefused(TimeRefusedReason.TOO_FEW, needed=custodians.k, given=len(signers))
    return found[0].statement, tuple(signers.values())


def _checked(
    one: TimeConfirmation, recorder_id: bytes, set_id: bytes, cards: dict[bytes, CustodianCard]
) -> CustodianCard:
    if one.statement.recorder_id != recorder_id:
        raise TimeRefused(TimeRefusedReason.OTHER_RECORDER)
    if one.statement.custodian_set_id != set_id:
        raise TimeRefused(TimeRefusedReason.OTHER_CUSTODIANS)
    card = cards.get(one.custodian_id)
    if card is None:
        raise TimeRefused(TimeRefusedReason.STRANGER)
    if not es256.verify(card.public_signing_key(), one.signature, one.signed_message()):
        raise TimeRefused(TimeRefusedReason.FORGED)
    if one.signed_utc_ms <= one.statement.later_than_utc_ms:
        raise TimeRefused(TimeRefusedReason.NOT_YET)
    return card


def _statement(document: StrictDocument, kind: str) -> TimeStatement:
    document.constant("kuramori", kind)
    document.constant("version", VERSION)
    return TimeStatement(
        document.octets("recorder_id", ID_BYTES),
        document.octets("statement_id", ID_BYTES),
        document.octets("custodian_set_id", ID_BYTES),
        document.integer("later_than_utc_ms", 0, MAX_UTC_MS),
    )
