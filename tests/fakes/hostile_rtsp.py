"""Cameras that mean harm, in a process of their own: `python -m tests.fakes.hostile_rtsp` prints its port.

The path of a stream's address names what it does: see SINS. What is sent is paced like a busy camera, so that what
it costs the recorder comes from what is sent and not from how much.
"""

import asyncio
import contextlib
import os
import random
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from kuramori.capture.access_unit import MAX_AGGREGATED_NALS

PAUSE_SECONDS = 0.03
SPS, PPS = bytes.fromhex("6742c00dda05067e7840000003004000000f03c50aa8"), bytes.fromhex("68ce0fc8")
SDP = (
    b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    b"a=rtpmap:96 H264/90000\r\n"
    b"a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LADdoFBn54QAAAAwBAAAAPA8UKqA==,aM4PyA==\r\n"
    b"a=control:track1\r\n"
)
SDP_WITHOUT_VIDEO = (
    b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
    b"a=rtpmap:0 PCMU/8000\r\na=control:track1\r\n"
)
CHALLENGE = b'WWW-Authenticate: Digest realm="camera", nonce="n", algorithm=MD5, qop="auth"'
NTP_EXTREMES = (0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


def _answer(sequence: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    length = (b"Content-Length: %d" % len(body),) if body else ()
    return b"\r\n".join((b"RTSP/1.0 200 OK", b"CSeq: " + sequence, *headers, *length, b"", b"")) + body


def _endless(first: bytes, more: Callable[[int], bytes]) -> Iterator[bytes]:
    yield first
    for number in range(6000):
        yield more(number)


def _instead_of_an_answer(sin: str, sequence: bytes) -> Iterator[bytes] | None:
    ok = b"RTSP/1.0 200 OK\r\n"
    rubbish = os.urandom(65536)
    endings: dict[str, Iterator[bytes]] = {
        "rubbish": _endless(b"", lambda _: rubbish),
        "headers": _endless(ok, lambda number: b"X-%d: " % number + b"a" * 1000 + b"\r\n"),
        "one-header": _endless(ok + b"X: ", lambda _: b"a" * 65536),
        "length": iter([ok + b"CSeq: " + sequence + b"\r\nContent-Length: 999999999999999\r\n\r\n"]),
        "web-server": iter([b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nwhat"]),
        "other-service": iter([b"SSH-2.0-camera\r\n"]),
        "wrong-password": iter([b"RTSP/1.0 401 No\r\nCSeq: " + sequence + b"\r\n" + CHALLENGE + b"\r\n\r\n"]),
        "negative": iter([ok + b"CSeq: " + sequence + b"\r\nContent-Length: -5\r\n\r\n"]),
    }
    return endings.get(sin)


class Stream:
    """Writes RTP packets of one stream."""

    def __init__(self, sin: str, writer: asyncio.StreamWriter) -> None:
        self.sin, self.writer = sin, writer
        self.sequence, self.time = random.randrange(1 << 16), random.randrange(1 << 32)

    def packet(self, payload: bytes, *, marker: bool = False) -> None:
        """Send one packet on the video channel."""
        head = (0x80, 96 | (0x80 if marker else 0), self.sequence & 0xFFFF, self.time & 0xFFFFFFFF, 7)
        packet = struct.pack(">BBHII", *head) + payload
        self.writer.write(b"$\0" + struct.pack(">H", len(packet)) + packet)
        self.sequence += 1

    async def play(self) -> None:
        """Send pictures, and between them what the sin is, until the recorder has enough."""
        sins: dict[str, Callable[[], None]] = {
            "tiny-units": self._tiny_units,
            "bombs": self._bombs,
            "parameter-sets": self._parameter_sets,
            "control": self._control,
            "time-jumps": self._time_jumps,
            "number-jumps": self._number_jumps,
            "no-end": self._no_end,
            "lengths": self._lengths,
            "clocks": self._clocks,
        }
        with contextlib.suppress(OSError):
            while not self.writer.is_closing():
                self.time += 3000
                sins[self.sin]()
                if self.sin != "no-end":
                    for payload in (SPS, PPS):
                        self.packet(payload)
                    self.packet(b"\x65\x88" + os.urandom(1000), marker=True)
                await self.writer.drain()
                await asyncio.sleep(PAUSE_SECONDS)

    def _tiny_units(self) -> None:
        for _ in range(5):
            self.packet(b"\x78" + b"\x00\x01\x06" * MAX_AGGREGATED_NALS)

    def _bombs(self) -> None:
        self.packet(b"\x78" + b"\x00\x01\x65" * 20_000)

    def _parameter_sets(self) -> None:
        for _ in range(100):
            self.packet(SPS[:-4] + os.urandom(4))

    def _control(self) -> None:
        for _ in range(100):
            self.writer.write(b"$\1" + struct.pack(">H", 500) + os.urandom(500))

    def _time_jumps(self) -> None:
        self.time = random.randrange(1 << 32)

    def _number_jumps(self) -> None:
        self.sequence = random.randrange(1 << 16)

    def _no_end(self) -> None:
        self.time -= 3000
        for _ in range(20):
            self.packet(b"\x41" + os.urandom(1000))

    def _lengths(self) -> None:
        """Frames, headers, paddings, extensions, fragments and aggregates that are longer than what holds them."""
        for size in range(14):
            self.writer.write(b"$\0" + struct.pack(">H", size) + os.urandom(size))
        number = struct.pack(">HII", self.sequence & 0xFFFF, self.time & 0xFFFFFFFF, 7)
        for first, rest in (
            (0x8F, b"\x65\x88"),  # fifteen contributing sources, none there
            (0x90, b"\xbe\xde\xff\xff"),  # an extension of 256 KiB
            (0xA0, b"\x65\x88\xff"),  # more padding than packet
            (0xA0, b"\x65\x88\x00"),  # padding of nothing
            (0x80, b"\x78\xff\xff\x65"),  # an aggregate of 64 KiB
            (0x80, b"\x7c"),  # a fragment without its header
            (0x80, b""),
            (0x00, b"\x65\x88"),  # of version 0
        ):
            packet = bytes((first, 96)) + number + rest
            self.writer.write(b"$\0" + struct.pack(">H", len(packet)) + packet)

    def _clocks(self) -> None:
        """Time stamps and sender reports from the ends of what can be written, forwards and backwards."""
        self.time = random.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
        for ntp in NTP_EXTREMES:
            report = struct.pack(">BBHIQIII", 0x80, 200, 6, 7, ntp, self.time, 0xFFFFFFFF, 0xFFFFFFFF)
            self.writer.write(b"$\1" + struct.pack(">H", len(report)) + report)


async def _trickle(writer: asyncio.StreamWriter) -> None:
    """A large packet is announced and comes a byte at a time, for ever."""
    with contextlib.suppress(OSError):
        writer.write(b"$\0\xff\xff")
        while not writer.is_closing():
            writer.write(b"\x80")
            await writer.drain()
            await asyncio.sleep(0.3)


NOT_RTSP = ("web-server", "other-service")
ANSWERING = (
    *NOT_RTSP,
    *("rubbish", "headers", "one-header", "length", "negative", "drip", "large-sdp", "no-video", "wrong-password"),
)
PLAYING = (
    *("tiny-units", "bombs", "parameter-sets", "control", "time-jumps", "number-jumps", "no-end", "lengths", "clocks"),
    "trickle",
)
SINS = ANSWERING + PLAYING


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    playing: asyncio.Task[None] | None = None
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            lines = request.split(b"\r\n")
            method, url = lines[0].split()[:2]
            sequence = next(line.split(b":")[1].strip() for line in lines if line.lower().startswith(b"cseq"))
            sin = url.decode().split("/")[3]
            async for piece in _pieces(sin, method, sequence):
                writer.write(piece)
                await writer.drain()
            if method == b"PLAY" and playing is None:
                played = _trickle(writer) if sin == "trickle" else Stream(sin, writer).play()
                playing = asyncio.create_task(played)
    if playing is not None:
        playing.cancel()
    writer.close()


async def _pieces(sin: str, method: bytes, sequence: bytes) -> AsyncIterator[bytes]:
    instead = _instead_of_an_answer(sin, sequence)
    transport = b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
    if instead is not None:
        for piece in instead:
            yield piece
    elif sin == "drip":
        for byte in _answer(sequence, b"Public: DESCRIBE"):
            yield bytes((byte,))
            await asyncio.sleep(0.3)
    elif method == b"DESCRIBE" and sin == "large-sdp":
        yield _answer(sequence, b"Content-Type: application/sdp", b"Content-Length: 400000000")
        for piece in _endless(SDP, lambda _: b"a=x:" + b"y" * 65530 + b"\r\n"):
            yield piece
    elif method == b"DESCRIBE" and sin == "no-video":
        yield _answer(sequence, b"Content-Type: application/sdp", body=SDP_WITHOUT_VIDEO)
    elif method == b"DESCRIBE":
        yield _answer(sequence, b"Content-Type: application/sdp", body=SDP)
    elif method == b"SETUP":
        yield _answer(sequence, transport, b"Session: 1;timeout=60")
    else:
        yield _answer(sequence, b"Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER", b"Session: 1")


@asynccontextmanager
async def _serving() -> AsyncIterator[int]:
    server = await asyncio.start_server(_converse, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def main() -> None:
    """Serve until killed."""
    async with _serving() as port:
        print(port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
