"""A native source opened against a camera on loopback, with its sink and a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from kuramori.capture.rtsp_source import RtspOptions, RtspSource
from kuramori.capture.rtsp_url import Credentials, parse_stream_url
from kuramori.capture.source import SourceEnded, StreamDescription
from kuramori.simulator.rtsp_server import RtspServer
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.rtsp_camera import ACCOUNT

PATIENCE_SECONDS = 20.0
TRIES_PER_SECOND = 100


@dataclass
class BootClock:
    """CLOCK_BOOTTIME under the test's control."""

    now_ns: int = 1_000_000_000_000

    def boot_ns(self) -> int:
        return self.now_ns

    def pass_seconds(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1_000_000_000)


@dataclass
class Recording:
    """A source, its sink and its clock."""

    source: RtspSource
    sink: RecordingSink
    clock: BootClock
    description: StreamDescription | None = None

    async def until(self, done: Callable[[], bool]) -> None:
        """Drain until something is so."""
        for _ in range(int(PATIENCE_SECONDS * TRIES_PER_SECOND)):
            self.source.drain()
            if done():
                return
            await asyncio.sleep(1 / TRIES_PER_SECOND)
        raise AssertionError(f"it did not come to pass: {self.source.statistics}")

    async def until_units(self, count: int) -> None:
        """Drain until so many units were delivered."""
        await self.until(lambda: len(self.sink.units) >= count)

    async def until_over(self) -> SourceEnded:
        """Drain until the stream is over."""
        end = asyncio.ensure_future(self.source.ended())
        await self.until(end.done)
        return await end


def a_source(server: RtspServer, path: str, **changes: object) -> Recording:
    """A source for one mount, not yet opened; changes go to its options."""
    url, _ = parse_stream_url(server.url(path))
    options = replace(
        RtspOptions(url, Credentials(ACCOUNT.user, ACCOUNT.password)),
        **changes,  # type: ignore[arg-type]
    )
    sink, clock = RecordingSink(), BootClock()
    return Recording(RtspSource(options, sink, boot_ns=clock.boot_ns), sink, clock)


@asynccontextmanager
async def opened(server: RtspServer, path: str, **changes: object) -> AsyncIterator[Recording]:
    """An open source for the duration of a block."""
    recording = a_source(server, path, **changes)
    recording.description = await recording.source.open()
    try:
        yield recording
    finally:
        await recording.source.close()


async def refused(recording: Recording) -> SourceEnded:
    """Open what cannot be opened, and return why."""
    with pytest.raises(SourceEnded) as caught:
        await recording.source.open()
    assert await recording.source.ended() is caught.value
    await recording.source.close()
    return caught.value
