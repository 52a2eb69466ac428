"""What is filled of one camera: sealed beside its live recording, under the hour in which it was filmed.

The same recording as for live pictures (segments, slots, failed commits), with number space, chain and epochs of its
own. Time here is the time of filming: CLOCK_BOOTTIME as it was then, below zero where that was before this boot. The
tick commits a lane like a camera. This module must not know cameras' cards, sockets or the keystore.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from kuramori.epoch_plan import EPOCH_LIMIT_NS, NS_PER_MS, EpochPlan
from kuramori.filling.fill_plan import Span
from kuramori.filling.replay_cut import FilledUnit
from kuramori.recording import CameraRecording
from kuramori.recording_values import Batch, DurableMark, Epoch, RecordingState, Slots, Unit
from kuramori.segment_factory import StreamFacts
from kuramori.vault_thread import FilledRun, RunCut
from kuramori_segments.codes import Provenance
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger_records import DurableEnd
from kuramori_segments.records import FLAG_DISCONTINUITY, FLAG_KEY_FRAME
from kuramori_segments.run_tracker import RunChange
from kuramori_segments.slot_change import TakenSlot

LONGEST_SHOWN_US = 1_000_000  # the last picture of a run counts for no longer
IDLE_CLOSE_NS = 600_000_000_000  # a segment to which nothing came for so long is ended, so that it is signed


@dataclass(frozen=True, slots=True)
class FilmedEpoch:
    """An epoch of the keystore, placed in boot time as it was when its pictures were filmed; may be below zero."""

    epoch_id: bytes
    first_boot_ms: int


class FilmedPlan(EpochPlan[Epoch]):
    """One epoch at a time, for exactly its hour of filming; the next one is made before anything asks for it."""

    def _serves_now(self, epoch: Epoch, boot_ns: int) -> bool:
        began_ns = epoch.first_boot_ms * NS_PER_MS
        return began_ns <= boot_ns < began_ns + EPOCH_LIMIT_NS

    def _serves_whole_slot(self, epoch: Epoch, boot_ns: int) -> bool:
        return self._serves_now(epoch, boot_ns)

    def wants_next(self, boot_ns: int, slot_left_ns: int) -> bool:
        """Never by itself: the hour of the next picture is not known here."""
        return False

    def serves(self, from_boot_ns: int, to_boot_ns: int) -> bool:
        """Tell whether one epoch that is at hand serves all of this time."""
        return any(
            epoch is not None and self._serves_now(epoch, from_boot_ns) and self._serves_now(epoch, to_boot_ns)
            for epoch in (self.current, self.ready)
        )


@dataclass(slots=True)
class FilledRecording(CameraRecording):
    """Goes by the time of filming, also where the tick hands in its own."""

    filmed_boot_ns: int = 0  # of the newest picture
    filmed_utc_ms: int = 0

    def collect(self, boot_ns: int, utc_ms: int) -> Batch | None:
        """See CameraRecording."""
        return CameraRecording.collect(self, self.filmed_boot_ns, self.filmed_utc_ms)

    def finish(self, boot_ns: int, utc_ms: int) -> Batch | None:
        """See CameraRecording."""
        return CameraRecording.finish(self, self.filmed_boot_ns, self.filmed_utc_ms)

    def move(self, slots: Slots, slot_bytes: int) -> None:
        """See CameraRecording."""
        before = self.slots
        CameraRecording.move(
            self, SlotsNow(slots, before.now_utc_ms) if isinstance(before, SlotsNow) else slots, slot_bytes
        )


@dataclass(frozen=True, slots=True)
class SlotsNow:
    """A camera's slots, taken at the time that it is now, whatever time is recorded into them."""

    slots: Slots
    now_utc_ms: Callable[[], int]

    def take(self, camera_number: int, _filmed_utc_ms: int) -> TakenSlot | None:
        """See `recording.Slots`."""
        return self.slots.take(camera_number, self.now_utc_ms())

    def give_back(self, slot: int) -> None:
        """See `recording.Slots`."""
        self.slots.give_back(slot)


def filled_recording(live: CameraRecording, state: RecordingState, now_utc_ms: Callable[[], int]) -> FilledRecording:
    """Return the recording of what is filled of a camera, into the same volume and under the same budget."""
    return FilledRecording(
        camera_number=live.camera_number,
        camera_name=live.camera_name,
        factory=live.factory,
        slots=SlotsNow(live.slots, now_utc_ms),
        segment_key=live.segment_key,
        budget=live.budget,
        state=state,
        plan=FilmedPlan(),
        provenance=Provenance.FILLED_FROM_CAMERA,
    )


