"""In which language a paper is written: Japanese first, English where it is asked for.

Unlike `kuramori.texts` this does not look at the environment: who prints says which. Pure. Must not know papers.
"""

from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum

from kuramori.paper.japanese_dates import japanese_date, japanese_time
from kuramori_config.quantities import Duration

_UNITS = (("day", "日", 86400), ("hour", "時間", 3600), ("minute", "分", 60), ("second", "秒", 1))


class Language(StrEnum):
    """The languages of papers; called with a text in both, it returns its own."""

    JAPANESE = "ja"
    ENGLISH = "en"

    def __call__(self, english: str, japanese: str) -> str:
        """Return the text in this language."""
        return japanese if self is Language.JAPANESE else english

    def day(self, day: date) -> str:
        """Return a day."""
        return self(day.isoformat(), japanese_date(day))

    def time(self, utc_ms: int, zone: tzinfo) -> str:
        """Return a moment in the site's time."""
        moment = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(zone)
        return self(moment.strftime("%Y-%m-%d %H:%M:%S"), japanese_time(utc_ms, zone))

    def duration(self, duration: Duration) -> str:
        """Return a duration in its largest whole unit."""
        for _, japanese, seconds in _UNITS:
            if duration.seconds and duration.seconds % seconds == 0:
                return self(str(duration), f"{duration.seconds // seconds}{japanese}")
        return self(str(duration), "0秒")

    def many(self, number: int, japanese_unit: str = "件") -> str:
        """Return a number, in Japanese with its counter."""
        return self(f"{number}", f"{number}{japanese_unit}")

    def joined(self, texts: "list[str] | tuple[str, ...]") -> str:
        """Return several texts as one enumeration."""
        return self(", ", "、").join(texts)
