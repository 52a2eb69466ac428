"""The door as a process: started by the supervisor with `--config FILE`, ended by SIGTERM.

It speaks ONVIF so that no hostile answer can hold the recorder up. This module must not know how.
"""

import asyncio

from kuramori.door.door import Door
from kuramori.process import run_process
from kuramori.reloads import Reloads
from kuramori.timebase import SystemClock
from kuramori_config.schema import Configuration


async def main(configuration: Configuration, reloads: Reloads, stop: asyncio.Event) -> None:
    """Keep the cameras of `configuration`, then those of each new reading, until `stop` is set."""
    await Door(configuration, SystemClock()).run(stop, reloads)


if __name__ == "__main__":
    run_process("door", main)
