"""That granted recordings were looked at, as the register knows it: who was there, which minutes were shown (H4, H5).

Frozen; like `steps`, whose tables name them: field names are part of the register's format (REGISTER.md). Must not know
pictures.
"""

from dataclasses import dataclass
from enum import StrEnum


class ViewingEnd(StrEnum):
    """How a viewing ended."""

    CLOSED = "closed"  # by who looked
    IDLE = "idle"  # nobody asked for a picture any more
    TIME_OVER = "time-over"  # the longest that one lasts
    DESK_STOPPED = "desk-stopped"
    FAILED = "failed"  # nothing more could be shown


@dataclass(frozen=True, slots=True)
class Shown:
    """Minutes that were shown of a camera, in one detail; half open, UTC milliseconds."""

    camera: str
    detail: str  # storyboard, full
    from_utc_ms: int
    to_utc_ms: int


@dataclass(frozen=True, slots=True)
class ViewingBegun:
    """The handler is about to look; the recorder is about to release its half of the keys."""

    viewing: int  # 1 for the first of the request
    detail: str  # the most that is shown: storyboard, full
    present: tuple[str, ...]  # staff present, the handler among them (H4)
    segments: int
    erased: int  # granted segments that no longer can be opened


@dataclass(frozen=True, slots=True)
class ViewingEnded:
    """Nothing more is shown; the keys are gone."""

    viewing: int
    how: ViewingEnd
    pictures: int
    shown: tuple[Shown, ...]
