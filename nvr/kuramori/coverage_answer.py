"""From what was recorded to what is there now: the ledger's coverage joined with the ring and the keystore. Pure.

The ledger says what was recorded. Whether it can still be opened is said by the segments that lie in the ring: a
recorded moment is *erased* when the segment that held it has been overwritten or its key destroyed, and *unproven*
when that segment was recovered after a crash. This module must not know files, keys or the clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kuramori.messages import Coverage, CoverageSpan, SpanKind
from kuramori_segments.coverage import Coverage as LedgerCoverage
from kuramori_segments.coverage import Recorded

BRIDGE_MS = 1000  # the last access unit of a segment is shown for a while; no longer than this is assumed


@dataclass(frozen=True, slots=True)
class PresentSegment:
    """A segment in the ring: its place in the camera's order, its first and last access unit, and its standing."""

    sequence: int
    start_utc_ms: int
    last_utc_ms: int
    openable: bool  # its key exists
    recovered: bool  # its footer is a recovery record


def coverage_answer(camera: str, found: LedgerCoverage, segments: Iterable[PresentSegment]) -> Coverage:
    """Return the answer of the recorder: the known part of the asked range, spans without holes.

    `segments` are those of the camera that touch the range, in any order. Between two segments that follow each
    other without a missing number nothing is lost: the time between them belongs to the first.
    """
    reaches = _reaches(sorted(segments, key=lambda segment: segment.sequence))
    spans: list[CoverageSpan] = []
    for span in found.spans:
        if isinstance(span, Recorded):
            for part in _standing(span, reaches):
                _append(spans, part)
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
        kind = SpanKind.RECORDED if not segment.recovered else SpanKind.UNPROVEN
        reaches.append((segment.start_utc_ms, end_utc_ms, kind if segment.openable else SpanKind.ERASED))
    return sorted(reaches)


def _standing(span: Recorded, reaches: Sequence[tuple[int, int, SpanKind]]) -> Iterable[CoverageSpan]:
    reached = span.from_utc_ms
    for begin, end, kind in reaches:
        begin, end = max(begin, reached), min(end, span.to_utc_ms)
        if begin >= end:
            continue
        if begin > reached:
            yield CoverageSpan(reached, begin, SpanKind.ERASED)
        yield CoverageSpan(begin, end, kind)
        reached = end
    if reached < span.to_utc_ms:
        yield CoverageSpan(reached, span.to_utc_ms, SpanKind.ERASED)


def _append(spans: list[CoverageSpan], span: CoverageSpan) -> None:
    """Add a span, joined with the one before where both say the same."""
    last = spans[-1] if spans else None
    if last is not None and (last.kind, last.reason) == (span.kind, span.reason):
        spans[-1] = CoverageSpan(last.from_utc_ms, span.to_utc_ms, span.kind, span.reason)
    else:
        spans.append(span)
