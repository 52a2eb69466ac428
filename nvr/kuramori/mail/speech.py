"""Writing for one reader: English or Japanese, with the site's local time.

A mail's language is the configuration's, not that of the process that writes it. Pure; must not know what is said.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAYS_JAPANESE = "月火水木金土日"


@dataclass(frozen=True, slots=True)
class Speech:
    """One language and one zone."""

    japanese: bool
    zone: tzinfo

    def say(self, english: str, japanese: str) -> str:
        """Return the text in this language."""
        return japanese if self.japanese else english

    def time(self, utc_ms: int) -> str:
        """Return local date and time to the second."""
        return self._local(utc_ms).strftime("%Y-%m-%d %H:%M:%S")

    def minute(self, utc_ms: int) -> str:
        """Return local date and time to the minute."""
        return self._local(utc_ms).strftime("%Y-%m-%d %H:%M")

    def day(self, utc_ms: int) -> str:
        """Return the local date with its weekday."""
        local = self._local(utc_ms)
        return self.say(
            local.strftime("%Y-%m-%d"), f"{local.month}月{local.day}日（{_WEEKDAYS_JAPANESE[local.weekday()]}）"
        )

    def duration(self, duration_ms: int) -> str:
        """Return a length of time as a person reads it."""
        seconds = max(0, duration_ms) // 1000
        minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
        if minutes < 1:
            return self.say(f"{seconds} s", f"{seconds}秒")
        if hours < 1:
            return self.say(f"{minutes} min {seconds % 60:02d} s", f"{minutes}分{seconds % 60:02d}秒")
        if days < 1:
            return self.say(f"{hours} h {minutes % 60:02d} min", f"{hours}時間{minutes % 60:02d}分")
        return self.say(f"{days} d {hours % 24:02d} h", f"{days}日{hours % 24:02d}時間")

    def _local(self, utc_ms: int) -> datetime:
        return (_EPOCH + timedelta(milliseconds=utc_ms)).astimezone(self.zone)


def spoken(language: str, zone: tzinfo) -> tuple[Speech, ...]:
    """Return the speeches of a language setting: "ja", "en" or "both" (Japanese first)."""
    return tuple(Speech(one == "ja", zone) for one in ("ja", "en") if language in (one, "both"))
