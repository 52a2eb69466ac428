"""The timeline picture and the figures of `kuramori coverage`: what each character and number says."""

import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from kuramori.cli.coverage_picture import PLAIN, Tone, picture, ruler, slices
from kuramori.cli.coverage_view import coverage_view, figures, format_percent
from kuramori.coverage_report import CoverageReport
from kuramori.messages import Coverage, CoverageSpan, SpanKind

TOKYO = ZoneInfo("Asia/Tokyo")
T0 = 1_795_410_000_000  # 2026-11-23 14:00:00 in Tokyo
HOUR = 3_600_000
R, G, E, U = SpanKind.RECORDED, SpanKind.GAP, SpanKind.ERASED, SpanKind.UNPROVEN


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def camera(name: str, *spans: tuple[int, int, SpanKind, str]) -> Coverage:
    parts = tuple(CoverageSpan(T0 + begin, T0 + end, kind, reason) for begin, end, kind, reason in spans)
    return Coverage(name, parts[0].from_utc_ms, parts[-1].to_utc_ms, parts)


def drawn(coverage: Coverage, columns: int, length: int = 1000) -> str:
    (row,) = picture([coverage], T0, T0 + length, columns, PLAIN)
    return "".join(cell.symbol for cell in row.cells)


class TestPicture:
    def test_a_character_for_each_slice(self) -> None:
        """Recorded, then a gap that fills its slices."""
        assert drawn(camera("gate", (0, 500, R, ""), (500, 1000, G, "camera_offline")), 10) == "=====OOOOO"

    def test_the_smallest_gap_is_seen(self) -> None:
        """One millisecond missing in a slice makes a small letter, never a recorded one."""
        one = camera("gate", (0, 499, R, ""), (499, 500, G, "stream_damaged"), (500, 1000, R, ""))
        assert drawn(one, 10) == "====d====="

    def test_the_longest_gap_of_a_slice_gives_the_letter(self) -> None:
        """Several reasons in one slice."""
        several = camera(
            "gate", (0, 300, G, "camera_offline"), (300, 700, G, "recorder_crashed"), (700, 1000, G, "camera_offline")
        )
        assert drawn(several, 1) == "O"
        assert drawn(several, 2) == "OO"
        assert drawn(several, 10) == "OOOXXXXOOO"

    def test_what_is_not_known_stays_blank(self) -> None:
        """The future is neither recorded nor missing."""
        assert drawn(camera("gate", (200, 600, R, "")), 10) == "  ====    "
        assert drawn(Coverage("gate", T0, T0, ()), 10) == " " * 10

    def test_erased_and_recovered_recordings_have_their_own_character(self) -> None:
        """They were recorded, so they are no gap."""
        assert drawn(camera("gate", (0, 400, E, ""), (400, 600, U, ""), (600, 1000, R, "")), 10) == "----~~===="

    def test_an_expected_gap_is_toned_down(self) -> None:
        """Maintenance is no incident; a reason from a newer recorder is one."""
        (row,) = picture([camera("gate", (0, 500, G, "maintenance"), (500, 1000, G, "novelty"))], T0, T0 + 1000, 2)
        assert [(cell.symbol, cell.tone) for cell in row.cells] == [("M", Tone.EXPECTED), ("?", Tone.MISSING)]

    @given(st.integers(1, 10_000), st.integers(1, 300))
    def test_slices_are_nearly_equal_and_leave_no_hole(self, length: int, columns: int) -> None:
        """Whatever the width of the terminal."""
        cut = slices(T0, T0 + length, columns)
        assert cut[0][0] == T0
        assert cut[-1][1] == T0 + length
        assert all(one[1] == other[0] for one, other in itertools.pairwise(cut))
        lengths = {end - begin for begin, end in cut}
        assert min(lengths) >= 1
        assert max(lengths) - min(lengths) <= 1

    @given(st.lists(st.tuples(st.integers(1, 50), st.sampled_from([R, G, E])), min_size=1), st.integers(1, 40))
    def test_a_slice_is_drawn_recorded_only_if_nothing_in_it_is_missing(
        self, parts: list[tuple[int, SpanKind]], columns: int
    ) -> None:
        """Compared with looking at every millisecond."""
        spans, at = [], 0
        for length, kind in parts:
            spans.append((at, at + length, kind, "camera_offline" if kind is G else ""))
            at += length
        kinds = [kind for length, kind in parts for _ in range(length)]
        text = drawn(camera("gate", *spans), columns, at)
        for symbol, (begin, end) in zip(text, slices(0, at, columns), strict=True):
            inside = kinds[begin:end]
            assert (symbol in "Oo") == (G in inside)
            assert (symbol == "O") == (set(inside) == {G})

    def test_marks_on_the_ruler_do_not_touch(self) -> None:
        """Labels of eight characters, two apart."""
        assert [tick.column for tick in ruler(T0, T0 + HOUR, 30, 8)] == [0, 10, 20]
        assert [tick.column for tick in ruler(T0, T0 + HOUR, 5, 8)] == [0]


