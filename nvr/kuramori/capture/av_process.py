"""The compatibility source: FFmpeg's demuxer in a child process, for cameras that send over UDP only.

The stream is described natively first, so that a refusal, an unsuitable codec and offered audio are told in the
same words as elsewhere; then a child is started that can be killed at any moment. The child's arguments and
environment hold nothing of the camera. It never falls back to TCP: a camera that can do that belongs to the native
source, which promises more (`doctor.source_checks` says what). It must not import the media library.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from kuramori.capture.av_protocol import (
    ChildEnded,
    ChildGarbled,
    ChildOrder,
    ChildReader,
    ChildStarted,
    ChildUnit,
)
from kuramori.capture.nal_kind import KEY, PARAMETER_SET, kinds_of
from kuramori.capture.no_sink import NoSink
from kuramori.capture.parameter_sets import ParameterSets
from kuramori.capture.rtsp_source import RtspOptions, describe
from kuramori.capture.source import (
    AccessUnit,
    Codec,
    EndReason,
    Sink,
    SourceEnded,
    SourceStatistics,
    StreamDescription,
)

READ_BYTES = 256 << 10
FAREWELL_SECONDS = 0.25  # a stop takes half a second at most, with the kill
NS_PER_SECOND = 1_000_000_000
AUDIO_REFUSED = "refused: transport av takes no sound; use native"
CHILD_MODULE = "kuramori.capture.av_child"


@dataclass(frozen=True, slots=True)
class AvOptions:
    """A stream for the compatibility source; `transport` is FFmpeg's word: udp or tcp."""

    stream: RtspOptions
    transport: str = "udp"
    interpreter: str = field(default_factory=lambda: sys.executable)


