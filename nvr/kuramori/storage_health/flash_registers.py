"""What an eMMC tells of its own wear: `life_time` and `pre_eol_info` as sysfs shows them. Pure.

Source: JEDEC JESD84-B51, EXT_CSD bytes 267 (PRE_EOL_INFO), 268 and 269 (DEVICE_LIFE_TIME_EST_TYP_A and _B): tens of
percent used, 0x0B for more than its life; 0x01 normal, 0x02 four fifths of the reserved blocks used, 0x03 urgent.
This module must not know files.
"""

import re
from dataclasses import dataclass

LIFE_USED_UP = 0x0B
RESERVE_NORMAL, RESERVE_WARNING, RESERVE_URGENT = 1, 2, 3
RESERVE_WARNING_PERCENT = 85.0  # more than four fifths, less than the next step: beyond what is told as worn
RESERVE_URGENT_PERCENT = 90.0
USED_UP_PERCENT = 110.0
_HEX = re.compile(r"0x[0-9a-fA-F]{1,2}")


@dataclass(frozen=True, slots=True)
class FlashRegisters:
    """The registers; None where one is not defined by the device, absent or rubbish."""

    life_time: int | None = None  # the worse of types A and B, 1 to 11
    reserve: int | None = None  # PRE_EOL_INFO, 1 to 3

    @property
    def worn_percent(self) -> float | None:
        """The used part of its life, by the upper end of what the registers mean."""
        found = []
        if self.life_time is not None:
            found.append(USED_UP_PERCENT if self.life_time >= LIFE_USED_UP else 10.0 * self.life_time)
        if self.reserve is not None and self.reserve >= RESERVE_WARNING:
            found.append(RESERVE_WARNING_PERCENT if self.reserve == RESERVE_WARNING else RESERVE_URGENT_PERCENT)
        return max(found, default=None)

    @property
    def life_text(self) -> str:
        """The register as the data sheet writes it."""
        return f"0x{self.life_time:02x}" if self.life_time is not None else ""

    @property
    def reserve_text(self) -> str:
        """The register as the data sheet writes it."""
        return f"0x{self.reserve:02x}" if self.reserve is not None else ""


def read_registers(life_time: str, reserve: str) -> FlashRegisters:
    """Return what the two files say; whatever they say."""
    lives = [value for value in _values(life_time, 2) if 1 <= value <= LIFE_USED_UP]
    reserves = [value for value in _values(reserve, 1) if RESERVE_NORMAL <= value <= RESERVE_URGENT]
    return FlashRegisters(max(lives, default=None), max(reserves, default=None))


def _values(text: str, most: int) -> list[int]:
    words = text.split()
    if not 1 <= len(words) <= most or not all(_HEX.fullmatch(word) for word in words):
        return []
    return [int(word, 16) for word in words]