@dataclass(slots=True, eq=False)
class FilledLane:
    """One camera's lane. Hand pictures in by `seal`, in the order of filming within one piece."""

    recording: FilledRecording
    durable: DurableMark | None = None
    failed: bool = False  # something could not be kept: the piece is fetched again some day
    claims: dict[int, Span] = field(default_factory=dict)  # runs since the last `begin_piece`, by first access unit
    last_sealed_boot_ns: int = 0
    _begin: DurableEnd | None = None
    _end: DurableEnd | None = None
    _previous_us: int = 0
    _runs: dict[int, FilledRun] = field(default_factory=dict)  # by first access unit, for the next commit
    _first_number: int = field(init=False)  # of the first access unit since the start

    def __post_init__(self) -> None:
        self._first_number = self.recording.state.next_access_unit

    @property
    def goes_on(self) -> bool:
        """Tell whether a run is there that the next picture may continue."""
        return self._begin is not None

    @property
    def is_durable(self) -> bool:
        """Tell whether everything that was taken is on the medium and in the ledger."""
        durable = self.durable.access_unit if self.durable is not None else self._first_number - 1
        return durable >= self.recording.state.next_access_unit - 1 and not self._runs

    def begin_piece(self) -> None:
        """What is claimed from here on belongs to another piece."""
        self.claims = {}
        self.failed = False

    def begin_stream(self, stream: StreamFacts) -> None:
        """What follows comes from this stream."""
        recording = self.recording
        recording.begin_stream(stream, recording.filmed_boot_ns, recording.filmed_utc_ms)

    def change_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None:
        """Others from the next picture on. Raises RecordInvalid."""
        recording = self.recording
        recording.change_parameter_sets(parameter_sets, recording.filmed_boot_ns, recording.filmed_utc_ms)

    def goes_back(self, utc_us: int) -> bool:
        """Tell whether this was filmed before what the running segment ends with: it belongs into another."""
        return utc_us // 1000 < self.recording.filmed_utc_ms

    def end_segment(self) -> None:
        """End the running segment; the next picture begins another."""
        self.recording.end_segment(self.recording.filmed_boot_ns, self.recording.filmed_utc_ms)
        self._begin = None

    def leave_epoch(self) -> None:
        """What is sealed under the current epoch is about to be erased: a fetch that runs is given up."""
        self.end_segment()
        self.failed = True
        self.recording.plan.current = self.recording.plan.ready = None

    def seal(self, unit: FilledUnit, filmed_boot_ns: int, arrival_boot_ns: int) -> bool:
        """Take one picture; False: no place and no memory for it. Raises AccessUnitTooLarge, AccessUnitMalformed."""
        begins = unit.begins_run or self._begin is None
        flags = (FLAG_KEY_FRAME if unit.is_key else 0) | (FLAG_DISCONTINUITY if begins else 0)
        stored = Unit(unit.utc_us, unit.rtp_time, arrival_boot_ns // 1000, flags, 0, unit.payload, unit.nal_count)
        number = self.recording.append(stored, filmed_boot_ns)
        if number is None:
            self.break_run(GapReason.STORAGE_FAULT)
            return False
        self.last_sealed_boot_ns = arrival_boot_ns
        utc_ms, recording = unit.utc_us // 1000, self.recording
        if begins or utc_ms > recording.filmed_utc_ms:
            recording.filmed_boot_ns, recording.filmed_utc_ms = filmed_boot_ns, utc_ms
        self._follow(unit.utc_us, number, begins)
        return True

    def _follow(self, utc_us: int, number: int, begins: bool) -> None:
        utc_ms = utc_us // 1000
        if begins or self._begin is None:
            self._begin, self._end, self._previous_us = DurableEnd(utc_ms, number), None, utc_us
        shown_us = max(0, min(utc_us - self._previous_us, LONGEST_SHOWN_US))
        self._previous_us = max(self._previous_us, utc_us)
        self._reach((utc_us + shown_us) // 1000, number)

    def _reach(self, end_utc_ms: int, number: int) -> None:
        begin, end = self._begin, self._end
        if begin is None:
            return
        reached = end.last_utc_ms if end is not None else begin.last_utc_ms
        self._end = DurableEnd(max(end_utc_ms, reached), number)
        self._runs[begin.last_access_unit] = FilledRun(begin, self._end)
        self.claims[begin.last_access_unit] = Span(begin.last_utc_ms, self._end.last_utc_ms)

    def end_run(self, utc_ms: int) -> None:
        """The run's last picture is shown until then."""
        end = self._end
        if end is not None and utc_ms - end.last_utc_ms <= LONGEST_SHOWN_US // 1000:
            self._reach(utc_ms, end.last_access_unit)

    # ---- the tick ------------------------------------------------------------------------------------------------

    def take_ledger_changes(self) -> tuple[list[RunChange | FilledRun | RunCut], list[tuple[int, GapReason, str]]]:
        """Return the runs that grew, and forget that they did."""
        runs, self._runs = self._runs, {}
        return list(runs.values()), []

    def cut_run(self, reason: GapReason, detail: str = "") -> None:
        """What was taken already could not all be kept: the claims on it are taken back at the next fetch."""
        self.break_run(reason, detail)

    def break_run(self, reason: GapReason, detail: str = "") -> None:
        """Something could not be kept: what follows begins anew, and the gap stays a gap."""
        self.failed = True
        self._begin = None
