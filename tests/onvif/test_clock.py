"""The camera's clock: missing or impossible dates are unknown, never zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_onvif.clock import CameraDate, reading, utc_ms_of, utc_ms_of_http_date
from kuramori_onvif.models import ClockSource

NUMBERS = st.none() | st.integers(-(10**12), 10**12)


def test_a_date_becomes_milliseconds() -> None:
    """2024-02-29T23:59:58Z."""
    assert utc_ms_of(CameraDate(2024, 2, 29, 23, 59, 58)) == 1_709_251_198_000


@pytest.mark.parametrize(
    "date",
    [
        CameraDate(None, 1, 1, 0, 0, 0),
        CameraDate(2024, 1, 1, None, 0, 0),
        CameraDate(2024, 2, 30, 0, 0, 0),
        CameraDate(2024, 1, 1, 0, 61, 16),
        CameraDate(0, 0, 0, 0, 0, 0),
        CameraDate(1969, 12, 31, 0, 0, 0),
        CameraDate(99999, 1, 1, 0, 0, 0),
    ],
)
def test_missing_or_impossible_parts_mean_unknown(date: CameraDate) -> None:
    """Nothing is guessed."""
    assert utc_ms_of(date) is None


@given(st.builds(CameraDate, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS))
def test_any_numbers_give_a_time_or_unknown(date: CameraDate) -> None:
    """No numbers raise."""
    utc_ms = utc_ms_of(date)
    assert utc_ms is None or utc_ms >= 0


def test_the_http_date_is_read() -> None:
    """The three forms of RFC 9110 that matter."""
    assert utc_ms_of_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777_000


@given(st.none() | st.text(max_size=80))
def test_any_http_date_gives_a_time_or_unknown(value: str | None) -> None:
    """No header raises."""
    utc_ms = utc_ms_of_http_date(value)
    assert utc_ms is None or utc_ms >= 0


def test_the_offset_belongs_to_the_middle_of_the_exchange() -> None:
    """Camera minus us; half a second is added for the fraction that the camera does not tell."""
    found = reading(ClockSource.ONVIF, 100_000, 90_000, 90_400)
    assert (found.offset_ms, found.round_trip_ms) == (10_300, 400)


def test_an_unknown_time_has_no_offset() -> None:
    """Unknown is a state of its own."""
    found = reading(ClockSource.ONVIF, None, 90_000, 90_400)
    assert (found.source, found.offset_ms) == (ClockSource.UNKNOWN, None)
