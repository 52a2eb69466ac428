"""One replay on its way out: a card's pictures as RTP packets that carry their own time (ONVIF Streaming 6.3).

Sent as fast as the client takes them, or at a speed. It reads no clock: the pacer says what time it is. This module
must not know requests.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from kuramori.simulator.audio_material import AudioMaterial
from kuramori.simulator.card import CardFrame, ReplaySwitches
from kuramori.simulator.material import RTP_HEADER_BYTES, VIDEO_CLOCK_RATE_HZ
from kuramori.simulator.stream import NTP_EPOCH_OFFSET_SECONDS, TrackState, interleaved

EXTENSION_PROFILE = 0xABAC
EXTENSION_WORDS = 3
CLEAN_POINT, ENDS_SECTION, DISCONTINUITY = 0x80, 0x40, 0x20
WAITING_MOST_BYTES = 512 << 10  # what may lie unsent before the replay pauses
BYTES_PER_TURN = 1 << 20  # then other streams have their turn
BETWEEN_TURNS_SECONDS = 0.001
_HEADER = struct.Struct(">BBHII")
_EXTENSION = struct.Struct(">HHQBBH")


class ReplayOutlet(Protocol):
    """The control connection."""

    @property
    def waiting_bytes(self) -> int:
        """What the client has not taken yet."""

    def send_raw(self, data: bytes) -> None:
        """Write to the control connection."""

    def close(self) -> None:
        """Hang up without a word."""


@dataclass(slots=True)
class ReplayStatistics:
    """Plain counters of all replays of a server."""

    sessions: int = 0  # that ever played
    pictures: int = 0
    audio_packets: int = 0
    audio_setups: int = 0


@dataclass(slots=True, eq=False)
class ReplayStream:
    """What one replay plays. `speed` None: as fast as the client takes it; `request` is the CSeq of its PLAY."""

    pictures: Iterator[CardFrame]
    frames_per_second: float
    outlet: ReplayOutlet
    video: TrackState
    switches: ReplaySwitches
    statistics: ReplayStatistics
    speed: float | None = None
    extension: bool = True
    request: int = 0
    audio: TrackState | None = None
    audio_material: AudioMaterial | None = None
    closed: bool = False
    played: int = 0
    started_seconds: float = 0.0
    now_seconds: float = 0.0
    audio_until_ms: float = 0.0

    def start(self, now_seconds: float) -> None:
        """Begin to count time."""
        self.started_seconds = self.now_seconds = now_seconds

    def next_due_seconds(self) -> float:
        """When `play` has something to do."""
        soon = self.now_seconds + BETWEEN_TURNS_SECONDS
        return soon if self.speed is None else max(soon, self._due_seconds(self.speed))

    def _due_seconds(self, speed: float) -> float:
        return self.started_seconds + self.played / self.frames_per_second / speed

    def play(self, now_seconds: float, _utc_seconds: float) -> None:
        """Send what is due and what fits."""
        self.now_seconds = now_seconds
        sent_bytes = 0
        while not self.closed and sent_bytes < BYTES_PER_TURN and self.outlet.waiting_bytes < WAITING_MOST_BYTES:
            if self.speed is not None and self._due_seconds(self.speed) > now_seconds:
                return
            stop = self.switches.stops_after_seconds
            if stop is not None and self.played >= stop * self.frames_per_second:
                self.closed = True
                if not self.switches.stops_silently:
                    self.outlet.close()
                return
            picture = next(self.pictures, None)
            if picture is None:
                self.closed = True
                return
            wire = self._written(picture)
            self.outlet.send_raw(wire)
            sent_bytes += len(wire)
            self.statistics.pictures += 1
            self._play_audio(picture.camera_utc_ms)

    def _written(self, picture: CardFrame) -> bytes:
        track, frame = self.video, picture.frame
        timestamp = round(picture.camera_utc_ms * VIDEO_CLOCK_RATE_HZ / 1000) & 0xFFFFFFFF
        flags = CLEAN_POINT if frame.is_key else 0
        flags |= ENDS_SECTION if picture.ends else 0
        flags |= DISCONTINUITY if picture.follows_gap or not self.played else 0
        extension = self._extension(picture.camera_utc_ms, flags)
        packets = []
        for index, (offset, length) in enumerate(zip(frame.offsets, frame.lengths, strict=True)):
            told = extension if index == 0 or self.switches.extension_everywhere else b""
            first = 0x80 | (0x10 if told else 0)
            header = _HEADER.pack(first, frame.wire[offset + 1], track.sequence, timestamp, track.ssrc)
            payload = frame.wire[offset + RTP_HEADER_BYTES : offset + length]
            packets.append(interleaved(header + told + payload, track.channel))
            track.sequence = (track.sequence + 1) & 0xFFFF
        self.played += 1
        return b"".join(packets)

    def _extension(self, camera_utc_ms: float, flags: int) -> bytes:
        if not self.extension:
            return b""
        ntp = round((camera_utc_ms / 1000 + NTP_EPOCH_OFFSET_SECONDS) * (1 << 32))
        return _EXTENSION.pack(EXTENSION_PROFILE, EXTENSION_WORDS, ntp, flags, self.request & 0xFF, 0)

    def _play_audio(self, camera_utc_ms: float) -> None:
        """Send the sound of the time up to this picture, if somebody set it up."""
        track, material = self.audio, self.audio_material
        if track is None or material is None:
            return
        length_ms = material.packet_duration * 1000 / material.clock_rate_hz
        if abs(camera_utc_ms - self.audio_until_ms) > 1000:
            self.audio_until_ms = camera_utc_ms
        while self.audio_until_ms <= camera_utc_ms:
            timestamp = round(self.audio_until_ms * material.clock_rate_hz / 1000) & 0xFFFFFFFF
            extension = self._extension(self.audio_until_ms, CLEAN_POINT)
            first = 0x90 if extension else 0x80
            header = _HEADER.pack(first, 0x80 | material.payload_type, track.sequence, timestamp, track.ssrc)
            self.outlet.send_raw(interleaved(header + extension + material.payload, track.channel))
            track.sequence = (track.sequence + 1) & 0xFFFF
            self.statistics.audio_packets += 1
            self.audio_until_ms += length_ms