class TestFigures:
    def test_percentages_are_cut_and_never_rounded_up(self) -> None:
        """A hundred says that nothing is missing."""
        assert format_percent(99_999, 100_000) == "99.99 %"
        assert format_percent(100_000, 100_000) == "100.00 %"
        assert format_percent(1, 100_000) == "<0.01 %"
        assert format_percent(0, 100_000) == "0.00 %"
        assert format_percent(0, 0) == "–"

    def test_sums_by_kind_and_reason(self) -> None:
        """Erased recordings were recorded; the longest reason comes first."""
        found = figures(
            camera(
                "gate",
                (0, 10, G, "camera_offline"),
                (10, 50, R, ""),
                (50, 60, E, ""),
                (60, 90, G, "camera_refused"),
                (90, 95, G, "camera_offline"),
                (95, 100, U, ""),
            )
        )
        assert (found.known_ms, found.recorded_ms, found.missing_ms) == (100, 55, 45)
        assert (found.erased_ms, found.unproven_ms) == (10, 5)
        assert found.by_reason == (("camera_refused", 30, 1), ("camera_offline", 15, 2))


def shown(report: CoverageReport, length: int = HOUR, width: int = 100) -> str:
    console = Console(width=width, record=True, color_system=None, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(coverage_view(report, T0, T0 + length, zone=TOKYO, width=width, symbols=PLAIN))
    return captured.get()


GATE = camera(
    "gate",
    (0, 600_000, G, "not_yet_started"),
    (600_000, 1_800_000, R, ""),
    (1_800_000, 1_800_400, G, "stream_damaged"),
    (1_800_400, 2_400_000, R, ""),
    (2_400_000, 2_700_000, G, "recorder_crashed"),
    (2_700_000, HOUR, R, ""),
)


class TestView:
    def test_everything_is_on_one_page(self) -> None:
        """Range and zone, picture with times, legend, figures, gaps."""
        text = shown(CoverageReport(T0 + HOUR, (GATE, camera("yard-2", (0, HOUR, R, "")))))
        lines = text.splitlines()
        assert lines[0].startswith("Coverage 2026-11-23 14:00:00 – 2026-11-23 15:00:00 (Asia/Tokyo)")
        assert lines[2].split()[0] == "14:00:00"
        assert lines[3].startswith("gate    NNNN")
        assert lines[3].endswith("74.98 %")
        assert "d" in lines[3]
        assert "X" in lines[3]
        assert lines[4].startswith("yard-2  ====")
        assert lines[4].endswith("100.00 %")
        assert "X recorder crashed or lost power" in text
        assert "small letter" in text
        assert "camera refused" not in text
        gap = next(line for line in lines if "14:40:00" in line and "14:45:00" in line)
        assert "recorder crashed or lost power" in gap
        assert any("1× shorter than 1 s" in line and "0.4 s" in line for line in lines)

    def test_nothing_runs_over_the_edge(self) -> None:
        """A narrow terminal and a pipe."""
        for width in (60, 80, 200):
            text = shown(CoverageReport(T0 + HOUR, (GATE,)), width=width)
            assert max(len(line.rstrip()) for line in text.splitlines()) <= width

    def test_a_range_of_weeks_is_marked_with_days(self) -> None:
        """Times of day would say nothing."""
        text = shown(CoverageReport(T0, (camera("gate", (0, 7 * 24 * HOUR, R, "")),)), length=7 * 24 * HOUR)
        assert text.splitlines()[2].split()[0] == "11-23"

    def test_a_thousand_gaps_are_listed_up_to_a_limit_and_summed(self) -> None:
        """What is left out is counted."""
        parts = []
        for number in range(200):
            parts += [(number * 10_000, number * 10_000 + 8000, R, "")]
            parts += [(number * 10_000 + 8000, number * 10_000 + 10_000, G, "camera_offline")]
        text = shown(CoverageReport(T0 + HOUR, (camera("gate", *parts),)))
        assert "150× more" in text
        assert text.count("2.0 s") == 50

    def test_no_camera_is_one_sentence(self) -> None:
        """Nothing to draw."""
        assert shown(CoverageReport(T0, ())).strip() == "No camera is configured."

    def test_a_clerk_reads_japanese(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Heading, legend, figures and gaps."""
        monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
        text = shown(CoverageReport(T0 + HOUR, (GATE,)))
        for words in ("録画状況", "録画あり", "録画装置の異常終了・停電", "欠落", "1秒未満"):
            assert words in text

    def test_a_camera_name_is_never_read_as_markup(self) -> None:
        """Nor anything else that comes from outside."""
        odd = Coverage("[bold]x[/bold]", T0, T0 + HOUR, (CoverageSpan(T0, T0 + HOUR, G, "[red]why"),))
        assert "[bold]x[/bold]" in shown(CoverageReport(T0, (odd,)))
