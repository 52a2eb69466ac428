"""What the office is reminded of: hand-overs, holds, documents; one pure function, no names."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from kuramori.desk.granted import Recipient
from kuramori.desk.reminders import DAY_MS, Reminder, ReminderKind, reminder_problems, reminder_text, reminders
from kuramori.desk.request import Handover, Request, RequestState
from kuramori.desk.steps import RequestDocument
from kuramori.messages import PlaceHoldRequest
from kuramori.texts import both
from kuramori_config.requests_table import Requests

NOW = 1_800_000_000_000
TERMS = Requests()
RECIPIENT = Recipient("authority", "北警察署", "巡査部長", "高橋 七郎", "000-000-0000", "警察手帳")
DOCUMENT = RequestDocument(
    ("gate",), 1, 2, "urgent", "", RECIPIENT, "p", "c", "", "", "田中 次郎", (), b"\x09" * 32, urgent=True
)
FILED = Request("20270115-1", 1, RequestState.FILED, DOCUMENT, NOW - 40 * DAY_MS)
GRANTED = replace(FILED, state=RequestState.GRANTED, document_due_utc_ms=NOW + 1)
RELEASED = replace(FILED, state=RequestState.RELEASED, handovers=(Handover(1, b"\x01" * 32, NOW - 30 * DAY_MS),))


def hold(until_utc_ms: int, request_id: str = FILED.request_id, hold_id: str = "ab" * 16) -> PlaceHoldRequest:
    """A hold with this end."""
    return PlaceHoldRequest(hold_id, ("gate",), 1, 2, until_utc_ms, request_id, "田中 次郎", "filed request")


def kinds(*found: Reminder) -> list[tuple[str, bool]]:
    """Kind and lateness."""
    return [(one.kind.value, one.late) for one in found]


class TestDocuments:
    def test_an_urgent_request_is_told_from_its_grant_until_it_is_documented(self) -> None:
        """Within its time as a reminder, after it as late; undecided, refused or documented: nothing."""
        assert kinds(*reminders([GRANTED], (), TERMS, NOW + 1)) == [("urgent-not-documented", False)]
        assert kinds(*reminders([GRANTED], (), TERMS, NOW + 2)) == [("urgent-not-documented", True)]
        for other in (
            FILED,
            replace(GRANTED, documented_number="No. 5"),
            replace(GRANTED, state=RequestState.REFUSED),
        ):
            assert reminders([other], (), TERMS, NOW + 2) == ()

    def test_what_was_handed_over_meanwhile_is_owed_all_the_same(self) -> None:
        """The document is owed to the register, not to the hand-over."""
        done = replace(GRANTED, state=RequestState.RETURNED)
        assert kinds(*reminders([done], (), TERMS, NOW + DAY_MS)) == [("urgent-not-documented", True)]


class TestHandovers:
    def test_one_is_late_when_its_usual_time_is_over(self) -> None:
        """Thirty days after the first bundle left, to the millisecond."""
        assert reminders([RELEASED], (), TERMS, NOW) == ()
        (late,) = reminders([RELEASED], (), TERMS, NOW + 1)
        assert (late.kind, late.late, late.due_utc_ms) == (ReminderKind.HANDOVER, True, NOW)
        assert reminders([replace(RELEASED, state=RequestState.RETURNED)], (), TERMS, NOW + 1) == ()

    @pytest.mark.parametrize("days", [-3, 3])
    def test_the_agreed_date_goes_before_the_usual_time(self, days: int) -> None:
        """Earlier or later."""
        agreed = NOW + days * DAY_MS
        own = replace(RELEASED, document=replace(DOCUMENT, erase_by_utc_ms=agreed))
        assert reminders([own], (), TERMS, agreed) == ()
        assert kinds(*reminders([own], (), TERMS, agreed + 1)) == [("handover-not-reported", True)]

    def test_the_site_can_set_another_time(self) -> None:
        """By its terms."""
        terms = Requests(handover_reported_within_days=90)
        assert reminders([RELEASED], (), terms, NOW + DAY_MS) == ()


class TestHolds:
    def test_a_hold_is_told_so_many_days_before_its_end(self) -> None:
        """Seven days before, not earlier."""
        week = 7 * DAY_MS
        assert reminders([FILED], [hold(NOW + week + 1)], TERMS, NOW) == ()
        assert kinds(*reminders([FILED], [hold(NOW + week)], TERMS, NOW)) == [("hold-ending", False)]

    def test_one_that_ended_under_a_waiting_request_is_late(self) -> None:
        """Undecided or not opened yet: its minutes may be erased."""
        for state in (RequestState.FILED, RequestState.GRANTED, RequestState.APPROVED):
            waiting = replace(FILED, state=state)
            assert kinds(*reminders([waiting], [hold(NOW)], TERMS, NOW)) == [("hold-ending", True)]

    def test_one_that_nobody_waits_for_ends_in_silence(self) -> None:
        """Handed over, or placed without a request."""
        assert reminders([replace(FILED, state=RequestState.OPENED)], [hold(NOW)], TERMS, NOW) == ()
        assert reminders([], [hold(NOW, "")], TERMS, NOW) == ()
        assert kinds(*reminders([], [hold(NOW + 1, "")], TERMS, NOW)) == [("hold-ending", False)]

    def test_only_the_longest_hold_of_a_request_counts(self) -> None:
        """While it is extended two stand side by side."""
        two = [hold(NOW + 1), hold(NOW + 30 * DAY_MS, hold_id="cd" * 16)]
        assert reminders([FILED], two, TERMS, NOW) == ()
        assert reminders([FILED], two[::-1], TERMS, NOW) == ()


def test_what_is_late_stands_first_then_what_is_due_first() -> None:
    """The order in which the office works through it."""
    other = replace(GRANTED, request_id="20270115-2", document_due_utc_ms=NOW - 1)
    found = reminders([GRANTED, other], [hold(NOW + 2, "")], TERMS, NOW)
    assert kinds(*found) == [
        ("urgent-not-documented", True),
        ("urgent-not-documented", False),
        ("hold-ending", False),
    ]


def test_a_sentence_says_which_and_until_when_in_both_languages_and_names_nobody() -> None:
    """It goes into mails, which may lie open."""
    for kind in ReminderKind:
        for late in (False, True):
            for number, hold_id in (("20270115-1", ""), ("", "ab" * 16)):
                if not number and kind is not ReminderKind.HOLD:
                    continue
                said = both(reminder_text(Reminder(kind, number, hold_id, NOW, late), ZoneInfo("Asia/Tokyo")))
                for text in (said.english, said.japanese):
                    assert number in text
                    assert hold_id[:8] in text
                    assert "2027-01-15 17:00" in text
                    assert "高橋" not in text
                assert said.english.isascii()


def test_only_what_is_late_and_can_still_be_mended_by_the_office_makes_the_light_red() -> None:
    """A recipient who does not report is reminded of every day, and hides no fault of the recording."""
    late = [Reminder(kind, f"20270115-{number}", "", NOW, True) for number, kind in enumerate(ReminderKind, 1)]
    said = reminder_problems(late)
    assert len(said) == 2
    assert "20270115-1" in said[0]
    assert "20270115-2" in said[1]
    assert reminder_problems([replace(one, late=False) for one in late]) == []
