"""The courier to the recorder: the newest of each kind, the stream first, events few and counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kuramori.camera_messages import CameraEvent, CameraEvents, CameraFacts
from kuramori.door.courier import MOST_AT_ONCE, MOST_WAITING, Courier
from kuramori.door_messages import CameraStream
from kuramori.message_server import MessageServer
from kuramori.messages import Acknowledged, Failure, FailureCode
from kuramori.recorder_client import RecorderClient
from tests.nvr.door.test_door import PATIENCE_SECONDS


@dataclass
class Recorder:
    """Notes what it is told; refuses what it is told to refuse."""

    folder: Path
    told: list[Any] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    refusing: bool = False

    async def answer(self, question: Any) -> Any:
        if question.camera in self.unknown:
            return Failure(FailureCode.UNKNOWN_CAMERA, "not yet")
        if self.refusing:
            return Failure(FailureCode.STORAGE, "full")
        self.told.append(question)
        return Acknowledged()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await MessageServer(self.folder / "recorder.sock", self.answer).start()
        try:
            yield
        finally:
            await server.close()

    async def until(self, count: int) -> list[Any]:
        """Wait until it was told so many things."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.told) < count:
                await asyncio.sleep(0.01)
        return self.told


@asynccontextmanager
async def _courier(folder: Path) -> AsyncIterator[Courier]:
    courier = Courier(RecorderClient(folder / "recorder.sock"), again_seconds=0.05)
    running = asyncio.create_task(courier.run())
    try:
        yield courier
    finally:
        running.cancel()
        await asyncio.wait([running])


def _event(number: int) -> CameraEvent:
    return CameraEvent("motion", f"topic {number}", True, None, 0)


def _stream(uri: str, camera: str = "gate") -> CameraStream:
    return CameraStream(camera, uri)


async def test_only_the_newest_is_carried_when_the_recorder_comes_back(tmp_path: Path) -> None:
    """The stream before the facts, and of each the latest."""
    recorder = Recorder(tmp_path)
    async with _courier(tmp_path) as courier:
        courier.facts(CameraFacts("gate", 1))
        courier.stream(_stream("rtsp://h/old"))
        await asyncio.sleep(0.1)
        courier.stream(_stream("rtsp://h/new"))
        courier.facts(CameraFacts("gate", 2))
        async with recorder.serving():
            told = await recorder.until(2)
    assert told == [_stream("rtsp://h/new"), CameraFacts("gate", 2)]


async def test_of_too_many_events_the_oldest_are_let_go_and_counted(tmp_path: Path) -> None:
    """While the recorder is away; afterwards in messages of a bounded size, in order, the count with the first."""
    recorder = Recorder(tmp_path)
    async with _courier(tmp_path) as courier:
        courier.events("gate", [_event(number) for number in range(MOST_WAITING + 10)], dropped=5)
        async with recorder.serving():
            told = await recorder.until(MOST_WAITING // MOST_AT_ONCE)
    assert all(isinstance(one, CameraEvents) and len(one.events) <= MOST_AT_ONCE for one in told)
    assert [event.topic for one in told for event in one.events] == [f"topic {10 + n}" for n in range(MOST_WAITING)]
    assert [one.dropped for one in told] == [15, 0, 0, 0]
    assert courier.dropped_events == {"gate": 15}


async def test_a_camera_that_the_recorder_does_not_know_yet_is_told_again(tmp_path: Path) -> None:
    """Both read the same file, each in its time; the other camera does not wait for that."""
    recorder = Recorder(tmp_path, unknown={"new"})
    async with recorder.serving(), _courier(tmp_path) as courier:
        courier.stream(_stream("rtsp://h/new", "new"))
        courier.stream(_stream("rtsp://h/gate"))
        assert await recorder.until(1) == [_stream("rtsp://h/gate")]
        recorder.unknown.clear()
        assert (await recorder.until(2))[1] == _stream("rtsp://h/new", "new")


async def test_what_is_refused_is_not_told_again(tmp_path: Path) -> None:
    """A refusal is logged and done with; the next news goes out as always."""
    recorder = Recorder(tmp_path, refusing=True)
    async with recorder.serving(), _courier(tmp_path) as courier:
        courier.stream(_stream("rtsp://h/1"))
        await asyncio.sleep(0.3)
        recorder.refusing = False
        courier.facts(CameraFacts("gate", 1))
        assert await recorder.until(1) == [CameraFacts("gate", 1)]


async def test_nothing_is_told_of_a_camera_that_was_removed(tmp_path: Path) -> None:
    """What waited for it is forgotten."""
    recorder = Recorder(tmp_path)
    async with _courier(tmp_path) as courier:
        courier.stream(_stream("rtsp://h/gone", "gone"))
        courier.stream(_stream("rtsp://h/gate"))
        courier.forget("gone")
        async with recorder.serving():
            assert await recorder.until(1) == [_stream("rtsp://h/gate")]
