"""Custody at a glance, without names: who has not shown the key for long, and what waits to be done.

For status, metrics and alarms. Pure; must not know HTTP.
"""

from dataclasses import dataclass

from kuramori.desk.custody_book import DRILL_MS, CustodyBook
from kuramori.texts import tr
from kuramori_segments.custodian_set import CustodianSet

ID_DIGITS = 8
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class CustodianStatus:
    """One custodian in office, by the first digits of the id."""

    custodian: str
    shown_utc_ms: int  # last drill; before the first, when the custodian was named
    drilled: bool
    overdue: bool


@dataclass(frozen=True, slots=True)
class CustodyStatus:
    """The set in use."""

    set_id: str
    custodians: tuple[CustodianStatus, ...]
    earlier_sets: int  # not released yet
    recovery_used: bool


def custody_status(current: CustodianSet, book: CustodyBook, earlier_sets: int, utc_ms: int) -> CustodyStatus:
    """Return custody as it stands at a time."""
    people = []
    for card in current.custodians:
        custodian_id = card.custodian_id
        shown = book.last_shown_utc_ms(custodian_id)
        drilled = custodian_id in book.drilled
        people.append(CustodianStatus(custodian_id.hex()[:ID_DIGITS], shown, drilled, 0 < shown < utc_ms - DRILL_MS))
    return CustodyStatus(current.set_id.hex(), tuple(people), earlier_sets, book.recovery_used_utc_ms is not None)


def custody_problems(status: CustodyStatus, utc_ms: int) -> list[str]:
    """Return what is wrong, in sentences for the operator."""
    found: list[str] = []
    if status.recovery_used:
        found.append(
            tr(
                "The recovery key has been used and is no longer a secret of the safes: replace it "
                "(kuramori recovery replace).",
                "復旧鍵が使用されました。速やかに作り直してください(kuramori recovery replace)。",
            )
        )
    for one in status.custodians:
        if one.overdue:
            days = (utc_ms - one.shown_utc_ms) // DAY_MS
            found.append(
                tr(
                    f"Custodian {one.custodian} has not shown the key for {days} days (kuramori custody drill begin).",
                    f"鍵管理者 {one.custodian} の鍵が {days} 日間確認されていません(kuramori custody drill begin)。",
                )
            )
    return found
