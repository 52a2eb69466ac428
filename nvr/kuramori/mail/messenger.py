"""The messenger: looks at the recorder every few seconds, writes mails, and has them sent.

It is a process of its own, so that a recorder that is frozen or dead is told by somebody who is not. Recording never
waits for it. This module must not know SMTP, nor the words of a mail.
"""

import asyncio
from zoneinfo import ZoneInfo

from kuramori import log
from kuramori.camera_messages import Light
from kuramori.mail.liveness_facts import liveness_facts, yesterday
from kuramori.mail.liveness_letter import liveness_letter
from kuramori.mail.mail_report import MailReport, write_report
from kuramori.mail.post import Moment, PostRules
from kuramori.mail.secret_reader import ReadSecret
from kuramori.mail.sending import PostOffice
from kuramori.mail.site_look import SiteLook
from kuramori.places import Places
from kuramori.reloads import Reloads
from kuramori.site_state import site_state
from kuramori.timebase import NS_PER_MS, Clock
from kuramori_config.mail_table import Mail
from kuramori_config.schema import Configuration

LOOK_EVERY_SECONDS = 2.0
SEND_EVERY_SECONDS = 1.0
SETTLING_MS = 60_000  # after a start, so long may cameras take to connect before the daily mail goes all the same


def rules_of(configuration: Configuration, mail: Mail) -> PostRules:
    """Return what the configuration says of mails."""
    site = configuration.site
    return PostRules(
        site.name,
        ZoneInfo(site.time_zone),
        mail.language.value,
        mail.daily_at,
        mail.red_after_seconds,
        mail.most_mails_per_hour,
    )


class Messenger:
    """The loops of the process."""

    def __init__(self, configuration: Configuration, mail: Mail, clock: Clock) -> None:
        self._places = Places.of(configuration)
        self._clock = clock
        self._look = SiteLook(self._places)
        self._began_boot_ms = self._now().boot_ms
        self._office = PostOffice(
            mail, rules_of(configuration, mail), self._places.mail, ReadSecret(self._places.secrets), self._now
        )

    async def run(self, stop: asyncio.Event, reloads: Reloads) -> None:
        """Look and send until told to stop."""
        tasks = [asyncio.create_task(work) for work in (self._looking(), self._sending(), self._following(reloads))]
        waiting = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (waiting, *tasks):
                task.cancel()
            await asyncio.gather(waiting, *tasks, return_exceptions=True)
            await self._office.remember()

    async def _looking(self) -> None:
        while True:
            await self.look_once()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def look_once(self) -> None:
        """Look, write what is to be told, and remember it."""
        facts = await self._look.look()
        state = site_state(facts)
        post = self._office.post
        post.observe(state.problems, self._now(), blind=facts.recorder is None)
        day = post.day_due(self._now())
        if day and (state.light is Light.GREEN or self._now().boot_ms - self._began_boot_ms >= SETTLING_MS):
            rules, now = post.rules, self._now()
            coverage = await self._look.coverage(*yesterday(now.utc_ms, rules.zone))
            told = liveness_facts(
                rules.site, state, now.utc_ms, facts.recorder, coverage, self._look.custody, self._look.reminders
            )
            post.put_daily(
                day, lambda speech, given_up: liveness_letter(speech, told, rules.daily_at, given_up), self._now()
            )
        await self._office.remember()
        self._report()

    async def _sending(self) -> None:
        while True:
            tried = await self._office.send_one()
            self._report()
            if not tried:
                await asyncio.sleep(SEND_EVERY_SECONDS)

    async def _following(self, reloads: Reloads) -> None:
        while True:
            configuration = await reloads.next()
            if configuration.mail is not None:  # else the supervisor ends this process
                self._office.adopt(configuration.mail, rules_of(configuration, configuration.mail))

    def _report(self) -> None:
        counters, waiting = self._office.post.counted, self._office.post.outbox.waiting
        report = MailReport(
            self._clock.utc_ms(),
            counters.sent,
            counters.failed,
            counters.given_up,
            len(waiting),
            waiting[0].created_utc_ms if waiting else None,
            counters.last_success_utc_ms,
            self._office.last_fault,
        )
        try:
            write_report(self._places.runtime, report)
        except OSError as error:
            log.get().error("mail_report_unwritable", detail=error.strerror)

    def _now(self) -> Moment:
        return Moment(self._clock.utc_ms(), self._clock.boot_ns() // NS_PER_MS)
