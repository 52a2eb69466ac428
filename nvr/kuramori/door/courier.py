"""The courier: carries what the door knows to the recorder, waiting for it where it is being restarted.

Of stream and facts only the newest is carried; of events, few are kept and the oldest let go, which is counted. The
stream goes first. Nobody waits for the courier. This module must not know cameras or ONVIF.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from kuramori import log
from kuramori.camera_messages import CameraEvent, CameraEvents, CameraFacts
from kuramori.door_messages import CameraStream
from kuramori.messages import FailureCode
from kuramori.recorder_client import RecorderClient, RecorderRefused, RecorderUnreachable

TELL_AGAIN_SECONDS = 2.0  # while the recorder does not answer, or does not know the camera yet
MOST_WAITING = 256  # events of one camera
MOST_AT_ONCE = 64  # events in one message
PACE_SECONDS = 0.2  # between two rounds: a storm of events is carried in few messages


@dataclass(slots=True)
class _Box:
    """What is to be carried of one camera."""

    stream: CameraStream | None = None
    facts: CameraFacts | None = None
    events: deque[CameraEvent] = field(default_factory=deque)
    dropped: int = 0  # since the last message of events
    unknown: bool = False  # the recorder does not know the camera yet

    @property
    def empty(self) -> bool:
        return self.stream is None and self.facts is None and not self.events and not self.dropped


@dataclass(slots=True)
class Courier:
    """Carries while `run` runs."""

    recorder: RecorderClient
    again_seconds: float = TELL_AGAIN_SECONDS
    dropped_events: dict[str, int] = field(default_factory=dict)  # by camera, ever
    _boxes: dict[str, _Box] = field(default_factory=dict)
    _some: asyncio.Event = field(default_factory=asyncio.Event)
    _silent: bool = False

    def stream(self, stream: CameraStream) -> None:
        """Carry where a camera streams."""
        self._box(stream.camera).stream = stream
        self._some.set()

    def facts(self, facts: CameraFacts) -> None:
        """Carry what is known of a camera."""
        self._box(facts.camera).facts = facts
        self._some.set()

    def events(self, camera: str, events: Iterable[CameraEvent], dropped: int = 0) -> None:
        """Carry events; `dropped` were let go before these."""
        box = self._box(camera)
        box.events.extend(events)
        while len(box.events) > MOST_WAITING:
            box.events.popleft()
            dropped += 1
        if dropped:
            box.dropped += dropped
            self.dropped_events[camera] = self.dropped_events.get(camera, 0) + dropped
        if not box.empty:
            self._some.set()

    def forget(self, camera: str) -> None:
        """Carry nothing more of a camera."""
        self._boxes.pop(camera, None)
        self.dropped_events.pop(camera, None)

    async def run(self) -> None:
        """Carry, for ever."""
        while True:
            await self._some.wait()
            self._some.clear()
            whole = await self._round()
            if not whole:
                self._some.set()
            await asyncio.sleep(PACE_SECONDS if whole else self.again_seconds)

    def _box(self, camera: str) -> _Box:
        return self._boxes.setdefault(camera, _Box())

    async def _round(self) -> bool:
        """Carry everything once; tell whether nothing is left that must be tried again."""
        whole = True
        for camera, box in tuple(self._boxes.items()):
            try:
                await self._carry(camera, box)
            except RecorderUnreachable as error:
                if not self._silent:
                    log.get().warning("recorder_silent", detail=error.detail)
                self._silent = True
                return False
            self._silent = False
            whole = whole and not box.unknown
        return whole

    async def _carry(self, camera: str, box: _Box) -> None:
        """Carry what is in a box. What the recorder refuses is gone, but for a camera that it will know in a moment.

        Raises RecorderUnreachable; then what was not carried is still there.
        """
        stream, facts = box.stream, box.facts
        try:
            if stream is not None:
                await self.recorder.camera_stream(stream)
                box.stream = None if box.stream is stream else box.stream
            if facts is not None:
                await self.recorder.camera_facts(facts)
                box.facts = None if box.facts is facts else box.facts
            while box.events or box.dropped:
                await self._carry_events(camera, box)
            box.unknown = False
        except RecorderRefused as error:
            self._refused(camera, box, error)

    async def _carry_events(self, camera: str, box: _Box) -> None:
        some = tuple(box.events.popleft() for _ in range(min(len(box.events), MOST_AT_ONCE)))
        dropped, box.dropped = box.dropped, 0
        try:
            await self.recorder.camera_events(CameraEvents(camera, some, dropped))
        except (RecorderUnreachable, RecorderRefused):
            box.events.extendleft(reversed(some))
            box.dropped += dropped
            raise

    def _refused(self, camera: str, box: _Box, error: RecorderRefused) -> None:
        if error.code is FailureCode.UNKNOWN_CAMERA:  # added a moment ago: the recorder reads the file by itself
            if not box.unknown:
                log.get(camera=camera).warning("recorder_does_not_know_it_yet")
            box.unknown = True
            return
        log.get(camera=camera).error("telling_refused", code=error.code.value, detail=str(error))
        box.stream = box.facts = None
        box.events.clear()
        box.dropped = 0
