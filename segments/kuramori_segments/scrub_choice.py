"""Which segment is read back next, and how far reading back has come. Pure.

First what was never read back, the oldest first: a write that went wrong should be found while the camera's own card
may still have those minutes. Then what was verified longest ago, but nothing twice within the time of rest. A pass is
over when everything that was finished before it began has been verified since. It must not know medium or clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from operator import itemgetter

from kuramori_segments.scrub_record import NEVER, ScrubRecord
from kuramori_segments.slot_table import FinishedRow

MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class ScrubView:
    """One look over a volume: what is due, the most urgent first, and where things stand."""

    due: tuple[FinishedRow, ...]
    segments: int  # finished ones
    unverified: int  # of them, never read back
    oldest_unverified_utc_ms: int | None  # last picture of the oldest of those
    pass_is_over: bool


def look(
    rows: Iterable[FinishedRow], record: ScrubRecord, now_utc_ms: int, *, rest_minutes: int, most: int
) -> ScrubView:
    """Return what is to be verified next of all finished segments of a volume, `most` of them at once."""
    now_minute = now_utc_ms // MS_PER_MINUTE
    waiting: list[tuple[int, int, FinishedRow]] = []
    segments = unverified = 0
    oldest: int | None = None
    pass_is_over = True
    for row in rows:
        segments += 1
        minute = record.minute_of(row.slot, row.generation)
        if minute == NEVER:
            unverified += 1
            oldest = row.end_utc_ms if oldest is None else min(oldest, row.end_utc_ms)
            waiting.append((NEVER, row.end_utc_ms, row))
            pass_is_over = pass_is_over and row.end_utc_ms // MS_PER_MINUTE >= record.pass_began_minute
        else:
            minute = min(minute, now_minute)  # the clock may have been put back
            if now_minute - minute >= rest_minutes:
                waiting.append((minute, row.end_utc_ms, row))
            pass_is_over = pass_is_over and minute >= record.pass_began_minute
    due = tuple(item[2] for item in nsmallest(most, waiting, key=itemgetter(0, 1)))
    return ScrubView(due, segments, unverified, oldest, pass_is_over)
