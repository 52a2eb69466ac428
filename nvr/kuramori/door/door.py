"""The door as a whole: a keeper for each ONVIF camera, an ear for discovery, answers on door.sock.

The composition root of the process's objects. This module must not know SOAP or how a camera is asked.
"""

import asyncio
import random
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from kuramori.door.acquaintance import AcquaintanceBook
from kuramori.door.asking import Asker
from kuramori.door.ear import Ear, Interfaces, chosen_interfaces
from kuramori.door.keeper import Keeper, Surroundings
from kuramori.door.rhythm import Rhythm
from kuramori.door_messages import (
    DiscoveredCamera,
    DiscoverRequest,
    Discovery,
    DoorStatus,
    DoorStatusRequest,
    RefreshCameraRequest,
)
from kuramori.message_server import MessageServer
from kuramori.messages import Acknowledged, Failure, FailureCode
from kuramori.places import Places
from kuramori.recorder_client import RecorderClient
from kuramori.timebase import Clock
from kuramori_config.schema import Configuration
from kuramori_onvif.discovery import discover
from kuramori_onvif.errors import DiscoveryImpossible
from kuramori_onvif.models import FoundDevice
from kuramori_onvif.sightings import is_loopback
from kuramori_onvif.ws_discovery_message import same_message

ASKED_AT_ONCE = 8
LONGEST_SEARCH_MS = 30_000


class Door:
    """Runs from start() to stop(). `interfaces` says where to listen; without it, where our cameras are."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        interfaces: Interfaces | None = None,
        asker: Asker | None = None,
    ) -> None:
        self._clock = clock
        places = Places.of(configuration)
        tables = [(table, table.onvif.url) for table in configuration.cameras if table.onvif is not None]
        on_loopback = [_on_loopback(url) for _, url in tables]
        usual = partial(chosen_interfaces, any(on_loopback), not all(on_loopback))
        self._ear = Ear(self._hear, interfaces or usual)
        self._asker = asker or Asker(places.secrets)
        around = Surroundings(
            asker=self._asker,
            book=AcquaintanceBook(places.acquaintances),
            recorder=RecorderClient(places.recorder_socket),
            network=configuration.network,
            seen=self._ear.seen,
            utc_ms=self._clock.utc_ms,
            at_once=asyncio.Semaphore(ASKED_AT_ONCE),
        )
        chance = random.Random().random  # noqa: S311 - spreads waits
        self._keepers = {table.name: Keeper(table, url, around, Rhythm(chance)) for table, url in tables}
        self._server = MessageServer(places.door_socket, self.answer)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen, and begin to ask. Raises OSError when the socket cannot be made."""
        await self._server.start()
        loops = [self._ear.run(), *(keeper.run() for keeper in self._keepers.values())]
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def run(self, stop: asyncio.Event) -> None:
        """Start, work until `stop`, end. A loop that dies ends the process: the supervisor starts it anew."""
        await self.start()
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([stopped, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
        finally:
            stopped.cancel()
            await self.stop()

    async def stop(self) -> None:
        """End everything. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._asker.close()
        await self._server.close()

    def _hear(self, device: FoundDevice) -> None:
        for keeper in self._keepers.values():
            known = keeper.known
            if known is not None and known.endpoint_id and same_message(known.endpoint_id, device.endpoint_id):
                keeper.hear(device)

    async def answer(self, question: Any) -> Any:
        """Answer one question of the protocol, or return the Failure."""
        match question:
            case DoorStatusRequest():
                cameras = tuple(keeper.camera for keeper in self._keepers.values())
                return DoorStatus(self._clock.utc_ms(), cameras, self._ear.problems)
            case DiscoverRequest():
                return await self._discover(question)
            case RefreshCameraRequest(camera=name):
                if name not in self._keepers:
                    return Failure(FailureCode.UNKNOWN_CAMERA, f"there is no ONVIF camera {name}")
                self._keepers[name].call()
                self._ear.ask_around()
                return Acknowledged()
            case _:
                return Failure(FailureCode.UNKNOWN_METHOD, "the door does not answer this")

    async def _discover(self, question: DiscoverRequest) -> Discovery | Failure:
        duration_ms = min(max(question.duration_ms, 100), LONGEST_SEARCH_MS)
        try:
            report = await discover(seconds=duration_ms / 1000, interfaces=question.interfaces)
        except DiscoveryImpossible as error:
            return Failure(FailureCode.DISCOVERY, str(error))
        return Discovery(
            tuple(
                DiscoveredCamera(
                    device.endpoint_id,
                    device.address,
                    device.address_replaced,
                    device.interface,
                    device.vendor,
                    device.model,
                    device.name,
                    self._configured_as(device),
                )
                for device in report.devices
            ),
            report.searched,
            report.problems,
            report.dropped,
        )

    def _configured_as(self, device: FoundDevice) -> str:
        for name, keeper in self._keepers.items():
            same = keeper.camera.endpoint_uuid
            if (same and same_message(same, device.endpoint_id)) or device.address == keeper.camera.address:
                return name
        return ""


def _on_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or is_loopback(host)
