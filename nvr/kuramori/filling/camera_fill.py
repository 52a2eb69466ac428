"""One camera's filling: what is missing, what its card has of it, what was tried, when to try again.

Reading ledger and ring blocks and happens in the books thread. This module must not know RTSP or keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kuramori.camera import Camera
from kuramori.door_messages import CardStretch
from kuramori.fact_book import is_stale
from kuramori.filling.fill_book import FillBook
from kuramori.filling.fill_figures import FillFigures
from kuramori.filling.fill_plan import Piece, Span, fillable_span, missing_spans, next_piece, on_card, pieces_of
from kuramori.filling.replay_cut import Junction
from kuramori.recorder import Recorder
from kuramori_config.schema import Camera as CameraTable
from kuramori_segments.coverage import coverage

NS_PER_SECOND = 1_000_000_000
NS_PER_MS = 1_000_000
CARD_KEPT_NS = 600 * NS_PER_SECOND  # what the card has is asked again after so long
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 3600
CLOCK_DOUBT_MS = 1_500  # what a camera says of its clock is in whole seconds, and takes a while to arrive


@dataclass(slots=True)
class CameraFill:
    """What is known of one camera's filling."""

    book: FillBook
    figures: FillFigures = field(default_factory=FillFigures)
    pieces: tuple[Piece, ...] = ()  # all that is missing and allowed, as of the last look
    stretches: tuple[CardStretch, ...] = ()  # as of the last question
    asked: Span | None = None  # the time that the question was about
    card_until_boot_ns: int = 0
    wait_until_boot_ns: int = 0
    failures: int = 0  # one after another
    junction: Junction | None = None  # where the next piece may go on without a key frame

    def wait(self, boot_ns: int, seconds: float | None = None) -> None:
        """Leave the camera alone: the longer, the more often it failed."""
        if seconds is None:
            seconds = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS << min(self.failures, 10))
            self.failures += 1
        self.wait_until_boot_ns = boot_ns + int(seconds * NS_PER_SECOND)

    def card_is_known(self, boot_ns: int) -> bool:
        """Tell whether what the card has was asked lately, and of all that is missing now."""
        if self.asked is None or boot_ns >= self.card_until_boot_ns:
            return False
        return all(piece.span.within(self.asked) == piece.span for piece in self.pieces)

    def wanted(self, offset_ms: int) -> Piece | None:
        """Return the piece to fetch now, as far as one stretch of the card has it."""
        spans = [_ours(stretch, offset_ms) for stretch in self.stretches]
        piece = next_piece(on_card(self.pieces, spans), self.book.attempts)
        if piece is None:
            return None
        stretch = self.stretch_for(piece, offset_ms)
        return on_card([piece], [_ours(stretch, offset_ms)])[0] if stretch is not None else None

    def stretch_for(self, piece: Piece, offset_ms: int) -> CardStretch | None:
        """Return the stretch of the card that has most of a piece."""

        def shared(stretch: CardStretch) -> int:
            parts = on_card([piece], [_ours(stretch, offset_ms)])
            return sum(part.missing_ms for part in parts)

        best = max(self.stretches, key=shared, default=None)
        return best if best is not None and shared(best) else None

    def look(self, recorder: Recorder, camera: Camera, table: CameraTable) -> None:
        """Find out what is missing. Blocking. Raises LedgerUnwritable."""
        retention_ms = table.retention.seconds * 1000
        now_utc_ms = recorder.now_utc_ms()
        ledger, number = recorder.vault.ledger, camera.recording.camera_number
        self.book.read(ledger, now_utc_ms - retention_ms)
        allowed = fillable_span(now_utc_ms, retention_ms, max(self.book.not_before_utc_ms, self._floor(recorder)))
        missing: tuple[Span, ...] = ()
        if allowed is not None:
            found = coverage(
                ledger.runs(number, allowed.from_utc_ms, allowed.to_utc_ms),
                allowed.from_utc_ms,
                allowed.to_utc_ms,
                now_utc_ms=now_utc_ms,
                live_end_utc_ms=camera.durable.utc_ms if camera.durable else None,
                outages=ledger.outages(number, allowed.from_utc_ms, allowed.to_utc_ms),
            )
            missing = missing_spans(found, allowed, self.book.forbidden)
        self.pieces = pieces_of(missing)
        self._count(self.pieces)

    def _floor(self, recorder: Recorder) -> int:
        """Before this nothing is fetched: the clock was not to be believed, or a full ring would not keep it."""
        floor_utc_ms = 0
        if not recorder.clock_trusted:  # what was filmed in this boot is as old as boot time says
            boot_ns = recorder.clock.boot_ns()
            floor_utc_ms = recorder.anchor.utc_ms(0) if boot_ns else 0
        for volume in recorder.vault.volumes:
            oldest = volume.oldest(self.book.camera_number)
            if oldest is not None and not volume.usage().empty:
                floor_utc_ms = max(floor_utc_ms, oldest.start_utc_ms)
        return floor_utc_ms

    def _count(self, pieces: Iterable[Piece]) -> None:
        given_up = pending = 0
        for piece in pieces:
            if next_piece([piece], self.book.attempts) is None:
                given_up += piece.missing_ms
            else:
                pending += piece.missing_ms
        self.figures.pending_ms, self.figures.given_up_ms = pending, given_up


def _ours(stretch: CardStretch, offset_ms: int) -> Span:
    return Span(stretch.from_camera_utc_ms - offset_ms, stretch.to_camera_utc_ms - offset_ms)


def may_be_filled(table: CameraTable) -> bool:
    """Tell whether a camera's card is allowed, gaps are to be filled, and the door can ask for recordings."""
    return table.onvif is not None and table.card_recording and table.fill_gaps


def clock_offset_ms(recorder: Recorder, camera: Camera) -> int | None:
    """Return the camera's clock minus ours; None while that is not known.

    The door asks the camera, to a second; sender reports that agree with it say it to milliseconds.
    """
    told = getattr(recorder.door_facts.get(camera.name), "clock_offset_ms", None)
    facts = recorder.facts.of(camera.name)
    if facts is not None and facts.clock_offset_ms is not None and not is_stale(facts, recorder.now_utc_ms()):
        told = facts.clock_offset_ms
    if not isinstance(told, int):
        return None
    exact = camera.sender_offset_ms
    return exact if exact is not None and abs(exact - told) <= CLOCK_DOUBT_MS else told
