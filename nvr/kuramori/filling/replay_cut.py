"""From replayed pictures to those that fill a gap: dated, cut to what is missing, beginning where decoding can begin.

The camera says when each picture was filmed, by its own clock; that clock's known offset is taken off. What lies
outside the gaps is left out, but for the pictures back to the key frame from which a gap's first one can be decoded.
What is lost, damaged, undated or out of order is never sealed as if it were whole: the run ends there and the gap
stays. A piece that follows another one goes on behind its last picture where the camera replays that very picture
again. Pure: pictures in, pictures out. It must not know sockets, keys or the ledger.
"""

from dataclasses import dataclass, replace
from hashlib import sha256

from kuramori.capture.replay import ReplayTime
from kuramori.capture.sdp import DEFAULT_CLOCK_RATE_HZ
from kuramori.capture.source import AccessUnit, AudioFrame, SenderReport
from kuramori.filling.fill_plan import Piece
from kuramori_segments.run_tracker import GAP_FLOOR_MS, REORDER_LIMIT_MS

US_PER_MS = 1000
US_PER_SECOND = 1_000_000
MOST_WAITING_BYTES = 32 << 20  # since the last key frame before the gap
MOST_STRAYS = 6000  # pictures that are not sealed: then the camera does not do what it is asked
MOST_SEALED = 12_000  # pictures of one piece: more than a minute of any camera
REACH_MS = 4_000  # asked for before a gap, to meet a key frame; doubled with each attempt
EARLY_REACHES = 16  # a camera may begin with an earlier key frame than was asked for: that far it is waited for
MOST_TIMES = 512  # told and not used yet


@dataclass(frozen=True, slots=True)
class FilledUnit:
    """One picture to be sealed. `begins_run`: decoding begins here, nothing before it belongs to it."""

    utc_us: int  # filmed, by the recorder's clock
    rtp_time: int
    is_key: bool
    nal_count: int
    payload: bytes
    begins_run: bool = False


