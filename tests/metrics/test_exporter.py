"""The metrics page on a port: what is answered, and that nobody who asks can hold the recorder up."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import httpx
import pytest

from kuramori_metrics import exporter
from kuramori_metrics.exporter import ListenRefused, MetricsExporter, ReadStatistics
from kuramori_metrics.exposition import CONTENT_TYPE, exposition
from kuramori_metrics.statistics import RecorderStatistics, StatisticsUnavailable
from tests.metrics.sample import full

HOST = "127.0.0.1"


@asynccontextmanager
async def serving(read: ReadStatistics) -> AsyncIterator[MetricsExporter]:
    served = MetricsExporter(read, HOST, 0)
    await served.start()
    try:
        yield served
    finally:
        await served.stop()


async def say(port: int, request: bytes) -> bytes:
    """Send bytes, return all that comes back until the end."""
    reader, writer = await asyncio.open_connection(HOST, port)
    answer = b""
    with suppress(ConnectionError):
        writer.write(request)
        answer = await reader.read()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return answer


class TestAnswers:
    async def test_the_page_is_at_metrics(self) -> None:
        """With the content type that Prometheus expects."""
        async with serving(full) as served, httpx.AsyncClient() as client:
            answer = await client.get(f"http://{HOST}:{served.port}/metrics?x=1")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == CONTENT_TYPE
        assert answer.content == exposition(full())

    async def test_figures_may_come_later(self) -> None:
        """`read` may be asynchronous, as when another process has the figures."""

        async def read() -> RecorderStatistics:
            await asyncio.sleep(0)
            return full()

        async with serving(read) as served, httpx.AsyncClient() as client:
            answer = await client.get(f"http://{HOST}:{served.port}/metrics")
        assert answer.content == exposition(full())

    async def test_without_figures_the_page_says_why(self) -> None:
        """503, so that Prometheus marks the target down."""

        def read() -> RecorderStatistics:
            raise StatisticsUnavailable("the recorder does not answer")

        async with serving(read) as served, httpx.AsyncClient() as client:
            answer = await client.get(f"http://{HOST}:{served.port}/metrics")
        assert (answer.status_code, answer.text) == (503, "the recorder does not answer\n")

    @pytest.mark.parametrize(
        ("request_bytes", "status"),
        [
            (b"GET / HTTP/1.1\r\n\r\n", b"200"),
            (b"GET /../etc/passwd HTTP/1.1\r\n\r\n", b"404"),
            (b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"405"),
            (b"HEAD /metrics HTTP/1.1\r\n\r\n", b"200"),
            (b"GET /metrics\r\n\r\n", b"400"),
            (b"\x16\x03\x01\r\n\r\n", b"400"),
        ],
    )
    async def test_other_requests_have_their_answers(self, request_bytes: bytes, status: bytes) -> None:
        """Nothing else is there."""
        async with serving(full) as served:
            answer = await say(served.port, request_bytes)
        assert answer.split(b" ")[1] == status
        assert answer.split(b"\r\n\r\n", 1)[1] == b"" or not request_bytes.startswith(b"HEAD")


class TestHostileAskers:
    async def test_a_request_without_end_is_cut(self) -> None:
        """Beyond the limit nothing is read."""
        async with serving(full) as served:
            assert await say(served.port, b"GET /" + b"a" * 100_000) == b""
            assert (await say(served.port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200")

    async def test_a_silent_asker_is_cut(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever connects and says nothing keeps no place."""
        monkeypatch.setattr(exporter, "REQUEST_SECONDS", 0.05)
        async with serving(full) as served:
            assert await say(served.port, b"GET /metrics HTTP/1.1\r\n") == b""

    async def test_more_than_a_few_at_once_are_turned_away(self) -> None:
        """And there is room again when they are gone."""
        async with serving(full) as served:
            idle = [await asyncio.open_connection(HOST, served.port) for _ in range(exporter.MAX_CONNECTIONS)]
            while len(served._connections) < exporter.MAX_CONNECTIONS:
                await asyncio.sleep(0)
            assert await say(served.port, b"GET / HTTP/1.1\r\n\r\n") == b""
            for _, writer in idle:
                writer.close()
            while served._connections:
                await asyncio.sleep(0)
            assert (await say(served.port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200")

    async def test_the_page_is_made_once_a_second_at_most(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A hundred askers cost one page."""
        made = 0

        def read() -> RecorderStatistics:
            nonlocal made
            made += 1
            return full()

        monkeypatch.setattr(exporter, "FRESH_SECONDS", 3600.0)
        async with serving(read) as served:
            for _ in range(10):
                await asyncio.gather(*(say(served.port, b"GET /metrics HTTP/1.1\r\n\r\n") for _ in range(10)))
            assert made == 1
            monkeypatch.setattr(exporter, "FRESH_SECONDS", 0.0)
            await say(served.port, b"GET /metrics HTTP/1.1\r\n\r\n")
            assert made == 2

    async def test_the_loop_runs_on_while_a_page_is_made(self) -> None:
        """Between any two metrics whoever records has its turn."""
        turns, running = 0, True

        async def record() -> None:
            nonlocal turns
            while running:
                turns += 1
                await asyncio.sleep(0)

        async with serving(lambda: full(64)) as served:
            recorder = asyncio.create_task(record())
            await asyncio.sleep(0)
            before = turns
            await served._fresh_page()
            assert turns - before >= 30
            running = False
            await recorder


class TestListening:
    async def test_a_port_that_is_taken_is_one_clear_error(self) -> None:
        """It names address and port and says what to do."""
        with closing(socket.socket()) as other:
            other.bind((HOST, 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(ListenRefused, match=rf"{HOST} port {port} .*in use.*\[metrics\] listen") as caught:
                await MetricsExporter(full, HOST, port).start()
        assert (caught.value.host, caught.value.port) == (HOST, port)

    @pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), (HOST, 70_000)])
    async def test_an_address_that_is_not_ours_is_refused_alike(self, host: str, port: int) -> None:
        """Whatever the system says, it is the same kind of error."""
        with pytest.raises(ListenRefused):
            await MetricsExporter(full, host, port).start()

    async def test_stopping_cuts_what_is_open_and_may_be_done_twice(self) -> None:
        """A clean stop does not wait for whoever asks."""
        served = MetricsExporter(full, HOST, 0)
        await served.stop()
        await served.start()
        port = served.port
        reader, writer = await asyncio.open_connection(HOST, port)
        while not served._connections:
            await asyncio.sleep(0)
        await served.stop()
        await served.stop()
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        with pytest.raises(OSError, match=r".*"):
            await asyncio.open_connection(HOST, port)
