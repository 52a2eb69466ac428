"""Cameras that misbehave on purpose, and a short way to run any camera in a test.

The server itself is the product's simulator; the scripts here are what real cameras do on bad days.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kuramori.capture.source import Codec
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account
from kuramori.simulator.material import Packetising, VideoMaterial, material_from_annexb, synthetic_material
from kuramori.simulator.rtsp_dialogue import Answer, Request
from kuramori.simulator.rtsp_server import Behaviour, Connection, Mount, RtspServer, ServerSettings
from kuramori.simulator.stream import Stream
from tests.fakes.clips import clip

ACCOUNT = Account("viewer", "correct horse")


def clip_material(
    codec: Codec, b_frames: int = 0, packetising: Packetising | None = None, width: int = 320
) -> VideoMaterial:
    """A real clip, packetised."""
    its = clip(codec, b_frames, width)
    return material_from_annexb(
        its.stream, codec, its.frames_per_second, presentation=its.presentation, packetising=packetising
    )


def fast_material(codec: Codec = Codec.H264) -> VideoMaterial:
    """Ten times real time, a key frame every ten frames: for tests that need many frames soon."""
    return synthetic_material(codec, bits_per_second=8_000_000, frames_per_second=300, gop_frames=10, gops=3)


@asynccontextmanager
async def running_camera(
    *mounts: Mount, settings: ServerSettings | None = None, behaviour: Behaviour | None = None, **more: object
) -> AsyncIterator[RtspServer]:
    """A camera for the duration of a block."""
    its_settings = settings or ServerSettings()
    if behaviour is not None:
        its_settings.behaviour = behaviour
    server = RtspServer(mounts, settings=its_settings, **more)  # type: ignore[arg-type]
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@dataclass(slots=True)
class HangsUp(Behaviour):
    """Closes the connection after so many frames."""

    after_frames: int

    def before_frame(self, stream: Stream) -> bool:
        if stream.frames >= self.after_frames:
            stream.outlet.close()
            return False
        return True


@dataclass(slots=True)
class FallsSilent(Behaviour):
    """Keeps the connection but sends no more video after so many frames."""

    after_frames: int

    def before_frame(self, stream: Stream) -> bool:
        return stream.frames < self.after_frames


@dataclass(slots=True)
class SpeaksGarbage(Behaviour):
    """Writes rubbish between two frames."""

    after_frames: int
    rubbish: bytes = b"\x00\xff\x13 this is no frame \r\n\r\n"
    _spoken: set[int] = field(default_factory=set)

    def before_frame(self, stream: Stream) -> bool:
        if stream.frames == self.after_frames and id(stream) not in self._spoken:
            self._spoken.add(id(stream))
            outlet = stream.outlet
            connection = getattr(outlet, "connection", None)
            if isinstance(connection, Connection):
                connection.send_raw(self.rubbish)
        return True


@dataclass(slots=True)
class Answers(Behaviour):
    """Gives one fixed answer to some methods."""

    methods: Sequence[str]
    answer_with: Answer | bytes

    def answer(self, request: Request, connection: Connection) -> Answer | bytes | None:
        return self.answer_with if request.method in self.methods else None


@dataclass(slots=True)
class NeverAnswers(Behaviour):
    """Takes requests in and says nothing."""

    methods: Sequence[str]

    def answer(self, request: Request, connection: Connection) -> Answer | bytes | None:
        return b"" if request.method in self.methods else None


__all__ = [
    "ACCOUNT",
    "Answers",
    "AudioKind",
    "FallsSilent",
    "HangsUp",
    "Mount",
    "NeverAnswers",
    "ServerSettings",
    "SpeaksGarbage",
    "clip_material",
    "fast_material",
    "running_camera",
]
