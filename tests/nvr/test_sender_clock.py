"""A camera's clock by its sender reports: to the millisecond, and never moving how its pictures are dated."""

import pytest

from kuramori.media_time import MediaTime
from kuramori.sender_clock import NTP_EPOCH_OFFSET_SECONDS, ntp_utc_us, sender_offset_ms

UTC_US = 1_790_000_000_123_456


def ntp_of(utc_us: int) -> int:
    seconds, rest_us = divmod(utc_us, 1_000_000)
    return (seconds + NTP_EPOCH_OFFSET_SECONDS & 0xFFFFFFFF) << 32 | -(-rest_us * (1 << 32) // 1_000_000)


@pytest.mark.parametrize("offset_ms", [-90_000, -1, 0, 7_000])
def test_the_difference_is_told_to_the_millisecond(offset_ms: int) -> None:
    """Whatever the fraction of a second is."""
    assert sender_offset_ms(ntp_of(UTC_US + offset_ms * 1000), UTC_US) == offset_ms


def test_the_era_of_2036_follows_that_of_1900() -> None:
    """Its seconds begin at zero again."""
    assert ntp_utc_us(0, 1 << 31) == ((1 << 32) - NTP_EPOCH_OFFSET_SECONDS) * 1_000_000 + 500_000


def test_a_report_moves_nothing() -> None:
    """However absurd its RTP time is, the next picture is dated as before."""
    media = MediaTime(90_000)
    assert media.placed_ns(90_000) is None
    first = media.boot_ns(90_000, 5_000_000_000)
    assert media.placed_ns(180_000) == first + 1_000_000_000
    media.placed_ns(1 << 60)
    assert media.boot_ns(180_000, 6_000_000_000) == first + 1_000_000_000
