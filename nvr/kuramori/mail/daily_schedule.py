"""When the daily mail is due: once a day, whatever the clock does.

The date decides; boot time keeps a stepping clock from sending two within hours or none within a day. Pure; must not
know what the mail says.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

LEAST_APART_MS = 20 * 3600 * 1000  # two mails are never closer, in boot time
MOST_SILENT_MS = 26 * 3600 * 1000  # nor further apart, while the machine runs
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LastDaily:
    """The last daily mail: for which day, and when in boot time (None: before this boot)."""

    day: str = ""  # ISO date, local; empty: none yet
    boot_ms: int | None = None


def parse_time_of_day(text: str) -> time:
    """Return the time of day that the configuration says, such as 08:30."""
    return time.fromisoformat(text)


def day_due(last: LastDaily, daily_at: time, zone: tzinfo, utc_ms: int, boot_ms: int) -> date | None:
    """Return the local day whose mail is due now, or None.

    A clock that was ahead for a while has used up a day's name; then 26 hours of boot time decide. In a zone where the
    time of day is skipped, the first moment after it counts; where it comes twice, the first.
    """
    now = (_EPOCH + timedelta(milliseconds=utc_ms)).astimezone(zone)
    apart_ms = boot_ms - last.boot_ms if last.boot_ms is not None else None
    if apart_ms is not None and apart_ms >= MOST_SILENT_MS:
        return now.date()
    if now.time() < daily_at or (apart_ms is not None and apart_ms < LEAST_APART_MS):
        return None
    if not last.day:
        return now.date()
    return now.date() if now.date().isoformat() > last.day else None
