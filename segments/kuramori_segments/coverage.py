"""What is recorded of a camera between two times, and why the rest is missing (R1). Pure.

Recorded is what a run says: from its key frame to the end of its last access unit; an open run reaches to its live
end, which is the end of what is durable of it. Everything between is a gap, however short, and its reason is that of
the end of the run before it; later outages change the reason from their time on. Before the first run and the first
outage the camera was not yet started. Nothing is said of the time before the ledger's memory and after what is known
now: such time is in no span.

Runs may overlap (a wall clock that was put back); what any of them covers is recorded. What was filled from the
camera's card counts where nothing was recorded live, and says so: no moment is recorded twice.

This module must not know SQL, files, keys or the clock: whether what was recorded can still be opened is another
question.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kuramori_segments.gap_reason import GapReason
from kuramori_segments.ledger_records import Outage, Provenance, Run


@dataclass(frozen=True, slots=True)
class Recorded:
    """A span that is recorded without a break. Half open."""

    from_utc_ms: int
    to_utc_ms: int
    filled: bool = False  # fetched later from the camera's card


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of which nothing was recorded, and why. Half open."""

    from_utc_ms: int
    to_utc_ms: int
    reason: GapReason
    detail: str = ""


Span = Recorded | Gap


@dataclass(frozen=True, slots=True)
class ReasonTotal:
    """How much is missing for one reason."""

    reason: GapReason
    duration_ms: int
    gaps: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The answer: the asked range, the part of it of which something is known, and that part's spans without a hole.

    Neighbouring spans differ in kind or reason. Where nothing is known `known_from_utc_ms` equals `known_to_utc_ms`.
    """

    from_utc_ms: int
    to_utc_ms: int
    known_from_utc_ms: int
    known_to_utc_ms: int
    spans: tuple[Span, ...]

    @property
    def known_ms(self) -> int:
        return self.known_to_utc_ms - self.known_from_utc_ms

    @property
    def recorded_ms(self) -> int:
        return sum(span.to_utc_ms - span.from_utc_ms for span in self.spans if isinstance(span, Recorded))

    @property
    def filled_ms(self) -> int:
        """The part of `recorded_ms` that was filled from the camera's card."""
        return sum(s.to_utc_ms - s.from_utc_ms for s in self.spans if isinstance(s, Recorded) and s.filled)

    @property
    def missing_ms(self) -> int:
        return self.known_ms - self.recorded_ms

    @property
    def recorded_fraction(self) -> float | None:
        """The recorded part of what is known, from 0 to 1; None where nothing is known.

        1.0 says that nothing is missing, 0.0 that nothing is recorded; no rounding gets there.
        """
        return self.recorded_ms / self.known_ms if self.known_ms else None

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(span for span in self.spans if isinstance(span, Gap))

    @property
    def totals_by_reason(self) -> tuple[ReasonTotal, ...]:
        """What is missing for each reason, the longest first."""
        totals: dict[GapReason, tuple[int, int]] = {}
        for gap in self.gaps:
            duration_ms, count = totals.get(gap.reason, (0, 0))
            totals[gap.reason] = (duration_ms + gap.to_utc_ms - gap.from_utc_ms, count + 1)
        ordered = sorted(totals.items(), key=lambda item: (-item[1][0], item[0]))
        return tuple(ReasonTotal(reason, duration_ms, count) for reason, (duration_ms, count) in ordered)


class RangeEmpty(ValueError):
    """The range does not end after its beginning."""

    def __init__(self, from_utc_ms: int, to_utc_ms: int) -> None:
        self.from_utc_ms = from_utc_ms
        self.to_utc_ms = to_utc_ms
        super().__init__(f"the range ends at {to_utc_ms}, which is not after {from_utc_ms}")


