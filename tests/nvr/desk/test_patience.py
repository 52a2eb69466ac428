"""Callers that are slow on purpose: heads that never end, bodies that trickle, answers that nobody takes."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori.api import patience
from kuramori.api.app import make_app
from kuramori.api.patience import BodyInTime, PatientProtocol, share_of
from kuramori.api.server import bind_tcp, serve_tcp
from kuramori.api.tls import ensure_own, server_context
from tests.fakes.desk_room import HANDLER, DeskRoom
from tests.fakes.desk_steps import content, filed

WAIT_SECONDS = 60
SHORT_SECONDS = 0.2


@pytest.fixture
async def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DeskRoom]:
    """A desk that has little patience."""
    monkeypatch.setattr(PatientProtocol, "head_seconds", SHORT_SECONDS)
    monkeypatch.setattr(PatientProtocol, "take_seconds", SHORT_SECONDS)
    monkeypatch.setattr(BodyInTime, "body_seconds", SHORT_SECONDS)
    async with DeskRoom(tmp_path) as made:
        yield made


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the desk lets go."""
    found = b""
    async with asyncio.timeout(WAIT_SECONDS):
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                found += piece
    return found


@pytest.mark.parametrize("sent", [b"", b"GET /v1/sta", b"GET /v1/status HTTP/1.1\r\nHost: desk\r\nX-A: "])
async def test_a_head_that_never_ends_is_let_go(room: DeskRoom, sent: bytes) -> None:
    """Nothing at all, or some of it: the connection is cut, nobody is answered."""
    reader, writer = await asyncio.open_unix_connection(room.socket)
    writer.write(sent)
    assert await read_to_end(reader) == b""
    writer.close()
    content(await room.call("GET", "/v1/status"))


async def test_a_head_in_drops_is_let_go_too(room: DeskRoom) -> None:
    """Each byte in time is not enough; also in a second call of the same connection."""
    reader, writer = await asyncio.open_unix_connection(room.socket)
    writer.write(b"GET /v1/grounds HTTP/1.1\r\nHost: desk\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    reading = asyncio.create_task(read_to_end(reader))
    async with asyncio.timeout(WAIT_SECONDS):
        while not reading.done():
            writer.write(b"G")
            await asyncio.sleep(SHORT_SECONDS / 10)
    writer.close()


async def test_a_body_in_drops_is_refused_with_a_code(room: DeskRoom) -> None:
    """408, and nothing is filed."""
    reader, writer = await asyncio.open_unix_connection(room.socket)
    head = "POST /v1/requests HTTP/1.1\r\nHost: desk\r\nContent-Type: application/json\r\n"
    head += f"Kuramori-Person: {'%E7%94%B0%E4%B8%AD%20%E6%AC%A1%E9%83%8E'}\r\nContent-Length: 10000\r\n\r\n"
    writer.write(head.encode())
    reading = asyncio.create_task(read_to_end(reader))
    async with asyncio.timeout(WAIT_SECONDS):
        while not reading.done():
            writer.write(b" ")
            await asyncio.sleep(SHORT_SECONDS / 10)
    answer = await reading
    assert b" 408 " in answer.split(b"\r\n")[0]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "call-too-slow"
    writer.close()
    assert room.open_desk.journal.requests == {}
    await filed(room)


async def test_a_reader_that_never_reads_is_cut(room: DeskRoom) -> None:
    """Answers pile up to a bound and no further; others are served meanwhile."""
    for _ in range(20):
        await filed(room)
    _, writer = await asyncio.open_unix_connection(room.socket)
    ask = b"GET /v1/requests HTTP/1.1\r\nHost: desk\r\nKuramori-Person: Sato%20Hanako\r\n\r\n"
    async with asyncio.timeout(WAIT_SECONDS):
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(ask * 10)
                await writer.drain()
                await asyncio.sleep(0.01)
                content(await room.call("GET", "/v1/requests/20261001-1", HANDLER))
    writer.close()


async def test_a_caller_takes_only_its_share_of_the_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TLS, the fourth connection of an address with a share of three is cut; the others stay."""
    monkeypatch.setattr(patience, "CONNECTIONS_MOST_EACH", 3)
    async with DeskRoom(tmp_path) as room:
        certificate, key = tmp_path / "tls.pem", tmp_path / "tls.key"
        ensure_own(certificate, key, "Kita", b"\x00" * 16, "127.0.0.1", room.clock.utc_ms())
        listener, stop = bind_tcp("127.0.0.1:0"), asyncio.Event()
        port = listener.getsockname()[1]
        assert room.context is not None
        serving = asyncio.create_task(
            serve_tcp(make_app(room.context), listener, server_context(certificate, key), stop)
        )
        trusting = ssl.create_default_context(cafile=str(certificate))
        opened = [await asyncio.open_connection("127.0.0.1", port, ssl=trusting) for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        assert await read_to_end(reader) == b""
        writer.close()
        for reader, writer in opened:
            writer.write(b"GET /v1/grounds HTTP/1.1\r\nHost: desk\r\n\r\n")
            assert b" 200 " in await reader.readuntil(b"\r\n")
            writer.close()
        stop.set()
        await serving


def test_a_share_is_an_address_or_a_network() -> None:
    """One of IPv6 has more addresses than there are connections."""
    assert share_of("192.0.2.1") == "192.0.2.1"
    assert share_of("2001:db8:1:2:3::4") == share_of("2001:db8:1:2:ffff::9") != share_of("2001:db8:1:3::4")
