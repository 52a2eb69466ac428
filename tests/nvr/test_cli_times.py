"""Times on the command line: what each written form means, and what is refused."""

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.cli.times import (
    RangeReversed,
    TimeFault,
    TimeNotOnClock,
    TimeUnreadable,
    ZoneUnknown,
    format_duration,
    format_time,
    parse_range,
    parse_time,
    site_zone,
)

TOKYO = ZoneInfo("Asia/Tokyo")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = int(datetime(2026, 11, 23, 15, 30, tzinfo=TOKYO).timestamp()) * 1000


def utc_ms(*parts: int, zone: ZoneInfo = TOKYO) -> int:
    return round(datetime(*parts, tzinfo=zone).timestamp() * 1000)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23 14:00", utc_ms(2026, 11, 23, 14)),
        ("2026-11-23T14:00:05", utc_ms(2026, 11, 23, 14, 0, 5)),
        ("2026-11-23 14:00:05.25", utc_ms(2026, 11, 23, 14, 0, 5) + 250),
        ("2026-11-23", utc_ms(2026, 11, 23)),
        ("2026-2-3 4:05", utc_ms(2026, 2, 3, 4, 5)),
        ("14:00", utc_ms(2026, 11, 23, 14)),
        ("23:00", utc_ms(2026, 11, 23, 23)),
        ("2026-11-23 05:00Z", utc_ms(2026, 11, 23, 14)),
        ("2026-11-23 14:00+09:00", utc_ms(2026, 11, 23, 14)),
        ("2026-11-23 14:00 +0900", utc_ms(2026, 11, 23, 14)),
        ("-10m", NOW - 600_000),
        ("-1h30m", NOW - 5_400_000),
        ("-2d", NOW - 2 * 86_400_000),
        ("-90s", NOW - 90_000),
        ("+30d", NOW + 30 * 86_400_000),
        (" now ", NOW),
    ],
)
def test_each_form_means_one_instant_in_the_sites_zone(text: str, expected: int) -> None:
    """Local time, a date, a time of today, a distance from now, or now."""
    assert parse_time(text, now_utc_ms=NOW, zone=TOKYO) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2026-13-01", "2026-11-31 10:00", "25:00", "14:60", "14", "1400", "-", "-10", "10m"),
        *("-10m5h", "2026/11/23 14:00", "2026-11-2314:00", "14:00+25:00", "1969-12-31", "9999-12-31"),
        *("-99999d", "2026-11-23 14:00:05.", "１４:00", "Z", "+09:00", "-1h-1m", "2026-11-23 14:00" + " " * 60 + "x"),
    ],
)
def test_what_is_no_time_is_refused_with_one_sentence(text: str) -> None:
    """Nothing is guessed: a form that is not in the list is an error that shows the forms."""
    with pytest.raises(TimeUnreadable) as caught:
        parse_time(text, now_utc_ms=NOW, zone=TOKYO)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["2026-10-25 02:30", "2026-03-29 02:30"])
def test_a_wall_time_that_happens_twice_or_never_is_refused(text: str) -> None:
    """Where clocks are put back or forward the person must say which hour is meant."""
    with pytest.raises(TimeNotOnClock):
        parse_time(text, now_utc_ms=NOW, zone=BERLIN)
    assert parse_time(text + "+01:00", now_utc_ms=NOW, zone=BERLIN) > 0


@given(st.text(max_size=80))
def test_any_text_gives_an_instant_or_our_error(text: str) -> None:
    """No text, however odd, gives anything else."""
    with contextlib.suppress(TimeFault):
        assert parse_time(text, now_utc_ms=NOW, zone=TOKYO) >= 0


@given(st.integers(0, 4_000_000_000), st.sampled_from(["Asia/Tokyo", "UTC", "Asia/Kathmandu"]))
def test_what_is_shown_is_read_back_as_the_same_second(second: int, zone_name: str) -> None:
    """A time printed by one command can be given to the next."""
    zone = ZoneInfo(zone_name)
    assert parse_time(format_time(second * 1000, zone), now_utc_ms=NOW, zone=zone) == second * 1000


def test_a_range_ends_now_and_reaches_back_by_the_commands_default() -> None:
    """Neither end is required."""
    assert parse_range(None, None, now_utc_ms=NOW, zone=TOKYO, default_span_ms=1000) == (NOW - 1000, NOW)
    assert parse_range("14:00", "14:10", now_utc_ms=NOW, zone=TOKYO, default_span_ms=1) == (
        utc_ms(2026, 11, 23, 14),
        utc_ms(2026, 11, 23, 14, 10),
    )


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    """The sentence names both ends as they were understood."""
    with pytest.raises(RangeReversed, match="2026-11-23 13:00:00"):
        parse_range("14:00", "13:00", now_utc_ms=NOW, zone=TOKYO, default_span_ms=1)


def test_the_machines_zone_is_used_when_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """TZ wins over the machine's file; a name that does not exist is an error."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert datetime(2026, 1, 1, tzinfo=site_zone()).utcoffset() == timedelta(hours=9)
    monkeypatch.delenv("TZ")
    assert datetime(2026, 1, 1, tzinfo=site_zone()).utcoffset() is not None
    assert datetime(2026, 1, 1, tzinfo=site_zone("UTC")) == datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ZoneUnknown, match="Asia/Tokio"):
        site_zone("Asia/Tokio")


def test_messages_are_japanese_where_the_person_reads_japanese(monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG decides."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    with pytest.raises(TimeUnreadable, match="時刻として読めません"):
        parse_time("soon", now_utc_ms=NOW, zone=TOKYO)


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [(400, "0.4 s"), (12_000, "12 s"), (185_000, "3 min 05 s"), (7_800_000, "2 h 10 min"), (273_600_000, "3 d 04 h")],
)
def test_lengths_are_shown_in_two_units_at_most(duration_ms: int, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person needs the size, not the digits."""
    monkeypatch.setenv("LC_ALL", "C")
    assert format_duration(duration_ms) == text


def test_lengths_have_japanese_units_for_japanese_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds, minutes, hours, days."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert [format_duration(ms) for ms in (400, 12_000, 185_000, 7_800_000, 273_600_000)] == [
        *("0.4秒", "12秒", "3分05秒", "2時間10分", "3日04時間"),
    ]
