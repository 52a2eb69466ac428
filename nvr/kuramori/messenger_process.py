"""The messenger as a process: started by the supervisor with `--config FILE` where [mail] is configured.

    python -m kuramori.messenger_process --config FILE

Must not know how anything works inside.
"""

import asyncio

from kuramori import log
from kuramori.mail.messenger import Messenger
from kuramori.process import run_process
from kuramori.reloads import Reloads
from kuramori.timebase import SystemClock
from kuramori_config.schema import Configuration


async def main(configuration: Configuration, reloads: Reloads, stop: asyncio.Event) -> None:
    """Tell the office by mail until stopped; without [mail] wait to be ended."""
    if configuration.mail is None:
        log.get().info("mail_not_configured")
        await stop.wait()
        return
    await Messenger(configuration, configuration.mail, SystemClock()).run(stop, reloads)


if __name__ == "__main__":
    run_process("messenger", main)
