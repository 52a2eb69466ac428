"""The watch on another machine: reads the metrics page, judges it, and mails what is wrong and that it is still there.

Linux is not needed: nothing here or below asks for it. This module must not know how a recorder works.
"""

import asyncio
import ssl
from zoneinfo import ZoneInfo

import httpx

from kuramori import log
from kuramori.mail.bounded_answer import AnswerRefused, bounded_get
from kuramori.mail.page_address import AddressRefused, require_local
from kuramori.mail.page_judgement import PageJudge, PageUnreadable, read_page
from kuramori.mail.post import Moment, PostRules
from kuramori.mail.secret_reader import ReadSecret
from kuramori.mail.sending import PostOffice
from kuramori.mail.watch_letter import watch_letter
from kuramori.timebase import NS_PER_MS, Clock
from kuramori_config.watch_file import WatchConfiguration

PAGE_BYTES_MOST = 8 * 2**20
PAGE_SECONDS = 10.0
SEND_EVERY_SECONDS = 1.0
MEMORY_NAME = "watch.json"


class Watchman:
    """Watches one page."""

    def __init__(self, address: str, configuration: WatchConfiguration, clock: Clock) -> None:
        watch, mail = configuration.watch, configuration.mail
        self._address = address
        self._watch = watch
        self._clock = clock
        self._tls = ssl.create_default_context(cafile=str(watch.ca_file) if watch.ca_file is not None else None)
        self.judge = PageJudge(int(watch.unreachable_after_seconds * 1000), self._now())
        rules = PostRules(
            watch.name,
            ZoneInfo(watch.time_zone),
            mail.language.value,
            mail.daily_at,
            mail.red_after_seconds,
            mail.most_mails_per_hour,
        )
        self._office = PostOffice(
            mail, rules, watch.state_directory / MEMORY_NAME, ReadSecret(watch.secrets_directory), self._now
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until told to stop."""
        tasks = [asyncio.create_task(work) for work in (self._watching(), self._sending(), stop.wait())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._office.remember()

    async def look(self) -> None:
        """Read the page once and judge it."""
        try:
            await require_local(self._address)
            async with httpx.AsyncClient(verify=self._tls, trust_env=False) as client:
                page = await bounded_get(client, self._address, PAGE_BYTES_MOST, PAGE_SECONDS)
            figures = await asyncio.to_thread(read_page, page.decode("utf-8", "replace"))
        except (AnswerRefused, AddressRefused, PageUnreadable, OSError) as error:
            self.judge.miss(str(error))
        else:
            self.judge.read(figures, self._now())

    async def _watching(self) -> None:
        while True:
            await self.look()
            await self._tell()
            await asyncio.sleep(self._watch.every_seconds)

    async def _tell(self) -> None:
        now, judge, post = self._now(), self.judge, self._office.post
        problems = judge.problems(now)
        if post.observe(problems, now, blind=judge.blind):
            log.get().warning("watch_tells", problems=[problem.english for problem in problems])
        day = post.day_due(now)
        if day:
            post.put_daily(
                day,
                lambda speech, given_up: watch_letter(
                    speech, self._watch.name, now.utc_ms, problems, judge.figures, judge.read_utc_ms, given_up
                ),
                now,
            )
        await self._office.remember()

    async def _sending(self) -> None:
        while True:
            if not await self._office.send_one():
                await asyncio.sleep(SEND_EVERY_SECONDS)

    def _now(self) -> Moment:
        return Moment(self._clock.utc_ms(), self._clock.boot_ns() // NS_PER_MS)
