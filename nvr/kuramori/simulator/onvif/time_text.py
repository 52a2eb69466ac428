"""How moments and durations are written in SOAP (xs:dateTime, xs:duration). Pure; milliseconds since 1970."""

import re
from datetime import UTC, datetime

_DURATION = re.compile(r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?")


def written(utc_ms: int) -> str:
    """Write a moment, such as 2026-11-23T05:06:07.089Z."""
    return datetime.fromtimestamp(utc_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc_ms % 1000:03d}Z"


def moment(text: str) -> int | None:
    """Read a moment with a zone, or None."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round(found.timestamp() * 1000) if found.tzinfo is not None else None


def duration_ms(text: str) -> int | None:
    """Read a duration of days and less, or None."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return round(((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000)
