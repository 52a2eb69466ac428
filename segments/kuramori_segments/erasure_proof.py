"""What became of every moment of a camera: kept, held, overwritten, destroyed, never recorded, or not known. Pure.

Facts are laid over the range, the strongest last: what was recorded at all, what receipts destroyed, which keys live,
which segments open. So a statement never says *destroyed* where a living key could open something, and never *kept*
where nothing opens. This module must not know the ledger, the ring or the keystore; it is told what they say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from kuramori_segments.ledger_records import ErasureReceipt
from kuramori_segments.time_ranges import within

PICTURE_SHOWS_MS = 2_000  # at most, after it was taken; longer, and it is not known what was there


class Fate(StrEnum):
    """What became of a moment."""

    NEVER_RECORDED = "never-recorded"
    DESTROYED = "destroyed"  # by a receipt: nothing opens it any more
    OVERWRITTEN = "overwritten"  # its place in the ring was used again; its key is there until its time
    KEPT = "kept"
    HELD = "held"  # kept beyond its time, or from erasure, for a hold
    OVERDUE = "overdue"  # its time is over, and its key waits to be destroyed: refused to requests
    NOT_KNOWN = "not-known"


@dataclass(frozen=True, slots=True)
class Proven:
    """One stretch of time [from, to) with one fate. Fields that do not belong to the fate are empty."""

    fate: Fate
    from_utc_ms: int
    to_utc_ms: int
    until_utc_ms: int | None = None  # kept, held, overwritten: the latest moment at which its key is destroyed
    erased_utc_ms: int | None = None  # destroyed: when
    rule: str = ""  # destroyed: by which
    tier: str = ""  # destroyed: how strongly
    receipt: int = 0  # destroyed: number of the receipt
    reason: str = ""  # never recorded: why


def prove(from_utc_ms: int, to_utc_ms: int, layers: Iterable[Iterable[Proven]]) -> tuple[Proven, ...]:
    """Return the fate of every moment of [from, to), in order, without a hole. Later layers lie over earlier ones."""
    found: list[Proven] = [Proven(Fate.NOT_KNOWN, from_utc_ms, to_utc_ms)]
    for layer in layers:
        for statement in layer:
            for begin, end in within([(statement.from_utc_ms, statement.to_utc_ms)], from_utc_ms, to_utc_ms):
                found = _laid_over(found, replace(statement, from_utc_ms=begin, to_utc_ms=end))
    return _together(_shown_out(found))


def destroyed(receipts: Sequence[ErasureReceipt], camera_number: int) -> tuple[Proven, ...]:
    """Return what receipts say of a camera, in their order: the last key that went decides."""
    return tuple(
        Proven(
            *(Fate.DESTROYED, begin, end),
            erased_utc_ms=receipt.erased_utc_ms,
            rule=receipt.rule,
            tier=receipt.tier,
            receipt=receipt.erasure_number,
        )
        for receipt in sorted(receipts, key=lambda one: one.erasure_number)
        for part in receipt.erased
        if part.camera_number == camera_number
        for begin, end in part.destroyed()
    )


def _laid_over(found: Sequence[Proven], new: Proven) -> list[Proven]:
    left: list[Proven] = []
    for old in found:
        if old.to_utc_ms <= new.from_utc_ms or old.from_utc_ms >= new.to_utc_ms:
            left.append(old)
            continue
        if old.from_utc_ms < new.from_utc_ms:
            left.append(replace(old, to_utc_ms=new.from_utc_ms))
        if old.to_utc_ms > new.to_utc_ms:
            left.append(replace(old, from_utc_ms=new.to_utc_ms))
    return sorted([*left, new], key=lambda one: one.from_utc_ms)


def _shown_out(found: Sequence[Proven]) -> Sequence[Proven]:
    """Nothing was recorded while the last picture before a gap still showed: a run ends when that is over."""
    told = list(found)
    for place in range(len(told) - 1):
        one, following = told[place], told[place + 1]
        before_a_gap = one.fate is Fate.NOT_KNOWN and following.fate is Fate.NEVER_RECORDED
        if before_a_gap and place > 0 and one.to_utc_ms - one.from_utc_ms <= PICTURE_SHOWS_MS:
            told[place] = replace(following, from_utc_ms=one.from_utc_ms, to_utc_ms=one.to_utc_ms)
    return told


def _together(found: Sequence[Proven]) -> tuple[Proven, ...]:
    """Join neighbours that say the same."""
    joined: list[Proven] = []
    for one in found:
        if joined and replace(joined[-1], from_utc_ms=0, to_utc_ms=0) == replace(one, from_utc_ms=0, to_utc_ms=0):
            joined[-1] = replace(joined[-1], to_utc_ms=one.to_utc_ms)
        else:
            joined.append(one)
    return tuple(joined)
