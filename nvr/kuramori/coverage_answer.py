"""From what was recorded to what is there now: the ledger's coverage joined with the ring and the keystore. Pure.

The ledger says what was recorded. Whether it can still be opened is said by the segments that lie in the ring: a
recorded moment is *erased* when the segment that held it has been overwritten or its key destroyed, *unproven* when
that segment was recovered after a crash, and *damaged* where reading back found that the medium does not give it whole.
What was filled from the camera's card is held by segments of its own (see `kuramori_segments.numbering`) and stays
marked as filled. This module must not know files, keys or the clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kuramori.messages import Coverage, CoverageSpan, SpanKind
from kuramori_segments.codes import Provenance
from kuramori_segments.coverage import Coverage as LedgerCoverage
from kuramori_segments.coverage import Recorded
from kuramori_segments.numbering import provenance_of

BRIDGE_MS = 1000  # the last access unit of a segment is shown for a while; no longer than this is assumed


@dataclass(frozen=True, slots=True)
class PresentSegment:
    """A segment in the ring: its place in the camera's order, its first and last access unit, and its standing."""

    sequence: int
    start_utc_ms: int
    last_utc_ms: int
    openable: bool  # its key exists
    recovered: bool  # its footer is a recovery record
    away: bool = False  # on a volume that does not answer now
    damaged: tuple[tuple[int, int], ...] = ()  # the times of it that its medium does not give back whole; half open


def coverage_answer(
    camera: str, found: LedgerCoverage, segments: Iterable[PresentSegment], *, some_away: bool = False
) -> Coverage:
    """Return the answer of the recorder: the known part of the asked range, spans without holes.

    `segments` are those of the camera that touch the range, in any order. Between two segments that follow each
    other without a missing number nothing is lost: the time between them belongs to the first. `some_away`: a volume
    is not there, and what no segment holds may lie on it.
    """
    absent = SpanKind.AWAY if some_away else SpanKind.ERASED
    ordered = sorted(segments, key=lambda segment: segment.sequence)
    live = [segment for segment in ordered if provenance_of(segment.sequence) is Provenance.LIVE]
    reaches = {False: _reaches(live), True: _filled_reaches(ordered[len(live) :])}
    damage = {False: _damage(live), True: _damage(ordered[len(live) :])}
    spans: list[CoverageSpan] = []
    for span in found.spans:
        if isinstance(span, Recorded):
            for part in _standing(span, reaches[span.filled], absent):
                for piece in _with_damage(part, damage[span.filled]):
                    _append(spans, piece)
        else:
            gap = CoverageSpan(span.from_utc_ms, span.to_utc_ms, SpanKind.GAP, span.reason.name.lower())
            _append(spans, gap)
    return Coverage(camera, found.known_from_utc_ms, found.known_to_utc_ms, tuple(spans))


def _reaches(segments: Sequence[PresentSegment]) -> list[tuple[int, int, SpanKind]]:
    """From, to and kind of what each segment holds, in order of time, without overlaps."""
    reaches = []
    for position, segment in enumerate(segments):
        end_utc_ms = segment.last_utc_ms + BRIDGE_MS
        following = segments[position + 1] if position + 1 < len(segments) else None
        if following is not None and following.start_utc_ms >= segment.start_utc_ms:
            joined = following.sequence == segment.sequence + 1
            end_utc_ms = following.start_utc_ms if joined else min(end_utc_ms, following.start_utc_ms)
        reaches.append((segment.start_utc_ms, end_utc_ms, _kind(segment)))
    return sorted(reaches)


def _filled_reaches(segments: Sequence[PresentSegment]) -> list[tuple[int, int, SpanKind]]:
    """The same for filled segments, which are in no order of time: what one of them holds is between its ends."""
    return sorted((segment.start_utc_ms, segment.last_utc_ms + BRIDGE_MS, _kind(segment)) for segment in segments)


def _kind(segment: PresentSegment) -> SpanKind:
    if not segment.openable:
        return SpanKind.ERASED
    if segment.away:
        return SpanKind.AWAY
    return SpanKind.UNPROVEN if segment.recovered else SpanKind.RECORDED


def _standing(span: Recorded, reaches: Sequence[tuple[int, int, SpanKind]], absent: SpanKind) -> Iterable[CoverageSpan]:
    reached, filled = span.from_utc_ms, span.filled
    for begin, end, kind in reaches:
        begin, end = max(begin, reached), min(end, span.to_utc_ms)
        if begin >= end:
            continue
        if begin > reached:
            yield CoverageSpan(reached, begin, absent, filled=filled)
        yield CoverageSpan(begin, end, kind, filled=filled)
        reached = end
    if reached < span.to_utc_ms:
        yield CoverageSpan(reached, span.to_utc_ms, absent, filled=filled)


def _damage(segments: Sequence[PresentSegment]) -> list[tuple[int, int]]:
    """The times in which something of these segments is damaged, in order."""
    return sorted(times for segment in segments for times in segment.damaged)


def _with_damage(span: CoverageSpan, damage: Sequence[tuple[int, int]]) -> Iterable[CoverageSpan]:
    """Cut the damaged times out of a span that is there."""
    reached = span.from_utc_ms
    if span.kind in (SpanKind.RECORDED, SpanKind.UNPROVEN):
        for begin, end in damage:
            begin, end = max(begin, reached), min(end, span.to_utc_ms)
            if begin >= end:
                continue
            if begin > reached:
                yield replace(span, from_utc_ms=reached, to_utc_ms=begin)
            yield replace(span, from_utc_ms=begin, to_utc_ms=end, kind=SpanKind.DAMAGED)
            reached = end
    if reached < span.to_utc_ms:
        yield replace(span, from_utc_ms=reached)


def _append(spans: list[CoverageSpan], span: CoverageSpan) -> None:
    """Add a span, joined with the one before where both say the same."""
    last = spans[-1] if spans else None
    if last is not None and (last.kind, last.reason, last.filled) == (span.kind, span.reason, span.filled):
        spans[-1] = replace(last, to_utc_ms=span.to_utc_ms)
    else:
        spans.append(span)
