"""The sound of a clip: which frames belong to it, and when each is heard.

Sound goes with the pictures of its time: from the first picture of the clip to the end of the named range. The
frames are the camera's, byte for byte; their place in the file follows RTP time, and the recorder's clock where the
two part. Pure; must not know containers, segments or files.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from kuramori_segments.audio_track import AudioRecord, AudioTrack

WAITING_BYTES_MOST = 16 << 20  # of sound since the last key frame: half an hour at 64 kbit/s
LAID_AGAIN_US = 100_000  # RTP time and the recorder's clock may part by that much before the clock is believed
FRAME_SAMPLES = 1024  # of AAC; twice as many with spectral band replication
US_PER_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class SoundUnit:
    """One frame and the track that it is of."""

    record: AudioRecord
    track: AudioTrack


class SoundSelection:
    """Frames in, those of the clip out, once its pictures have reached them. The range is half open."""

    def __init__(self, to_utc_ms: int) -> None:
        self._to_utc_us = to_utc_ms * 1000
        self._waiting: deque[SoundUnit] = deque()
        self._waiting_bytes = 0
        self.left_out = 0  # more waited than any group of pictures brings

    def offer(self, unit: SoundUnit) -> None:
        """A frame comes by; whether it belongs to the clip is told by the pictures."""
        if unit.record.utc_us >= self._to_utc_us:
            return
        self._waiting.append(unit)
        self._waiting_bytes += len(unit.record.payload)
        while self._waiting_bytes > WAITING_BYTES_MOST:
            self._pop()
            self.left_out += 1

    def forget_before(self, utc_us: int) -> None:
        """A key frame begins there, and nothing before it was chosen."""
        while self._waiting and self._waiting[0].record.utc_us < utc_us:
            self._pop()

    def take(self, from_utc_us: int, to_utc_us: int | None = None) -> Iterator[SoundUnit]:
        """Yield what was taken within the pictures' time, by default to the end of the range; forget what is before."""
        end_utc_us = self._to_utc_us if to_utc_us is None else to_utc_us
        while self._waiting and self._waiting[0].record.utc_us < end_utc_us:
            unit = self._pop()
            if unit.record.utc_us >= from_utc_us:
                yield unit

    def _pop(self) -> SoundUnit:
        unit = self._waiting.popleft()
        self._waiting_bytes -= len(unit.record.payload)
        return unit


class SoundClock:
    """When each frame is heard, in samples from the start of the file; strictly ascending."""

    def __init__(self, track: AudioTrack) -> None:
        self._track = track
        self.rate_hz = track.sample_rate_hz
        self._last: tuple[int, int] | None = None  # RTP time and place of the last frame
        self.spacing = FRAME_SAMPLES  # from the last but one to the last, in samples

    def place(self, media_us: int, rtp_time: int) -> int:
        """Return the place of the next frame, given its time in the file by the recorder's clock."""
        rate_hz = self.rate_hz
        place = max(0, media_us * rate_hz // US_PER_SECOND)
        if self._last is not None:
            last_rtp_time, last_place = self._last
            followed = last_place + (rtp_time - last_rtp_time) * rate_hz // self._track.clock_rate_hz
            if abs(followed - place) * US_PER_SECOND < LAID_AGAIN_US * rate_hz:
                place = followed
            place = max(place, last_place + 1)
            self.spacing = min(place - last_place, 2 * FRAME_SAMPLES)
        self._last = rtp_time, place
        return place
