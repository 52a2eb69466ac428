"""One camera's keeper: asks it again and again, follows it when it moves, and tells the recorder where it streams.

The loop of one camera; nothing that happens in it disturbs another. This module must not know SOAP, files of the
recorder or how discovery works.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from structlog.typing import FilteringBoundLogger

from kuramori import log
from kuramori.door.acquaintance import Acquaintance, AcquaintanceBook
from kuramori.door.asking import Asker, camera_stream
from kuramori.door.following import claimed_places, endpoint_at, is_same_camera, known_places, proves_identity
from kuramori.door.inquiry import Unanswered
from kuramori.door.rhythm import Rhythm
from kuramori.door_messages import CameraStream, DoorCamera, DoorCameraState
from kuramori.recorder_client import RecorderClient, RecorderRefused, RecorderUnreachable
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Network
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.models import FoundDevice

TELL_AGAIN_SECONDS = 2.0  # while the recorder does not answer
CALLED_AGAIN_SECONDS = 20.0  # discovery can cause a try so often, however much somebody shouts


Answer = CameraDescription | Unanswered


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all keepers share."""

    asker: Asker
    book: AcquaintanceBook
    recorder: RecorderClient
    network: Network
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
    _call: asyncio.Event = field(default_factory=asyncio.Event)
    _called_seconds: float = float("-inf")

    def __post_init__(self) -> None:
        self.camera = DoorCamera(self.table.name, DoorCameraState.ASKING, self.configured_url)

    @property
    def known(self) -> Acquaintance | None:
        """What is known of the camera's identity."""
        return self.around.book.of(self.table.name, self.configured_url)

    async def run(self) -> None:
        """Ask, tell, wait; for ever."""
        while True:
            self._call.clear()
            async with self.around.at_once:
                await self._look()
            if self.camera.state is DoorCameraState.FOUND and self.camera.stream is not None:
                await self._tell(self.camera.stream)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    self.rhythm.next_seconds(self.camera.state, asyncio.get_running_loop().time())
                ):
                    await self._call.wait()

    def call(self) -> None:
        """An operator asks for a try now."""
        self._call.set()

    def hear(self, device: FoundDevice) -> None:
        """Discovery heard somebody who claims to be this camera; try soon where that is news."""
        news = self.camera.state is not DoorCameraState.FOUND or device.address != self.camera.address
        now = asyncio.get_running_loop().time()
        if (
            news
            and self.camera.state is not DoorCameraState.REFUSED
            and now - self._called_seconds > CALLED_AGAIN_SECONDS
        ):
            self._called_seconds = now
            self._call.set()

    async def _look(self) -> None:
        """Ask at the known places, then at those that discovery claims; note what came of it."""
        places = known_places(self.configured_url, self.known)
        url, answer = await self._ask_known(places)
        if isinstance(answer, CameraDescription):
            elsewhere = not is_same_camera(self.known, answer)
        else:
            elsewhere = answer.state is DoorCameraState.UNREACHABLE
        moved = await self._ask_claimed(places) if elsewhere else None
        if moved is not None:
            self._found(*moved)
        elif isinstance(answer, CameraDescription):
            if elsewhere:
                self._log.warning("camera_replaced", address=url)
            self._found(url, answer)
        else:
            self._failed(answer)

    async def _ask_known(self, places: tuple[str, ...]) -> tuple[str, Answer]:
        """Return the camera's answer; else the first stranger's; else the most telling failure, with its place.

        A place that is reached but refuses us, or lacks what is needed, ends the search.
        """
        best: tuple[str, Answer] | None = None
        for url in places:
            answer = await self.around.asker.ask(self.table, url)
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

    async def _ask_claimed(self, tried: tuple[str, ...]) -> tuple[str, CameraDescription] | None:
        """Return the place among the claimed ones where the camera proved to be."""
        for url in self._claims(tried):
            answer = await self.around.asker.ask(self.table, url)
            if isinstance(answer, CameraDescription) and proves_identity(self.known, answer):
                return url, answer
        return None

    def _claims(self, tried: tuple[str, ...]) -> tuple[str, ...]:
        network = self.around.network
        return claimed_places(self.known, self.around.seen(), network.local_networks, network.vpn, tried)

    def _found(self, url: str, found: CameraDescription) -> None:
        known = self.known
        serial = found.information.serial if found.information is not None else ""
        same = known if known is not None and is_same_camera(known, found) else None
        endpoint_id = found.endpoint_id or (same.endpoint_id if same else "") or endpoint_at(url, self.around.seen())
        acquaintance = Acquaintance(self.configured_url, url, endpoint_id, serial or (same.serial if same else ""))
        self._remember(acquaintance)
        stream = camera_stream(self.table.name, found, endpoint_id)
        if self.camera.stream != stream or self.camera.state is not DoorCameraState.FOUND:
            self._report(url, found, stream)
        self.camera = DoorCamera(
            name=self.table.name,
            state=DoorCameraState.FOUND,
            address=url,
            asked_utc_ms=self.around.utc_ms(),
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
        self.camera = replace(
            self.camera, state=failure.state, detail=failure.detail, asked_utc_ms=self.around.utc_ms()
        )

    async def _tell(self, stream: CameraStream) -> None:
        """Tell the recorder, waiting for it where it is being restarted."""
        silent = False
        while True:
            try:
                await self.around.recorder.camera_stream(stream)
            except RecorderUnreachable as error:
                if not silent:
                    self._log.warning("recorder_silent", detail=error.detail)
                silent = True
                await asyncio.sleep(TELL_AGAIN_SECONDS)
                continue
            except RecorderRefused as error:
                self._log.error("stream_refused", code=error.code.value, detail=str(error))
            return

    @property
    def _log(self) -> FilteringBoundLogger:
        return log.get(camera=self.table.name)