class AvSource:
    """Records one camera through a child process. `boot_ns` reads CLOCK_BOOTTIME in nanoseconds."""

    def __init__(self, options: AvOptions, sink: Sink, *, boot_ns: Callable[[], int]) -> None:
        self.statistics = SourceStatistics()
        self._options = options
        self._sink = sink
        self._boot_ns = boot_ns
        self._codec = Codec.H264
        self._parameter_sets = ParameterSets(self._codec)
        self._child: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[None] | None = None
        self._over: asyncio.Future[SourceEnded] | None = None
        self._drained = asyncio.Event()  # nothing is delivered before the first `drain`
        self._last_unit_ns = 0

    @property
    def child_pid(self) -> int | None:
        """The child's process id, while it was started."""
        return self._child.pid if self._child is not None else None

    async def open(self) -> StreamDescription:
        """See the contract in `source`."""
        loop = asyncio.get_running_loop()
        self._opened, self._over = loop.create_future(), loop.create_future()
        try:
            description = await self._open(self._opened)
        except SourceEnded as ended:
            await self._finish(ended)
            raise
        except TimeoutError:
            stalled = SourceEnded(EndReason.STALLED, "the camera does not answer")
            await self._finish(stalled)
            raise stalled from None
        except asyncio.CancelledError:
            self._say_over(SourceEnded(EndReason.STOPPED, "stopped"))
            self._kill()
            raise
        return description

    async def _open(self, opened: asyncio.Future[None]) -> StreamDescription:
        stream = self._options.stream
        if stream.url.secure:
            detail = "the compatibility source speaks no RTSPS: set transport = native"
            raise SourceEnded(EndReason.UNSUITABLE, detail)
        silent = replace(stream, take_audio=False)  # no sound comes through the child, whatever was decided
        description, control_url = await describe(silent, boot_ns=self._boot_ns)
        self._codec = description.codec
        self._parameter_sets = ParameterSets(description.codec, description.parameter_sets)
        async with asyncio.timeout(stream.open_seconds):
            self._child = await asyncio.create_subprocess_exec(
                self._options.interpreter,
                "-I",
                "-m",
                CHILD_MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                limit=READ_BYTES,
            )
            self._order(self._child)
            self._reading = asyncio.create_task(self._read(self._child))
            await opened
        self.statistics.setups.append("video")
        refused = AUDIO_REFUSED if stream.take_audio else ""
        return replace(description, setups=(control_url,), audio=None, audio_refused=refused)

    def drain(self) -> None:
        """See the contract in `source`. Units are delivered as they come; here only a stall is noticed."""
        if self._over is None or self._over.done():
            return
        now_ns = self._boot_ns()
        if not self._drained.is_set():
            self._last_unit_ns = now_ns
            self._drained.set()
        silent_ns = now_ns - self._last_unit_ns
        if silent_ns >= self._options.stream.stall_seconds * NS_PER_SECOND:
            self._say_over(SourceEnded(EndReason.STALLED, f"nothing came for {silent_ns / NS_PER_SECOND:.0f} s"))
            self._kill()

    async def ended(self) -> SourceEnded:
        """See the contract in `source`."""
        if self._over is None:
            return SourceEnded(EndReason.STOPPED, "never opened")
        return await asyncio.shield(self._over)

    async def close(self) -> None:
        """See the contract in `source`: a moment for the child to say TEARDOWN, then it is killed.

        One that is still connecting, or was told to go, is killed at once: it has nothing to say.
        """
        if self._over is None:
            return
        child = self._child
        plays = self._opened is not None and self._opened.done() and not self._over.done()
        if plays and child is not None and child.returncode is None and child.stdin is not None:
            self._sink = NoSink()
            self._drained.set()
            child.stdin.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), FAREWELL_SECONDS)
        await self._finish(SourceEnded(EndReason.STOPPED, "stopped"))

    def _order(self, child: asyncio.subprocess.Process) -> None:
        """Hand the URL with its credentials over standard input: arguments and environment are readable."""
        stream = self._options.stream
        url = stream.url.text
        if stream.credentials is not None:
            user, password = (quote(text, safe="") for text in (stream.credentials.user, stream.credentials.password))
            url = url.replace("://", f"://{user}:{password}@", 1)
        if child.stdin is not None:
            order = ChildOrder(url, self._options.transport, stream.stall_seconds)
            child.stdin.write(order.to_line())

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        reader, ended = ChildReader(), SourceEnded(EndReason.VANISHED, "the child process is gone")
        pipe = child.stdout
        while pipe is not None:
            data = await pipe.read(READ_BYTES)
            if not data:
                break
            self.statistics.received_bytes += len(data)
            self.statistics.wake_ups += 1
            try:
                messages = reader.feed(data)
            except ChildGarbled as error:
                ended = SourceEnded(EndReason.GARBAGE, f"the child process sent {error}")
                break
            for message in messages:
                if isinstance(message, ChildStarted) and self._opened and not self._opened.done():
                    self._opened.set_result(None)
                elif isinstance(message, ChildUnit):
                    await self._drained.wait()
                    self._deliver(message)
                elif isinstance(message, ChildEnded):
                    ended = SourceEnded(message.reason, message.detail, wrong_credentials=message.wrong_credentials)
        self._say_over(ended)
        self._kill()

    def _deliver(self, unit: ChildUnit) -> None:
        now_ns = self._last_unit_ns = self._boot_ns()
        statistics = self.statistics
        kinds, is_key, sets, at = kinds_of(self._codec), False, [], 0
        payload = unit.payload
        for _ in range(unit.nal_count):
            length = int.from_bytes(payload[at : at + 4], "big")
            first = payload[at + 4]
            kind = kinds[first & 31 if self._codec is Codec.H264 else first >> 1 & 63]
            is_key = is_key or kind & KEY != 0
            if kind & PARAMETER_SET:
                sets.append(bytes(payload[at + 4 : at + 4 + length]))
            at += 4 + length
        statistics.access_units += 1
        statistics.key_frames += is_key
        statistics.lost_packets += unit.lost_packets
        if self._parameter_sets.update(sets):
            self._sink.on_parameter_sets(self._parameter_sets.all())
        damaged = unit.lost_packets > 0
        self._sink.on_access_unit(
            AccessUnit(unit.rtp_time, now_ns, is_key, damaged, unit.lost_packets, unit.nal_count, payload)
        )

    def _say_over(self, ended: SourceEnded) -> None:
        """The first reason holds."""
        if self._over is not None and not self._over.done():
            self._over.set_result(ended)
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(ended)
            self._opened.exception()

    def _kill(self) -> None:
        if self._child is not None and self._child.returncode is None:
            with suppress(ProcessLookupError):
                self._child.kill()

    async def _finish(self, ended: SourceEnded) -> None:
        """Kill the child, wait for it, and say why."""
        self._say_over(ended)
        self._drained.set()
        self._kill()
        if self._child is not None:
            await self._child.wait()
        if self._reading is not None:
            await self._reading
