"""One session's media on its way out: what is due, patched and sent frame by frame.

A stream knows its numbers (SSRC, sequence, time stamps) and how to write packets; where they go is given to it
as an outlet. It reads no clock: the pacer says what time it is.
"""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from kuramori.simulator.audio_material import AudioMaterial
from kuramori.simulator.material import (
    INTERLEAVED_HEADER_BYTES,
    VIDEO_CLOCK_RATE_HZ,
    PacketisedFrame,
    VideoMaterial,
)
from kuramori.simulator.truth_log import SessionTruth

NTP_EPOCH_OFFSET_SECONDS = 2_208_988_800
SENDER_REPORT_SECONDS = 5.0
_PATCH = struct.Struct(">HII").pack_into  # sequence, time stamp, SSRC
_SENDER_REPORT = struct.Struct(">BBHIIIIII")


class Outlet(Protocol):
    """Where a stream's packets go: the control connection, or UDP ports."""

    def send_frame(self, frame: PacketisedFrame, channel: int, without: frozenset[int]) -> bool:
        """Send the packets of a patched frame but those; False when the client is too slow and it is dropped."""

    def send_packet(self, packet: bytes, channel: int) -> None:
        """Send one packet (audio, RTCP)."""

    def close(self) -> None:
        """End the connection without a word."""

    @property
    def unsent_bytes(self) -> int:
        """What was written and has not left this process."""


@dataclass(slots=True)
class StreamStatistics:
    """Plain counters of one server, over all streams."""

    frames_sent: int = 0
    frames_dropped: int = 0
    packets_sent: int = 0
    packets_withheld: int = 0  # numbered but never sent: what a recorder must report as lost
    bytes_sent: int = 0
    audio_packets_sent: int = 0


@dataclass(slots=True)
class TrackState:
    """The RTP numbers of one track."""

    channel: int
    ssrc: int
    sequence: int
    first_timestamp: int
    packets: int = 0
    octets: int = 0


