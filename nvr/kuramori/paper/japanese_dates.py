"""Dates and times as papers of a Japanese office write them: 令和8年11月23日 14時00分, in the site's time.

Pure. Must not know where they are printed.
"""

from datetime import UTC, date, datetime, tzinfo

_REIWA = date(2019, 5, 1)
_HEISEI = date(1989, 1, 8)


def japanese_date(day: date) -> str:
    """Return a day with its era; before 1989 with the year alone."""
    if day >= _REIWA:
        era, year = "令和", day.year - _REIWA.year + 1
    elif day >= _HEISEI:
        era, year = "平成", day.year - _HEISEI.year + 1
    else:
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{era}{'元' if year == 1 else year}年{day.month}月{day.day}日"


def japanese_time(utc_ms: int, zone: tzinfo) -> str:
    """Return a moment to the second in the site's time; seconds are left out where they are nought."""
    moment = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(zone)
    seconds = f"{moment.second:02}秒" if moment.second else ""
    return f"{japanese_date(moment.date())} {moment.hour}時{moment.minute:02}分{seconds}"
