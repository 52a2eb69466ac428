"""One camera's life: connect, record, lose it, wait, connect again. Every end becomes a gap with its reason (R1).

The camera is the sink of its source: it dates and numbers access units, follows its runs and hands everything to its
recording. It must not know sockets, slots or keys.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from kuramori import log
from kuramori.camera_messages import CameraEvent
from kuramori.capture.backoff import GOOD_STREAM_SECONDS, Backoff
from kuramori.capture.source import (
    AccessUnit,
    AudioFrame,
    EndReason,
    SenderReport,
    Source,
    SourceEnded,
    SourceFactory,
    SourceStatistics,
    StreamDescription,
)
from kuramori.media_time import NS_PER_SECOND, MediaTime
from kuramori.recording import CameraRecording
from kuramori.recording_values import DurableMark, Unit
from kuramori.segment_factory import StreamFacts
from kuramori.sender_clock import sender_offset_ms
from kuramori.sign_ins import SignIns
from kuramori.sound import SoundFacts, sound_of
from kuramori.timebase import Clock, UtcAnchor
from kuramori.vault_thread import RunCut
from kuramori_segments.audio_track import AudioDecision, AudioRecord
from kuramori_segments.codes import RecordSource
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger_records import DurableEnd
from kuramori_segments.records import FLAG_DAMAGED, FLAG_DISCONTINUITY, FLAG_KEY_FRAME
from kuramori_segments.run_tracker import RunChange, RunTracker
from kuramori_segments.segment_error import AccessUnitMalformed, AccessUnitTooLarge, RecordInvalid

GAP_OF_END = {
    EndReason.UNREACHABLE: GapReason.CAMERA_OFFLINE,
    EndReason.VANISHED: GapReason.CAMERA_OFFLINE,
    EndReason.STALLED: GapReason.CAMERA_STALLED,
    EndReason.REFUSED: GapReason.CAMERA_REFUSED,
    EndReason.UNSUITABLE: GapReason.CAMERA_REFUSED,
    EndReason.GARBAGE: GapReason.STREAM_DAMAGED,
    EndReason.CODEC_CHANGED: GapReason.CODEC_CHANGED,
    EndReason.UNTRUSTED: GapReason.CAMERA_REFUSED,
    EndReason.STOPPED: GapReason.RECORDER_STOPPED,
}
SEGMENT_STEP_MS = 5_000  # below, a segment bears it: a clock that is set again and again must not eat slots
NO_PICTURE_MS = 10_000  # a camera whose key frames are further apart is recorded all the same
NO_ADDRESS_SECONDS = 30.0  # how often a camera without a known stream is said to be missing


class Phase(StrEnum):
    """What the camera is doing."""

    CONNECTING = "connecting"
    RECORDING = "recording"
    WAITING = "waiting"
    OFF = "off"
    PAUSED = "paused"


@dataclass(slots=True)
class CameraFigures:
    """Plain figures of a camera's life over all its sources, read at scrape time."""

    received_bytes: int = 0
    rtp_packets: int = 0
    lost_packets: int = 0
    access_units: int = 0
    audio_setups: int = 0
    reconnects: dict[str, int] = field(default_factory=dict)  # by EndReason
    gaps: dict[str, int] = field(default_factory=dict)  # by GapReason name, lower case
    rejected_units: int = 0
    rejected_packets: int = 0
    undecided_audio_setups: int = 0  # without a written decision: must stay 0 (R3)
    audio_frames: int = 0


