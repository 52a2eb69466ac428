"""What is known of a camera's own memory card, as small frozen values (K8, O2; ONVIF Profile G).

All times of recordings are by the camera's clock, in UTC milliseconds: whoever compares them with ours applies the
offset. None always means: not told. This module must not know SOAP, nor what is done about a card.
"""

from dataclasses import dataclass
from enum import StrEnum


class CardLight(StrEnum):
    """Green: seen to be well. Red: seen to be wrong. Unknown: the camera does not tell; neither of the two."""

    GREEN = "green"
    RED = "red"
    UNKNOWN = "unknown"


class TrackKind(StrEnum):
    """What a track of a recording holds."""

    VIDEO = "video"
    AUDIO = "audio"
    METADATA = "metadata"
    OTHER = "other"  # any other word: may be anything, sound included


@dataclass(frozen=True, slots=True)
class CardSpan:
    """A stretch of time for which the card holds data, `from_utc_ms` <= `until_utc_ms`, by the camera's clock."""

    from_utc_ms: int
    until_utc_ms: int


@dataclass(frozen=True, slots=True)
class CardTrack:
    """One track of a recording. `data` None: the camera does not tell from when to when."""

    token: str
    kind: TrackKind
    data: CardSpan | None = None
    empty: bool = False  # the camera says that nothing is in it


@dataclass(frozen=True, slots=True)
class CardRecording:
    """One recording on the card. `spans` lie within the time asked for, in order, not overlapping."""

    token: str
    tracks: tuple[CardTrack, ...]
    spans: tuple[CardSpan, ...]
    spans_exact: bool = False  # from RecordingHistory; else only first and last moment: holes may be inside
    has_audio: bool | None = None  # None: the camera does not tell
    recording_now: bool | None = None

    @property
    def track_tokens(self) -> tuple[str, ...]:
        """The tokens of all tracks."""
        return tuple(track.token for track in self.tracks)


@dataclass(frozen=True, slots=True)
class CardReport:
    """The card as seen once. `evidence` is a sentence; hand the report to the next look as `earlier`."""

    light: CardLight = CardLight.UNKNOWN
    evidence: str = ""
    has_storage: bool | None = None
    records: bool | None = None
    records_audio: bool | None = None
    encrypted: bool | None = None
    oldest_utc_ms: int | None = None
    latest_utc_ms: int | None = None
    looked_utc_ms: int = 0  # by our clock
    latest_seen_utc_ms: int | None = None  # by our clock: when `latest_utc_ms` was first seen with this value
    moved_utc_ms: int | None = None  # by our clock: when it was last seen to have moved on
    oddities: tuple[str, ...] = ()  # what could not be asked or understood, one sentence each
