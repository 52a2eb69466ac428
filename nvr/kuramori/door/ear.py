"""The door's ear: listens for cameras that come and go, and asks around from time to time.

Opens its sockets anew when interfaces change or could not be opened. Searching is a comfort, not a need: where it is
not possible, the cameras are asked at their known addresses. This module must not know which cameras are ours.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from kuramori import log
from kuramori_onvif.discovery import DiscoverySession, OnDevice
from kuramori_onvif.errors import DiscoveryImpossible
from kuramori_onvif.interfaces import Interface, choose_interfaces, list_interfaces
from kuramori_onvif.models import FoundDevice

PROBE_SECONDS = 60.0


Interfaces = Callable[[], tuple[Interface, ...]]


def chosen_interfaces(loopback: bool, network: bool) -> tuple[Interface, ...]:
    """Return where to listen: the loopback where a camera of ours lives there, every interface that carries
    multicast where one lives elsewhere. Nothing is sent into a network that holds no camera of ours."""
    available = list_interfaces()
    everywhere, _ = choose_interfaces(available, ())
    own = tuple(one for one in available if one.is_loopback)
    return (everywhere if network else ()) + (own if loopback else ())


@dataclass(slots=True)
class Ear:
    """Listens while `run` runs. `on_device` is called from the loop for each new or changed device."""

    on_device: OnDevice
    interfaces: Interfaces
    probe_seconds: float = PROBE_SECONDS
    problems: tuple[str, ...] = ()
    _session: DiscoverySession | None = None
    _probe_now: asyncio.Event = field(default_factory=asyncio.Event)

    def seen(self) -> tuple[FoundDevice, ...]:
        """Return what was heard since the sockets were opened."""
        return self._session.sightings.devices() if self._session is not None else ()

    async def run(self) -> None:
        """Listen and ask around, for ever."""
        try:
            while True:
                await self._listen()
                if self._session is not None:
                    self._session.probe()
                self._probe_now.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.probe_seconds):
                        await self._probe_now.wait()
        finally:
            self._close()

    def ask_around(self) -> None:
        """Send a round of probes soon."""
        self._probe_now.set()

    async def _listen(self) -> None:
        wanted = self.interfaces()
        if self._session is not None and tuple(self._session.interfaces) == wanted and not self._session.problems:
            return
        self._close()
        if not wanted:
            return
        self._session = session = DiscoverySession(wanted, on_device=self.on_device)
        try:
            await session.start()
            problems = tuple(session.problems)
        except DiscoveryImpossible as error:
            self._close()
            problems = (error.why,)
        if problems and problems != self.problems:
            log.get().warning("discovery_limited", problems=problems)
        self.problems = problems

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
