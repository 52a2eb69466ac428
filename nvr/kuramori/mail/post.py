"""The post room, pure: observations and times go in, mails to be sent come out, and what must be remembered.

It joins the ledger of alarms, the daily schedule, the allowance and the outbox. Whoever holds it writes `memory` down
before a mail is tried. This module must not know sockets, files, or where observations come from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from kuramori.mail.alarm_ledger import AlarmLedger, News
from kuramori.mail.allowance import Allowance
from kuramori.mail.change_letter import change_letter
from kuramori.mail.daily_schedule import LastDaily, day_due, parse_time_of_day
from kuramori.mail.letter import Letter, bilingual
from kuramori.mail.mail_memory import MailCounters, MailMemory
from kuramori.mail.outbox import Outbox, WaitingMail
from kuramori.mail.speech import Speech, spoken
from kuramori.site_state import SiteProblem


@dataclass(frozen=True, slots=True)
class Moment:
    """Both clocks at once."""

    utc_ms: int
    boot_ms: int


@dataclass(frozen=True, slots=True)
class PostRules:
    """What the configuration says of mails."""

    site: str
    zone: tzinfo
    language: str  # ja, en, both
    daily_at: str
    red_after_seconds: float
    most_mails_per_hour: int


class Post:
    """One site's post room. `make_id` gives a new Message-ID."""

    def __init__(self, rules: PostRules, memory: MailMemory, make_id: Callable[[], str]) -> None:
        self._make_id = make_id
        self._boot_id = memory.boot_id
        self._ledger = AlarmLedger(int(rules.red_after_seconds * 1000), memory.standing, memory.passed)
        self._allowance = Allowance(rules.most_mails_per_hour, memory.sent_boot_ms)
        self._last_daily = memory.last_daily
        self.outbox = Outbox(memory.waiting, memory.given_up_untold)
        self._given_up_before = memory.counters.given_up - memory.given_up_untold
        self.counters = memory.counters
        self.adopt(rules)

    def adopt(self, rules: PostRules) -> None:
        """Go on by other rules."""
        self.rules = rules
        self.speeches: Sequence[Speech] = spoken(rules.language, rules.zone)
        self._ledger.red_after_ms = int(rules.red_after_seconds * 1000)
        self._allowance.most_per_hour = rules.most_mails_per_hour

    @property
    def memory(self) -> MailMemory:
        """Everything that outlives a restart."""
        return MailMemory(
            self._boot_id,
            self.outbox.waiting,
            self.outbox.given_up,
            self._ledger.standing,
            self._ledger.passed,
            self._allowance.sent_boot_ms,
            self._last_daily,
            self.counted,
        )

    @property
    def counted(self) -> MailCounters:
        """The counters as of now."""
        return replace(self.counters, given_up=self._given_up_before + self.outbox.given_up)

    def observe(self, problems: Sequence[SiteProblem], now: Moment, *, blind: bool = False) -> bool:
        """Take over what is wrong now; return whether a mail was written."""
        self._ledger.observe(problems, now.boot_ms, now.utc_ms, blind=blind)
        news = self._ledger.news()
        if news is None or not self._allowance.permits(now.boot_ms, urgent=news.urgent):
            return False
        self._allowance.note(now.boot_ms)
        self._put(self._change(news, now), now)
        self._ledger.tell(news)
        return True

    def day_due(self, now: Moment) -> str:
        """Return the day whose mail is due; empty where none is."""
        daily_at = parse_time_of_day(self.rules.daily_at)
        day = day_due(self._last_daily, daily_at, self.rules.zone, now.utc_ms, now.boot_ms)
        return day.isoformat() if day is not None else ""

    def put_daily(self, day: str, write: Callable[[Speech, int], Letter], now: Moment) -> None:
        """Put the day's mail, written by `write(speech, given up)`, into the outbox."""
        self._put(bilingual(self.speeches, lambda speech: write(speech, self.outbox.given_up)), now)
        self._last_daily = LastDaily(day, now.boot_ms)

    def taken(self, mail: WaitingMail, now: Moment) -> None:
        """The server has the mail."""
        self.outbox.taken(mail)
        self.counters = replace(self.counters, sent=self.counters.sent + 1, last_success_utc_ms=now.utc_ms)

    def failed(self, mail: WaitingMail, now: Moment, *, refused: bool) -> None:
        """The server has not."""
        self.outbox.failed(mail, now.boot_ms, refused=refused)
        self.counters = replace(self.counters, failed=self.counters.failed + 1)

    def _change(self, news: News, now: Moment) -> Letter:
        return bilingual(
            self.speeches,
            lambda speech: change_letter(speech, self.rules.site, news, now.utc_ms, self.outbox.given_up),
        )

    def _put(self, letter: Letter, now: Moment) -> None:
        """Queue a letter, which has told how many before it were given up."""
        self._given_up_before += self.outbox.given_up
        self.outbox.given_up = 0
        self.outbox.put(WaitingMail(self._make_id(), now.utc_ms, letter.subject, letter.body))