@dataclass(frozen=True, slots=True)
class NewParameterSets:
    """The parameter sets are these from the next picture on."""

    parameter_sets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The last picture that was sealed is shown until then (UTC milliseconds); whatever follows begins anew."""

    utc_ms: int


@dataclass(frozen=True, slots=True)
class Junction:
    """The last picture of a piece, by which the next piece recognises where to go on."""

    utc_us: int
    digest: bytes
    spacing_us: int


Cut = FilledUnit | NewParameterSets | RunEnd


class ReplayCutter:
    """Takes one piece's replay in; keeps the contract of a sink. `take` returns what has become certain since."""

    def __init__(self, piece: Piece, *, offset_ms: int, reach_ms: int, junction: Junction | None = None) -> None:
        self.clock_rate_hz = DEFAULT_CLOCK_RATE_HZ  # as the description says
        self.strays = 0  # pictures that were not sealed: outside what was asked for, without a time, before a key frame
        self.is_over = False  # what was asked for has passed
        self.sealed_units = 0
        self.junction: Junction | None = junction
        self._piece = piece
        self._offset_us = offset_ms * US_PER_MS
        self._reach_us = reach_ms * US_PER_MS
        self._times: dict[int, ReplayTime] = {}
        self._last_dated: tuple[int, int] | None = None  # rtp time, utc
        self._waiting: list[FilledUnit] | None = None  # since the last key frame; None: there was none
        self._waiting_bytes = 0
        self._running = False
        self._newest_us = 0
        self._spacing_us = junction.spacing_us if junction is not None else 0
        self._cuts: list[Cut] = []
        self._sealed_last: FilledUnit | None = None
        self._sealed_newest_us = 0

    @property
    def is_stray(self) -> bool:
        """Tell whether the camera sends too much that nobody asked for."""
        return self.strays >= MOST_STRAYS or self.sealed_units >= MOST_SEALED

    def take(self) -> list[Cut]:
        """Return what has become certain since the last call, in order."""
        cuts, self._cuts = self._cuts, []
        return cuts

    def finish(self) -> None:
        """Nothing more comes."""
        self._end_run(self._newest_us + self._spacing_us, goes_on=False)

    # ---- the sink ------------------------------------------------------------------------------------------------

    def on_replay_time(self, rtp_time: int, told: ReplayTime) -> None:
        """The picture with this RTP time was filmed then; it follows."""
        if len(self._times) >= MOST_TIMES:
            self._times.clear()
        self._times[rtp_time] = told

    def on_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None:
        """Valid from the next picture on."""
        self._cuts.append(NewParameterSets(parameter_sets))

    def on_sender_report(self, report: SenderReport) -> None:
        """Says when a packet was sent, not when its picture was filmed."""

    def on_audio_frame(self, frame: AudioFrame) -> None:
        """Sound of a card is never set up (R3)."""

    def on_access_unit(self, unit: AccessUnit) -> None:
        """Date one picture and find its place."""
        told = self._times.pop(unit.rtp_time, None)
        utc_us = self._date(unit.rtp_time, told)
        if utc_us is None or not self._expects(utc_us):
            self.strays += 1
            self._end_run(self._newest_us + self._spacing_us, goes_on=False)
            self._waiting = None
        elif not self.is_over:
            found = FilledUnit(utc_us, unit.rtp_time, unit.is_key, unit.nal_count, bytes(unit.payload))
            self._place(found, whole=not (unit.damaged or unit.lost_packets), opens=told)
        if told is not None and told.terminal:
            self.is_over = True

    def _date(self, rtp_time: int, told: ReplayTime | None) -> int | None:
        if told is not None:
            utc_us = told.utc_us - self._offset_us
        elif self._last_dated is not None:  # between two pictures that carry their time
            ticks = rtp_time - self._last_dated[0]
            utc_us = self._last_dated[1] + ticks * US_PER_SECOND // self.clock_rate_hz
        else:
            return None
        self._last_dated = (rtp_time, utc_us)
        return utc_us

    def _expects(self, utc_us: int) -> bool:
        """Tell whether this time can belong to the piece; a little behind it is how its end shows."""
        span = self._piece.span
        begin_us = span.from_utc_ms * US_PER_MS - EARLY_REACHES * self._reach_us
        return begin_us <= utc_us <= span.to_utc_ms * US_PER_MS + self._reach_us

    # ---- where it belongs ----------------------------------------------------------------------------------------

    def _place(self, unit: FilledUnit, *, whole: bool, opens: ReplayTime | None) -> None:
        spacing_us = unit.utc_us - self._newest_us
        follows = -REORDER_LIMIT_MS * US_PER_MS <= spacing_us <= GAP_FLOOR_MS * US_PER_MS
        leaps_back = unit.is_key and unit.utc_us <= self._newest_us and self._running
        if not whole or not follows or leaps_back or (opens is not None and opens.discontinuity):
            self._end_run(self._newest_us + self._spacing_us, goes_on=False)
            self._waiting = None
        if 0 < spacing_us <= GAP_FLOOR_MS * US_PER_MS:
            self._spacing_us = min(spacing_us, self._spacing_us or spacing_us)
        self._newest_us = max(self._newest_us, unit.utc_us) if follows and whole else unit.utc_us
        if not whole:
            self.strays += 1
            return
        if self._is_junction(unit):
            self._running, self._waiting = True, None
        elif self._running and (self._is_missing(unit.utc_us) or self._is_reordered(unit)):
            self._seal(unit)
        else:
            self._wait_or_begin(unit)
        if unit.utc_us >= self._piece.span.to_utc_ms * US_PER_MS:
            self.is_over = True

    def _wait_or_begin(self, unit: FilledUnit) -> None:
        """No run goes on at this picture: one ends before it, or may begin with it or with an earlier key frame."""
        ends_us = unit.utc_us
        if self._running:
            self._end_run(ends_us, goes_on=ends_us >= self._piece.span.to_utc_ms * US_PER_MS)
        if unit.is_key and not (self._waiting and self._shows_the_beginning(unit.utc_us)):
            # one that was filmed before what is sealed already fills nothing
            self._waiting = [] if unit.utc_us > self._sealed_newest_us else None
            self._waiting_bytes = 0
        self.strays += 1
        if self._waiting is None:
            return
        self._waiting.append(unit)
        self._waiting_bytes += len(unit.payload)
        if self._waiting_bytes > MOST_WAITING_BYTES:
            self._waiting = None
        elif self._is_missing(unit.utc_us):
            first, *rest = self._waiting
            self._waiting, self._running = None, True
            self.strays -= len(rest) + 1
            self._seal(replace(first, begins_run=True))
            for one in rest:
                self._seal(one)

    def _shows_the_beginning(self, utc_us: int) -> bool:
        """Tell whether a gap began since the picture before this one: that one shows the gap's first moment."""
        before_us = self._waiting[-1].utc_us if self._waiting else utc_us
        return any(before_us < gap.from_utc_ms * US_PER_MS < utc_us for gap in self._piece.gaps)

    def _is_missing(self, utc_us: int) -> bool:
        return any(gap.from_utc_ms * US_PER_MS <= utc_us < gap.to_utc_ms * US_PER_MS for gap in self._piece.gaps)

    def _is_reordered(self, unit: FilledUnit) -> bool:
        """Tell whether it is shown before a picture that was sealed already (a B-frame): it belongs to it."""
        return not unit.is_key and self.sealed_units > 0 and unit.utc_us < self._sealed_newest_us

    def _is_junction(self, unit: FilledUnit) -> bool:
        junction = self.junction
        return (
            junction is not None
            and not self._running
            and not self.sealed_units
            and unit.utc_us == junction.utc_us
            and sha256(unit.payload).digest() == junction.digest
        )

    def _seal(self, unit: FilledUnit) -> None:
        self._cuts.append(unit)
        self.sealed_units += 1
        self.junction = None
        self._sealed_last = unit
        self._sealed_newest_us = max(self._sealed_newest_us, unit.utc_us)

    def _end_run(self, ends_us: int, *, goes_on: bool) -> None:
        """The run is over at this time. `goes_on`: the camera does; only the piece ends here."""
        if not self._running:
            return
        self._running = False
        self._cuts.append(RunEnd(ends_us // US_PER_MS))
        last = self._sealed_last
        if goes_on and last is not None:
            self.junction = Junction(last.utc_us, sha256(last.payload).digest(), self._spacing_us)
