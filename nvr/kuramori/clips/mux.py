"""Access units to MP4 without re-encoding: every NAL unit stays as it is, byte for byte.

Samples are the access units as recorded, parameter sets included; no edit list, so a player shows all there is. Before
each key picture may stand one NAL unit more, the hand-over mark. Where sound was recorded by decision it is a second
track, its frames as they are. The index stands at the end. Memory: the first pictures and their sound, then a few dozen
bytes for each. Must not know segments or files: it writes to anything that can write, seek into its head, and tell.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from kuramori.clips.media_clock import (
    LOOK_AHEAD_UNITS,
    TICKS_PER_SECOND,
    DecodeClock,
    PresentationClock,
    rhythm_of,
)
from kuramori.clips.nal_units import before_picture, behind_lengths, is_parameter_set, nal_units
from kuramori.clips.sample_entry import StreamUnusable, set_tag, template
from kuramori.clips.selection import SourceUnit
from kuramori.clips.sound_entry import sound_template
from kuramori.clips.sound_track import SoundClock
from kuramori_segments.audio_track import AudioRecord, AudioTrack
from kuramori_segments.codes import VideoCodec

WRITE_BYTES = 1 << 20
_TICK = Fraction(1, TICKS_PER_SECOND)
_OPTIONS = {"use_editlist": "0", "movie_timescale": "1000", "flush_packets": "0"}


class Target(Protocol):
    """Where the file goes."""

    def write(self, data: bytes, /) -> int: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...


class MuxFailed(Exception):
    """The media library did not take the stream."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    unit: SourceUnit
    media_us: int


class ClipMuxer:
    """One clip of one codec, from its first key frame on; with `track`, its sound too.

    `mark` is a NAL unit that goes before each key picture.
    """

    def __init__(
        self, target: Target, codec: VideoCodec, track: AudioTrack | None = None, *, mark: bytes = b""
    ) -> None:
        self._target = target
        self._codec = codec
        self._presentation = PresentationClock()
        self._waiting: list[_Waiting] | None = []
        self._clock: DecodeClock | None = None
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._track = track
        self._sound_clock = SoundClock(track) if track is not None else None
        self._sound_stream: AudioStream | None = None
        self._waiting_sound: list[tuple[AudioRecord, int]] = []  # and its time in the clip
        self._announced: tuple[bytes, ...] = ()
        self.sets_put_in = 0  # key frames that got parameter sets which came beside the stream
        self._mark = mark
        self.marks = 0  # key pictures that carry it
        self.samples = 0

    @property
    def pictures_moved(self) -> int:
        """How many presentation times had to give way to keep decoding times in order."""
        return self._clock.moved if self._clock is not None else 0

    @property
    def origin_us(self) -> int:
        """Time in the file of the first picture."""
        return self._clock.origin_ticks * 1_000_000 // TICKS_PER_SECOND if self._clock is not None else 0

    def add(self, unit: SourceUnit) -> int:
        """Add the next unit in decode order; return its time in microseconds from the first. Raises MuxFailed."""
        media_us = self._presentation.media_us(unit.record.utc_us, unit.record.rtp_time)
        if self._waiting is None:
            self._mux(unit, media_us)
            return media_us
        self._waiting.append(_Waiting(unit, media_us))
        if len(self._waiting) == LOOK_AHEAD_UNITS:
            self._begin()
        return media_us

    def add_sound(self, record: AudioRecord) -> None:
        """Add the next frame of sound; a picture of about its time must have come before. Raises MuxFailed."""
        media_us = self._presentation.at(record.utc_us)
        if self._waiting is None:
            self._mux_sound(record, media_us)
        else:
            self._waiting_sound.append((record, media_us))

    def finish(self) -> None:
        """Write the index. Raises MuxFailed."""
        if self._waiting:
            self._begin()
        try:
            if self._container is not None:
                self._container.close()
        except FFmpegError as fault:
            raise MuxFailed(type(fault).__name__) from fault

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        first = waiting[0].unit
        self._clock = DecodeClock(rhythm_of([item.media_us for item in waiting]))
        self._announced = first.parameter_sets
        target: Any = self._target
        try:
            container = av.open(target, "w", format="mp4", options=_OPTIONS, buffer_size=WRITE_BYTES)
            with template(self._codec, first.parameter_sets, first.record.payload) as model:
                stream = container.add_stream_from_template(model)
                set_tag(self._codec, stream)
                stream.time_base = _TICK
            self._sound_stream = self._add_sound_stream(container)
            container.start_encoding()
        except FFmpegError as fault:
            raise MuxFailed(type(fault).__name__) from fault
        except StreamUnusable as fault:
            raise MuxFailed(str(fault)) from fault
        self._container, self._stream = container, stream
        for item in waiting:
            while self._waiting_sound and self._waiting_sound[0][1] < item.media_us:
                self._mux_sound(*self._waiting_sound.pop(0))
            self._mux(item.unit, item.media_us)
        for record, media_us in self._waiting_sound:
            self._mux_sound(record, media_us)
        self._waiting_sound = []

    def _add_sound_stream(self, container: OutputContainer) -> AudioStream | None:
        if self._track is None:
            return None
        with sound_template(self._track) as model:
            stream = container.add_stream_from_template(model)
            stream.time_base = Fraction(1, self._track.sample_rate_hz)
            return stream

    def _mux_sound(self, record: AudioRecord, media_us: int) -> None:
        if self._sound_stream is None or self._sound_clock is None or self._container is None:
            raise MuxFailed("its sound has no track")
        packet = Packet(record.payload)
        packet.stream = self._sound_stream
        packet.time_base = Fraction(1, self._sound_clock.rate_hz)
        packet.pts = packet.dts = self._sound_clock.place(media_us + self.origin_us, record.rtp_time)
        packet.duration = self._sound_clock.spacing
        packet.is_keyframe = True
        try:
            self._container.mux_one(packet)
        except FFmpegError as fault:
            raise MuxFailed(type(fault).__name__) from fault

    def _mux(self, unit: SourceUnit, media_us: int) -> None:
        if self._clock is None or self._container is None or self._stream is None:
            raise MuxFailed("it has not begun")
        record = unit.record
        payload = self._with_sets(unit)
        if self._mark and record.is_key:
            payload = before_picture(self._codec, payload, self._mark)
            self.marks += 1
        packet = Packet(payload)
        packet.stream = self._stream
        packet.time_base = _TICK
        place = self._clock.place(media_us)
        packet.pts, packet.dts = place.pts, place.dts
        packet.is_keyframe = record.is_key
        try:
            self._container.mux_one(packet)
        except FFmpegError as fault:
            raise MuxFailed(type(fault).__name__) from fault
        self.samples += 1

    def _with_sets(self, unit: SourceUnit) -> bytes:
        """Put changed parameter sets before a key frame that does not bring them itself."""
        sets, payload = unit.parameter_sets, unit.record.payload
        if sets == self._announced or not unit.record.is_key:
            return payload
        self._announced = sets
        if any(is_parameter_set(self._codec, nal[0]) for nal in nal_units(payload)):
            return payload
        self.sets_put_in += 1
        return behind_lengths(sets) + payload
