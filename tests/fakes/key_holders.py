"""Custodians and a recovery key to seal for, made once per process: real keys, cheap passphrases.

Each call with the same names gives the same people, as making keys costs time.
"""

from functools import cache

from kuramori_segments.custodian_key import CustodianKey, new_custodian_key
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import ShareBinding
from kuramori_segments.recovery_key import RecoverySheets, new_recovery_key

CREATED_UTC_MS = 1_790_000_000_000
YEAR_MS = 365 * 24 * 3600 * 1000
PASSPHRASE = "correct horse battery staple"


@cache
def custodian(name: str, title: str = "防犯課") -> CustodianKey:
    """Return the keys of a person."""
    return new_custodian_key(name, title, CREATED_UTC_MS, CREATED_UTC_MS + 3 * YEAR_MS)


@cache
def recovery(threshold: int = 2, sheets: int = 3) -> RecoverySheets:
    """Return a recovery key with its words."""
    return new_recovery_key(threshold, sheets, CREATED_UTC_MS)


@cache
def custodian_set(k: int = 2, n: int = 3) -> CustodianSet:
    """Return a set of the custodians "custodian 1" to "custodian n"."""
    cards = [custodian(f"custodian {number}").card for number in range(1, n + 1)]
    return CustodianSet.of(k, cards, recovery().card)


def keys_of(custodians: CustodianSet) -> list[CustodianKey]:
    """Return the keys of a set's people, in the order of the set."""
    return [custodian(card.name) for card in custodians.custodians]


def binding_for(custodians: CustodianSet, sequence: int = 7) -> ShareBinding:
    """Return the binding of some segment sealed for the set."""
    return ShareBinding(
        recorder_id=bytes(range(16)),
        camera_number=3,
        epoch_id=b"\x11" * 16,
        sequence=sequence,
        start_utc_ms=CREATED_UTC_MS + 1234,
        custodian_set_id=custodians.set_id,
        k=custodians.k,
        n=custodians.n,
        segment_uid=b"\x22" * 16,
    )
