"""The door as a whole: a keeper for each ONVIF camera, an ear for discovery, a lookout for events, a courier to the
recorder, answers on door.sock.

The composition root of the process's objects. This module must not know SOAP or how a camera is asked.
"""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from kuramori import log
from kuramori.certificate_book import CertificateBook, is_pinned_here, plain_fingerprint
from kuramori.door.acquaintance import AcquaintanceBook
from kuramori.door.asking import Asker
from kuramori.door.courier import Courier
from kuramori.door.ear import Ear, Interfaces, chosen_interfaces
from kuramori.door.enrolled import EnrolledCamera, enrolled_as
from kuramori.door.inquiry import Unanswered
from kuramori.door.keeper import Keeper, Surroundings
from kuramori.door.lookout import Lookout
from kuramori.door.rhythm import Rhythm
from kuramori.door.watch_messages import Heard
from kuramori.door_messages import (
    AcceptCertificateRequest,
    CardRecordings,
    DiscoveredCamera,
    DiscoverRequest,
    Discovery,
    DoorCameraState,
    DoorStatus,
    DoorStatusRequest,
    FindRecordingsRequest,
    RefreshCameraRequest,
)
from kuramori.message_server import MessageServer
from kuramori.messages import Acknowledged, Failure, FailureCode
from kuramori.places import Places
from kuramori.recorder_client import RecorderClient
from kuramori.reloads import Reloads
from kuramori.timebase import Clock
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Configuration
from kuramori_onvif.discovery import discover
from kuramori_onvif.errors import DiscoveryImpossible
from kuramori_onvif.interfaces import Interface
from kuramori_onvif.models import FoundDevice
from kuramori_onvif.sightings import is_loopback
from kuramori_onvif.ws_discovery_message import same_message

ASKED_AT_ONCE = 8
LONGEST_SEARCH_MS = 30_000
ASKED_BY = (  # options that decide how a camera is asked
    "onvif",
    "user",
    "password",
    "tls_fingerprint",
    "tls_ca_file",
    "profile",
    "edit_profile",
    "events",
    "ntp_server",
)


