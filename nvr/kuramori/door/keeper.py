"""One camera's keeper: asks it again and again, follows it when it moves, and tells the recorder what it learns.

First where it streams; then, when recording has been asked for, a closer look; last its events. The loop of one
camera; nothing that happens in it disturbs another. This module must not know SOAP, files of the recorder or how
discovery works.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from kuramori import log
from kuramori.camera_messages import EventsState
from kuramori.certificate_book import CertificateBook, is_pinned_here
from kuramori.door.acquaintance import Acquaintance, AcquaintanceBook
from kuramori.door.asking import Asker, camera_stream
from kuramori.door.camera_access import access_of
from kuramori.door.concerns import Concern
from kuramori.door.courier import Courier
from kuramori.door.facts import Knowledge, card_states, facts_of
from kuramori.door.following import claimed_places, endpoint_at, is_same_camera, known_places, proves_identity
from kuramori.door.inquiry import CameraLook, CardAnswer, CardQuestion, Look, Unanswered
from kuramori.door.lookout import Lookout
from kuramori.door.rhythm import Rhythm
from kuramori.door.silencing import PROOF_SECONDS, Silencing
from kuramori.door.unencrypted_way import way_refused
from kuramori.door.watch_messages import Heard
from kuramori.door_messages import (
    CameraStream,
    DoorCamera,
    DoorCameraState,
    FindRecordingsRequest,
    KnownCertificate,
)
from kuramori.recorder_client import RecorderFault
from kuramori_config.faults import SecretRefused
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Network
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.models import FoundDevice

CALLED_AGAIN_SECONDS = 10.0  # discovery and events can cause a try so often, however much somebody shouts
REFUSED_PLACES_MOST = 64  # where somebody claimed to be the camera and refused the password: not tried again

Answer = CameraDescription | Unanswered


class Round(IntEnum):
    """What is asked in a round; the larger one includes what matters of the smaller."""

    CLOSER = 1  # of a camera that was found: what a closer look tells
    CLAIMS = 2  # of one that refuses us where it was: whether it is where somebody claims to be it
    WHOLE = 3


@dataclass(slots=True)
class Surroundings:
    """What all keepers share. `network` changes when the configuration is read again."""

    asker: Asker
    book: AcquaintanceBook
    certificates: CertificateBook
    courier: Courier
    lookout: Lookout
    secrets: Path
    network: Network
    alarm_ms: int  # a camera's clock may be wrong by so much
    seen: Callable[[], Iterable[FoundDevice]]  # what discovery has heard
    utc_ms: Callable[[], int]
    at_once: asyncio.Semaphore  # how many cameras are asked at the same time


@dataclass(slots=True)
class Keeper:
    """Keeps one ONVIF camera. `run` until cancelled."""

    table: CameraTable
    configured_url: str
    around: Surroundings
    rhythm: Rhythm
    camera: DoorCamera = field(init=False)
    knowledge: Knowledge = field(default_factory=Knowledge)
    silencing: Silencing = field(init=False)
    _concerns: tuple[Concern, ...] = ()
    _call: asyncio.Event = field(default_factory=asyncio.Event)
    _wanted: Round = Round.CLOSER  # by the call
    _refused_at: set[str] = field(default_factory=set)  # claimed places
    _called_seconds: float = float("-inf")
    _put_off: asyncio.TimerHandle | None = None  # a call that waits until the last one is long enough ago
    _wanted_later: Round = Round.CLOSER  # by that call
    _next_seconds: float | None = None  # when it is asked again; a claim does not put that off

    def __post_init__(self) -> None:
        self.camera = DoorCamera(self.table.name, DoorCameraState.ASKING, self.configured_url)
        self.silencing = Silencing(self.known.shunned_firmware if self.known is not None else "")

    @property
    def known(self) -> Acquaintance | None:
        """What is known of the camera's identity."""
        return self.around.book.of(self.table.name, self.configured_url)

    async def run(self) -> None:
        """Ask, tell, look closer, listen, wait; for ever."""
        try:
            wanted = Round.WHOLE
            while True:
                await self._round(wanted)
                wanted = await self._wait()
        finally:
            if self._put_off is not None:
                self._put_off.cancel()
            self.around.lookout.unwatch(self.table.name)

    async def _round(self, wanted: Round) -> None:
        """Ask what is wanted; a closer look is for a camera that was found."""
        self._call.clear()
        self._wanted = Round.CLOSER
        await self._prove()
        async with self.around.at_once:
            if wanted is not Round.CLOSER:
                await self._look(claims_only=wanted is Round.CLAIMS)
            if self.camera.state is DoorCameraState.FOUND:
                if wanted is not Round.CLOSER and self.camera.stream is not None:
                    self._tell_stream(self.camera.stream)
                await self._look_closer()
        self._tell_facts(always=self.camera.state is DoorCameraState.FOUND)
        if self.camera.state is DoorCameraState.FOUND:
            self._listen()
        elif self.camera.state is not DoorCameraState.UNREACHABLE:
            self.around.lookout.unwatch(self.table.name)

    def _tell_stream(self, stream: CameraStream) -> None:
        """Have the recorder told; a profile of ours that is new is asked about later."""
        self.around.courier.stream(stream)
        described = self.knowledge.description
        loop = asyncio.get_running_loop()
        if described is not None and self.silencing.told(described, self.around.utc_ms(), loop.time()):
            loop.call_later(PROOF_SECONDS + 1, self._call_soon, Round.WHOLE)

    async def _prove(self) -> None:
        """Ask the recorder whether a profile of ours brings pictures, once it had time to; else it is shunned."""
        described = self.knowledge.description
        if described is None or not self.silencing.is_due(asyncio.get_running_loop().time()):
            return
        try:
            status = await self.around.courier.recorder.status()
        except RecorderFault:
            return  # in the next round
        camera = next((one for one in status.cameras if one.name == self.table.name), None)
        if camera is not None and self.silencing.judge(described, camera):
            self._log.warning("made_profile_streams_nothing", detail=camera.detail)
            if self.known is not None:
                self._remember(replace(self.known, shunned_firmware=self.silencing.shunned_firmware))

    async def _wait(self) -> Round:
        """Wait until the camera is to be asked again; tell what."""
        loop = asyncio.get_running_loop()
        if self._next_seconds is None or self.camera.state is not DoorCameraState.REFUSED:
            self._next_seconds = loop.time() + self.rhythm.next_seconds(self.camera.state, loop.time())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._next_seconds):
                await self._call.wait()
                if self._wanted is Round.WHOLE:
                    self._next_seconds = None
                return self._wanted
        self._next_seconds = None
        return Round.WHOLE

    def call(self) -> None:
        """An operator asks for a try now."""
        self._refused_at.clear()
        self.silencing.ask_again()
        self._wanted = Round.WHOLE
        self._call.set()

    def hear(self, device: FoundDevice) -> None:
        """Discovery heard somebody who claims to be this camera; try soon where that is news."""
        elsewhere = device.address != self.camera.address
        if self.camera.state is DoorCameraState.REFUSED:  # where it was refused, it is not asked for that
            if elsewhere and device.address not in self._refused_at:
                self._call_soon(Round.CLAIMS)
        elif elsewhere or self.camera.state is not DoorCameraState.FOUND:
            self._call_soon(Round.WHOLE)

    def heard(self, heard: Heard) -> None:
        """The camera's events were heard, or are not heard any more."""
        before = self.knowledge.heard
        lost = before is not None and before.state is EventsState.SUBSCRIBED and heard.state is EventsState.LOST
        card = card_states(heard) != card_states(before) and before is not None and not lost
        said = self.around.utc_ms() if heard.state is EventsState.SUBSCRIBED else self.knowledge.said_utc_ms
        self.knowledge = replace(
            self.knowledge, heard=replace(heard, events=(), dropped=0), said_utc_ms=said if self._was_found else 0
        )
        self.around.courier.events(self.table.name, heard.events, heard.dropped)
        if heard.state is not (before.state if before is not None else None):
            self._log.info("camera_events", state=heard.state.value, detail=heard.problem)
        self._tell_facts(always=False)
        if heard.restarted or heard.refused:  # its profiles may not be what they were
            self._call_soon(Round.WHOLE)
        elif card:
            self._call_soon(Round.CLOSER)

    @property
    def _was_found(self) -> bool:
        return self.knowledge.description is not None

    def _call_soon(self, wanted: Round) -> None:
        """Ask again now, or as soon as the last such call is long enough ago: a call is put off, never lost."""
        self._wanted_later = max(self._wanted_later, wanted)
        if self._put_off is not None:
            return
        loop = asyncio.get_running_loop()
        self._put_off = loop.call_at(max(loop.time(), self._called_seconds + CALLED_AGAIN_SECONDS), self._called)

    def _called(self) -> None:
        self._put_off = None
        self._called_seconds = asyncio.get_running_loop().time()
        self._wanted = max(self._wanted, self._wanted_later)
        self._wanted_later = Round.CLOSER
        self._call.set()

    async def _look_closer(self) -> None:
        """Ask masks, time and card: after the recorder was told, for recording goes first."""
        earlier = self.knowledge.look.card if self.knowledge.looked_at else None
        states = self.knowledge.heard.states if self.knowledge.heard is not None else ()
        question = Look(self.table.ntp_server, states, earlier)
        answer = await self.around.asker.look(self.table, self.camera.address, question)
        if isinstance(answer, CameraLook):
            self.knowledge = replace(self.knowledge, look=answer)
        else:
            problems = (answer.detail,)
            self.knowledge = replace(self.knowledge, look=replace(self.knowledge.look, problems=problems))

    async def ask_card(self, question: FindRecordingsRequest) -> CardAnswer | Unanswered:
        """Ask what the camera's card holds, where it was found last; not one that refused the password."""
        if self.camera.state is not DoorCameraState.FOUND:
            return Unanswered(self.camera.state, self.camera.detail or "The camera is not found.")
        asked = CardQuestion(question.from_camera_utc_ms, question.to_camera_utc_ms)
        async with self.around.at_once:
            return await self.around.asker.card(self.table, self.camera.address, asked)

    def _listen(self) -> None:
        """Have the camera's events listened to, now that everything else is asked."""
        if not self.table.events:
            return
        pinned = self.around.certificates.pinned(self.table.name, self.configured_url)
        try:
            access = access_of(self.table, self.camera.address, pinned, self.around.secrets)
        except SecretRefused:
            return  # it was there a moment ago; the next round says so
        self.around.lookout.watch(self.table.name, access)

    def _tell_facts(self, *, always: bool) -> None:
        """Put the facts together and have them told where they are news."""
        now = self.around.utc_ms()
        self.knowledge = replace(self.knowledge, certificate=self._certificate())
        facts, concerns = facts_of(self.table, self.knowledge, self.around.alarm_ms, now)
        facts = replace(facts, concerns=tuple(one.text for one in concerns))
        self._log_concerns(concerns)
        before = self.camera.facts
        if always or before is None or replace(facts, utc_ms=before.utc_ms) != before:
            self.camera = replace(self.camera, facts=facts, certificate=self.knowledge.certificate)
            self.around.courier.facts(facts)

    def _log_concerns(self, concerns: tuple[Concern, ...]) -> None:
        """Say each concern once when it begins and once when it is over."""
        before = {one.kind: one.text for one in self._concerns}
        now = {one.kind: one.text for one in concerns}
        for kind in now.keys() - before.keys():
            self._log.warning("camera_concern", kind=kind, detail=now[kind])
        for kind in before.keys() - now.keys():
            self._log.info("camera_concern_over", kind=kind)
        self._concerns = concerns

    def _certificate(self) -> KnownCertificate | None:
        if not self.camera.address.lower().startswith("https:"):
            return None
        name, book = self.table.name, self.around.certificates
        if not is_pinned_here(self.table):
            return KnownCertificate((self.table.tls_fingerprint or "").removeprefix("sha256:"), "", configured=True)
        return KnownCertificate(book.pinned(name, self.configured_url), book.refused(name))

    async def _look(self, *, claims_only: bool) -> None:
        """Ask at the known places, then at those that discovery claims; note what came of it."""
        places = known_places(self.configured_url, self.known)
        if claims_only:
            moved = await self._ask_claimed(places)
            if moved is not None:
                await self._moved(*moved)
            return
        url, answer = await self._ask_known(places)
        if isinstance(answer, CameraDescription) and is_same_camera(self.known, answer):
            await self._found(url, answer)
            return
        moved = await self._ask_claimed(places)
        if moved is not None:
            await self._moved(*moved)
        elif isinstance(answer, CameraDescription):
            self._log.warning("camera_replaced", address=url)
            await self._found(url, answer)
        else:
            self._failed(answer)

    async def _ask_known(self, places: tuple[str, ...]) -> tuple[str, Answer]:
        """Return the camera's answer; else the first stranger's; else the most telling failure, with its place.

        A place that is reached but refuses us, or lacks what is needed, ends the search.
        """
        best: tuple[str, Answer] | None = None
        for url in places:
            answer = await self._ask(url)
            if isinstance(answer, CameraDescription):
                if is_same_camera(self.known, answer):
                    return url, answer
                if best is None or isinstance(best[1], Unanswered):
                    best = url, answer
            elif best is None:
                best = url, answer
            if isinstance(answer, Unanswered) and answer.state is not DoorCameraState.UNREACHABLE:
                return best if isinstance(best[1], CameraDescription) else (url, answer)
        return best if best is not None else (self.configured_url, Unanswered(DoorCameraState.UNREACHABLE, ""))

    async def _ask(self, url: str) -> Answer:
        refused = await way_refused(url, self.around.network)
        if refused:
            return Unanswered(DoorCameraState.UNSUITABLE, refused)
        return await self.around.asker.ask(self.table, url)

    async def _ask_claimed(self, tried: tuple[str, ...]) -> tuple[str, CameraDescription] | None:
        """Return the place among the claimed ones where the camera proved to be. Who refuses us there is left alone."""
        for url in self._claims(tried):
            if url in self._refused_at:
                continue
            answer = await self.around.asker.ask(self.table, url, claimed=True)
            if isinstance(answer, CameraDescription) and proves_identity(self.known, answer):
                return url, answer
            if isinstance(answer, Unanswered) and answer.state is DoorCameraState.REFUSED:
                self._refused_at = {*list(self._refused_at)[-REFUSED_PLACES_MOST:], url}
        return None

    def _claims(self, tried: tuple[str, ...]) -> tuple[str, ...]:
        network = self.around.network
        return claimed_places(self.known, self.around.seen(), network.local_networks, network.vpn, tried)

    async def _moved(self, url: str, found: CameraDescription) -> None:
        """It is found where somebody claimed to be it: it proved so, also by its certificate."""
        self.around.certificates.well(self.table.name)
        self._log.warning("camera_moved", address=url)
        await self._found(url, found)

    async def _silenced(self, url: str, seen: CameraDescription) -> CameraDescription:
        """Have a silent profile made or edited, where that is needed, due, and it is sure whom we speak to.

        That is so at the configured address, and elsewhere of who proves to be the camera; a look before changed
        nothing. Whatever comes of it, the camera stays found.
        """
        loop = asyncio.get_running_loop()
        changes = self.silencing.changes(self.table, seen, loop.time())
        at_home = url == self.configured_url
        if changes is None or not (at_home or proves_identity(self.known, seen)):
            return self.silencing.remembered(seen)
        answer = await self.around.asker.ask(self.table, url, changes, claimed=not at_home)
        told = isinstance(answer, CameraDescription) and is_same_camera(_identity_of(url, seen), answer)
        found = answer if isinstance(answer, CameraDescription) and told else seen
        self.silencing.tried(self.table, found, loop.time())
        return found

    async def _found(self, url: str, seen: CameraDescription) -> None:
        """It is there, and known: have it silenced, and note everything."""
        known = self.known
        same = known if known is not None and is_same_camera(known, seen) else None
        if same is None:  # it was not met before
            self.silencing.ask_again()
        found = await self._silenced(url, seen)
        serial = found.information.serial if found.information is not None else ""
        endpoint_id = found.endpoint_id or (same.endpoint_id if same else "") or endpoint_at(url, self.around.seen())
        shunned = self.silencing.shunned_firmware if self.silencing.shuns(found) else ""
        serial = serial or (same.serial if same else "")
        acquaintance = Acquaintance(self.configured_url, url, endpoint_id, serial, shunned)
        self._remember(acquaintance)
        stream = camera_stream(self.table.name, found, endpoint_id)
        if self.camera.stream != stream or self.camera.state is not DoorCameraState.FOUND:
            self._report(url, found, stream)
        now = self.around.utc_ms()
        self.knowledge = replace(self.knowledge, description=found, refusal="", said_utc_ms=now, shunned=bool(shunned))
        self.camera = replace(
            self.camera,
            state=DoorCameraState.FOUND,
            address=url,
            asked_utc_ms=now,
            detail=stream.detail,
            endpoint_uuid=endpoint_id,
            model=found.information.model if found.information is not None else "",
            serial=acquaintance.serial,
            stream=stream,
        )

    def _remember(self, acquaintance: Acquaintance) -> None:
        try:
            self.around.book.note(self.table.name, acquaintance)
        except OSError as error:  # a full or broken disk: met again after a restart
            self._log.error("acquaintance_not_kept", why=error.strerror)

    def _report(self, url: str, found: CameraDescription, stream: CameraStream) -> None:
        before = self.camera.stream
        self._log.info(
            "camera_found",
            address=url,
            stream=stream.stream_uri,
            profile=stream.profile,
            why=found.choice.why.value,
            codec=stream.codec,
            clock_offset_ms=stream.clock_offset_ms,
            sign_in=found.sign_in_method,
            oddities=found.oddities,
        )
        if found.choice.audio_reported and (before is None or not before.audio_encoder):
            self._log.warning("camera_offers_audio", profile=stream.profile, encoding=stream.audio_encoding)

    def _failed(self, failure: Unanswered) -> None:
        if self.camera.state is not failure.state or self.camera.detail != failure.detail:
            self._log.warning("camera_not_found", state=failure.state.value, detail=failure.detail)
        refusal = failure.detail if failure.state is not DoorCameraState.UNREACHABLE else ""
        self.knowledge = replace(self.knowledge, refusal=refusal)
        self.camera = replace(
            self.camera, state=failure.state, detail=failure.detail, asked_utc_ms=self.around.utc_ms()
        )

    @property
    def _log(self) -> FilteringBoundLogger:
        return log.get(camera=self.table.name)


def _identity_of(url: str, seen: CameraDescription) -> Acquaintance:
    """Who was looked at a moment ago: it must be the same one that was changed."""
    serial = seen.information.serial if seen.information is not None else ""
    return Acquaintance(url, url, seen.endpoint_id, serial)