def coverage(
    runs: Sequence[Run],
    from_utc_ms: int,
    to_utc_ms: int,
    *,
    now_utc_ms: int,
    live_end_utc_ms: int | None = None,
    outages: Sequence[Outage] = (),
    known_from_utc_ms: int = 0,
) -> Coverage:
    """Return the coverage of [from, to) of one camera. Raises RangeEmpty.

    `runs` and `outages` as the ledger gives them for this range (the last ones before it included). `live_end_utc_ms`
    is the durable end of the open run; without it nothing of an open run counts. With an open run the answer ends
    there, else now. `known_from_utc_ms` is where the ledger's memory begins (its `pruned_before_utc_ms`).
    """
    if from_utc_ms >= to_utc_ms:
        raise RangeEmpty(from_utc_ms, to_utc_ms)
    by_start = sorted(runs, key=lambda run: (run.start_utc_ms, run.run_id))
    ordered = [run for run in by_start if run.provenance is Provenance.LIVE]
    filled = [run for run in by_start if run.provenance is Provenance.FILLED]
    known_to = min(to_utc_ms, now_utc_ms)
    for run in ordered:
        if run.is_open:
            known_to = min(known_to, _end(run, live_end_utc_ms))
    known_from = max(from_utc_ms, known_from_utc_ms)
    if known_from >= known_to:
        return Coverage(from_utc_ms, to_utc_ms, known_from, known_from, ())
    live = _spans(ordered, live_end_utc_ms, outages, known_to)
    spans = _merge(_clip(_with_filled(live, filled), known_from, known_to))
    return Coverage(from_utc_ms, to_utc_ms, known_from, known_to, tuple(spans))


def _end(run: Run, live_end_utc_ms: int | None) -> int:
    if run.end_utc_ms is not None:
        return run.end_utc_ms
    return run.start_utc_ms if live_end_utc_ms is None else max(run.start_utc_ms, live_end_utc_ms)


_BEGINNING = -(1 << 63)


def _spans(
    runs: Iterable[Run], live_end_utc_ms: int | None, outages: Sequence[Outage], until_utc_ms: int
) -> Iterable[Span]:
    """All spans from the beginning of time, in order, without holes; neighbours may be of one kind."""
    changes = sorted(outages, key=lambda outage: outage.utc_ms)
    reached = _BEGINNING
    reason, detail = GapReason.NOT_YET_STARTED, ""
    for run in runs:
        if run.start_utc_ms > reached:
            yield from _gap(reached, run.start_utc_ms, reason, detail, changes)
            reached = run.start_utc_ms
        end_utc_ms = _end(run, live_end_utc_ms)
        if end_utc_ms > reached:
            yield Recorded(reached, end_utc_ms)
        if end_utc_ms >= reached and run.end_reason is not None:
            reason, detail = run.end_reason, run.detail
        reached = max(reached, end_utc_ms)
    if until_utc_ms > reached:
        yield from _gap(reached, until_utc_ms, reason, detail, changes)


def _gap(from_utc_ms: int, to_utc_ms: int, reason: GapReason, detail: str, changes: Sequence[Outage]) -> Iterable[Gap]:
    """One gap, cut where an outage gives another reason."""
    for change in changes:
        if from_utc_ms <= change.utc_ms < to_utc_ms:
            if from_utc_ms < change.utc_ms:
                yield Gap(from_utc_ms, change.utc_ms, reason, detail)
            from_utc_ms, reason, detail = change.utc_ms, change.reason, change.detail
    yield Gap(from_utc_ms, to_utc_ms, reason, detail)


def _with_filled(spans: Iterable[Span], filled: Sequence[Run]) -> Iterable[Span]:
    """Put what was filled into the gaps that it lies in. `filled` by start; their ranges may overlap."""
    for span in spans:
        if isinstance(span, Recorded):
            yield span
            continue
        reached = span.from_utc_ms
        for run in filled:
            begin, end = max(run.start_utc_ms, reached), min(_end(run, None), span.to_utc_ms)
            if begin < end:
                if begin > reached:
                    yield Gap(reached, begin, span.reason, span.detail)
                yield Recorded(begin, end, filled=True)
                reached = end
        if reached < span.to_utc_ms:
            yield Gap(reached, span.to_utc_ms, span.reason, span.detail)


def _clip(spans: Iterable[Span], from_utc_ms: int, to_utc_ms: int) -> Iterable[Span]:
    for span in spans:
        begin, end = max(span.from_utc_ms, from_utc_ms), min(span.to_utc_ms, to_utc_ms)
        if begin < end:
            yield replace(span, from_utc_ms=begin, to_utc_ms=end)


def _merge(spans: Iterable[Span]) -> list[Span]:
    """Join neighbours of one kind; of joined gaps the first detail stays."""
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if isinstance(last, Recorded) and isinstance(span, Recorded) and last.filled is span.filled:
            merged[-1] = replace(last, to_utc_ms=span.to_utc_ms)
        elif isinstance(last, Gap) and isinstance(span, Gap) and last.reason is span.reason:
            merged[-1] = Gap(last.from_utc_ms, span.to_utc_ms, last.reason, last.detail or span.detail)
        else:
            merged.append(span)
    return merged
