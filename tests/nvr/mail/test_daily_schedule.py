"""The daily mail: once a day, whatever the clock does."""

from datetime import UTC, date, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.mail.daily_schedule import LEAST_APART_MS, MOST_SILENT_MS, LastDaily, day_due

TOKYO = ZoneInfo("Asia/Tokyo")
BERLIN = ZoneInfo("Europe/Berlin")
MINUTE_MS = 60_000
DAY_MS = 86_400_000
START = int(datetime(2026, 11, 23, 0, 0, tzinfo=TOKYO).timestamp() * 1000)


def sent_minutes(
    days: int, steps: dict[int, int], *, daily_at: str = "08:30", zone: ZoneInfo = TOKYO, start: int = START
) -> list[int]:
    """Live through days, minute by minute, with steps of the wall clock (minute → by how many ms); when mails went."""
    last, offset_ms, sent = LastDaily(), 0, []
    for minute in range(days * 1440):
        offset_ms += steps.get(minute, 0)
        real_ms = minute * MINUTE_MS
        day = day_due(last, time.fromisoformat(daily_at), zone, start + real_ms + offset_ms, real_ms)
        if day is not None:
            last = LastDaily(day.isoformat(), real_ms)
            sent.append(minute)
    return sent


def test_a_steady_clock_sends_at_the_time_of_every_day() -> None:
    """Half past eight, seven days long."""
    assert sent_minutes(7, {}) == [510 + 1440 * day for day in range(7)]


@pytest.mark.parametrize("at", [400, 500, 520, 700, 1430])
@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_steps_two_hours_and_back_sends_once_a_day(at: int, hours: int) -> None:
    """Before, over and after the time of day, both ways, with the step back an hour later."""
    step = hours * 3_600_000
    sent = sent_minutes(5, {1440 + at: step, 1440 + at + 60: -step})
    assert len(sent) == 5
    assert len({minute // 1440 for minute in sent}) == 5


@given(st.dictionaries(st.integers(0, 5 * 1440), st.sampled_from([7_200_000, -7_200_000, 600_000, -DAY_MS, DAY_MS])))
def test_two_mails_are_never_close_and_never_far_apart(steps: dict[int, int]) -> None:
    """However the clock steps, days included: between 20 and 26 hours lie between two mails."""
    sent = sent_minutes(6, steps)
    for earlier, later in pairwise(sent):
        assert LEAST_APART_MS <= (later - earlier) * MINUTE_MS <= MOST_SILENT_MS + MINUTE_MS


def test_summer_time_costs_and_doubles_no_mail() -> None:
    """02:30 does not exist on one Sunday and comes twice on another."""
    for begin in (datetime(2026, 3, 27, tzinfo=BERLIN), datetime(2026, 10, 23, tzinfo=BERLIN)):
        start = int(begin.timestamp() * 1000)
        sent = sent_minutes(5, {}, daily_at="02:30", zone=BERLIN, start=start)
        days = [datetime.fromtimestamp(start / 1000 + minute * 60, BERLIN).date() for minute in sent]
        assert len(days) == len(set(days)) == 5


def test_a_restart_sends_nothing_twice_and_misses_nothing() -> None:
    """After another boot only the day's name is known."""
    now = int(datetime(2026, 11, 23, 0, 0, tzinfo=UTC).timestamp() * 1000)  # 09:00 in Tokyo
    assert day_due(LastDaily("2026-11-23", None), time(8, 30), TOKYO, now, 0) is None
    assert day_due(LastDaily("2026-11-22", None), time(8, 30), TOKYO, now, 0) == date(2026, 11, 23)
    assert day_due(LastDaily(), time(8, 30), TOKYO, now - 3_600_000, 0) is None
