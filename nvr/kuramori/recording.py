"""One camera's recording: access units in, slot writes out; which segment, which epoch, which slot. No waiting.

A segment fills one slot. It outlives reconnects and losses and ends when the slot is full, at its epoch's end, when
the codec changes, or on stop. What cannot be written yet (no epoch durable, no slot free) waits in a bounded backlog;
beyond the bound it is lost, and said to be. This module must not know sockets, clocks or threads.
"""

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kuramori.epoch_plan import EPOCH_CLOSE_NS, NS_PER_MS, NS_PER_SECOND, EpochPlan
from kuramori.event_queue import EventQueue
from kuramori.memory_budget import MemoryBudget
from kuramori.recording_values import Batch, DurableMark, Epoch, RecordingState, Slots, Unit
from kuramori.segment_factory import BegunSegment, SegmentFactory, SegmentStart, StreamFacts
from kuramori.sound_queue import SoundQueue
from kuramori_segments.audio_track import AudioRecord
from kuramori_segments.chunk_buffers import Commit
from kuramori_segments.codes import Provenance
from kuramori_segments.commit_reader import records_of_commits
from kuramori_segments.limits import BLOCK_BYTES, MAX_ACCESS_UNIT_BYTES
from kuramori_segments.records import FLAG_KEY_FRAME, AccessUnitRecord, CameraEventRecord
from kuramori_segments.segment_error import AccessUnitTooLarge, SegmentFull
from kuramori_segments.segment_writer import SegmentWriter
from kuramori_segments.slot_change import CloseSlot, OpenSlot, SlotChange, SlotWrite, TakenSlot

TAKE_AHEAD_FRACTION = 4  # the next slot is taken when the last quarter of this one begins
UNIT_OVERHEAD_BYTES = 200  # of one waiting access unit beside its payload


@dataclass(slots=True)
class _Segment:
    """The segment being written."""

    begun: BegunSegment
    slot: int
    began_boot_ns: int
    room_at_start_bytes: int
    close_boot_ns: int  # when its epoch is over
    epoch_boot_us: int  # when it began
    writer: SegmentWriter = field(init=False)

    def __post_init__(self) -> None:
        self.writer = self.begun.writer


