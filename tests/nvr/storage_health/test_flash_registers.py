"""What an eMMC's registers mean, and what anything else in those files means: nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.storage_health.flash_registers import FlashRegisters, read_registers


@pytest.mark.parametrize(
    ("life_time", "reserve", "worn"),
    [
        ("0x01 0x01", "0x01", 10.0),
        ("0x03 0x05", "0x01", 50.0),
        ("0x0b 0x02", "0x01", 110.0),
        ("0x01 0x01", "0x02", 85.0),
        ("0x01 0x01", "0x03", 90.0),
        ("0x02", "", 20.0),
    ],
)
def test_the_worse_register_counts(life_time: str, reserve: str, worn: float) -> None:
    """Of types A and B and the reserve, by the upper end of what each means."""
    assert read_registers(life_time, reserve).worn_percent == worn


@pytest.mark.parametrize(
    ("life_time", "reserve"),
    [
        ("", ""),
        ("0x00 0x00", "0x00"),
        ("0x0c 0xff", "0x04"),
        ("worn", "?"),
        ("0x01 0x02 0x03", "0x01 0x01"),
        ("1 2", "-1"),
    ],
)
def test_what_is_not_defined_says_nothing(life_time: str, reserve: str) -> None:
    """Undefined by the standard, by the device, or rubbish."""
    assert read_registers(life_time, reserve) == FlashRegisters()


@given(st.text(), st.text())
def test_any_text_is_read(life_time: str, reserve: str) -> None:
    """Whatever a file says, there is an answer, and it lies within the registers' meaning."""
    worn = read_registers(life_time, reserve).worn_percent
    assert worn is None or 10 <= worn <= 110
