"""The native source: one camera's RTSP session over one connection, delivering access units.

The shell around three pure cores: the session (what is said), the receiver (what video comes) and the messages.
It owns the moment: when nothing came for too long, when a sign of life is due. All of that happens in `drain`,
so a source has no timer. It must not know recorders, keys or other cameras.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from kuramori.capture.audio_receiver import AudioReceiver
from kuramori.capture.no_sink import NoSink
from kuramori.capture.replay import OnReplayTime, ReplayRange
from kuramori.capture.rtcp import receiver_report
from kuramori.capture.rtsp_connection import Connection, ReceiveBuffer, TlsTrust, connect
from kuramori.capture.rtsp_message import DOLLAR, RtspMalformed, interleave, parse_message
from kuramori.capture.rtsp_session import Command, Described, Finished, Playing, RtspSession, Send
from kuramori.capture.rtsp_url import Credentials, StreamUrl
from kuramori.capture.source import (
    EndReason,
    Sink,
    SourceEnded,
    SourceStatistics,
    StreamDescription,
)
from kuramori.capture.video_receiver import VideoReceiver

NS_PER_SECOND = 1_000_000_000
LOW_WATER_BYTES = 1 << 20  # wake up for that much; `drain` reads what is less once a second
RECEIVER_REPORT_SECONDS = 5
SETTLING_NS = 2 * NS_PER_SECOND  # so long after PLAY, packets are taken as they come
FAREWELL_SECONDS = 0.3
# From one `drain` to the next; more than any camera needs. Beyond that it is read no more until the next one, so
# that a camera that floods costs the others nothing.
MAX_BYTES_PER_TICK = 8 << 20
MAX_PACKETS_PER_TICK = 20_000
MAX_MESSAGES_PER_TICK = 200


@dataclass(frozen=True, slots=True)
class RtspOptions:
    """One camera's stream and how long to be patient with it."""

    url: StreamUrl
    credentials: Credentials | None = None
    trust: TlsTrust = field(default_factory=TlsTrust)
    connect_seconds: float = 5.0
    open_seconds: float = 15.0  # from connecting to the answer to PLAY
    stall_seconds: float = 10.0  # without a packet of video
    low_water_bytes: int = LOW_WATER_BYTES
    most_bytes_per_tick: int = MAX_BYTES_PER_TICK
    replay: ReplayRange | None = None  # of the camera's card, instead of the live stream
    take_audio: bool = False  # only where the configuration holds the written decision (R3)