@dataclass(slots=True, eq=False)
class Stream:
    """What one session plays."""

    material: VideoMaterial
    outlet: Outlet
    statistics: StreamStatistics
    video: TrackState | None = None
    audio: TrackState | None = None
    audio_material: AudioMaterial | None = None
    loss: float = 0.0
    chance: random.Random = field(default_factory=random.Random)
    before_frame: Callable[["Stream"], bool] | None = None  # False: withhold this frame
    frames: int = 0  # played so far, sent or not
    audio_packets: int = 0
    truth: SessionTruth | None = None
    written_utc_seconds: float = 0.0
    clock_offset_seconds: Callable[[], float] | None = None  # of the camera's clock
    first_frame: int = 0  # index in the material of the first frame played
    started_seconds: float = 0.0
    reported_seconds: float = 0.0
    closed: bool = False

    def start(self, now_seconds: float) -> None:
        """Begin to count time."""
        self.started_seconds = now_seconds
        self.reported_seconds = now_seconds - SENDER_REPORT_SECONDS

    def next_due_seconds(self) -> float:
        """When `play` has something to do."""
        due = self.started_seconds + self.frames / self.material.frames_per_second
        if self.audio is not None and self.audio_material is not None:
            due = min(due, self._audio_due_seconds(self.audio_material))
        return due

    def play(self, now_seconds: float, utc_seconds: float) -> None:
        """Send everything that is due."""
        self.written_utc_seconds = utc_seconds
        while not self.closed and self.started_seconds + self.frames / self.material.frames_per_second <= (now_seconds):
            self._play_frame()
        material = self.audio_material
        while (
            self.audio is not None
            and material is not None
            and not self.closed
            and (self._audio_due_seconds(material) <= now_seconds)
        ):
            self._play_audio(self.audio, material)
        if now_seconds - self.reported_seconds >= SENDER_REPORT_SECONDS and not self.closed:
            self.reported_seconds = now_seconds
            self._report(now_seconds - self.started_seconds, utc_seconds)

    def _audio_due_seconds(self, material: AudioMaterial) -> float:
        return self.started_seconds + self.audio_packets * material.packet_duration / material.clock_rate_hz

    def _play_frame(self) -> None:
        go = self.before_frame is None or self.before_frame(self)
        track, material = self.video, self.material
        position = self.first_frame + self.frames
        self.frames += 1
        if track is None or self.closed:
            return
        lap, index = divmod(position, len(material.frames))
        frame = material.frames[index]
        shown = lap * len(material.frames) + frame.presentation_index - self.first_frame
        timestamp = track.first_timestamp + round(shown * VIDEO_CLOCK_RATE_HZ / material.frames_per_second)
        first_sequence = track.sequence
        count = len(frame.offsets)
        track.sequence = (first_sequence + count) & 0xFFFF
        if not go:
            self.statistics.packets_withheld += count
            if self.truth is not None:
                self.truth.missed()
            return
        wire, ssrc, timestamp = frame.wire, track.ssrc, timestamp & 0xFFFFFFFF
        for number, offset in enumerate(frame.offsets, first_sequence):
            _PATCH(wire, offset + 2, number & 0xFFFF, timestamp, ssrc)
        self._send(track, frame)

    def _send(self, track: TrackState, frame: PacketisedFrame) -> None:
        statistics = self.statistics
        count = len(frame.offsets)
        without: frozenset[int] = frozenset()
        if self.loss:
            without = frozenset(index for index in range(count) if self.chance.random() < self.loss)
        if not self.outlet.send_frame(frame, track.channel, without):
            statistics.frames_dropped += 1
            statistics.packets_withheld += count
            if self.truth is not None:
                self.truth.missed()
            return
        if self.truth is not None:
            self._tell_truth(self.truth, frame.is_key, not without)
        statistics.packets_withheld += len(without)
        statistics.frames_sent += 1
        statistics.packets_sent += count - len(without)
        statistics.bytes_sent += len(frame.wire)
        track.packets += count
        track.octets += frame.octets

    def _tell_truth(self, truth: SessionTruth, is_key: bool, whole: bool) -> None:
        if whole:
            truth.wrote(round(self.written_utc_seconds * 1000), is_key, self.outlet.unsent_bytes == 0)
        else:
            truth.missed()

    def _play_audio(self, track: TrackState, material: AudioMaterial) -> None:
        timestamp = (track.first_timestamp + self.audio_packets * material.packet_duration) & 0xFFFFFFFF
        header = struct.pack(">BBHII", 0x80, 0x80 | material.payload_type, track.sequence, timestamp, track.ssrc)
        self.outlet.send_packet(header + material.payload, track.channel)
        self.audio_packets += 1
        track.sequence = (track.sequence + 1) & 0xFFFF
        self.statistics.audio_packets_sent += 1

    def _report(self, media_seconds: float, utc_seconds: float) -> None:
        if self.clock_offset_seconds is not None:
            utc_seconds += self.clock_offset_seconds()
        ntp = round((utc_seconds + NTP_EPOCH_OFFSET_SECONDS) * (1 << 32))
        if self.video is not None:
            track = self.video
            timestamp = (track.first_timestamp + round(media_seconds * VIDEO_CLOCK_RATE_HZ)) & 0xFFFFFFFF
            report = _SENDER_REPORT.pack(
                0x80, 200, 6, track.ssrc, ntp >> 32, ntp & 0xFFFFFFFF, timestamp, track.packets, track.octets
            )
            self.outlet.send_packet(report, track.channel + 1)


def interleaved(packet: bytes, channel: int) -> bytes:
    """Frame one packet for the control connection (RFC 2326 section 10.12)."""
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet


def frame_without(frame: PacketisedFrame, without: frozenset[int]) -> bytes:
    """Return the frame's wire bytes with some packets left out."""
    return b"".join(
        bytes(frame.wire[offset - INTERLEAVED_HEADER_BYTES : offset + length])
        for index, (offset, length) in enumerate(zip(frame.offsets, frame.lengths, strict=True))
        if index not in without
    )


def first_key_frame(material: VideoMaterial, phase: float) -> int:
    """Return the index of the key frame nearest behind this phase (0 to 1) of the clip."""
    wanted = int(phase * len(material.frames))
    keys = [index for index, frame in enumerate(material.frames) if frame.is_key]
    return max((index for index in keys if index <= wanted), default=keys[0] if keys else 0)
