"""A desk with sign-in on a TLS port and a plain one, as other machines reach it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI

from kuramori.api.app import make_app
from kuramori.api.network import serve_network
from kuramori.places import Places
from kuramori_config.api_table import Api
from tests.fakes.desk_room import DeskRoom
from tests.fakes.staff import Staff

WAIT_SECONDS = 60


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Network:
    """A desk with sign-in on a TLS port and a plain one."""

    def __init__(self, staff: Staff) -> None:
        folder = staff.room.folder
        self.staff = staff
        self.app = FastAPI()
        self.tls_port, self.plain_port = free_port(), free_port()
        self.places = Places(folder, folder, folder, (), None, None, None)
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self.api = Api(listen=f"127.0.0.1:{self.tls_port}", loopback=f"127.0.0.1:{self.plain_port}")

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self.tls_port}"

    async def open(self) -> None:
        """Listen; a certificate is made where there is none."""
        context = self.staff.room.context
        assert context is not None
        self._stop = asyncio.Event()
        self.app = make_app(context)
        self._serving = asyncio.create_task(serve_network(self.app, context, self.api, self.places, self._stop))
        async with asyncio.timeout(WAIT_SECONDS):
            for port in (self.tls_port, self.plain_port):
                while not await _answers(port):
                    await asyncio.sleep(0.01)

    async def close(self) -> None:
        """Listen no more."""
        self._stop.set()
        if self._serving is not None:
            await self._serving

    def context(self) -> ssl.SSLContext:
        """Return what a client trusts: exactly the desk's own certificate."""
        return ssl.create_default_context(cafile=str(self.places.api_certificate))

    async def ask(self, path: str, token: str = "") -> httpx.Response:
        """GET over TLS."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(verify=self.context(), trust_env=False) as client:
            return await client.get(f"https://127.0.0.1:{self.tls_port}{path}", headers=headers)


@asynccontextmanager
async def desk_network(folder: Path) -> AsyncIterator[Network]:
    """Serve until the block ends."""
    room = DeskRoom(folder)
    room.sign_in = True
    async with room:
        made = Network(Staff(room))
        await made.open()
        yield made
        await made.close()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
