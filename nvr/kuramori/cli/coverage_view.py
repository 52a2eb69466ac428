"""Coverage as a person reads it in a terminal: figures, timeline picture, list of gaps, legend. Pure.

Takes a report and returns rich renderables; whoever has a terminal prints them. Percentages are never rounded up:
100 % means that nothing is missing. This module must not know HTTP, configuration or the clock.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from itertools import groupby

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kuramori.cli.coverage_picture import BLOCKS, PictureRow, Symbols, Tone, picture, ruler, slices
from kuramori.cli.times import format_clock, format_duration, format_time
from kuramori.coverage_figures import CameraFigures, figures, format_percent
from kuramori.coverage_report import CoverageReport
from kuramori.gap_texts import GAP_TEXTS, gap_text
from kuramori.messages import Coverage, CoverageSpan, SpanKind
from kuramori.texts import tr

MIN_PICTURE_COLUMNS = 20
MAX_PICTURE_COLUMNS = 240
MAX_GAPS_LISTED = 50  # of one camera; what is left out is counted
SHORT_GAP_MS = 1000  # shorter ones are summed up in one line
DAY_MS = 86_400_000

STYLES: dict[Tone, str] = {
    Tone.GOOD: "green",
    Tone.FILLED: "blue",
    Tone.UNPROVEN: "cyan",
    Tone.ERASED: "bright_black",
    Tone.DAMAGED: "bold magenta",
    Tone.AWAY: "magenta",
    Tone.PART_MISSING: "red",
    Tone.MISSING: "bold red",
    Tone.EXPECTED: "yellow",
    Tone.UNKNOWN: "",
}


def coverage_view(
    report: CoverageReport, from_utc_ms: int, to_utc_ms: int, *, zone: tzinfo, width: int, symbols: Symbols = BLOCKS
) -> RenderableType:
    """Return everything that `kuramori coverage` prints, for a terminal `width` characters wide."""
    if not report.cameras:
        return Text(tr("No camera is configured.", "カメラが登録されていません。"))
    name_columns = max(len(coverage.camera) for coverage in report.cameras)
    columns = max(MIN_PICTURE_COLUMNS, min(MAX_PICTURE_COLUMNS, width - name_columns - 12))
    rows = picture(report.cameras, from_utc_ms, to_utc_ms, columns, symbols)
    parts: list[RenderableType] = [
        _heading(from_utc_ms, to_utc_ms, columns, zone),
        Text(),
        _ruler(from_utc_ms, to_utc_ms, columns, name_columns, zone),
        *(_line(row, coverage, name_columns) for row, coverage in zip(rows, report.cameras, strict=True)),
        Text(),
        _legend(rows, symbols),
        Text(),
        _figures_table([figures(coverage) for coverage in report.cameras]),
    ]
    gaps = [coverage for coverage in report.cameras if _gaps(coverage)]
    if gaps:
        parts += [Text(), _gap_table(gaps, zone)]
    return Group(*parts)


def _heading(from_utc_ms: int, to_utc_ms: int, columns: int, zone: tzinfo) -> Text:
    begin, end = slices(from_utc_ms, to_utc_ms, columns)[0]
    length = format_duration(end - begin)
    span = f"{format_time(from_utc_ms, zone)} – {format_time(to_utc_ms, zone)} ({zone})"
    return Text(tr(f"Coverage {span}, one character = {length}", f"録画状況 {span}、1文字 = {length}"), style="bold")


def _ruler(from_utc_ms: int, to_utc_ms: int, columns: int, name_columns: int, zone: tzinfo) -> Text:
    """Times of day above the picture; days where it is longer than two."""
    long = to_utc_ms - from_utc_ms > 2 * DAY_MS
    label_columns = 5 if long else 8
    line = [" "] * (columns + label_columns)
    for tick in ruler(from_utc_ms, to_utc_ms, columns, label_columns):
        label = format_time(tick.utc_ms, zone)[5:10] if long else format_clock(tick.utc_ms, zone)
        line[tick.column : tick.column + label_columns] = label
    return Text(" " * (name_columns + 2) + "".join(line).rstrip(), style="dim")


def _line(row: PictureRow, coverage: Coverage, name_columns: int) -> Text:
    line = Text(f"{row.camera:<{name_columns}}  ", no_wrap=True, overflow="crop")
    for tone, cells in groupby(row.cells, key=lambda cell: cell.tone):
        line.append("".join(cell.symbol for cell in cells), style=STYLES[tone])
    found = figures(coverage)
    return line.append(f"  {format_percent(found.recorded_ms, found.known_ms):>8}")


def _legend(rows: Sequence[PictureRow], symbols: Symbols) -> Columns:
    """Explain the characters that are in the picture, and no others."""
    used = {(cell.symbol, cell.tone) for row in rows for cell in row.cells}
    entries: list[tuple[str, Tone, str]] = []
    for symbol, tone, words in (
        (symbols.recorded, Tone.GOOD, tr("recorded", "録画あり")),
        (symbols.filled, Tone.FILLED, tr("filled from the camera's card, without sound", "カメラから補完(音声なし)")),
        (symbols.unproven, Tone.UNPROVEN, tr("recorded, recovered after a crash", "録画あり(異常終了後に回復)")),
        (symbols.erased, Tone.ERASED, tr("was recorded, erased since", "録画後に消去済み")),
        (symbols.away, Tone.AWAY, tr("was recorded, on a volume that is away", "録画済み（保存領域が使用不可）")),
        (symbols.damaged, Tone.DAMAGED, tr("was recorded, damaged on the medium", "録画後に媒体上で破損")),
    ):
        if (symbol, tone) in used:
            entries.append((symbol, tone, words))
    letters = {symbol.upper() for symbol, tone in used if tone in (Tone.MISSING, Tone.PART_MISSING, Tone.EXPECTED)}
    entries += [
        (text.letter, Tone.EXPECTED if text.expected else Tone.MISSING, text.words)
        for text in GAP_TEXTS.values()
        if text.letter in letters
    ]
    if "?" in letters:
        entries.append(("?", Tone.MISSING, gap_text("?").words))
    legend = [Text.assemble((symbol, STYLES[tone]), f" {words}") for symbol, tone, words in entries]
    if any(tone is Tone.PART_MISSING for _, tone in used):
        legend.append(Text(tr("(small letter: part of that time is there)", "(小文字:その時間の一部は録画あり)")))
    return Columns(legend, padding=(0, 3))


def _figures_table(cameras: Iterable[CameraFigures]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(tr("camera", "カメラ"), no_wrap=True)
    table.add_column(tr("recorded", "録画率"), justify="right", no_wrap=True)
    table.add_column(tr("for", "録画時間"), justify="right", no_wrap=True)
    table.add_column(tr("missing", "欠落"), justify="right", no_wrap=True)
    table.add_column(tr("why", "理由"))
    for found in cameras:
        remarks = [
            f"{gap_text(reason).words}: {format_duration(duration_ms)} ({count}×)"
            for reason, duration_ms, count in found.by_reason
        ]
        if found.erased_ms:
            remarks.append(tr("erased since: ", "消去済み: ") + format_duration(found.erased_ms))
        if found.filled_ms:
            remarks.append(tr("filled from the camera: ", "カメラから補完: ") + format_duration(found.filled_ms))
        if found.away_ms:
            remarks.append(tr("on a volume that is away: ", "保存領域が使用不可: ") + format_duration(found.away_ms))
        if found.damaged_ms:
            remarks.append(tr("damaged on the medium: ", "媒体上で破損: ") + format_duration(found.damaged_ms))
        if found.unproven_ms:
            remarks.append(tr("recovered: ", "異常終了後に回復: ") + format_duration(found.unproven_ms))
        table.add_row(
            found.camera,
            format_percent(found.recorded_ms, found.known_ms),
            format_duration(found.recorded_ms),
            format_duration(found.missing_ms) if found.missing_ms else "–",
            Text("\n".join(remarks)),
        )
    return table


def _gap_table(cameras: Iterable[Coverage], zone: tzinfo) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (tr("gap of", "欠落"), tr("from", "開始"), tr("to", "終了")):
        table.add_column(heading, no_wrap=True)
    table.add_column(tr("length", "長さ"), justify="right", no_wrap=True)
    table.add_column(tr("reason", "理由"))
    for coverage in cameras:
        gaps = _gaps(coverage)
        long = [gap for gap in gaps if gap.to_utc_ms - gap.from_utc_ms >= SHORT_GAP_MS]
        for gap in long[:MAX_GAPS_LISTED]:
            table.add_row(
                coverage.camera,
                format_time(gap.from_utc_ms, zone),
                _end_of(gap, zone),
                format_duration(gap.to_utc_ms - gap.from_utc_ms),
                gap_text(gap.reason).words,
            )
        _add_rest(table, coverage.camera, long[MAX_GAPS_LISTED:], tr("more", "その他"))
        short = [gap for gap in gaps if gap.to_utc_ms - gap.from_utc_ms < SHORT_GAP_MS]
        _add_rest(table, coverage.camera, short, tr("shorter than 1 s", "1秒未満"))
    return table


def _end_of(gap: CoverageSpan, zone: tzinfo) -> str:
    """The end's time of day; with its date only where it is another than the beginning's."""
    begin, end = format_time(gap.from_utc_ms, zone), format_time(gap.to_utc_ms, zone)
    return end[11:] if begin[:10] == end[:10] else end


def _add_rest(table: Table, camera: str, gaps: Sequence[CoverageSpan], words: str) -> None:
    if gaps:
        total_ms = sum(gap.to_utc_ms - gap.from_utc_ms for gap in gaps)
        table.add_row(camera, f"{len(gaps)}× {words}", "", format_duration(total_ms), "")


def _gaps(coverage: Coverage) -> list[CoverageSpan]:
    return [span for span in coverage.spans if span.kind is SpanKind.GAP]
