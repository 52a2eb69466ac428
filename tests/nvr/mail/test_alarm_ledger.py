"""Each problem is told once, its end too; floods are held back, and said to be."""

from kuramori.mail.alarm_ledger import RECORDER_SILENT_MS, STANDING_MOST, AlarmLedger
from kuramori.mail.allowance import HOUR_MS, URGENT_EXTRA, Allowance
from kuramori.site_state import RECORDER, SiteProblem

NOW = 1_790_000_000_000
STEP_MS = 7_200_000


def problem(name: str, *, urgent: bool = False) -> SiteProblem:
    return SiteProblem(name, f"{name} is wrong", f"{name} の異常", urgent)


def ledger() -> AlarmLedger:
    return AlarmLedger(30_000)


def test_what_stands_is_told_once_and_its_end_once() -> None:
    """After thirty seconds each."""
    book, gate = ledger(), problem("gate")
    book.observe([gate], 0, NOW)
    assert book.news() is None
    book.observe([gate], 30_000, NOW)
    news = book.news()
    assert news is not None
    assert [told.problem for told in news.red] == [gate]
    book.tell(news)
    book.observe([gate], 60_000, NOW)
    assert book.news() is None
    book.observe([], 70_000, NOW)
    assert book.news() is None
    book.observe([], 100_000, NOW)
    news = book.news()
    assert news is not None
    assert [told.problem for told in news.mended] == [gate]
    assert news.standing == 0
    book.tell(news)
    book.observe([], 200_000, NOW)
    assert book.news() is None


def test_a_clock_that_steps_two_hours_both_ways_during_an_alarm_tells_nothing_twice() -> None:
    """Wall time only dates."""
    book, gate = ledger(), problem("gate")
    told = 0
    for second, utc_ms in enumerate((NOW, NOW, NOW + STEP_MS, NOW - STEP_MS, NOW)):
        book.observe([gate], second * 20_000, utc_ms)
        news = book.news()
        if news is not None:
            book.tell(news)
            told += 1
    assert told == 1


def test_a_blink_is_not_told_but_what_keeps_blinking_is() -> None:
    """Two seconds once: nothing. Twenty of every forty seconds: red, and no mended between."""
    book, gate = ledger(), problem("gate")
    book.observe([gate], 0, NOW)
    for second in range(2, 100, 2):
        book.observe([], second * 1000, NOW)
    assert book.news() is None
    told = []
    for second in range(100, 400, 2):
        book.observe([gate] if second % 40 < 20 else [], second * 1000, NOW)
        news = book.news()
        if news is not None:
            told.append(news)
            book.tell(news)
    assert len(told) == 1
    assert told[0].red


def test_a_recorder_that_does_not_answer_is_told_sooner_and_mends_nothing() -> None:
    """While it is silent, nobody knows how its cameras are."""
    book, gate = ledger(), problem("gate")
    for boot_ms in (0, 30_000):
        book.observe([gate], boot_ms, NOW)
    news = book.news()
    assert news is not None
    book.tell(news)
    silent = problem(RECORDER, urgent=True)
    book.observe([silent], 40_000, NOW, blind=True)
    book.observe([silent], 40_000 + RECORDER_SILENT_MS, NOW, blind=True)
    news = book.news()
    assert news is not None
    assert [told.problem for told in news.red] == [silent]
    assert news.urgent
    assert not news.mended
    book.tell(news)
    book.observe([silent], 400_000, NOW, blind=True)
    assert book.news() is None


def test_what_came_and_went_while_mails_were_held_back_is_told() -> None:
    """Nothing that was long enough to tell is lost."""
    book, gate = ledger(), problem("gate")
    for boot_ms in (0, 40_000):
        book.observe([gate], boot_ms, NOW)
    for boot_ms in (41_000, 80_000):
        book.observe([], boot_ms, NOW)
    news = book.news()
    assert news is not None
    assert [told.problem for told in news.passed] == [gate]


def test_more_problems_than_can_be_kept_are_counted() -> None:
    """Memory is bounded, and the number is honest."""
    book = ledger()
    many = [problem(f"p{number}") for number in range(STANDING_MOST + 10)]
    book.observe(many, 0, NOW)
    book.observe(many, 30_000, NOW)
    news = book.news()
    assert news is not None
    assert len(news.red) == STANDING_MOST
    assert news.uncounted == 10
    assert news.standing == STANDING_MOST + 10


def test_the_hour_has_room_for_so_many_mails_and_two_more_for_what_is_urgent() -> None:
    """And the window slides."""
    allowance = Allowance(3)
    for boot_ms in range(3):
        assert allowance.permits(boot_ms, urgent=False)
        allowance.note(boot_ms)
    assert not allowance.permits(10, urgent=False)
    for _ in range(URGENT_EXTRA):
        assert allowance.permits(10, urgent=True)
        allowance.note(10)
    assert not allowance.permits(10, urgent=True)
    assert allowance.permits(HOUR_MS + 10, urgent=False)