class RtspSource:
    """Records one camera natively. `boot_ns` reads CLOCK_BOOTTIME in nanoseconds.

    Sources on one event loop may share a `receive_buffer`.
    """

    def __init__(
        self,
        options: RtspOptions,
        sink: Sink,
        *,
        boot_ns: Callable[[], int],
        receive_buffer: ReceiveBuffer | None = None,
        describe_only: bool = False,
        on_replay_time: OnReplayTime | None = None,
    ) -> None:
        self._on_replay_time = on_replay_time
        self.statistics = SourceStatistics()
        self.video_control_url = ""  # with `describe_only`
        self._options = options
        self._sink = sink
        self._boot_ns = boot_ns
        self._buffer = receive_buffer or ReceiveBuffer()
        self._session = RtspSession(
            options.url,
            options.credentials,
            lambda: secrets.token_hex(8),
            describe_only=describe_only,
            take_audio=options.take_audio,
            replay=options.replay,
        )
        self._wire: Connection | None = None
        self._video: VideoReceiver | None = None
        self._opened: asyncio.Future[StreamDescription] | None = None
        self._over: asyncio.Future[SourceEnded] | None = None
        self._holding = False  # playing, but nobody has drained yet
        self._settled_at_ns: int | None = None
        self._closing = False
        self._rtcp_channel = 1
        self._own_ssrc = secrets.randbits(32)
        self._last_packet_ns = 0
        self._next_report_ns = 0
        self._throttled = False
        self._tick_bytes = 0
        self._tick_messages = 0
        self._tick_first_packet = 0

    async def open(self) -> StreamDescription:
        """See the contract in `source`."""
        loop = asyncio.get_running_loop()
        self._opened, self._over = loop.create_future(), loop.create_future()
        try:
            async with asyncio.timeout(self._options.open_seconds):
                await self._connect()
                return await self._opened
        except TimeoutError:
            raise self._end(SourceEnded(EndReason.STALLED, "the camera does not answer")) from None
        except SourceEnded as ended:
            raise self._end(ended) from None
        finally:
            if not self._opened.done() or self._opened.cancelled():
                self._end(SourceEnded(EndReason.STOPPED, "stopped while opening"))

    async def _connect(self) -> None:
        options = self._options
        try:
            async with asyncio.timeout(options.connect_seconds):
                wire = await connect(options.url, options.trust, self._buffer, self)
        except TimeoutError:
            raise SourceEnded(EndReason.UNREACHABLE, "no answer while connecting") from None
        self._wire = wire
        wire.start_reading()
        self._perform(self._session.begin())

    def drain(self) -> None:
        """See the contract in `source`."""
        if self._over is None or self._over.done() or self._wire is None:
            return
        self._begin_tick()
        if self._holding:
            self._holding = False
            self._last_packet_ns = self._boot_ns()
            self._settled_at_ns = self._last_packet_ns + SETTLING_NS
            self._wire.feed_kept()
            self._wire.start_reading()
        self._settle()
        self._wire.read_available()
        self._mind_time(self._boot_ns())

    def _settle(self) -> None:
        """Wake up seldom from now on; until then arrival is exact, so that the stream's first pictures are dated."""
        if self._settled_at_ns is not None and self._boot_ns() >= self._settled_at_ns and self._wire is not None:
            self._settled_at_ns = None
            if not self._throttled:
                self._wire.start_reading(self._options.low_water_bytes)

    def _begin_tick(self) -> None:
        self._tick_bytes = self._tick_messages = 0
        self._tick_first_packet = self._packets_worth()
        if self._throttled and self._wire is not None:
            self._throttled = False
            self._wire.start_reading(self._options.low_water_bytes)

    async def ended(self) -> SourceEnded:
        """See the contract in `source`."""
        if self._over is None:
            return SourceEnded(EndReason.STOPPED, "never opened")
        return await asyncio.shield(self._over)

    async def close(self) -> None:
        """See the contract in `source`."""
        if self._over is None or self._over.done():
            return
        self._closing, self._holding = True, False
        if self._wire is not None:
            self._perform(self._session.tear_down())
            if not self._session.is_over and not self._over.done():
                if self._options.replay is None:
                    self._wire.start_reading()
                else:  # all that the card still sends would be read for the answer
                    self._wire.stop_reading()
                await asyncio.wait([self._over], timeout=FAREWELL_SECONDS)
        self._end(SourceEnded(EndReason.STOPPED, "stopped"))

    # What the connection tells

    def received(self, end: int) -> int:
        """Take bytes of the receive buffer in (called by the connection)."""
        self.statistics.wake_ups += 1
        data, view = self._buffer.data, self._buffer.view
        now_ns = self._boot_ns()
        at = 0
        while at < end and not self._holding:
            at = self._walk(data, view, at, end, now_ns)
            if at >= end or data[at] == DOLLAR:
                break
            try:
                parsed = parse_message(data, at, end)
            except RtspMalformed as error:
                self._end(SourceEnded(EndReason.GARBAGE, f"this is not RTSP: {error.detail}"))
                return end
            if parsed is None:
                break
            message, at = parsed
            self._tick_messages += 1
            if self._tick_messages > MAX_MESSAGES_PER_TICK:
                self._end(SourceEnded(EndReason.GARBAGE, "the camera talks without end"))
                return end
            self._perform(self._session.receive(message, now_ns / NS_PER_SECOND))
            if self._over is not None and self._over.done():
                return end
        self.statistics.received_bytes += at
        self._tick_bytes += at
        self._consider_throttling()
        return at

    def _consider_throttling(self) -> None:
        packets = self._packets_worth() - self._tick_first_packet
        too_much = self._tick_bytes > self._options.most_bytes_per_tick or packets > MAX_PACKETS_PER_TICK
        if too_much and not (self._throttled or self._closing or self._wire is None):
            self._throttled = True
            self.statistics.throttled_ticks += 1
            self._wire.stop_reading()

    def _packets_worth(self) -> int:
        """Return what was taken in so far, in packets: what comes several to a packet counts each."""
        statistics = self.statistics
        aggregated = self._video.aggregated_nals if self._video is not None else 0
        sound = statistics.audio_packets + statistics.audio_frames + statistics.rejected_audio_packets
        return statistics.rtp_packets + statistics.rejected_packets + aggregated + sound

    def connection_over(self, ended: SourceEnded) -> None:
        """The connection is gone (called by the connection)."""
        if self._video is not None and not self._closing:
            self._video.finish()
        self._end(ended)

    def _walk(self, data: bytearray, view: memoryview, at: int, end: int, now_ns: int) -> int:
        video = self._video
        if video is None or self._closing:
            return _skip_frames(data, at, end)
        before = self.statistics.rtp_packets
        at = video.walk(data, view, at, end, now_ns)
        if self.statistics.rtp_packets != before:
            self._last_packet_ns = now_ns
        if video.trouble is not None:
            video.finish()
            self._end(video.trouble)
            return end
        return at

    # What the session wants

    def _perform(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Send):
                if self._wire is not None:
                    self._wire.send(command.data)
            elif isinstance(command, Playing):
                self._begin_playing(command)
            elif isinstance(command, Described):
                self.video_control_url = command.setup_url
                if self._opened is not None and not self._opened.done():
                    self._opened.set_result(command.description)
            elif isinstance(command, Finished):
                self._end(command.ended)

    def _begin_playing(self, playing: Playing) -> None:
        """Hold everything that comes until the first `drain`."""
        sound = playing.sound
        audio = None if sound is None else AudioReceiver(sound.offer, *sound.channels, self._sink, self.statistics)
        self._video = VideoReceiver(
            playing.offer, playing.rtp_channel, playing.rtcp_channel, self._sink, self.statistics, audio
        )
        self._video.on_replay_time = self._on_replay_time
        self._rtcp_channel = playing.rtcp_channel
        self.statistics.setups += ["video", "audio"] if audio is not None else ["video"]
        self._holding = True
        if self._wire is not None:
            self._wire.stop_reading()
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(playing.description)

    def _mind_time(self, now_ns: int) -> None:
        if self._over is None or self._over.done() or self._video is None:
            return
        silent_ns = now_ns - self._last_packet_ns
        if silent_ns >= self._options.stall_seconds * NS_PER_SECOND:
            detail = f"nothing came for {silent_ns / NS_PER_SECOND:.0f} s"
            self._end(SourceEnded(EndReason.STALLED, detail))
            return
        self._perform(self._session.on_time(now_ns / NS_PER_SECOND))
        if now_ns >= self._next_report_ns and self._wire is not None:
            reception = self._video.reception(now_ns)
            if reception is not None:
                self._next_report_ns = now_ns + RECEIVER_REPORT_SECONDS * NS_PER_SECOND
                packet = receiver_report(self._own_ssrc, "kuramori", reception)
                self._wire.send(interleave(self._rtcp_channel, packet))

    def _end(self, ended: SourceEnded) -> SourceEnded:
        """Close the connection and say why, to whoever waits for the opening or the end. The first reason holds."""
        if self._wire is not None:
            self._wire.close()
        if self._over is not None and not self._over.done():
            self._over.set_result(ended)
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(ended)
            self._opened.exception()  # nobody may be waiting for it any more
        return ended


async def describe(options: RtspOptions, *, boot_ns: Callable[[], int]) -> tuple[StreamDescription, str]:
    """Ask a camera what it offers, set nothing up, and leave. Raises SourceEnded.

    Returns the description (nothing was SETUP) and the control URL of its video.
    """
    source = RtspSource(options, NoSink(), boot_ns=boot_ns, describe_only=True)
    try:
        return await source.open(), source.video_control_url
    finally:
        await source.close()


def _skip_frames(data: bytearray, at: int, end: int) -> int:
    """Pass over interleaved frames that nobody wants."""
    while end - at >= 4 and data[at] == DOLLAR:
        stop = at + 4 + (data[at + 2] << 8 | data[at + 3])
        if stop > end:
            break
        at = stop
    return at
