"""When each access unit is shown and decoded in a clip, in ticks of 90 kHz.

A recording says when each picture was taken; a clip keeps that distance, gaps included. Decoding times do not exist
in a recording: they are the presentation times in ascending order, late by as many pictures as the camera reorders.
Pure; must not know containers.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

TICKS_PER_SECOND = 90_000
US_PER_SECOND = 1_000_000
NEW_STRETCH_US = US_PER_SECOND  # a longer distance between pictures is a gap, not a frame rate
STEP_BACK_US = 2 * US_PER_SECOND  # more than reordering explains: the clock was set back
GAP_KEPT_MOST_US = 6 * 3600 * US_PER_SECOND  # a sample of an MP4 lasts at most 13 hours at this tick
DEFAULT_FRAME_US = 40_000
LOOK_AHEAD_UNITS = 64  # more pictures than any level lets a camera reorder


class PresentationClock:
    """From the time a picture was taken to its time in the clip (microseconds from the first)."""

    def __init__(self) -> None:
        self._shift_us: int | None = None
        self._newest_us = 0
        self._newest_rtp_time = 0

    def media_us(self, utc_us: int, rtp_time: int) -> int:
        """Return the time in the clip; units come in decode order.

        RTP time tells reordered pictures from a clock that was corrected: the order of pictures is always kept.
        """
        if self._shift_us is None:
            self._shift_us, self._newest_rtp_time = utc_us, rtp_time
            return 0
        media_us = utc_us - self._shift_us
        ahead_us = media_us - self._newest_us
        if ahead_us > GAP_KEPT_MOST_US:
            media_us = self._newest_us + GAP_KEPT_MOST_US
        elif ahead_us <= 0 and (rtp_time > self._newest_rtp_time or ahead_us < -STEP_BACK_US):
            media_us = self._newest_us + min(DEFAULT_FRAME_US, STEP_BACK_US)
        else:
            if ahead_us > 0:
                self._newest_us, self._newest_rtp_time = media_us, rtp_time
            return media_us
        self._shift_us = utc_us - media_us
        self._newest_us, self._newest_rtp_time = media_us, rtp_time
        return media_us

    def at(self, utc_us: int) -> int:
        """Return the time in the clip of something else that was taken then (sound), as pictures are laid now."""
        return 0 if self._shift_us is None else utc_us - self._shift_us


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What the first pictures of a clip tell."""

    reorder_depth: int  # how many pictures may be decoded before one that is shown earlier
    frame_us: int
    lead_us: int  # how much earlier than the first decoded picture one is shown


def rhythm_of(media_us: Sequence[int]) -> Rhythm:
    """Return the rhythm of the first pictures, in decode order."""
    depth = 0
    for position, shown in enumerate(media_us):
        depth = max(depth, sum(earlier > shown for earlier in media_us[:position]))
    steps = sorted(later - earlier for earlier, later in pairwise(sorted(media_us)))
    frame_us = steps[len(steps) // 2] if steps else DEFAULT_FRAME_US
    lead_us = max(0, media_us[0] - min(media_us)) if media_us else 0
    return Rhythm(depth, max(1000, min(frame_us, US_PER_SECOND)), lead_us)


@dataclass(frozen=True, slots=True)
class SampleTime:
    """Presentation and decoding time in ticks."""

    pts: int
    dts: int


class DecodeClock:
    """From presentation times in decode order to both times, never negative, decoding times strictly ascending."""

    def __init__(self, rhythm: Rhythm) -> None:
        self._depth = rhythm.reorder_depth
        self._frame = _ticks(rhythm.frame_us)
        self._lead = _ticks(rhythm.lead_us)
        self._origin = self._lead + self._depth * self._frame
        self._heap: list[int] = []
        self._in_stretch = 0
        self._stretch_start = self._origin - self._lead
        self._newest = 0
        self._last_dts = -1
        self.moved = 0  # pictures whose presentation time had to give way

    def place(self, media_us: int) -> SampleTime:
        """Return the times of the next unit."""
        pts = _ticks(media_us) + self._origin
        if pts > self._newest + _ticks(NEW_STRETCH_US):
            self._heap.clear()
            self._in_stretch = 0
            self._stretch_start = pts - self._lead
        self._newest = max(self._newest, pts)
        heapq.heappush(self._heap, pts)
        if len(self._heap) > self._depth:
            dts = heapq.heappop(self._heap)
        else:
            dts = self._stretch_start - (self._depth - self._in_stretch) * self._frame
        self._in_stretch += 1
        dts = max(dts, self._last_dts + 1)
        self._last_dts = dts
        if pts < dts:
            self.moved += 1
            pts = dts
        return SampleTime(pts, dts)

    @property
    def origin_ticks(self) -> int:
        """Presentation time of a picture with media time 0."""
        return self._origin


def _ticks(microseconds: int) -> int:
    return microseconds * TICKS_PER_SECOND // US_PER_SECOND
