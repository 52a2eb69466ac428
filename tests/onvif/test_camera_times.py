"""Times as cameras write them: exactly a time, or unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_onvif.camera_times import duration_text, utc_ms_of_text, utc_text

NEW_YEAR_UTC_MS = 1_767_225_600_000


@pytest.mark.parametrize(
    ("words", "utc_ms"),
    [
        ("2026-01-01T00:00:00Z", NEW_YEAR_UTC_MS),
        ("2026-01-01T00:00:00", NEW_YEAR_UTC_MS),
        ("2026-01-01T00:00:00.25Z", NEW_YEAR_UTC_MS + 250),
        ("2026-01-01T00:00:00.123456789Z", NEW_YEAR_UTC_MS + 123),
        ("2026-01-01T09:00:00+09:00", NEW_YEAR_UTC_MS),
        ("2025-12-31T23:30:00-00:30", NEW_YEAR_UTC_MS),
        (" 2026-01-01T00:00:00Z ", NEW_YEAR_UTC_MS),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_a_time_is_read(words: str, utc_ms: int) -> None:
    """With and without zone and fraction; without a zone it is UTC."""
    assert utc_ms_of_text(words) == utc_ms


@pytest.mark.parametrize(
    "words",
    [
        "2024-05-05T00:61:16Z",
        "00:61:16Z",
        "2010-01-01-00:00:00",
        "2010-01-01T2010-01-01T00:00:00Z",
        "2026-01-01 00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "0000-00-00T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+09:00",
        "9999-12-31T23:59:59Z",
        "2026-01-01T00:00:00+99:00",
        "2026-01-01T00:00:00+01:75",
        "２０２６-01-01T00:00:00Z",
        "",
        "never",
        "2026-01-01T00:00:00Z" * 9,
    ],
)
def test_what_is_not_exactly_a_time_is_unknown(words: str) -> None:
    """Vendors' oddities are not guessed at."""
    assert utc_ms_of_text(words) is None


@given(st.text(max_size=60))
def test_any_text_gives_a_time_or_none(words: str) -> None:
    """Nothing raises."""
    found = utc_ms_of_text(words)
    assert found is None or found >= 0


@given(st.integers(0, 7_000_000_000_000))
def test_what_we_write_is_read_back(utc_ms: int) -> None:
    """To the second."""
    assert utc_ms_of_text(utc_text(utc_ms)) == utc_ms // 1000 * 1000


def test_durations_are_whole_seconds_and_never_none() -> None:
    """Rounded up: a camera would take PT0S for no wait at all."""
    assert [duration_text(seconds) for seconds in (0, 0.2, 1, 1.5, 300)] == ["PT1S", "PT1S", "PT1S", "PT2S", "PT300S"]
