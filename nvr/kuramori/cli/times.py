"""How people write times on the command line, and how they are shown: local time of the site.

Every command that takes a time uses these functions, so that `14:00` means the same everywhere. The clock and
the zone are arguments. This module must not know any command, the daemon or the configuration.

A person may write (in the site's zone unless an offset is given):

    2026-11-23 14:00          also with seconds (14:00:05), a fraction (14:00:05.250), or T between the parts
    2026-11-23 14:00+09:00    with an offset, or Z for UTC
    2026-11-23                midnight at the beginning of that day
    14:00                     today at that time, whether it has passed or not
    -10m  -1h30m  -2d         before now (units d, h, m, s)
    +30d                      after now (for an end, such as that of a hold)
    now
"""

import os
import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kuramori.texts import tr

MAX_TEXT_LENGTH = 64
MAX_RELATIVE_DAYS = 36_525  # a century; beyond it the text is a typing error
EARLIEST_YEAR = 1970
LATEST_YEAR = 9998
_LOCALTIME = Path("/etc/localtime")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_DATE = r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,3}))?)?"
_OFFSET = r"(?P<offset>Z|[+-]\d{2}:?\d{2})"
_ABSOLUTE = re.compile(rf"(?:{_DATE})?(?:(?:(?<=\d)[ T]|^){_CLOCK})?\s?{_OFFSET}?", re.ASCII)
_RELATIVE = re.compile(
    r"(?P<sign>[+-])(?=\d)(?:(?P<d>\d{1,6})d)?(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m)?(?:(?P<s>\d{1,8})s)?",
    re.ASCII,
)


class TimeFault(Exception):
    """A time that a person wrote cannot be used. Its text is the sentence to show.

    TimeFault
    ├── TimeUnreadable   not one of the forms
    ├── TimeNotOnClock   the clock jumps over that local time, or shows it twice
    ├── RangeReversed    the end is not after the beginning
    └── ZoneUnknown      the machine has no data for the zone's name
    """


class TimeUnreadable(TimeFault):
    """`text` is not one of the forms that are understood."""

    def __init__(self, text: str) -> None:
        self.text = text[:MAX_TEXT_LENGTH]
        super().__init__(
            tr(
                f"'{self.text}' is not a time: write 2026-11-23 14:00, 14:00 (today), -10m (ten minutes ago) or now",
                f"「{self.text}」は時刻として読めません。2026-11-23 14:00、14:00(今日)、-10m(10分前)、now のいずれかで"
                "入力してください",
            )
        )


class TimeNotOnClock(TimeFault):
    """The local time `text` happens twice or not at all in the site's zone (summer time)."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            tr(
                f"'{text}' is skipped or shown twice by the clocks of this zone: add the offset, as in {text}+09:00",
                f"「{text}」はこの地域の時計に存在しないか、二度現れます。{text}+09:00 のように時差を付けてください",
            )
        )


class RangeReversed(TimeFault):
    """The range ends at or before its beginning."""

    def __init__(self, from_text: str, to_text: str) -> None:
        self.from_text = from_text
        self.to_text = to_text
        super().__init__(
            tr(
                f"the end ({to_text}) is not after the beginning ({from_text}): give the dates too, or swap them",
                f"終了時刻({to_text})が開始時刻({from_text})より後ではありません。日付も入力するか、"
                "開始と終了を入れ替えてください",
            )
        )


class ZoneUnknown(TimeFault):
    """The machine knows no time zone of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            tr(
                f"the time zone '{name}' is unknown here: check its spelling (as in Asia/Tokyo)",
                f"時間帯「{name}」はこの装置では使えません。綴りを確認してください(例:Asia/Tokyo)",
            )
        )


def site_zone(name: str | None = None) -> tzinfo:
    """Return the zone called `name` (IANA, such as Asia/Tokyo); without a name the machine's own.

    The machine's own is TZ where it names a zone, else /etc/localtime, else UTC. Raises ZoneUnknown.
    """
    if name:
        return _named_zone(name)
    from_environment = os.environ.get("TZ", "").lstrip(":")
    if from_environment:
        try:
            return _named_zone(from_environment)
        except ZoneUnknown:
            pass  # a POSIX rule or a path: the machine's file below is the next best
    try:
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key=_zone_name(_LOCALTIME))
    except (OSError, ValueError):
        return UTC


def _named_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ZoneUnknown(name) from error


def _zone_name(localtime: Path) -> str | None:
    """The IANA name behind the link /etc/localtime, None where it is a plain file."""
    _, found, name = str(localtime.resolve()).partition("/zoneinfo/")
    return name if found else None


