"""The camera's clock: what it said, against ours. Pure; our times are handed in.

Missing or impossible dates mean *unknown*, never zero. Time-zone texts are not read at all (they are often wrong);
only UTC counts. One second is the resolution. This module must not read a clock or know SOAP.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from kuramori_onvif.models import ClockReading, ClockSource

LATEST_YEAR = 2199
_HALF_SECOND_MS = 500  # a time given in whole seconds is on average half a second older than the camera's


@dataclass(frozen=True, slots=True)
class CameraDate:
    """Year to second as the camera wrote them; None where it wrote nothing or no number."""

    year: int | None
    month: int | None
    day: int | None
    hour: int | None
    minute: int | None
    second: int | None


def utc_ms_of(date: CameraDate) -> int | None:
    """Return milliseconds since 1970, or None when a part is missing or the date is impossible.

    Minutes and seconds of 60 and more, as some firmwares write, are impossible too: a guess would shift tokens.
    """
    if date.year is None or date.month is None or date.day is None:
        return None
    if date.hour is None or date.minute is None or date.second is None:
        return None
    if not 1970 <= date.year <= LATEST_YEAR:
        return None
    try:
        moment = datetime(date.year, date.month, date.day, date.hour, date.minute, date.second, tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000


def utc_ms_of_http_date(value: str | None) -> int | None:
    """Return an HTTP Date header as milliseconds since 1970, or None when it is missing or not one."""
    if not value or len(value) > 64:
        return None
    try:
        moment = parsedate_to_datetime(value)
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        utc_ms = int(aware.timestamp()) * 1000
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return utc_ms if utc_ms >= 0 else None


def reading(source: ClockSource, camera_utc_ms: int | None, sent_utc_ms: int, received_utc_ms: int) -> ClockReading:
    """Compare: the camera's time belongs to the middle of the exchange. None gives a reading of UNKNOWN."""
    round_trip_ms = max(0, received_utc_ms - sent_utc_ms)
    if camera_utc_ms is None:
        return ClockReading(ClockSource.UNKNOWN, None, None, round_trip_ms)
    middle_ms = sent_utc_ms + round_trip_ms // 2
    return ClockReading(source, camera_utc_ms, camera_utc_ms + _HALF_SECOND_MS - middle_ms, round_trip_ms)
