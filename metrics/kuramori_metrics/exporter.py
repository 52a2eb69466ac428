"""The metrics page on a port: a small HTTP server on the caller's event loop that never holds it up.

It answers `GET /metrics` (and HEAD), and nothing else. The page is made in small slices with the loop running in
between, at most once a second however often it is asked for; connections, request sizes and waiting are bounded,
because whoever scrapes may be hostile. It must not know where the figures come from: `read` gives them.
"""

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable

from kuramori_metrics.exposition import CONTENT_TYPE, exposition_slices
from kuramori_metrics.statistics import RecorderStatistics, StatisticsUnavailable

ReadStatistics = Callable[[], RecorderStatistics | Awaitable[RecorderStatistics]]

MAX_CONNECTIONS = 16
REQUEST_LIMIT_BYTES = 8192
REQUEST_SECONDS = 5.0  # for the whole request to arrive
ANSWER_SECONDS = 20.0  # for the whole answer to be taken
FRESH_SECONDS = 1.0  # a page younger than this is given again: the figures change once a tick

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}
_INDEX = b"Kuramori: metrics are at /metrics\n"


class ListenRefused(Exception):
    """The address cannot be listened on; says which and what to do."""

    def __init__(self, host: str, port: int, detail: str) -> None:
        self.host = host
        self.port = port
        self.detail = detail
        super().__init__(
            f"the metrics page cannot listen on {host} port {port} ({detail}): end the program that has the port, or "
            "name another address in [metrics] listen"
        )


class MetricsExporter:
    """Serves the page between `start` and `stop`. `read` is called for each page; it must be quick, or awaitable."""

    def __init__(self, read: ReadStatistics, host: str, port: int) -> None:
        self._read = read
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._page = b""
        self._page_time = float("-inf")
        self._making = asyncio.Lock()

    async def start(self) -> None:
        """Listen. Raises ListenRefused."""
        try:
            self._server = await asyncio.start_server(
                self._connected, self._host, self._port, limit=REQUEST_LIMIT_BYTES
            )
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None)
            detail = os.strerror(number) if number and number > 0 else str(error)
            raise ListenRefused(self._host, self._port, detail) from error

    @property
    def port(self) -> int:
        """The port that is listened on (useful where 0 was asked for)."""
        if self._server is None:
            return self._port
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and cut what is open. May be called twice."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._connections.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await reader.readuntil(b"\r\n\r\n")
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(await self._answer(request))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # whoever asked is gone, too slow or speaks no HTTP: nobody to tell
        finally:
            writer.transport.abort()

    async def _answer(self, request: bytes) -> bytes:
        line = request.split(b"\r\n", 1)[0].split(b" ")
        if len(line) != 3 or not line[2].startswith(b"HTTP/1."):
            return _response(400, b"this is no HTTP request\n")
        method, target = line[0], line[1].split(b"?", 1)[0]
        if method not in (b"GET", b"HEAD"):
            return _response(405, b"only GET and HEAD\n", extra="Allow: GET, HEAD\r\n")
        if target not in (b"/", b"/metrics"):
            return _response(404, _INDEX, head_only=method == b"HEAD")
        if target == b"/":
            return _response(200, _INDEX, head_only=method == b"HEAD")
        try:
            page = await self._fresh_page()
        except StatisticsUnavailable as error:
            return _response(503, f"{error.detail}\n".encode(), head_only=method == b"HEAD")
        return _response(200, page, content_type=CONTENT_TYPE, head_only=method == b"HEAD")

    async def _fresh_page(self) -> bytes:
        """Make the page, slice by slice, unless a young one is there. Many who ask wait for one page."""
        async with self._making:
            now = asyncio.get_running_loop().time()
            if now - self._page_time >= FRESH_SECONDS:
                figures = self._read()
                statistics = await figures if inspect.isawaitable(figures) else figures
                slices = []
                for piece in exposition_slices(statistics):
                    slices.append(piece)
                    await asyncio.sleep(0)
                self._page, self._page_time = b"".join(slices), now
            return self._page


def _response(
    status: int,
    body: bytes,
    *,
    content_type: str = "text/plain; charset=utf-8",
    extra: str = "",
    head_only: bool = False,
) -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        f"X-Content-Type-Options: nosniff\r\n{extra}Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + (b"" if head_only else body)
