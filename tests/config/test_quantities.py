"""Sizes and durations: with a unit, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_config.faults import Unfit
from kuramori_config.quantities import LONGEST_SECONDS, Duration, Size


@pytest.mark.parametrize(
    ("text", "total_bytes"),
    [("500 GiB", 500 * 2**30), ("64KiB", 65536), ("1.5 TiB", 3 * 2**39), ("500 GB", 500 * 10**9), ("7 b", 7)],
)
def test_a_size_has_its_unit(text: str, total_bytes: int) -> None:
    """Binary and decimal units, with or without a blank, in any case."""
    assert Size.parse(text).total_bytes == total_bytes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("14 days", 14 * 86400), ("1 day", 86400), ("36 hours", 129600), ("1.5 hours", 5400), ("2 weeks", 1209600)],
)
def test_a_duration_has_its_unit(text: str, seconds: int) -> None:
    """Seconds to weeks, one or several."""
    assert Duration.parse(text).seconds == seconds


@pytest.mark.parametrize(
    "text",
    ["", "500", "GiB", "-5 GiB", "5 GiB 3", "1e3 GiB", "5 parsec", 500, None, "٣ GiB", "9" * 20 + " B", "2000000 TiB"],
)
def test_what_is_no_size_is_refused(text: object) -> None:
    """No unit, no number, a sign, another script: not a size."""
    with pytest.raises(Unfit):
        Size.parse(text)


@pytest.mark.parametrize(
    "text", ["", "14", "days", "-1 days", "1 month", "1 s", 14, None, "1 days 2 hours", "999999 days"]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    """A month has no length, a letter no meaning."""
    with pytest.raises(Unfit):
        Duration.parse(text)


@given(st.integers(0, LONGEST_SECONDS))
def test_a_duration_reads_back(seconds: int) -> None:
    """What is written is read as the same."""
    assert Duration.parse(str(Duration(seconds))).seconds == seconds


@given(st.integers(1, 2**50))
def test_a_size_is_shown_close_to_what_it_is(total_bytes: int) -> None:
    """A size is shown with four digits: within a thousandth of what it is."""
    shown = Size.parse(str(Size(total_bytes))).total_bytes
    assert abs(shown - total_bytes) <= total_bytes / 1000 + 1


@given(st.text(max_size=30))
def test_any_text_is_a_quantity_or_unfit(text: str) -> None:
    """No text ends in another error."""
    for kind in (Size, Duration):
        try:
            parsed: Size | Duration | None = kind.parse(text)
        except Unfit:
            parsed = None
        assert parsed is None or isinstance(parsed, kind)
