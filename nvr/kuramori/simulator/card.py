"""The memory card inside a simulated camera: what it has recorded, by which clock, and how badly it replays.

Pure: our times go in, the camera's own come out. The card records the same clip as the live stream, whether or not
anybody watches; its pictures lie on a grid of time, so that nothing need be stored. This module must not know SOAP,
RTSP or sockets.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from kuramori.simulator.material import PacketisedFrame, VideoMaterial

RETENTION_SECONDS = 7 * 86_400


class CardState(StrEnum):
    """What the card does."""

    OFF = "off"  # there, but records nothing
    RECORDING = "recording"
    FAILED = "failed"  # neither records nor replays


@dataclass(frozen=True, slots=True)
class CardSpan:
    """One unbroken recording, in our time; `offset_ms` is how far the camera's clock was ahead while it lasted."""

    from_utc_ms: int
    to_utc_ms: int
    offset_ms: int

    @property
    def from_camera_utc_ms(self) -> int:
        """When it begins by the camera's clock."""
        return self.from_utc_ms + self.offset_ms

    @property
    def to_camera_utc_ms(self) -> int:
        """When it ends by the camera's clock."""
        return self.to_utc_ms + self.offset_ms


@dataclass(frozen=True, slots=True)
class CardFrame:
    """One recorded picture. `ends`: the last before a gap; `follows_gap`: the first behind one."""

    frame: PacketisedFrame
    camera_utc_ms: float
    ends: bool
    follows_gap: bool


@dataclass(slots=True)
class ReplaySwitches:
    """How the camera replays; each was seen in some camera."""

    fastest: float | None = None  # times real time, whatever is asked; None: as fast as the connection takes it
    refuses_status: int = 0  # answer to PLAY, such as 453
    stops_after_seconds: float | None = None  # of pictures
    stops_silently: bool = False  # sends no more, instead of closing the connection
    extension_everywhere: bool = False  # the time stands in every packet, not only in the first of a picture
    search_rounds: int = 0  # so many times a search is not finished yet
    recording_per_span: bool = False  # each unbroken recording has a token of its own
    history_told: bool = True  # FindEvents knows where recordings begin and end


@dataclass(slots=True)
class SimulatedCard:
    """The card. Begin with `record`."""

    state: CardState = CardState.OFF
    with_audio: bool = False
    listed: bool = True  # GetStorageConfigurations names it
    retention_seconds: int = RETENTION_SECONDS
    replay: ReplaySwitches = field(default_factory=ReplaySwitches)
    past: list[CardSpan] = field(default_factory=list)
    since_utc_ms: int | None = None
    offset_ms: int = 0

    def record(self, utc_ms: int, offset_seconds: float = 0) -> None:
        """Record from this moment on; a moment in the past gives the card a history."""
        self.stop(utc_ms)
        self.state, self.since_utc_ms, self.offset_ms = CardState.RECORDING, utc_ms, round(offset_seconds * 1000)

    def stop(self, utc_ms: int) -> None:
        """Record no more; what is recorded stays."""
        if self.since_utc_ms is not None and utc_ms > self.since_utc_ms:
            self.past.append(CardSpan(self.since_utc_ms, utc_ms, self.offset_ms))
        self.state, self.since_utc_ms = CardState.OFF, None

    def fail(self, utc_ms: int) -> None:
        """Break: nothing is recorded or replayed any more."""
        self.stop(utc_ms)
        self.state = CardState.FAILED

    def clock_stepped(self, utc_ms: int, offset_seconds: float) -> None:
        """The camera's clock jumped: from here on pictures carry other times."""
        if self.state is CardState.RECORDING:
            self.record(utc_ms, offset_seconds)

    def spans(self, utc_ms: int) -> tuple[CardSpan, ...]:
        """Return what is held now, in the order in which it was recorded."""
        held = list(self.past)
        if self.since_utc_ms is not None and utc_ms > self.since_utc_ms:
            held.append(CardSpan(self.since_utc_ms, utc_ms, self.offset_ms))
        oldest_utc_ms = utc_ms - self.retention_seconds * 1000
        return tuple(
            replace(span, from_utc_ms=max(span.from_utc_ms, oldest_utc_ms))
            for span in held
            if span.to_utc_ms > oldest_utc_ms
        )

    def recordings(self, utc_ms: int) -> dict[str, tuple[CardSpan, ...]]:
        """Return recordings by their tokens. A card that never recorded has one, empty."""
        spans = self.spans(utc_ms)
        if self.replay.recording_per_span:
            return {f"recording-{number}": (span,) for number, span in enumerate(spans, 1)}
        return {"recording-1": spans}


def card_frames(
    spans: Sequence[CardSpan], material: VideoMaterial, from_camera_utc_ms: float, to_camera_utc_ms: float
) -> Iterator[CardFrame]:
    """Yield the pictures of a range, from the key frame at or before its beginning; gaps are passed over."""
    follows_gap = False
    for span in spans:
        if span.to_camera_utc_ms <= from_camera_utc_ms or span.from_camera_utc_ms > to_camera_utc_ms:
            continue
        for picture in _span_frames(span, material, from_camera_utc_ms):
            if picture.camera_utc_ms > to_camera_utc_ms:
                break
            yield replace(picture, follows_gap=follows_gap)
            follows_gap = False
        follows_gap = True


def _span_frames(span: CardSpan, material: VideoMaterial, from_camera_utc_ms: float) -> Iterator[CardFrame]:
    frames, spacing_ms = material.frames, 1000 / material.frames_per_second
    first = math.ceil(span.from_utc_ms / spacing_ms)
    while not frames[first % len(frames)].is_key:  # a recording begins with a key frame
        first += 1
    index = max(first, math.floor((from_camera_utc_ms - span.offset_ms) / spacing_ms))
    while not frames[index % len(frames)].is_key:
        index -= 1
    while index * spacing_ms < span.to_utc_ms:
        frame = frames[index % len(frames)]
        shown = index - index % len(frames) + frame.presentation_index
        ends = (index + 1) * spacing_ms >= span.to_utc_ms
        yield CardFrame(frame, shown * spacing_ms + span.offset_ms, ends, False)
        index += 1
