"""A change of custodians: the new set, proposed by the manager and signed by k custodians of the set before it.

The *body* names the set before, the new set in full, who lost a key, who proposed it and why. Each custodian of the
old set signs it on the own machine, having compared the new cards. A chain begins with the set that a recorder was
set up with; each later set stands in a change. Whoever trusts the first set needs to trust nobody else.

This module must not know registers, files or who may propose. It imports nothing that exists on Linux only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kuramori_segments import es256
from kuramori_segments.canonical_json import JsonRefused, canonical, parse_strict
from kuramori_segments.custodian_card import ID_BYTES, MAX_UTC_MS, CustodianCard
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.custodian_set import MAX_SET_BYTES, CustodianSet, read_set
from kuramori_segments.key_faults import (
    CardRefused,
    ChainBroken,
    ChangeOfAnotherSet,
    ChangeUnreadable,
    SetRefused,
    SignatureNotACustodians,
    SignaturesTooFew,
)
from kuramori_segments.limits import MAX_CUSTODIANS
from kuramori_segments.strict_document import DocumentRefused, StrictDocument, to_base64

KIND = "custodian set change"
CHAIN_KIND = "custodian chain"
VERSION = 1
RECORDER_ID_BYTES = 16
MAX_TEXT_CHARACTERS = 200
MAX_CHANGES = 256  # one each April, and some in between, for a century
MAX_CHANGE_BYTES = MAX_SET_BYTES + 65536
MAX_CHAIN_BYTES = MAX_CHANGES * MAX_CHANGE_BYTES

_SIGNATURE_LABEL = b"kuramori/v1/set-change\0"
_BODY_NAMES = frozenset(
    ["kuramori", "version", "recorder_id", "number", "previous_set_id", "set", "lost", "person", "reason", "utc_ms"]
)
_NAMES = frozenset(["change", "signatures"])
_SIGNATURE_NAMES = frozenset(["custodian_id", "signature"])
_CHAIN_NAMES = frozenset(["kuramori", "version", "first", "changes"])


@dataclass(frozen=True, slots=True)
class ChangeSignature:
    """One old custodian's consent."""

    custodian_id: bytes  # 16 bytes
    signature: bytes  # ES256, 64 bytes


@dataclass(frozen=True, slots=True)
class SetChange:
    """A change with the signatures that it has so far."""

    recorder_id: bytes  # 16 bytes
    number: int  # 1 for the first change of a recorder
    previous_set_id: bytes  # 16 bytes
    custodians: CustodianSet  # the new set
    lost: tuple[bytes, ...]  # ids of custodians of any earlier set whose key is lost: they count as absent
    person: str  # who proposed it
    reason: str
    utc_ms: int
    signatures: tuple[ChangeSignature, ...] = ()

    def body(self) -> dict[str, Any]:
        """Return what is signed, as JSON values."""
        return {
            "kuramori": KIND,
            "version": VERSION,
            "recorder_id": to_base64(self.recorder_id),
            "number": self.number,
            "previous_set_id": to_base64(self.previous_set_id),
            "set": self.custodians.document(),
            "lost": [to_base64(custodian_id) for custodian_id in self.lost],
            "person": self.person,
            "reason": self.reason,
            "utc_ms": self.utc_ms,
        }

    def statement(self) -> bytes:
        """Return the bytes that custodians sign."""
        return _SIGNATURE_LABEL + canonical(self.body())

    def document(self) -> dict[str, Any]:
        """Return the change with its signatures, as JSON values."""
        signatures = [
            {"custodian_id": to_base64(one.custodian_id), "signature": to_base64(one.signature)}
            for one in self.signatures
        ]
        return {"change": self.body(), "signatures": signatures}

    def to_bytes(self) -> bytes:
        """Return the change as it travels in a file."""
        return canonical(self.document()) + b"\n"

    def sign(self, key: CustodianKey) -> ChangeSignature:
        """Return a custodian's consent."""
        return ChangeSignature(key.custodian_id, key.sign(self.statement()))


@dataclass(frozen=True, slots=True)
class SetChain:
    """The first set and every change since, each checked against the set before it."""

    first: CustodianSet
    changes: tuple[SetChange, ...] = ()

    @property
    def current(self) -> CustodianSet:
        """Return the set that new segments are sealed to."""
        return self.changes[-1].custodians if self.changes else self.first

    @property
    def sets(self) -> tuple[CustodianSet, ...]:
        """Return every set, oldest first."""
        return (self.first, *(change.custodians for change in self.changes))

    @property
    def lost(self) -> frozenset[bytes]:
        """Return the ids of everybody who ever lost a key."""
        return frozenset(custodian_id for change in self.changes for custodian_id in change.lost)

    def set_of(self, set_id: bytes) -> CustodianSet | None:
        """Return a set by its id; None for a stranger's."""
        return next((custodians for custodians in self.sets if custodians.set_id == set_id), None)

    def position(self, set_id: bytes) -> int:
        """Return a set's place, 0 for the first. Raises ChainBroken for a stranger's."""
        for place, custodians in enumerate(self.sets):
            if custodians.set_id == set_id:
                return place
        raise ChainBroken(0)

    def card(self, custodian_id: bytes) -> CustodianCard | None:
        """Return the card of a custodian of any set, the newest."""
        cards = (card for custodians in reversed(self.sets) for card in custodians.custodians)
        return next((card for card in cards if card.custodian_id == custodian_id), None)

    def followed_by(self, change: SetChange) -> "SetChain":
        """Return the chain with one more change. Raises ChangeRefused."""
        check_change(change, self)
        valid = {one.custodian_id for one in change.signatures}
        if len(valid) < self.current.k:
            raise SignaturesTooFew(len(valid), self.current.k)
        return SetChain(self.first, (*self.changes, change))

    def to_bytes(self) -> bytes:
        """Return the chain as it is kept and travels."""
        return canonical(self.document()) + b"\n"

    def document(self) -> dict[str, Any]:
        """Return the chain as JSON values."""
        return {
            "kuramori": CHAIN_KIND,
            "version": VERSION,
            "first": self.first.document(),
            "changes": [change.document() for change in self.changes],
        }


