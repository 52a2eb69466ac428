"""A running process and its configuration file: read again when asked to, accepted when it is sound.

A file with a fault is refused as a whole and what ran before goes on. What cannot change in a running process (places
of files, keys, tuning) keeps its value until the next start, and that is said. This module must not know signals, nor
what a process does with a new configuration.
"""

import asyncio
from pathlib import Path

from kuramori import log
from kuramori.texts import tr
from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import load_configuration
from kuramori_config.schema import Configuration

NEEDS_RESTART = ("storage", "volumes", "keystore", "custody", "metrics", "recorder")  # tables


class Reloads:
    """Waits for new readings of the file; made with the one in force. `fault` tells why the last was refused."""

    def __init__(self, configuration: Configuration, path: Path) -> None:
        self.path = path
        self.fault: str = ""
        self.answered = 0  # how often the file was read again and taken over, or refused
        self._in_force = configuration
        self._handed_over = False
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Have the file read again. Several requests before it happens are one."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether the file is still to be read."""
        return self._asked.is_set()

    async def next(self) -> Configuration:
        """Wait until the file was asked for and is sound; what is returned is in force then.

        It may be equal to the one before: perhaps a secret behind it has changed. What needs a restart has its old
        value in it. Call this from one task, again and again: what was returned before counts as taken over then.
        """
        self.answered += self._handed_over
        self._handed_over = False
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                found = await asyncio.to_thread(load_configuration, self.path)
            except ConfigurationFault as fault:
                self.fault = tr(fault.text(japanese=False), fault.text(japanese=True))
                log.get().error("configuration_refused", path=str(self.path), detail=self.fault)
                self.answered += 1
                continue
            self.fault = ""
            accepted = changeable(self._in_force, found)
            changed = accepted != self._in_force
            self._in_force = accepted
            self._handed_over = True
            log.get().info("configuration_read", path=str(self.path), changed=changed, cameras=len(accepted.cameras))
            return accepted


def changeable(in_force: Configuration, found: Configuration) -> Configuration:
    """Return the found configuration with everything that needs a restart as it is in force; says what does."""
    kept = {name: getattr(in_force, name) for name in NEEDS_RESTART}
    if found.volumes[: len(in_force.volumes)] == in_force.volumes:  # those behind them are taken up while it runs
        kept["volumes"] = found.volumes
    waiting = [name for name, value in kept.items() if getattr(found, name) != value]
    if waiting:
        log.get().warning("restart_needed", tables=waiting)
    return found.model_copy(update=kept)
