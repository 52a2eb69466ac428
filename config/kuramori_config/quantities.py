"""Sizes and durations as a person writes them: "500 GiB", "14 days". Pure.

A bare number is refused, so that nobody has to guess a unit. This file must not know what is measured.
"""

import re
from dataclasses import dataclass
from typing import Self

from kuramori_config.faults import Unfit, Wording

_QUANTITY = re.compile(r"^\s*(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]{1,8})\s*$", re.ASCII)

LONGEST_SECONDS = 100 * 366 * 86400  # a century: beyond, somebody mistyped, and calendars end
LARGEST_BYTES = 2**60  # above any disk, below what offsets can hold

_BYTES_PER_UNIT = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_SECONDS_PER_UNIT = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}

SIZE_SHAPE = Wording('a size with its unit, such as "500 GiB" or "64 KiB"', '単位付きの容量（例: "500 GiB"）')
DURATION_SHAPE = Wording(
    'a duration with its unit, such as "14 days" or "36 hours"', '単位付きの期間（例: "14 days", "36 hours"）'
)


def _split(text: object, shape: Wording) -> tuple[float, str]:
    match = _QUANTITY.match(text) if isinstance(text, str) else None
    if match is None:
        raise Unfit(shape)
    return float(match[1]), match[2]


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """A number of bytes."""

    total_bytes: int

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read "500 GiB" (binary) or "500 GB" (decimal). Raises Unfit."""
        if isinstance(text, cls):
            return text
        number, unit = _split(text, SIZE_SHAPE)
        factor = _BYTES_PER_UNIT.get(unit.upper())
        if factor is None:
            raise Unfit(SIZE_SHAPE)
        total_bytes = int(number * factor)
        if total_bytes > LARGEST_BYTES:
            raise Unfit(SIZE_SHAPE)
        return cls(total_bytes)

    def __str__(self) -> str:
        for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
            if self.total_bytes >= factor:
                return f"{self.total_bytes / factor:.4g} {unit}"
        return f"{self.total_bytes} B"


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A number of whole seconds."""

    seconds: int

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read "14 days", "36 hours", "90 minutes", "2 weeks", "30 seconds". Raises Unfit."""
        if isinstance(text, cls):
            return text
        number, unit = _split(text, DURATION_SHAPE)
        name = unit.lower()
        factor = _SECONDS_PER_UNIT.get(name.removesuffix("s") if name != "s" else name)
        if factor is None:
            raise Unfit(DURATION_SHAPE)
        seconds = int(number * factor)
        if seconds > LONGEST_SECONDS:
            raise Unfit(DURATION_SHAPE)
        return cls(seconds)

    @classmethod
    def of_days(cls, days: float) -> Self:
        """Return that many days."""
        return cls(int(days * 86400))

    @property
    def days(self) -> float:
        """The duration in days."""
        return self.seconds / 86400

    def __str__(self) -> str:
        for unit in ("day", "hour", "minute"):
            factor = _SECONDS_PER_UNIT[unit]
            if self.seconds and self.seconds % factor == 0:
                count = self.seconds // factor
                return f"{count} {unit}{'' if count == 1 else 's'}"
        return f"{self.seconds} second{'' if self.seconds == 1 else 's'}"