@dataclass(slots=True)
class CameraRecording:
    """One camera's recording. All calls come from the loop's thread; times are those of the newest unit or tick."""

    camera_number: int
    camera_name: str
    factory: SegmentFactory
    slots: Slots
    segment_key: Callable[[bytes, bytes], bytes]  # epoch id, segment uid → K_seg
    budget: MemoryBudget
    state: RecordingState
    plan: EpochPlan[Epoch] = field(default_factory=EpochPlan)
    stream: StreamFacts | None = None
    time_unknown: bool = False
    provenance: Provenance = Provenance.LIVE
    suspended: bool = False  # nothing is sealed now, everything waits: the volume does not take it
    dropped_units: int = 0  # lost because neither a slot nor memory was left
    left_slots: list[int] = field(default_factory=list)  # of segments that were given up; whoever moves it clears this
    events: EventQueue = field(default_factory=EventQueue)  # what the camera reported, until it is sealed
    sound: SoundQueue = field(init=False)  # frames that wait; empty unless sound was decided (R3)
    _segment: _Segment | None = None
    _next_slot: TakenSlot | None = None
    _backlog: deque[tuple[int, Unit]] = field(default_factory=deque)
    _writes: list[SlotWrite] = field(default_factory=list)
    _changes: list[SlotChange] = field(default_factory=list)
    _commits: list[tuple[Commit, BegunSegment]] = field(default_factory=list)
    _durable_digest: bytes = field(init=False)
    _end_wanted: bool = False
    _next_number: int = 0  # of the access unit that the running segment takes next

    def __post_init__(self) -> None:
        self._durable_digest = self.state.previous_digest
        self.sound = SoundQueue(self.budget)

    # ---- what happens to the stream --------------------------------------------------------------------------

    def begin_stream(self, stream: StreamFacts, boot_ns: int, utc_ms: int) -> None:
        """A source is open. The running segment goes on unless the codec is another, or what is done with sound."""
        segment, before = self._segment, self.stream
        self.stream = stream
        if self.sound.waits and (not self._backlog or before is None or before.audio_track != stream.audio_track):
            self.sound.clear()
        if segment is None or before is None:
            return
        if _must_begin_anew(before, stream):
            self._close(boot_ns, utc_ms)
        elif stream.parameter_sets and stream.parameter_sets != before.parameter_sets:
            self.change_parameter_sets(stream.parameter_sets, boot_ns, utc_ms)

    def change_parameter_sets(self, parameter_sets: tuple[bytes, ...], boot_ns: int, utc_ms: int) -> None:
        """The stream's parameter sets are others from the next unit on."""
        if self.stream is None:
            return
        self.stream = replace(self.stream, parameter_sets=parameter_sets)
        if self._segment is not None:
            try:
                self._segment.writer.append_parameter_sets(parameter_sets)
            except SegmentFull:
                self._close(boot_ns, utc_ms)  # the next segment begins with them

    def note(self, event: str, utc_ms: int, **facts: str | int) -> None:
        """Put an event of the stream into the running segment; the ledger has it too, so a full one goes without."""
        if self._segment is not None:
            with contextlib.suppress(SegmentFull):
                self._segment.writer.append_timeline(event, utc_ms, tuple(sorted(facts.items())))

    def note_sender_report(self, ntp: int, rtp_time: int, arrival_boot_us: int) -> None:
        """Put the camera's clock into the running segment; the next report comes in a few seconds."""
        if self._segment is not None:
            with contextlib.suppress(SegmentFull):
                self._segment.writer.append_sender_report(ntp, rtp_time, arrival_boot_us)

    def append_sound(self, record: AudioRecord) -> None:
        """Take one frame of sound, which goes beside the pictures of its time: it begins and ends no segment."""
        if self.stream is None or self.stream.audio_track is None:
            return
        if self._backlog or self.sound.waits or not self._write_sound(record):
            self.sound.offer(record)

    def _write_sound(self, record: AudioRecord) -> bool:
        """Put a frame into the running segment; one from before its epoch is dropped: none outlives its time."""
        segment = self._segment
        if segment is None:
            return False
        if record.arrival_boot_us < segment.epoch_boot_us:
            self.sound.dropped += 1
            return True
        try:
            segment.writer.append_audio(record)
        except SegmentFull:
            return False
        return True

    def _write_waiting_sound(self, until_boot_us: int | None = None) -> None:
        for record in self.sound.take(until_boot_us):
            if not self._write_sound(record):
                return

    def _seal_events(self, writer: SegmentWriter, utc_ms: int) -> None:
        """Put waiting events behind the pictures of this tick; without pictures they wait, or cost a block each."""
        if self.events.waits and writer.has_pending:
            with contextlib.suppress(SegmentFull):
                for event in self.events.take(utc_ms):
                    writer.append_camera_event(event)

    def append(self, unit: Unit, boot_ns: int) -> int | None:
        """Take one access unit, its payload borrowed, and number it; None: there was no room for it anywhere.

        Raises AccessUnitTooLarge, AccessUnitMalformed: the camera sent what no segment takes; nothing has changed.
        """
        number = self.state.next_access_unit
        if (self._backlog or not self._write(number, unit, boot_ns)) and not self._keep(number, unit):
            return None
        self.state.next_access_unit = number + 1
        return number

    # ---- segments --------------------------------------------------------------------------------------------

    def _write(self, number: int, unit: Unit, boot_ns: int) -> bool:
        if self.suspended:
            return False
        segment = self._segment
        if segment is not None:
            if number == self._next_number and not self._is_over(segment, unit, boot_ns):
                try:
                    segment.writer.append_access_unit(number, *unit)
                except SegmentFull:
                    self.plan.fill_ns = max(1, boot_ns - segment.began_boot_ns)
                else:
                    self._next_number = number + 1
                    return True
            self._close(boot_ns, unit.utc_us // 1000)
        segment = self._begin(number, unit, boot_ns)
        if segment is None:
            return False
        segment.writer.append_access_unit(number, *unit)
        self._next_number = number + 1
        if self.sound.waits:
            self._write_waiting_sound(unit.arrival_boot_us)
        return True

    def _is_over(self, segment: _Segment, unit: Unit, boot_ns: int) -> bool:
        """Tell whether its epoch is. Asked for every access unit: the common case is two comparisons."""
        if (boot_ns >= segment.close_boot_ns or self.plan.left is not None) and self.plan.must_close(boot_ns):
            return bool(unit.flags & FLAG_KEY_FRAME) or self.plan.must_close_at_once(boot_ns)
        return False

    def _begin(self, number: int, unit: Unit, boot_ns: int) -> _Segment | None:
        epoch = self.plan.for_segment(boot_ns)
        if epoch is None or self.stream is None:
            return None
        taken = self._next_slot or self.slots.take(self.camera_number, unit.utc_us // 1000)
        self._next_slot = None
        if taken is None:
            return None
        start = SegmentStart(
            camera_number=self.camera_number,
            camera_name=self.camera_name,
            epoch_id=epoch.epoch_id,
            sequence=self.state.next_sequence,
            previous_digest=self.state.previous_digest,
            start_utc_ms=unit.utc_us // 1000,
            start_boot_ns=boot_ns,
            first_access_unit=number,
            continues=not unit.flags & FLAG_KEY_FRAME,
            time_unknown=self.time_unknown,
            provenance=self.provenance,
        )
        begun = self.factory.begin(start, self.stream, lambda uid: self.segment_key(epoch.epoch_id, uid))
        self.state.next_sequence += 1
        close_boot_ns = epoch.first_boot_ms * NS_PER_MS + EPOCH_CLOSE_NS
        epoch_boot_us = epoch.first_boot_ms * 1000
        self._segment = _Segment(begun, taken.slot, boot_ns, begun.writer.room_bytes, close_boot_ns, epoch_boot_us)
        self._changes.append(
            OpenSlot(taken.slot, self.camera_number, start.sequence, start.epoch_id, start.start_utc_ms)
        )
        return self._segment

    def _close(self, boot_ns: int, utc_ms: int) -> None:
        segment = self._segment
        if segment is None:
            return
        self._segment = None
        self._end_wanted = False
        commit = segment.writer.close(max(0, boot_ns) // 1_000_000, ())
        self._put(segment, commit)
        self.state.previous_digest = segment.writer.chain_digest
        extent_blocks = (commit.offset_bytes + commit.length_bytes) // BLOCK_BYTES
        self._changes.append(CloseSlot(segment.slot, commit.last_utc_ms or utc_ms, extent_blocks))

    def _put(self, segment: _Segment, commit: Commit) -> None:
        self._writes.append(SlotWrite(segment.slot, commit.offset_bytes, commit.buffers))
        self._commits.append((commit, segment.begun))

    def end_segment_since(self, utc_ms: int) -> None:
        """End the running segment with the next tick if it began before that time."""
        segment = self._segment
        if segment is not None and segment.begun.header.start_utc_ms < utc_ms:
            self._end_wanted = True

    def end_segment(self, boot_ns: int, utc_ms: int) -> None:
        """End the running segment at once; the next access unit begins another."""
        self._close(boot_ns, utc_ms)

    def leave_slot(self) -> None:
        """Free the slot that was taken ahead: nothing more is recorded."""
        if self._next_slot is not None:
            self.slots.give_back(self._next_slot.slot)
            self._next_slot = None

    def leave_epoch(self) -> None:
        """Go on under a new epoch as soon as one is durable: the current one is about to be erased."""
        self.plan.leave()

    def in_epoch(self, epoch_id: bytes) -> bool:
        """Tell whether the running segment belongs to that epoch."""
        return self._segment is not None and self._segment.begun.header.epoch_id == epoch_id

    @property
    def epochs_in_use(self) -> frozenset[bytes]:
        """The ids of epochs that something is, or is about to be, sealed under."""
        planned = {epoch.epoch_id for epoch in (self.plan.current, self.plan.ready) if epoch is not None}
        return frozenset(planned | ({self._segment.begun.header.epoch_id} if self._segment is not None else set()))

    # ---- waiting ---------------------------------------------------------------------------------------------

    def _keep(self, number: int, unit: Unit) -> bool:
        if len(unit.payload) > MAX_ACCESS_UNIT_BYTES:
            raise AccessUnitTooLarge(len(unit.payload), MAX_ACCESS_UNIT_BYTES)
        if not self.budget.take(len(unit.payload) + UNIT_OVERHEAD_BYTES):
            self.dropped_units += 1
            return False
        self._backlog.append((number, unit._replace(payload=bytes(unit.payload))))
        return True

    def _work_backlog_off(self, boot_ns: int) -> None:
        while self._backlog and self._write(*self._backlog[0], boot_ns):
            _, unit = self._backlog.popleft()
            self.budget.give_back(len(unit.payload) + UNIT_OVERHEAD_BYTES)
            if self.sound.waits:
                self._write_waiting_sound(unit.arrival_boot_us)
        if self.sound.waits and not self._backlog:
            self._write_waiting_sound()

    @property
    def waiting_since_us(self) -> tuple[int, int] | None:
        """The oldest access unit that waits for a place: its UTC and its arrival on CLOCK_BOOTTIME, microseconds."""
        if not self._backlog:
            return None
        unit = self._backlog[0][1]
        return unit.utc_us, unit.arrival_boot_us

    @property
    def last_waiting(self) -> tuple[int, int] | None:
        """The newest access unit that waits for a place: its number and UTC in microseconds."""
        return (self._backlog[-1][0], self._backlog[-1][1].utc_us) if self._backlog else None

    @property
    def waiting_units(self) -> int:
        """How many access units wait for a place."""
        return len(self._backlog)

    # ---- the tick --------------------------------------------------------------------------------------------

    def wants_epoch(self, boot_ns: int) -> bool:
        """Tell whether an epoch should be made for this camera now."""
        return self.stream is not None and self.plan.wants_next(boot_ns, self._slot_left_ns(boot_ns))

    def _slot_left_ns(self, boot_ns: int) -> int:
        """How long the running slot lasts as it fills now; an hour where that is not known."""
        segment = self._segment
        if segment is None:
            return 3600 * NS_PER_SECOND
        filled = segment.room_at_start_bytes - segment.writer.room_bytes
        if filled <= 0 or boot_ns <= segment.began_boot_ns:
            return 3600 * NS_PER_SECOND
        return (boot_ns - segment.began_boot_ns) * segment.writer.room_bytes // filled

    def collect(self, boot_ns: int, utc_ms: int) -> Batch | None:
        """Return everything that is to be written now, sealed; None if there is nothing."""
        self._work_backlog_off(boot_ns)
        segment = self._segment
        if segment is not None and (self._end_wanted or self.plan.must_close_at_once(boot_ns)):
            self._close(boot_ns, utc_ms)
        elif segment is not None:
            self._seal_events(segment.writer, utc_ms)
            commit = segment.writer.take_commit()
            if commit is not None:
                self._put(segment, commit)
            nearly_full = segment.writer.room_bytes * TAKE_AHEAD_FRACTION < segment.room_at_start_bytes
            if nearly_full and self._next_slot is None:
                self._next_slot = self.slots.take(self.camera_number, utc_ms)
        return self._handed_over()

    def finish(self, boot_ns: int, utc_ms: int) -> Batch | None:
        """End the running segment and return the last writes. The recording may begin again afterwards."""
        self._work_backlog_off(boot_ns)
        if self._segment is not None:
            self._seal_events(self._segment.writer, utc_ms)
        self._close(boot_ns, utc_ms)
        return self._handed_over()

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing waits to be written and no segment is begun."""
        return self._segment is None and not (self._writes or self._changes or self._backlog)

    def _handed_over(self) -> Batch | None:
        if not self._writes and not self._changes:
            return None
        marks = [
            DurableMark(commit.last_access_unit, commit.last_utc_ms)
            for commit, _ in self._commits
            if commit.last_access_unit is not None and commit.last_utc_ms is not None
        ]
        chain = self._segment.writer.chain_digest if self._segment is not None else self.state.previous_digest
        batch = Batch(
            writes=tuple(self._writes),
            changes=tuple(self._changes),
            commits=tuple(self._commits),
            mark=marks[-1] if marks else None,
            chain_digest=chain,
        )
        self._writes, self._changes, self._commits = [], [], []
        return batch

    def acknowledge(self, batch: Batch) -> None:
        """The batch is durable."""
        self._durable_digest = batch.chain_digest

    @property
    def is_between(self) -> bool:
        """Tell whether no segment is begun and nothing sealed waits to be handed over: it may move."""
        return self._segment is None and not (self._writes or self._changes)

    def move(self, slots: Slots, slot_bytes: int) -> None:
        """Go on in the slots of another volume. Call it between segments."""
        self.leave_slot()
        self.slots = slots
        self.factory = replace(self.factory, slot_bytes=slot_bytes)

    def seal_again(self, batch: Batch | None) -> bool:
        """The batch could not be made durable: its slots are given up, its access units wait for other ones.

        Everything sealed since goes the same way, so that the order stays; without a batch it is only that. False
        when memory ran out: then the oldest are kept and the rest is lost. The batch stays the caller's to release.
        """
        segment, self._segment = self._segment, None
        before = batch.commits if batch is not None else ()
        undone = [*before, *self._commits]
        self._leave_slots(segment)
        if segment is not None:
            pending = segment.writer.take_commit()
            if pending is not None:
                undone.append((pending, segment.begun))
        written_since = self._commits
        self._writes, self._changes, self._commits = [], [], []
        self.state.previous_digest = self._durable_digest
        waiting: deque[tuple[int, Unit]] = deque()
        events: list[CameraEventRecord] = []
        sound: list[AudioRecord] = []
        whole = True
        for commit, begun in undone:
            for record in records_of_commits([commit], begun.header, begun.data_key):
                if isinstance(record, CameraEventRecord):
                    events.append(record)
                elif isinstance(record, AudioRecord):
                    sound.append(record)
                if not isinstance(record, AccessUnitRecord):
                    continue
                whole = whole and self.budget.take(len(record.payload) + UNIT_OVERHEAD_BYTES)
                if whole:
                    waiting.append((record.number, _unit_of(record)))
                else:
                    self.dropped_units += 1
        for commit, _ in [*written_since, *undone[len(before) + len(written_since) :]]:
            commit.release()
        self.events.put_back(events)
        self.sound.put_back(sound)
        self._restart(waiting, whole)
        return whole

    def _leave_slots(self, segment: _Segment | None) -> None:
        """Free the slots that were to be opened, and name those whose segments end without an end."""
        opened = {change.slot for change in self._changes if isinstance(change, OpenSlot)}
        ended = {change.slot for change in self._changes if isinstance(change, CloseSlot)}
        if segment is not None:
            ended.add(segment.slot)
        for slot in opened:
            self.slots.give_back(slot)
        self.left_slots += sorted(ended - opened)

    def _restart(self, waiting: deque[tuple[int, Unit]], whole: bool) -> None:
        """Put the units in front of the backlog; what can no longer follow them without a hole is dropped."""
        if whole:
            waiting.extend(self._backlog)
            self._backlog = waiting
            return
        for _, unit in self._backlog:
            self.dropped_units += 1
            self.budget.give_back(len(unit.payload) + UNIT_OVERHEAD_BYTES)
        self._backlog = waiting


def _must_begin_anew(before: StreamFacts, now: StreamFacts) -> bool:
    """Tell whether a segment cannot bear both: each says of itself what codec and what sound it holds."""
    kept = (before.codec, before.clock_rate_hz, before.source, before.audio_track)
    return kept != (now.codec, now.clock_rate_hz, now.source, now.audio_track)


def _unit_of(record: AccessUnitRecord) -> Unit:
    return Unit(
        record.utc_us,
        record.rtp_time,
        record.arrival_boot_us,
        record.flags,
        record.lost_packets_before,
        record.payload,
        record.nal_count,
    )
