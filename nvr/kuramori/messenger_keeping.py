"""Whether the messenger runs, as the configuration file says now: [mail] may come and go while cameras are recorded.

A file with a fault changes nothing; the processes that read it say what is wrong with it. This module must not know
mails.
"""

import asyncio
from pathlib import Path

from kuramori import log
from kuramori.mail.mail_report import remove_report
from kuramori.supervisor import MESSENGER, Supervisor, plan_of
from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import load_configuration


class MessengerKeeping:
    """Begins and ends the messenger. `ask` may be called at any time, `run` once."""

    def __init__(self, configuration_path: Path, supervisor: Supervisor) -> None:
        self._path = configuration_path
        self._supervisor = supervisor
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Have the file looked at again."""
        self._asked.set()

    async def run(self) -> None:
        """Follow the file until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._follow()

    async def _follow(self) -> None:
        try:
            configuration = await asyncio.to_thread(load_configuration, self._path)
        except ConfigurationFault:
            return
        runs = MESSENGER in self._supervisor.states
        if configuration.mail is not None and not runs:
            log.get().info("messenger_begins")
            self._supervisor.begin(plan_of(MESSENGER, self._path))
        elif configuration.mail is None and runs:
            log.get().warning("messenger_ends", detail="the configuration has no [mail] any more")
            await self._supervisor.finish(MESSENGER)
            remove_report(self._supervisor.runtime_directory)
