"""A camera that answers every HTTP request with whatever a test wants to say, byte for byte."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

Script = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema"><s:Body>{}</s:Body></s:Envelope>'
)


def response(body: str | bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole HTTP response."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/soap+xml", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def soap(content: str) -> bytes:
    """Return a 200 response with this content in a SOAP body."""
    return response(ENVELOPE.format(content))


def always(answer: bytes) -> Script:
    """Answer each request with the same bytes."""

    async def script(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return script


def by_operation(answers: dict[str, bytes]) -> Script:
    """Answer by the operation that stands in the request; anything else is not supported."""
    unsupported = response(
        ENVELOPE.format(
            "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>ter:ActionNotSupported</s:Value>"
            "</s:Subcode></s:Code></s:Fault>"
        ),
        "400 Bad Request",
    )

    async def script(request: bytes, writer: asyncio.StreamWriter) -> None:
        found = next((answer for name, answer in answers.items() if f":{name}".encode() in request), unsupported)
        writer.write(found)
        await writer.drain()

    return script


@dataclass(frozen=True, slots=True)
class _Aborting:
    """Lets go of a connection however its conversation ended."""

    writer: asyncio.StreamWriter

    def close(self) -> None:
        self.writer.transport.abort()


@dataclass(slots=True)
class HostileCamera:
    """Serves `script` on loopback while entered. `requests` holds every request whole; `sent_bytes` what got out."""

    script: Script
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/onvif/device_service"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # aborted connections are let go in the next turn of the loop

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError), contextlib.closing(_Aborting(writer)):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                )
                request = head + await reader.readexactly(length)
                self.requests.append(request)
                await self.script(request, writer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
