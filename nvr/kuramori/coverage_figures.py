"""Coverage summed up: how much of a camera's time is there, how much is missing and why. Pure.

Must not know how it is shown.
"""

from dataclasses import dataclass

from kuramori.messages import Coverage, SpanKind


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """What the table says of one camera, in milliseconds."""

    camera: str
    known_ms: int
    recorded_ms: int  # recorded, whether it can still be opened or not
    erased_ms: int
    unproven_ms: int
    damaged_ms: int  # of what is recorded: the medium does not give it back whole
    away_ms: int  # of what is recorded: its volume does not answer now
    filled_ms: int  # of what is recorded: fetched later from the camera's card
    missing_ms: int
    by_reason: tuple[tuple[str, int, int], ...]  # reason, how long, how often; the longest first


def figures(coverage: Coverage) -> CameraFigures:
    """Sum one camera's spans up."""
    kinds = dict.fromkeys(SpanKind, 0)
    reasons: dict[str, tuple[int, int]] = {}
    for span in coverage.spans:
        duration_ms = span.to_utc_ms - span.from_utc_ms
        kinds[span.kind] += duration_ms
        if span.kind is SpanKind.GAP:
            total_ms, count = reasons.get(span.reason, (0, 0))
            reasons[span.reason] = (total_ms + duration_ms, count + 1)
    by_reason = sorted(((reason, *total) for reason, total in reasons.items()), key=lambda item: (-item[1], item[0]))
    known_ms = sum(kinds.values())
    return CameraFigures(
        camera=coverage.camera,
        known_ms=known_ms,
        recorded_ms=known_ms - kinds[SpanKind.GAP],
        erased_ms=kinds[SpanKind.ERASED],
        unproven_ms=kinds[SpanKind.UNPROVEN],
        damaged_ms=kinds[SpanKind.DAMAGED],
        away_ms=kinds[SpanKind.AWAY],
        filled_ms=sum(span.to_utc_ms - span.from_utc_ms for span in coverage.spans if span.filled),
        missing_ms=kinds[SpanKind.GAP],
        by_reason=tuple(by_reason),
    )


def format_percent(part_ms: int, whole_ms: int) -> str:
    """Return a percentage that is cut, not rounded: 99.99 % until nothing is missing, above 0 while anything is."""
    if not whole_ms:
        return "–"
    hundredths = part_ms * 10_000 // whole_ms
    if part_ms and not hundredths:
        return "<0.01 %"
    return f"{hundredths // 100}.{hundredths % 100:02d} %"
