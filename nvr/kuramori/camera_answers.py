"""Answers what door and desk say of one camera: where it streams, what is known of it, what it reports, its pause.

This module must not know ONVIF, sockets or what the facts are used for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kuramori import log
from kuramori.camera import Camera
from kuramori.camera_messages import CameraEvents, CameraFacts, Pause, PauseCameraRequest
from kuramori.camera_roster import CameraRoster
from kuramori.certificate_book import plain_fingerprint
from kuramori.door_messages import AcceptCertificateRequest
from kuramori.fact_keeping import FactKeeping
from kuramori.messages import Acknowledged, CameraStream, Failure, FailureCode
from kuramori.pausing import Pausing
from kuramori.recorder import Recorder

EVENTS_MOST = 10_000  # in one message; beyond, the door is not believed


class CameraAnswers:
    """The part of the handler behind recorder.sock that is about single cameras."""

    def __init__(self, recorder: Recorder, roster: CameraRoster, pausing: Pausing, facts: FactKeeping) -> None:
        self._recorder = recorder
        self._roster = roster
        self._pausing = pausing
        self._fact_keeping = facts

    @property
    def handlers(self) -> Mapping[type[Any], Callable[[Any], Awaitable[Any]]]:
        """What answers which question."""
        return {
            CameraStream: self._stream,
            CameraFacts: self._facts,
            CameraEvents: self._events,
            PauseCameraRequest: self._pause,
            AcceptCertificateRequest: self._accept_certificate,
        }

    def _known(self, name: str) -> Camera | Failure:
        camera = self._recorder.cameras.get(name)
        return camera or Failure(FailureCode.UNKNOWN_CAMERA, f"no camera is called {name}")

    async def _stream(self, question: CameraStream) -> Acknowledged | Failure:
        camera = self._known(question.camera)
        if isinstance(camera, Failure):
            return camera
        before = self._recorder.door_facts.get(camera.name)
        self._recorder.door_facts[camera.name] = question
        try:
            changed = self._recorder.stream_book.note(question.camera, question.stream_uri)
        except OSError as fault:
            return Failure(FailureCode.STORAGE, str(fault))
        if changed:
            log.get(camera=camera.name).info("stream_found", uri=question.stream_uri)
        camera.address_known.set()
        if changed and before is not None and before.profile != question.profile:
            await self._roster.reconnect(camera.name, "another profile was chosen")
        return Acknowledged()

    async def _facts(self, question: CameraFacts) -> Acknowledged | Failure:
        camera = self._known(question.camera)
        if isinstance(camera, Failure):
            return camera
        self._fact_keeping.note(question)
        return Acknowledged()

    async def _events(self, question: CameraEvents) -> Acknowledged | Failure:
        """Hand events to the camera's index. They are named in no log and in no answer."""
        camera = self._known(question.camera)
        if isinstance(camera, Failure):
            return camera
        if len(question.events) > EVENTS_MOST:
            return Failure(FailureCode.RANGE_TOO_LARGE, f"more than {EVENTS_MOST} events at once")
        camera.recording.events.refuse(max(0, question.dropped))  # let go on the way
        camera.report(question.events, max(0, question.dropped))
        return Acknowledged()

    async def _pause(self, question: PauseCameraRequest) -> Pause | Failure:
        return await self._pausing.pause(question)

    async def _accept_certificate(self, question: AcceptCertificateRequest) -> Acknowledged | Failure:
        """Know a camera that streams over RTSPS by the certificate that it showed and that was refused."""
        camera = self._known(question.camera)
        if isinstance(camera, Failure):
            return camera
        pin = self._recorder.assembly.sources.pin_of(self._recorder.tables[camera.name])
        fingerprint = plain_fingerprint(question.fingerprint)
        if not await asyncio.to_thread(pin.book.accept, pin.camera, pin.configured_url, fingerprint):
            shown = pin.book.refused(camera.name)
            why = f"what was refused is sha256:{shown}" if shown else "no other certificate was shown over rtsps"
            return Failure(FailureCode.CERTIFICATE, f"this is not the certificate that {camera.name} shows: {why}")
        return Acknowledged()
