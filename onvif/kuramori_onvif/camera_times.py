"""Times as a camera writes them in events and recordings (`xsd:dateTime`), and as we write them to it. Pure.

What is not exactly a time is unknown (None), never a guess: `00:61:16Z`, a space for the T and doubled dates were
seen. Without a zone it counts as UTC, which ONVIF demands. This module must not read a clock or know SOAP.
"""

import re
from datetime import UTC, datetime, timedelta

from kuramori_onvif.clock import LATEST_YEAR

MAX_TIME_CHARACTERS = 40
_FORM = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))?", re.ASCII
)
_LATEST_OFFSET_MINUTES = 14 * 60


def utc_ms_of_text(words: str) -> int | None:
    """Return milliseconds since 1970, or None for anything that is not a possible time since then."""
    found = _FORM.fullmatch(words.strip()) if len(words) <= MAX_TIME_CHARACTERS else None
    if found is None or not 1970 <= int(found[1]) <= LATEST_YEAR:
        return None
    offset_minutes = (int(found[9]) * 60 + int(found[10])) if found[8] else 0
    if offset_minutes > _LATEST_OFFSET_MINUTES or (found[10] and int(found[10]) > 59):
        return None
    try:
        year, month, day, hour, minute, second = (int(found[part]) for part in range(1, 7))
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    ahead = timedelta(minutes=offset_minutes if found[8] == "+" else -offset_minutes)
    whole_seconds = int((moment - datetime(1970, 1, 1, tzinfo=UTC) - ahead).total_seconds())
    milliseconds = int((found[7] or "").ljust(3, "0")[:3])
    return whole_seconds * 1000 + milliseconds if whole_seconds >= 0 else None


def utc_text(utc_ms: int) -> str:
    """Return a time as `2024-01-01T00:00:00Z`, whole seconds: some firmwares refuse any other form."""
    return datetime.fromtimestamp(utc_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration_text(seconds: float) -> str:
    """Return a duration as `PT300S`, rounded up to whole seconds, at least one."""
    return f"PT{max(1, -int(-seconds // 1))}S"