def check_change(change: SetChange, chain: SetChain) -> None:
    """Check that a change follows a chain, and each signature on it. Raises ChangeRefused."""
    previous = chain.current
    if change.number != len(chain.changes) + 1 or change.previous_set_id != previous.set_id:
        raise ChangeOfAnotherSet
    if chain.set_of(change.custodians.set_id) is not None:  # a set that was left is never taken up again as it was
        raise ChangeOfAnotherSet
    if chain.changes and chain.changes[0].recorder_id != change.recorder_id:
        raise ChangeOfAnotherSet
    statement = change.statement()
    for one in change.signatures:
        check_signature(one, statement, previous)


def check_signature(one: ChangeSignature, statement: bytes, previous: CustodianSet) -> CustodianCard:
    """Return whose consent it is, if it counts. Raises SignatureNotACustodians."""
    for card in previous.custodians:
        if card.custodian_id == one.custodian_id:
            if es256.verify(card.public_signing_key(), one.signature, statement):
                return card
            raise SignatureNotACustodians(card.name)
    raise SignatureNotACustodians("")


def read_change(data: bytes) -> SetChange:
    """Read a change from bytes of any origin; its signatures are not checked. Raises ChangeUnreadable."""
    try:
        return change_from_value(parse_strict(data, limit_bytes=MAX_CHANGE_BYTES))
    except JsonRefused as refusal:
        raise ChangeUnreadable("", refusal.detail) from None


def change_from_value(value: object) -> SetChange:
    """Read a change from parsed JSON; its signatures are not checked. Raises ChangeUnreadable."""
    try:
        document = StrictDocument(value, _NAMES)
        body = document.part("change", _BODY_NAMES)
        body.constant("kuramori", KIND)
        body.constant("version", VERSION)
        lost = [_id(one, "lost") for one in body.items("lost", MAX_CUSTODIANS)]
        signatures = [StrictDocument(one, _SIGNATURE_NAMES) for one in document.items("signatures", MAX_CUSTODIANS)]
        return SetChange(
            recorder_id=body.octets("recorder_id", RECORDER_ID_BYTES),
            number=body.integer("number", 1, MAX_CHANGES),
            previous_set_id=body.octets("previous_set_id", ID_BYTES),
            custodians=read_set(canonical(body.value("set"))),
            lost=tuple(lost),
            person=body.words("person", MAX_TEXT_CHARACTERS),
            reason=body.words("reason", MAX_TEXT_CHARACTERS),
            utc_ms=body.integer("utc_ms", 0, MAX_UTC_MS),
            signatures=_signatures(signatures),
        )
    except DocumentRefused as refusal:
        raise ChangeUnreadable(refusal.field, refusal.expected) from None
    except (CardRefused, SetRefused) as refusal:
        raise ChangeUnreadable("set", str(refusal)) from None


def read_chain(data: bytes) -> SetChain:
    """Read a chain from bytes of any origin and check all of it. Raises ChangeRefused."""
    try:
        document = StrictDocument.parse(data, _CHAIN_NAMES, limit_bytes=MAX_CHAIN_BYTES)
        document.constant("kuramori", CHAIN_KIND)
        document.constant("version", VERSION)
        chain = SetChain(read_set(canonical(document.value("first"))))
        values = document.items("changes", MAX_CHANGES)
    except DocumentRefused as refusal:
        raise ChangeUnreadable(refusal.field, refusal.expected) from None
    except (CardRefused, SetRefused) as refusal:
        raise ChangeUnreadable("first", str(refusal)) from None
    for value in values:
        chain = chain.followed_by(change_from_value(value))
    return chain


def with_signatures(chain: SetChain, signed: SetChange, more: Iterable[ChangeSignature]) -> SetChange:
    """Return a change with further signatures, each checked, one for each custodian. Raises ChangeRefused."""
    statement, counted = signed.statement(), {one.custodian_id: one for one in signed.signatures}
    for one in more:
        check_signature(one, statement, chain.current)
        counted[one.custodian_id] = one
    ordered = tuple(counted[custodian_id] for custodian_id in sorted(counted))
    return SetChange(
        signed.recorder_id,
        signed.number,
        signed.previous_set_id,
        signed.custodians,
        signed.lost,
        signed.person,
        signed.reason,
        signed.utc_ms,
        ordered,
    )


def _signatures(documents: list[StrictDocument]) -> tuple[ChangeSignature, ...]:
    found = tuple(
        ChangeSignature(one.octets("custodian_id", ID_BYTES), one.octets("signature", es256.SIGNATURE_BYTES))
        for one in documents
    )
    if len({one.custodian_id for one in found}) != len(found):
        raise DocumentRefused("signatures", "each custodian once")
    return found


def _id(value: object, name: str) -> bytes:
    return StrictDocument({name: value}, frozenset([name])).octets(name, ID_BYTES)
