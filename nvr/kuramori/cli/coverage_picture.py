"""A timeline drawn in characters: one row per camera, one character per slice of time. Pure.

Nothing is hidden: a slice with any gap in it shows the letter of the longest gap's reason, small where part of the
slice is there, capital where nothing is. Colours only repeat what the characters say. This module must not know
terminals, zones or where coverage comes from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from kuramori.gap_texts import gap_text
from kuramori.messages import Coverage, CoverageSpan, SpanKind


class Tone(StrEnum):
    """What a character means at a glance; the view gives each a colour."""

    GOOD = "good"  # recorded and there
    FILLED = "filled"  # recorded, fetched later from the camera's card
    UNPROVEN = "unproven"
    ERASED = "erased"
    DAMAGED = "damaged"
    AWAY = "away"
    PART_MISSING = "part_missing"
    MISSING = "missing"
    EXPECTED = "expected"  # missing because somebody wanted it so
    UNKNOWN = "unknown"  # the future, or before the ledger's memory


@dataclass(frozen=True, slots=True)
class Symbols:
    """The characters for what is no gap."""

    recorded: str
    unproven: str
    erased: str
    filled: str
    damaged: str
    away: str
    unknown: str = " "


BLOCKS = Symbols(recorded="█", unproven="▓", erased="░", filled="▒", damaged="▞", away="╳")
# For terminals and files without Unicode.
PLAIN = Symbols(recorded="=", unproven="~", erased="-", filled="+", damaged="!", away="x")


@dataclass(frozen=True, slots=True)
class Cell:
    """One character of the picture."""

    symbol: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One camera's line."""

    camera: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the ruler above the picture: its column and time."""

    column: int
    utc_ms: int


def slices(from_utc_ms: int, to_utc_ms: int, columns: int) -> tuple[tuple[int, int], ...]:
    """Cut [from, to) into at most `columns` slices of nearly equal length, none empty."""
    count = max(1, min(columns, to_utc_ms - from_utc_ms))
    length = to_utc_ms - from_utc_ms
    edges = [from_utc_ms + length * number // count for number in range(count + 1)]
    return tuple(pairwise(edges))


def picture(
    cameras: Sequence[Coverage], from_utc_ms: int, to_utc_ms: int, columns: int, symbols: Symbols = BLOCKS
) -> tuple[PictureRow, ...]:
    """Return one row of cells for each camera; all rows have the same slices."""
    cut = slices(from_utc_ms, to_utc_ms, columns)
    return tuple(PictureRow(coverage.camera, _cells(coverage.spans, cut, symbols)) for coverage in cameras)


def ruler(from_utc_ms: int, to_utc_ms: int, columns: int, label_columns: int) -> tuple[Tick, ...]:
    """Return marks for as many labels of that width as fit with a space between; the first at the beginning."""
    cut = slices(from_utc_ms, to_utc_ms, columns)
    step = label_columns + 2
    marks = range(0, max(1, len(cut) - label_columns + 1), step)
    return tuple(Tick(column, cut[column][0]) for column in marks)


def _cells(spans: Sequence[CoverageSpan], cut: Sequence[tuple[int, int]], symbols: Symbols) -> tuple[Cell, ...]:
    cells = []
    first = 0  # spans before it end before the slice
    for begin, end in cut:
        while first < len(spans) and spans[first].to_utc_ms <= begin:
            first += 1
        amounts: dict[tuple[SpanKind, str], int] = {}
        filled_ms = 0
        position = first
        while position < len(spans) and spans[position].from_utc_ms < end:
            span = spans[position]
            duration_ms = min(span.to_utc_ms, end) - max(span.from_utc_ms, begin)
            key = (span.kind, span.reason)
            amounts[key] = amounts.get(key, 0) + duration_ms
            filled_ms += duration_ms if span.filled else 0
            position += 1
        cells.append(_cell(amounts, filled_ms, symbols))
    return tuple(cells)


def _cell(amounts: dict[tuple[SpanKind, str], int], filled_ms: int, symbols: Symbols) -> Cell:
    gaps = {reason: duration for (kind, reason), duration in amounts.items() if kind is SpanKind.GAP}
    if gaps:
        text = gap_text(max(sorted(gaps), key=lambda reason: gaps[reason]))
        if len(gaps) < len(amounts):
            return Cell(text.letter.lower(), Tone.PART_MISSING)
        return Cell(text.letter, Tone.EXPECTED if text.expected else Tone.MISSING)
    if not amounts:
        return Cell(symbols.unknown, Tone.UNKNOWN)
    kinds: dict[SpanKind, int] = {}
    for (kind, _), duration_ms in amounts.items():
        kinds[kind] = kinds.get(kind, 0) + duration_ms
    if SpanKind.DAMAGED in kinds:
        return Cell(symbols.damaged, Tone.DAMAGED)
    if SpanKind.AWAY in kinds:
        return Cell(symbols.away, Tone.AWAY)
    if SpanKind.ERASED in kinds and kinds[SpanKind.ERASED] * 2 >= sum(kinds.values()):
        return Cell(symbols.erased, Tone.ERASED)
    if SpanKind.UNPROVEN in kinds:
        return Cell(symbols.unproven, Tone.UNPROVEN)
    if filled_ms:
        return Cell(symbols.filled, Tone.FILLED)
    return Cell(symbols.recorded, Tone.GOOD)