@dataclass(slots=True, eq=False)
class Camera:
    """One camera. `source_factory` makes a source for the address known now; None while there is none."""

    name: str
    recording: CameraRecording
    source_factory: Callable[[], SourceFactory | None]
    source_kind: RecordSource
    clock: Clock
    anchor: UtcAnchor
    backoff: Backoff
    audio_decision: Callable[[], AudioDecision | None] = lambda: None  # in force now, asked at each connection (R3)
    sign_ins: SignIns | None = None  # what is remembered of refused passwords
    tracker: RunTracker = field(default_factory=RunTracker)
    figures: CameraFigures = field(default_factory=CameraFigures)
    phase: Phase = Phase.OFF
    since_utc_ms: int = 0
    description: StreamDescription | None = None
    sound: SoundFacts | None = None  # of the stream that was described last
    last_end: SourceEnded | None = None
    idle_reason: GapReason = GapReason.NOT_YET_STARTED  # of a gap that no end of a stream explains
    durable: DurableMark | None = None
    sender_offset_ms: int | None = None  # its clock minus ours by its latest sender report, believed or not
    address_known: asyncio.Event = field(default_factory=asyncio.Event)
    run_changes: list[RunChange | RunCut] = field(default_factory=list)  # for the next tick's ledger batch
    outages: list[tuple[int, GapReason, str]] = field(default_factory=list)  # (utc_ms, reason, detail), likewise
    _first_number: int = 1  # of the first access unit since the start
    _source: Source | None = None
    _media_time: MediaTime | None = None
    _sound_time: MediaTime | None = None
    _awaiting_key: bool = True
    _discontinuity: bool = True
    _without_picture_since_ms: int | None = None
    _said_unusable: bool = False

    def __post_init__(self) -> None:
        self._first_number = self.recording.state.next_access_unit

    # ---- life ------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Record until cancelled."""
        await self._sit_out()
        while True:
            began_ns = self.clock.boot_ns()
            ended = await self._one_session()
            self._note_end(ended)
            good_seconds = (self.clock.boot_ns() - began_ns) / NS_PER_SECOND
            self._enter(Phase.WAITING)
            wait_seconds = self.backoff.next_seconds(ended, good_seconds)
            await self._remember(ended, good_seconds, wait_seconds)
            await asyncio.sleep(wait_seconds)

    async def _sit_out(self) -> None:
        """An account that was refused before the recorder was started anew is left alone as long as ever."""
        seconds = self.sign_ins.left_at_start(self.clock.boot_ns()) if self.sign_ins is not None else 0.0
        if seconds <= 0:
            return
        detail = "wrong user name or password before the recorder was started anew"
        self.last_end = SourceEnded(EndReason.REFUSED, detail, wrong_credentials=True)
        self.outages.append((self.now_utc_ms(), GapReason.CAMERA_REFUSED, detail))
        log.get(camera=self.name).warning("sign_in_waits", seconds=round(seconds))
        await asyncio.sleep(seconds)

    async def _remember(self, ended: SourceEnded, good_seconds: float, wait_seconds: float) -> None:
        if self.sign_ins is None:
            return
        if ended.wrong_credentials:
            now = (self.now_utc_ms(), self.clock.boot_ns())
            await self.sign_ins.refused(self.backoff.refusals, wait_seconds, *now)
        elif good_seconds >= GOOD_STREAM_SECONDS:
            await self.sign_ins.forget()

    async def _one_session(self) -> SourceEnded:
        factory = self.source_factory()
        if factory is None:
            self.address_known.clear()
            try:
                await asyncio.wait_for(self.address_known.wait(), NO_ADDRESS_SECONDS)
            except TimeoutError:
                return SourceEnded(EndReason.UNREACHABLE, "its stream's address is not known yet")
            factory = self.source_factory()
            if factory is None:
                return SourceEnded(EndReason.UNREACHABLE, "its stream's address is not known yet")
        self._enter(Phase.CONNECTING)
        source = factory(self)
        try:
            self._begin(await source.open())
            self._source = source
            source.drain()
            return await source.ended()
        except SourceEnded as ended:
            return ended
        finally:
            self._source = None
            await source.close()
            self._count(source)

    def _begin(self, description: StreamDescription) -> None:
        self.description = description
        self._media_time = MediaTime(description.clock_rate_hz)
        self._awaiting_key = self._discontinuity = True
        sound = self.sound = sound_of(description, self.audio_decision())
        self._sound_time = MediaTime(sound.track.clock_rate_hz) if sound.track is not None else None
        if sound.refused:
            log.get(camera=self.name).warning("sound_refused", detail=sound.text)
        self.recording.begin_stream(
            StreamFacts(
                codec=description.codec,
                clock_rate_hz=description.clock_rate_hz,
                parameter_sets=description.parameter_sets,
                source=self.source_kind,
                audio=sound.state,
                audio_text=sound.text,
                audio_track=sound.track,
            ),
            self.clock.boot_ns(),
            self.now_utc_ms(),
        )
        self.recording.note("stream_began", self.now_utc_ms(), codec=description.codec.value)
        self._enter(Phase.RECORDING)

    def _note_end(self, ended: SourceEnded) -> None:
        self.last_end = ended
        reason = GAP_OF_END[ended.reason]
        self._changed(self.tracker.break_run(reason, ended.detail))
        self.outages.append((self.now_utc_ms(), reason, ended.detail))
        self.recording.note("stream_ended", self.now_utc_ms(), reason=ended.reason.value)
        self.figures.reconnects[ended.reason.value] = self.figures.reconnects.get(ended.reason.value, 0) + 1
        log.get(camera=self.name).warning("stream_ended", reason=ended.reason.value, detail=ended.detail)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since_utc_ms = self.now_utc_ms()

    def _count(self, source: Source) -> None:
        statistics = source.statistics
        self.figures.received_bytes += statistics.received_bytes
        self.figures.rtp_packets += statistics.rtp_packets
        self.figures.lost_packets += statistics.lost_packets
        self.figures.rejected_packets += statistics.rejected_packets
        self.figures.audio_setups += _audio_setups(statistics)
        self.figures.undecided_audio_setups += self._undecided_audio_setups(statistics)

    def _undecided_audio_setups(self, statistics: SourceStatistics) -> int:
        decided = self.sound is not None and self.sound.track is not None
        return 0 if decided else _audio_setups(statistics)

    def totals(self) -> CameraFigures:
        """Return the figures with those of the running source added."""
        now = CameraFigures(
            self.figures.received_bytes,
            self.figures.rtp_packets,
            self.figures.lost_packets,
            self.figures.access_units,
            self.figures.audio_setups,
            dict(self.figures.reconnects),
            dict(self.figures.gaps),
            self.figures.rejected_units,
            self.figures.rejected_packets,
            self.figures.undecided_audio_setups,
            self.figures.audio_frames,
        )
        if self._source is not None:
            statistics = self._source.statistics
            now.received_bytes += statistics.received_bytes
            now.rtp_packets += statistics.rtp_packets
            now.lost_packets += statistics.lost_packets
            now.rejected_packets += statistics.rejected_packets
            now.audio_setups += _audio_setups(statistics)
            now.undecided_audio_setups += self._undecided_audio_setups(statistics)
        return now

    @property
    def records_sound(self) -> bool:
        """Tell whether sound is set up right now, by written decision."""
        return self._source is not None and self.sound is not None and self.sound.track is not None

    @property
    def not_durable(self) -> int:
        """How many access units were taken but are not on the medium yet."""
        durable = self.durable.access_unit if self.durable is not None else self._first_number - 1
        return self.recording.state.next_access_unit - 1 - durable

    def gap_now(self) -> GapReason:
        """Return why nothing is recorded right now."""
        if self.last_end is not None:
            return GAP_OF_END[self.last_end.reason]
        return self.idle_reason

    # ---- the tick --------------------------------------------------------------------------------------------

    def drain(self, utc_ms: int) -> None:
        """Read what the socket holds and notice silence."""
        if self._source is not None:
            self._source.drain()
        self._changed(self.tracker.check_silence(utc_ms))
        self._mind_pictures(utc_ms)

    def _mind_pictures(self, utc_ms: int) -> None:
        """A camera that sends and sends, but no whole picture, is a damaged stream: say so once a connection."""
        if self._source is None or self.tracker.is_open:
            self._without_picture_since_ms = None
        elif self._without_picture_since_ms is None:
            self._without_picture_since_ms = utc_ms
            self._said_unusable = False
        elif utc_ms - self._without_picture_since_ms >= NO_PICTURE_MS and not self._said_unusable:
            self._said_unusable = True
            self.outages.append((utc_ms, GapReason.STREAM_DAMAGED, "connected, but no whole picture comes"))

    def break_run(self, reason: GapReason, detail: str = "") -> None:
        """End the open run for a reason of the recorder's own; pictures go on being stored."""
        self._changed(self.tracker.break_run(reason, detail))
        self._awaiting_key = True

    def cut_run(self, reason: GapReason, detail: str = "") -> None:
        """What was taken already could not all be kept: no run reaches further than what is durable, or waits."""
        waiting = self.recording.last_waiting
        if waiting is not None:
            end = DurableEnd(waiting[1] // 1000, waiting[0])
        elif self.durable is not None:
            end = DurableEnd(self.durable.utc_ms, self.durable.access_unit)
        else:
            end = DurableEnd(0, self._first_number - 1)
        self.break_run(reason, detail)
        self.run_changes.append(RunCut(end, reason, detail))

    def end_recording(self, reason: GapReason, detail: str = "") -> None:
        """End the run for good: the recorder stops, or the camera is not to be recorded any more."""
        self._changed(self.tracker.break_run(reason, detail))
        self.outages.append((self.now_utc_ms(), reason, detail))

    def rest(self, reason: GapReason, detail: str = "") -> None:
        """Nothing is recorded from now on, on purpose; call it when `live` has ended. The segment ends here too."""
        self.end_recording(reason, detail)
        self.recording.events.clear()
        self.recording.sound.clear()
        self.recording.end_segment(self.clock.boot_ns(), self.now_utc_ms())
        self.last_end, self.idle_reason = None, reason
        self._enter(Phase.PAUSED)

    def wake(self) -> None:
        """It may be recorded again; `live` is about to be called."""
        self._enter(Phase.WAITING)

    def report(self, events: Sequence[CameraEvent], dropped: int = 0) -> None:
        """The camera told of itself: it goes into the encrypted index of its pictures, and nowhere else.

        `dropped`: so many more came before these and were let go already.
        """
        queue = self.recording.events
        if self.phase is Phase.PAUSED:
            queue.refuse(len(events) + dropped)
        else:
            queue.note_dropped(dropped)
            queue.offer(events, self.now_utc_ms(), self.clock.boot_ns())

    def clock_stepped(self, by_ms: int) -> None:
        """The wall clock jumped: what follows is dated anew, so the run ends here and another begins.

        So does the segment where the jump is large: its times would not be in order, and it would not be found by them.
        """
        self._changed(self.tracker.break_run(GapReason.CLOCK_UNKNOWN, f"the clock was set by {by_ms} ms"))
        if abs(by_ms) >= SEGMENT_STEP_MS:
            self.recording.end_segment(self.clock.boot_ns(), self.now_utc_ms() - by_ms)

    def take_ledger_changes(self) -> tuple[list[RunChange | RunCut], list[tuple[int, GapReason, str]]]:
        """Return what the ledger must know before the next commit, and forget it here."""
        changes, self.run_changes = self.run_changes, []
        outages, self.outages = self.outages, []
        return changes, outages

    # ---- the sink --------------------------------------------------------------------------------------------

    def on_access_unit(self, unit: AccessUnit) -> None:
        """Date, number and store one access unit; what comes before the first key frame opens nothing."""
        if self._awaiting_key:
            if not unit.is_key:
                return
            self._awaiting_key = False
        media_time = self._media_time
        if media_time is None:
            return
        rtp_time, boot_ns, is_key, damaged, lost_packets, nal_count, payload = unit
        utc_us = self.anchor.utc_us(media_time.boot_ns(rtp_time, boot_ns))
        flags = FLAG_KEY_FRAME if is_key else 0
        if damaged:
            flags |= FLAG_DAMAGED
        if lost_packets or self._discontinuity:
            flags |= FLAG_DISCONTINUITY
        stored = Unit(utc_us, rtp_time, boot_ns // 1000, flags, lost_packets, payload, nal_count)
        try:
            number = self.recording.append(stored, boot_ns)
        except (AccessUnitTooLarge, AccessUnitMalformed):
            self.figures.rejected_units += 1
            self.break_run(GapReason.STREAM_DAMAGED, "an access unit that no segment takes")
            return
        if number is None:
            self.break_run(GapReason.STORAGE_FAULT, "no place to write and no memory left")
            return
        self._discontinuity = False
        self.figures.access_units += 1
        changes = self.tracker.observe(utc_us // 1000, number, is_key, lost_packets, damaged)
        if changes:
            self._changed(changes)

    def on_parameter_sets(self, parameter_sets: tuple[bytes, ...]) -> None:
        """Remember parameter sets that changed in mid-stream."""
        try:
            self.recording.change_parameter_sets(parameter_sets, self.clock.boot_ns(), self.now_utc_ms())
        except RecordInvalid:
            self.figures.rejected_units += 1

    def on_sender_report(self, report: SenderReport) -> None:
        """Keep the camera's own clock beside the pictures."""
        self.recording.note_sender_report(report.ntp, report.rtp_time, report.arrival_boot_ns // 1000)
        boot_ns = self._media_time.placed_ns(report.rtp_time) if self._media_time is not None else None
        if boot_ns is not None:
            self.sender_offset_ms = sender_offset_ms(report.ntp, self.anchor.utc_us(boot_ns))

    def on_audio_frame(self, frame: AudioFrame) -> None:
        """Date and store one frame of sound; without pictures, and without a decision, there is none (R3)."""
        sound_time = self._sound_time
        if sound_time is None or self._awaiting_key:
            return
        rtp_time, end_rtp_time, boot_ns, lost_packets, payload = frame
        end_boot_ns = sound_time.boot_ns(end_rtp_time, boot_ns)  # it was all taken before it arrived
        taken_boot_ns = end_boot_ns - sound_time.duration_ns(end_rtp_time - rtp_time)
        utc_us = self.anchor.utc_us(taken_boot_ns)
        self.recording.append_sound(AudioRecord(rtp_time, utc_us, boot_ns // 1000, lost_packets, payload))
        self.figures.audio_frames += 1

    def _changed(self, changes: tuple[RunChange, ...]) -> None:
        for change in changes:
            self.run_changes.append(change)
            reason = getattr(change, "reason", None)
            if isinstance(reason, GapReason):
                name = reason.name.lower()
                self.figures.gaps[name] = self.figures.gaps.get(name, 0) + 1

    def now_utc_ms(self) -> int:
        """Return UTC by the anchor."""
        return self.anchor.utc_ms(self.clock.boot_ns())


def _audio_setups(statistics: SourceStatistics) -> int:
    return sum(kind != "video" for kind in statistics.setups)
