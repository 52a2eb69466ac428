"""A camera that replays its card as a script says, honest or not: RTSP over TCP, written from the specification.

It shares no code with the recorder's own reader. Pictures lie a tenth of a second apart, with a key frame each second;
what each one holds follows from its time, so that a test can tell what was sealed.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

FRAME_MS = 100
GOP = 10
NTP_OFFSET = 2_208_988_800
SETS = (bytes.fromhex("6742c028da01e0089f9610000003001000000303c8f1832a"), bytes.fromhex("68ce0fc8"))
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=replay\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:video\r\n"
    "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000\r\na=control:audio\r\n"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as it goes over the wire. `camera_utc_ms` None: it carries no time."""

    index: int
    camera_utc_ms: int | None
    is_key: bool
    flags: int = 0  # C, E, D, T
    profile: int = 0xABAC
    channel: int = 0


def picture_at(utc_ms: int, **changes: int) -> Picture:
    """The honest picture of a time: its index is the number of tenths of a second since 1970."""
    index = utc_ms // FRAME_MS
    return Picture(index, index * FRAME_MS, index % GOP == 0, **changes)


def honest(from_utc_ms: int, to_utc_ms: int) -> Iterator[Picture]:
    """What a card replays of a range: from the key frame at or before it."""
    index = from_utc_ms // FRAME_MS // GOP * GOP
    while index * FRAME_MS < to_utc_ms:
        yield picture_at(index * FRAME_MS)
        index += 1


def endless(from_utc_ms: int, _to_utc_ms: int) -> Iterator[Picture]:
    """Always the same second, for ever."""
    for number in count():
        yield Picture(number, from_utc_ms + number % 10, number % GOP == 0)


def nal_of(index: int, size_bytes: int = 200) -> bytes:
    """The picture's NAL unit."""
    head = b"\x65" if index % GOP == 0 else b"\x41"
    return head + index.to_bytes(8, "big") + b"\xa5" * (size_bytes - 9)


@dataclass
class Asked:
    """One request as it came."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass
class ReplayCamera:
    """The camera. `card` is asked for pictures by the camera's clock; `refuse` answers a method with a status."""

    card: Callable[[int, int], Iterator[Picture]] = honest
    refuse: dict[str, int] = field(default_factory=dict)
    hangs_up: bool = False  # at the end, instead of falling silent
    picture_bytes: int = 200
    asked: list[Asked] = field(default_factory=list)
    sent_bytes: int = 0
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/recording"

    def headers_of(self, method: str) -> dict[str, str]:
        """The headers of the last request of that method."""
        return next(asked.headers for asked in reversed(self.asked) if asked.method == method)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        task = asyncio.current_task()
        if task is not None:
            self.serving.add(task)
        try:
            while True:
                request = await self._request(reader)
                self.asked.append(request)
                status = self.refuse.get(request.method, 200)
                writer.write(self._answer(request, status))
                if request.method == "PLAY" and status == 200:
                    task = asyncio.create_task(self._play(request, writer))
                    self.tasks.add(task)
                    task.add_done_callback(self.tasks.discard)
                if request.method == "TEARDOWN":
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Asked:
        while True:
            first = await reader.readexactly(1)
            if first != b"$":
                break
            _, length = struct.unpack(">BH", await reader.readexactly(3))
            await reader.readexactly(length)
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.strip().split("\r\n")
        method, url, _ = line.split(" ")
        pairs = (one.partition(":") for one in lines)
        return Asked(method, url, {name.strip().lower(): value.strip() for name, _, value in pairs})

    def _answer(self, request: Asked, status: int) -> bytes:
        lines = [f"RTSP/1.0 {status} Said", f"CSeq: {request.headers['cseq']}"]
        body = ""
        if request.method == "OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        if request.method == "DESCRIBE":
            body = SDP
            lines += [f"Content-Base: {request.url}/", "Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        if request.method == "SETUP":
            lines += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 4711;timeout=60"]
        return ("\r\n".join([*lines, "", ""]) + body).encode()

    async def _play(self, request: Asked, writer: asyncio.StreamWriter) -> None:
        begin, _, end = request.headers["range"].removeprefix("clock=").partition("-")
        sequences = {0: 0, 2: 0}  # of each channel
        try:
            for picture in self.card(_moment(begin), _moment(end)):
                nals = (
                    (*SETS, nal_of(picture.index, self.picture_bytes))
                    if picture.is_key
                    else (nal_of(picture.index, self.picture_bytes),)
                )
                for position, nal in enumerate(nals):
                    packet = _packet(
                        picture, nal, sequences[picture.channel], first=position == 0, last=position + 1 == len(nals)
                    )
                    frame = struct.pack(">cBH", b"$", picture.channel, len(packet)) + packet
                    writer.write(frame)
                    self.sent_bytes += len(frame)
                    sequences[picture.channel] += 1
                await writer.drain()
        except (ConnectionError, AttributeError):  # the loop may be closed under a writer
            return
        if self.hangs_up:
            writer.close()


def _packet(picture: Picture, nal: bytes, sequence: int, *, first: bool, last: bool) -> bytes:
    timestamp = picture.index * FRAME_MS * 90 & 0xFFFFFFFF
    extended = first and picture.camera_utc_ms is not None
    head = struct.pack(
        ">BBHII", 0x90 if extended else 0x80, 96 | (0x80 if last else 0), sequence & 0xFFFF, timestamp, 0x1234
    )
    if picture.camera_utc_ms is None or not extended:
        return head + nal
    seconds, milliseconds = divmod(picture.camera_utc_ms, 1000)
    fraction = -(-milliseconds * (1 << 32) // 1000)
    extension = struct.pack(
        ">HHIIBBH", picture.profile, 3, (seconds + NTP_OFFSET) & 0xFFFFFFFF, fraction, picture.flags, 0, 0
    )
    return head + extension + nal


def _moment(text: str) -> int:
    moment = datetime.strptime(text, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


@asynccontextmanager
async def running_replay(camera: ReplayCamera) -> AsyncIterator[ReplayCamera]:
    """The camera for the duration of a block."""
    server = await asyncio.start_server(camera.serve, "127.0.0.1", 0)
    camera.port = server.sockets[0].getsockname()[1]
    try:
        yield camera
    finally:
        server.close()
        for task in (*camera.tasks, *camera.serving):
            task.cancel()
        await asyncio.gather(*camera.tasks, *camera.serving, return_exceptions=True)