class Door:
    """Runs from start() to stop(). `interfaces` says where to listen; without it, where our cameras are."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        interfaces: Interfaces | None = None,
        asker: Asker | None = None,
        lookout: Lookout | None = None,
    ) -> None:
        self._clock = clock
        places = Places.of(configuration)
        self._certificates = asker.certificates if asker else CertificateBook(places.door_certificates, clock.utc_ms)
        self._ear = Ear(self._hear, interfaces or self._usual_interfaces)
        self._asker = asker or Asker(places.secrets, self._certificates)
        self._courier = Courier(RecorderClient(places.recorder_socket))
        self._lookout = lookout or Lookout()
        self._lookout.on_heard = self._heard
        self._around = Surroundings(
            asker=self._asker,
            book=AcquaintanceBook(places.acquaintances),
            certificates=self._certificates,
            courier=self._courier,
            lookout=self._lookout,
            secrets=places.secrets,
            network=configuration.network,
            alarm_ms=round(configuration.recorder.clock_offset_alarm_seconds * 1000),
            seen=self._ear.seen,
            utc_ms=clock.utc_ms,
            at_once=asyncio.Semaphore(ASKED_AT_ONCE),
        )
        self._keepers: dict[str, Keeper] = {}
        for table in configuration.cameras:
            self._add(table)
        self._server = MessageServer(places.door_socket, self.answer)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._fallen: asyncio.Future[None] | None = None
        self._reloads: Reloads | None = None

    async def start(self) -> None:
        """Listen, and begin to ask. Raises OSError when the socket cannot be made."""
        self._fallen = asyncio.get_running_loop().create_future()
        await self._server.start()
        self._begin("ear", self._ear.run())
        self._begin("courier", self._courier.run())
        self._begin("lookout", self._lookout.run())
        for name, keeper in self._keepers.items():
            self._begin(f"keeper {name}", keeper.run())

    async def run(self, stop: asyncio.Event, reloads: Reloads | None = None) -> None:
        """Start, work until `stop`, end. A loop that dies ends the process: the supervisor starts it anew."""
        await self.start()
        if reloads is not None:
            self._reloads = reloads
            self._begin("reloads", self._follow(reloads))
        stopped = asyncio.create_task(stop.wait())
        try:
            if self._fallen is not None:
                waited: list[asyncio.Future[Any]] = [stopped, self._fallen]
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                if self._fallen.done():
                    self._fallen.result()
        finally:
            stopped.cancel()
            await self.stop()

    async def stop(self) -> None:
        """End everything. May be called twice."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        await self._asker.close()
        await self._server.close()

    # ---- the camera list -------------------------------------------------------------------------------------------

    async def _follow(self, reloads: Reloads) -> None:
        while True:
            await self.apply(await reloads.next())

    async def apply(self, configuration: Configuration) -> None:
        """Keep the cameras of this configuration from now on. Who has not changed is not disturbed."""
        self._around.network = configuration.network
        tables = {table.name: table for table in configuration.cameras if table.onvif is not None}
        for name, keeper in tuple(self._keepers.items()):
            if name not in tables or _asked_otherwise(keeper.table, tables[name]):
                await self._remove(name)
        for name, table in tables.items():
            if name not in self._keepers:
                self._add(table)
                self._begin(f"keeper {name}", self._keepers[name].run())
                continue
            kept = self._keepers[name]
            kept.table = table
            if kept.camera.state is DoorCameraState.REFUSED or kept.silencing.has_given_up:
                kept.call()  # perhaps its secret was put right, or its settings
        self._ear.ask_around()
        log.get().info("cameras_kept", names=sorted(self._keepers))

    def _add(self, table: CameraTable) -> None:
        if table.onvif is not None:
            chance = random.Random().random  # noqa: S311 - spreads waits
            self._keepers[table.name] = Keeper(table, table.onvif.url, self._around, Rhythm(chance))

    async def _remove(self, name: str) -> None:
        del self._keepers[name]
        task = self._tasks.pop(f"keeper {name}", None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._courier.forget(name)

    def _begin(self, name: str, loop: Coroutine[Any, Any, None]) -> None:
        self._tasks[name] = task = asyncio.create_task(loop, name=name)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A loop never ends by itself: what ended it ends the process."""
        if task.cancelled() or self._fallen is None or self._fallen.done():
            return
        fault = task.exception()
        if fault is not None:
            self._fallen.set_exception(fault)
        else:
            self._fallen.set_result(None)

    # ---- what comes from outside -----------------------------------------------------------------------------------

    def _usual_interfaces(self) -> tuple[Interface, ...]:
        on_loopback = [_on_loopback(keeper.configured_url) for keeper in self._keepers.values()]
        return chosen_interfaces(any(on_loopback), not all(on_loopback))

    def _hear(self, device: FoundDevice) -> None:
        for keeper in self._keepers.values():
            known = keeper.known
            if known is not None and known.endpoint_id and same_message(known.endpoint_id, device.endpoint_id):
                keeper.hear(device)

    def _heard(self, heard: Heard) -> None:
        keeper = self._keepers.get(heard.camera)
        if keeper is not None:
            keeper.heard(heard)

    async def answer(self, question: Any) -> Any:
        """Answer one question of the protocol, or return the Failure."""
        match question:
            case DoorStatusRequest():
                return self._status()
            case DiscoverRequest():
                return await self._discover(question)
            case RefreshCameraRequest(camera=name):
                if name not in self._keepers:
                    return _unknown(name)
                self._keepers[name].call()
                self._ear.ask_around()
                return Acknowledged()
            case FindRecordingsRequest():
                return await self._find_recordings(question)
            case AcceptCertificateRequest():
                return self._accept(question)
            case _:
                return Failure(FailureCode.UNKNOWN_METHOD, "the door does not answer this")

    async def _find_recordings(self, question: FindRecordingsRequest) -> CardRecordings | Failure:
        keeper = self._keepers.get(question.camera)
        if keeper is None:
            return _unknown(question.camera)
        answer = await keeper.ask_card(question)
        if isinstance(answer, Unanswered):
            return Failure(FailureCode.CAMERA, answer.detail)
        return CardRecordings(question.camera, answer.stretches, "; ".join(answer.problems))

    def _status(self) -> DoorStatus:
        dropped = self._courier.dropped_events
        cameras = tuple(
            replace(keeper.camera, dropped_events=dropped.get(name, 0)) for name, keeper in self._keepers.items()
        )
        fault = self._reloads.fault if self._reloads is not None else ""
        return DoorStatus(self._clock.utc_ms(), cameras, (*self._ear.problems, *((fault,) if fault else ())))

    def _accept(self, question: AcceptCertificateRequest) -> Acknowledged | Failure:
        keeper = self._keepers.get(question.camera)
        if keeper is None:
            return _unknown(question.camera)
        if not is_pinned_here(keeper.table):
            why = f"the configuration says whom to trust for {question.camera}: change tls_fingerprint or tls_ca_file"
            return Failure(FailureCode.CERTIFICATE, why)
        book, fingerprint = self._certificates, plain_fingerprint(question.fingerprint)
        if not book.accept(question.camera, keeper.configured_url, fingerprint):
            shown = book.refused(question.camera)
            keeper.call()  # it may have been changed a moment ago
            why = f"what was refused is sha256:{shown}" if shown else "none was refused yet; it is asked now, try again"
            return Failure(FailureCode.CERTIFICATE, f"this is not the certificate that {question.camera} shows: {why}")
        keeper.call()
        return Acknowledged()

    async def _discover(self, question: DiscoverRequest) -> Discovery | Failure:
        duration_ms = min(max(question.duration_ms, 100), LONGEST_SEARCH_MS)
        try:
            report = await discover(seconds=duration_ms / 1000, interfaces=question.interfaces)
        except DiscoveryImpossible as error:
            return Failure(FailureCode.DISCOVERY, str(error))
        enrolled = self._enrolled()
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
                    enrolled_as(device, enrolled),
                )
                for device in report.devices
            ),
            report.searched,
            report.problems,
            report.dropped,
        )

    def _enrolled(self) -> tuple[EnrolledCamera, ...]:
        return tuple(
            EnrolledCamera(name, keeper.camera.endpoint_uuid, (keeper.camera.address, keeper.configured_url))
            for name, keeper in self._keepers.items()
        )


def _on_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or is_loopback(host)


def _asked_otherwise(before: CameraTable, after: CameraTable) -> bool:
    """Tell whether two tables of a camera differ in how it is asked, and not only in how it is recorded."""
    return any(getattr(before, name) != getattr(after, name) for name in ASKED_BY)


def _unknown(name: str) -> Failure:
    return Failure(FailureCode.UNKNOWN_CAMERA, f"there is no ONVIF camera {name}")
