"""Which missing minutes may and should be fetched from a camera's card, and which of them next. Pure.

Fetched is what an outage took, never what was not to be recorded: a pause, the time before the camera was recorded
at all, a time without custodians. Never what is so old that its key would hardly live, nor what is so young that the
live stream may still be writing it, nor what lies before a step of the wall clock, because nobody knows which moment
of the camera's it was. The newest ten minutes come first, and within them time runs forward, so that they fill one
segment. This module must not know the ledger, cameras or the clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kuramori_segments.coverage import Coverage
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.retention import EPOCH_LENGTH_MS, ROTATION_HORIZON_MS

PIECE_MS = 60_000  # pieces are cut at the borders of minutes, so that their names stay the same
STRETCH_MS = 10 * PIECE_MS
GUARD_MS = 20_000  # younger is left alone: the live run is still being closed, the card still written
LEAST_GAP_MS = 1_000  # what is shorter was never an outage
OLD_AGE_MARGIN_MS = 300_000  # for the fetching itself
MOST_ATTEMPTS = 3  # of one piece, for ever

FILLABLE = frozenset(
    {
        GapReason.CAMERA_OFFLINE,
        GapReason.CAMERA_STALLED,
        GapReason.CAMERA_REFUSED,
        GapReason.STREAM_DAMAGED,
        GapReason.CODEC_CHANGED,
        GapReason.STORAGE_FAULT,
        GapReason.RECORDER_STOPPED,
        GapReason.RECORDER_CRASHED,
        GapReason.STREAM_ENDED,
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From when to when, half open, in UTC milliseconds of the recorder's clock."""

    from_utc_ms: int
    to_utc_ms: int

    @property
    def duration_ms(self) -> int:
        """How long it is."""
        return self.to_utc_ms - self.from_utc_ms

    def without(self, other: "Span") -> list["Span"]:
        """Return what is left beside the other one: nothing, one part or two."""
        parts = [
            Span(self.from_utc_ms, min(self.to_utc_ms, other.from_utc_ms)),
            Span(max(self.from_utc_ms, other.to_utc_ms), self.to_utc_ms),
        ]
        return [part for part in parts if part.from_utc_ms < part.to_utc_ms]

    def within(self, other: "Span") -> "Span | None":
        """Return the part that lies in the other one; None where nothing does."""
        begin, end = max(self.from_utc_ms, other.from_utc_ms), min(self.to_utc_ms, other.to_utc_ms)
        return Span(begin, end) if begin < end else None


@dataclass(frozen=True, slots=True)
class Piece:
    """What is fetched at once: the gaps of one minute of the clock."""

    gaps: tuple[Span, ...]  # ascending, at least one

    @property
    def span(self) -> Span:
        """From the first gap's beginning to the last one's end."""
        return Span(self.gaps[0].from_utc_ms, self.gaps[-1].to_utc_ms)

    @property
    def minute(self) -> int:
        """The minute since 1970 that names it."""
        return _minute_of(max(self.gaps, key=lambda gap: gap.duration_ms))

    @property
    def missing_ms(self) -> int:
        """How much would be filled."""
        return sum(gap.duration_ms for gap in self.gaps)


def filming_hour_utc_ms(utc_ms: int) -> int:
    """Return the beginning of the hour whose key seals what was filmed then."""
    return utc_ms - utc_ms % EPOCH_LENGTH_MS


def fillable_span(now_utc_ms: int, retention_ms: int, not_before_utc_ms: int = 0) -> Span | None:
    """Return the time that may be fetched now; None where the retention is too short for any.

    The key of a filmed hour is destroyed at the latest rotation before that hour's *beginning* has outlived the
    retention: an hour that begins earlier than this would be sealed for nothing.
    """
    oldest_hour_utc_ms = now_utc_ms - retention_ms + ROTATION_HORIZON_MS + OLD_AGE_MARGIN_MS
    first = filming_hour_utc_ms(oldest_hour_utc_ms + EPOCH_LENGTH_MS - 1)
    begin, end = max(first, not_before_utc_ms), now_utc_ms - GUARD_MS
    return Span(begin, end) if begin < end else None


def missing_spans(found: Coverage, allowed: Span, forbidden: Sequence[Span] = ()) -> tuple[Span, ...]:
    """Return what an outage took of the allowed time, ascending. `forbidden`: erased on a person's order."""
    wanted: list[Span] = []
    for gap in found.gaps:
        if gap.reason not in FILLABLE:
            continue
        end_utc_ms = gap.to_utc_ms
        if end_utc_ms >= allowed.to_utc_ms:  # it goes on into what is too young: its whole minutes can be fetched
            end_utc_ms = allowed.to_utc_ms - allowed.to_utc_ms % PIECE_MS
        part = Span(gap.from_utc_ms, end_utc_ms).within(allowed)
        parts = [part] if part is not None else []
        for ban in forbidden:
            parts = [rest for one in parts for rest in one.without(ban)]
        wanted += parts
    return tuple(span for span in _joined(sorted(wanted)) if span.duration_ms >= LEAST_GAP_MS)


def pieces_of(missing: Iterable[Span]) -> tuple[Piece, ...]:
    """Cut what is missing at the borders of minutes, but cut nothing off that is too short to hold a picture."""
    by_minute: dict[int, list[Span]] = {}
    for span in missing:
        begin = span.from_utc_ms
        while begin < span.to_utc_ms:
            border = begin - begin % PIECE_MS + PIECE_MS
            if border - begin < LEAST_GAP_MS:
                border += PIECE_MS
            end = border if span.to_utc_ms - border >= LEAST_GAP_MS else span.to_utc_ms
            by_minute.setdefault(_minute_of(Span(begin, end)), []).append(Span(begin, end))
            begin = end
    return tuple(Piece(tuple(gaps)) for _, gaps in sorted(by_minute.items()))


def _minute_of(span: Span) -> int:
    return (span.from_utc_ms + span.to_utc_ms) // 2 // PIECE_MS


def on_card(pieces: Iterable[Piece], card: Sequence[Span]) -> tuple[Piece, ...]:
    """Return what the card has of the pieces."""
    found = []
    for piece in pieces:
        gaps = {part for gap in piece.gaps for stretch in card if (part := gap.within(stretch)) is not None}
        if gaps:
            found.append(Piece(_joined(sorted(gaps))))
    return tuple(found)


def next_piece(pieces: Iterable[Piece], attempts: Mapping[int, int]) -> Piece | None:
    """Return the piece to fetch now: of the newest ten minutes, the oldest that was not tried in vain too often."""
    left = [piece for piece in pieces if attempts.get(piece.minute, 0) < MOST_ATTEMPTS]
    return min(left, key=_turn, default=None)


def _turn(piece: Piece) -> tuple[int, int]:
    begin = piece.span.from_utc_ms
    return -(begin // STRETCH_MS), begin


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Join neighbours that touch or overlap."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.from_utc_ms <= joined[-1].to_utc_ms:
            joined[-1] = Span(joined[-1].from_utc_ms, max(joined[-1].to_utc_ms, span.to_utc_ms))
        else:
            joined.append(span)
    return tuple(joined)
