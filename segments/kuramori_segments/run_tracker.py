"""When a camera's unbroken run begins and ends: the rule behind coverage, one access unit at a time. Pure.

The rule (R1): a run begins with a key frame that is whole. It ends
- when packets are missing or an access unit is damaged: `stream_damaged`, until the next key frame;
- when two access units lie further apart than max(1 s, 3 x the median spacing): `camera_stalled`, or the reason the
  caller set for silence;
- when the caller says so (`break_run`): the connection ended, the recorder stops, a volume failed ...;
- when time goes back by more than access units are ever reordered: `clock_unknown`.
Its end is the end of the showing time of its last access unit: the latest time stamp plus one spacing, where one
spacing is the smaller of median and mean, so that it rather claims too little.

`observe` is called for every access unit of every camera and must stay cheap (well below a microsecond). Time stamps
may go back and forth by a few frames, as B-frames do in decode order; they are UTC milliseconds. This module must
not know clocks, streams or the ledger.
"""

from dataclasses import dataclass

from kuramori_segments.gap_reason import GapReason

GAP_FLOOR_MS = 1000  # a spacing up to this is never a gap
GAP_MEDIANS = 3  # nor one up to so many medians
REORDER_LIMIT_MS = 2000  # how far back a time stamp may lie behind the latest one within a run
SPACING_LIMIT_MS = 60_000  # a longer spacing is an outage, not the rhythm of a slow camera
WINDOW = 64  # spacings that the median is taken of; a power of two
LEARN_EVERY = 128  # spacings between two medians, once the window is full


@dataclass(frozen=True, slots=True)
class RunOpened:
    """A run begins with this key frame."""

    start_utc_ms: int
    start_access_unit: int


@dataclass(frozen=True, slots=True)
class RunClosed:
    """The open run ended with this access unit, and why a gap follows."""

    end_utc_ms: int
    end_access_unit: int
    reason: GapReason
    detail: str = ""


RunChange = RunOpened | RunClosed
NO_CHANGE: tuple[RunChange, ...] = ()


class RunTracker:
    """Follows one camera. It outlives reconnects: the rhythm learnt is kept, and so are access-unit numbers."""

    __slots__ = (
        "_last_number",
        "_last_utc_ms",
        "_learn_at",
        "_limit_ms",
        "_median_ms",
        "_open",
        "_samples",
        "_start_number",
        "_start_utc_ms",
        "_window",
        "silence_detail",
        "silence_reason",
    )

    def __init__(self) -> None:
        self.silence_reason = GapReason.CAMERA_STALLED  # what a spacing that is too long is called
        self.silence_detail = ""
        self._open = False
        self._start_utc_ms = 0
        self._start_number = 0
        self._last_utc_ms = 0  # the latest, not the last, of the run
        self._last_number = 0
        self._limit_ms = GAP_FLOOR_MS
        self._median_ms = 0
        self._window = [0] * WINDOW
        self._samples = 0
        self._learn_at = 2

    @property
    def is_open(self) -> bool:
        """Tell whether a run is open."""
        return self._open

    @property
    def limit_ms(self) -> int:
        """The longest spacing that does not break a run, as of now."""
        return self._limit_ms

    @property
    def end_utc_ms(self) -> int:
        """The end of the open run so far: where it would end if nothing followed. Without one it means nothing."""
        frames = self._last_number - self._start_number
        mean_ms = (self._last_utc_ms - self._start_utc_ms) // frames if frames > 0 else self._median_ms
        return self._last_utc_ms + min(self._median_ms, mean_ms)

    def observe(
        self, utc_ms: int, number: int, is_key: bool, lost_packets: int, damaged: bool = False
    ) -> tuple[RunChange, ...]:
        """Take one access unit in decode order; return what changed (nothing, nearly always).

        `lost_packets` are those missing since the access unit before; `damaged` says that some are missing within
        this one. A key frame after a loss that is itself whole ends one run and begins the next.
        """
        spacing_ms = utc_ms - self._last_utc_ms
        if self._open and not lost_packets and not damaged and -REORDER_LIMIT_MS <= spacing_ms <= self._limit_ms:
            self._last_number = number
            if spacing_ms > 0:
                self._last_utc_ms = utc_ms
                samples = self._samples
                self._window[samples & 63] = spacing_ms
                self._samples = samples = samples + 1
                if samples == self._learn_at:
                    self._learn()
            return NO_CHANGE
        return self._turn(utc_ms, number, is_key and not damaged, lost_packets, damaged)

    def _turn(self, utc_ms: int, number: int, begins: bool, lost_packets: int, damaged: bool) -> tuple[RunChange, ...]:
        """No run is open, or this access unit breaks it."""
        changes: tuple[RunChange, ...] = NO_CHANGE
        spacing_ms = utc_ms - self._last_utc_ms
        if self._open:
            if lost_packets or damaged:
                changes = self._close(GapReason.STREAM_DAMAGED, f"{lost_packets} packets lost")
            elif spacing_ms > 0:
                changes = self._close(self.silence_reason, self.silence_detail or f"nothing for {spacing_ms} ms")
            else:
                changes = self._close(GapReason.CLOCK_UNKNOWN, f"time went back by {-spacing_ms} ms")
        if self._last_utc_ms and 0 < spacing_ms <= SPACING_LIMIT_MS and not lost_packets:
            self._window[self._samples & 63] = spacing_ms
            self._samples += 1
            if self._samples >= self._learn_at:
                self._learn()
        self._last_utc_ms = utc_ms
        self._last_number = number
        if begins:
            self._open = True
            self._start_utc_ms = utc_ms
            self._start_number = number
            changes = (*changes, RunOpened(utc_ms, number))
        return changes

    def _learn(self) -> None:
        """Take the median anew: after 2, 4, 8 ... spacings at first, then now and then."""
        filled = sorted(self._window[: min(self._samples, WINDOW)])
        self._median_ms = filled[(len(filled) - 1) // 2]
        self._limit_ms = max(GAP_FLOOR_MS, GAP_MEDIANS * self._median_ms)
        self._learn_at = self._samples + min(self._samples, LEARN_EVERY)

    def _close(self, reason: GapReason, detail: str) -> tuple[RunChange, ...]:
        self._open = False
        return (RunClosed(self.end_utc_ms, self._last_number, reason, detail),)

    def break_run(self, reason: GapReason, detail: str = "") -> tuple[RunChange, ...]:
        """End the open run where its last access unit ended, for a reason only the caller knows.

        Call it at the end of every connection, open run or not: the time until the next access unit is then no
        spacing of the camera's.
        """
        changes = self._close(reason, detail) if self._open else NO_CHANGE
        self._last_utc_ms = 0
        return changes

    def check_silence(self, now_utc_ms: int) -> tuple[RunChange, ...]:
        """End the open run when nothing came for longer than the limit; for the tick, when nothing calls `observe`."""
        silent_ms = now_utc_ms - self._last_utc_ms
        if not self._open or silent_ms <= self._limit_ms:
            return NO_CHANGE
        return self._close(self.silence_reason, self.silence_detail or f"nothing for {silent_ms} ms")
