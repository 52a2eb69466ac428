"""Pauses cameras for maintenance and lets each go on by itself, whatever the clock does meanwhile and after a restart.

A pause is durable before it takes effect, and its end takes effect before it is written down: in doubt a camera is
recorded. Beginning and end stand in the ledger's timeline, the gap between them has the reason *maintenance*. This
module must not know sockets, nor who may pause.
"""

import asyncio

from kuramori import log
from kuramori.camera import Camera
from kuramori.camera_lives import CameraLives
from kuramori.camera_messages import Pause, PauseCameraRequest
from kuramori.messages import Failure, FailureCode
from kuramori.pause_book import LONGEST_PAUSE_MS, TEXT_CHARACTERS_MOST
from kuramori.recorder import Recorder
from kuramori_segments.gap_reason import GapReason

CHECK_SECONDS = 1.0
SETTLE_SECONDS = 5.0  # how long an answer waits for the last pictures to be durable
MS_PER_DAY = 86_400_000


class Pausing:
    """The pauses of one recorder. `start` before anything else."""

    def __init__(self, recorder: Recorder, lives: CameraLives) -> None:
        self._recorder = recorder
        self._book = recorder.pauses
        self._lives = lives
        self._started = False

    def start(self) -> None:
        """Begin to record, but what is paused."""
        self._started = True
        for camera in self._recorder.cameras.values():
            self.begin_life(camera)

    def begin_life(self, camera: Camera) -> None:
        """Let a camera record, unless it is paused."""
        pause = self.of(camera.name)
        if pause is None:
            camera.wake()
            self._lives.begin(camera)
        else:
            camera.rest(GapReason.MAINTENANCE, pause.reason)

    def of(self, camera: str) -> Pause | None:
        """Return the camera's pause, if one is in force."""
        return self._recorder.pause_of(camera)

    async def run(self) -> None:
        """End each pause when its time has come, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for name in self._book.due(self._recorder.clock.boot_ns()):
                async with self._recorder.changing:
                    camera = self._recorder.cameras.get(name)
                    if camera is None:
                        self._book.end(name)
                    elif self._book.is_paused(name):
                        await self._end(camera, "")

    async def pause(self, request: PauseCameraRequest) -> Pause | Failure:
        """Pause a camera, change the end of its pause, or end it now."""
        async with self._recorder.changing:
            camera = self._recorder.cameras.get(request.camera)
            if camera is None:
                return Failure(FailureCode.UNKNOWN_CAMERA, f"no camera is called {request.camera}")
            if not self._started:
                return Failure(FailureCode.NOT_READY, "the recorder is starting: ask again in a moment")
            utc_ms = self._recorder.now_utc_ms()
            if request.until_utc_ms <= utc_ms:
                return await self._end(camera, request.person)
            if request.until_utc_ms - utc_ms > LONGEST_PAUSE_MS:
                most = LONGEST_PAUSE_MS // MS_PER_DAY
                return Failure(
                    FailureCode.RANGE_INVALID, f"a pause lasts {most} days at most: remove the camera, or ask again"
                )
            return await self._begin(camera, request, utc_ms)

    async def _begin(self, camera: Camera, request: PauseCameraRequest, utc_ms: int) -> Pause | Failure:
        before, longer = self._book.snapshot(), self._book.is_paused(camera.name)
        pause = self._book.begin(request, utc_ms, self._recorder.clock.boot_ns())
        try:
            await self._recorder.books.call(self._book.save)
        except OSError as fault:
            self._book.restore(before)
            return Failure(FailureCode.STORAGE, f"the pause could not be written down: {fault.strerror}")
        if not longer:
            await self._lives.end(camera)
            camera.rest(GapReason.MAINTENANCE, pause.reason)
            await self._recorder.settle(camera, SETTLE_SECONDS)  # whoever asked may pull the plug then
        log.get(camera=camera.name).info("camera_paused", until_utc_ms=pause.until_utc_ms)
        await self._recorder.note(
            "camera_paused",
            camera.recording.camera_number,
            person=pause.person,
            reason=pause.reason,
            until_utc_ms=pause.until_utc_ms,
        )
        return pause

    async def _end(self, camera: Camera, person: str) -> Pause:
        """End a pause; `person` is empty where its time was over. One that is not there is no fault."""
        utc_ms, found = self._recorder.now_utc_ms(), self.of(camera.name)
        if found is None:
            return Pause(camera.name, utc_ms, utc_ms, person, "")
        self._book.end(camera.name)
        camera.wake()
        self._lives.begin(camera)
        try:
            await self._recorder.books.call(self._book.save)
        except OSError as fault:
            log.get(camera=camera.name).error("pause_end_unwritten", detail=str(fault))
        log.get(camera=camera.name).info("camera_resumed", by_itself=not person)
        await self._recorder.note(
            "camera_resumed", camera.recording.camera_number, person=person[:TEXT_CHARACTERS_MOST]
        )
        return Pause(camera.name, found.from_utc_ms, utc_ms, found.person, found.reason)
