"""The HTTP side of simulated cameras: one listening socket for each, as real cameras have, on one event loop.

Reads POST requests with limits, hands their bodies to `onvif_camera`, writes its replies. This module must not know
what is asked or answered.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

from kuramori.simulator.certificate import SimulatedCertificate
from kuramori.simulator.onvif.envelope import HttpReply, Waiting
from kuramori.simulator.onvif_camera import OnvifCamera
from kuramori.timebase import Clock, SystemClock

DEVICE_PATH = "/onvif/device_service"
MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 256 * 1024
IDLE_SECONDS = 60.0
MIN_WAIT_SECONDS = 0.005


Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _BadRequest(Exception):
    """Not a request that a camera answers; the connection is closed."""


@dataclass(slots=True)
class OnvifServer:
    """Serves cameras from start() to stop(). `first_port` 0: ports are chosen; else one after another from there."""

    cameras: tuple[OnvifCamera, ...]
    host: str = "127.0.0.1"
    first_port: int = 0
    clock: Clock = field(default_factory=SystemClock)
    certificate: SimulatedCertificate | None = None  # speaks HTTPS with it
    _servers: list[asyncio.Server] = field(default_factory=list)
    _conversations: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Listen for every camera and note its address in it. Raises OSError when a port is taken."""
        for index, camera in enumerate(self.cameras):
            port = self.first_port + index if self.first_port else 0
            server = await asyncio.start_server(
                self._serve(camera),
                self.host,
                port,
                limit=MAX_HEAD_BYTES,
                ssl=self.certificate.context if self.certificate is not None else None,
            )
            self._servers.append(server)
            scheme = "http" if self.certificate is None else "https"
            camera.device_url = f"{scheme}://{self.host}:{server.sockets[0].getsockname()[1]}{DEVICE_PATH}"

    async def stop(self) -> None:
        """Close everything. May be called twice."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for task in tuple(self._conversations):
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await asyncio.sleep(0)  # aborted connections are let go in the next turn of the loop

    def _serve(self, camera: OnvifCamera) -> Conversation:
        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._conversations.add(task)
                task.add_done_callback(self._conversations.discard)
            try:
                await _converse(camera, self.clock, reader, writer)
            except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, _BadRequest):
                return  # a client that has gone, sleeps or speaks something else
            except asyncio.CancelledError:
                return  # stopped: the end of this task, which nobody awaits for a result
            finally:
                writer.transport.abort()

        return converse


async def _converse(
    camera: OnvifCamera, clock: Clock, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    while True:
        async with asyncio.timeout(IDLE_SECONDS):
            path, headers, body = await _read_request(reader)
        reply = camera.reply(body, headers.get("authorization", ""), clock.utc_ms(), path)
        if reply.waiting is not None:
            reply = await _waited(camera, clock, reply.waiting)
        if reply.hang_up:
            return
        writer.write(_written(reply, clock.utc_ms()))
        await writer.drain()


async def _waited(camera: OnvifCamera, clock: Clock, waiting: Waiting) -> HttpReply:
    """Hold a long poll until the camera has something to say."""
    news = asyncio.Event()
    camera.events.listeners.add(news.set)
    try:
        while True:
            now_utc_ms = clock.utc_ms()
            reply = camera.resume(waiting, now_utc_ms)
            if reply.waiting is None:
                return reply
            news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(MIN_WAIT_SECONDS, (waiting.until_utc_ms - now_utc_ms) / 1000)):
                    await news.wait()
    finally:
        camera.events.listeners.discard(news.set)


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    if not first.startswith("POST "):
        raise _BadRequest
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_BODY_BYTES:
        raise _BadRequest
    return first.split(" ")[1], headers, await reader.readexactly(int(length))


def _written(reply: HttpReply, utc_ms: int) -> bytes:
    body = reply.body.encode()
    lines = [
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        "Content-Type: application/soap+xml; charset=utf-8",
        f"Content-Length: {len(body)}",
        f"Date: {formatdate(utc_ms / 1000, usegmt=True)}",
        *(f"{name}: {value}" for name, value in reply.headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