def parse_time(text: str, *, now_utc_ms: int, zone: tzinfo) -> int:
    """Return the instant a person meant by `text`, in UTC milliseconds. Raises TimeUnreadable, TimeNotOnClock."""
    cleaned = text.strip()
    if not cleaned or len(cleaned) > MAX_TEXT_LENGTH:
        raise TimeUnreadable(text)
    if cleaned == "now":
        return now_utc_ms
    relative = _RELATIVE.fullmatch(cleaned)
    if relative is not None:
        return _relative_time(relative, text, now_utc_ms)
    absolute = _ABSOLUTE.fullmatch(cleaned)
    if absolute is None or absolute["year"] is absolute["hour"] is None:
        raise TimeUnreadable(text)
    return _absolute_time(absolute, cleaned, now_utc_ms, zone)


def _relative_time(match: re.Match[str], text: str, now_utc_ms: int) -> int:
    days, hours, minutes, seconds = (int(match[unit] or 0) for unit in "dhms")
    distance_seconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if distance_seconds > MAX_RELATIVE_DAYS * 86_400:
        raise TimeUnreadable(text)
    result = now_utc_ms + (distance_seconds if match["sign"] == "+" else -distance_seconds) * 1000
    if result < 0:
        raise TimeUnreadable(text)
    return result


def _absolute_time(match: re.Match[str], text: str, now_utc_ms: int, zone: tzinfo) -> int:
    offset = match["offset"]
    used_zone = zone if offset is None else _offset_zone(offset, text)
    try:
        if match["year"] is None:
            day = _instant(now_utc_ms).astimezone(used_zone).date()
        else:
            day = date(int(match["year"]), int(match["month"]), int(match["day"]))
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            raise TimeUnreadable(text)
        local = datetime(
            day.year,
            day.month,
            day.day,
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int((match["fraction"] or "0").ljust(3, "0")) * 1000,
            tzinfo=used_zone,
        )
    except ValueError as error:
        raise TimeUnreadable(text) from error
    _refuse_doubtful(local, text)
    result = (local - _EPOCH) // timedelta(milliseconds=1)
    if result < 0:
        raise TimeUnreadable(text)
    return result


def _offset_zone(offset: str, text: str) -> tzinfo:
    if offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if int(digits[2:]) >= 60 or distance >= timedelta(hours=24):
        raise TimeUnreadable(text)
    return timezone(distance if offset[0] == "+" else -distance)


def _refuse_doubtful(local: datetime, text: str) -> None:
    """Refuse a wall time that the zone's clocks skip or show twice: guessing an hour is guessing the evidence."""
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise TimeNotOnClock(text)


def parse_range(
    from_text: str | None, to_text: str | None, *, now_utc_ms: int, zone: tzinfo, default_span_ms: int
) -> tuple[int, int]:
    """Return (from_utc_ms, to_utc_ms) of two written times; half-open, never empty.

    Without an end: now. Without a beginning: `default_span_ms` before the end. Raises TimeFault.
    """
    to_utc_ms = now_utc_ms if to_text is None else parse_time(to_text, now_utc_ms=now_utc_ms, zone=zone)
    if from_text is None:
        from_utc_ms = max(0, to_utc_ms - default_span_ms)
    else:
        from_utc_ms = parse_time(from_text, now_utc_ms=now_utc_ms, zone=zone)
    if from_utc_ms >= to_utc_ms:
        raise RangeReversed(format_time(from_utc_ms, zone), format_time(to_utc_ms, zone))
    return from_utc_ms, to_utc_ms


def format_time(utc_ms: int, zone: tzinfo) -> str:
    """Return local time to the second, such as 2026-11-23 14:00:05."""
    return _instant(utc_ms).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def format_clock(utc_ms: int, zone: tzinfo) -> str:
    """Return the local time of day only, such as 14:00:05."""
    return _instant(utc_ms).astimezone(zone).strftime("%H:%M:%S")


def format_duration(duration_ms: int) -> str:
    """Return a length of time as a person reads it: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min, 3 d 04 h."""
    seconds = duration_ms // 1000
    if duration_ms < 10_000:
        tenths = f"{duration_ms // 100 / 10:.1f}"
        return tr(f"{tenths} s", f"{tenths}秒")
    if seconds < 60:
        return tr(f"{seconds} s", f"{seconds}秒")
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if hours < 1:
        return tr(f"{minutes} min {seconds % 60:02d} s", f"{minutes}分{seconds % 60:02d}秒")
    if days < 1:
        return tr(f"{hours} h {minutes % 60:02d} min", f"{hours}時間{minutes % 60:02d}分")
    return tr(f"{days} d {hours % 24:02d} h", f"{days}日{hours % 24:02d}時間")


def _instant(utc_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=utc_ms)
