"""A real Prometheus, and a real Alertmanager, in folders and on ports of their own, for as long as a test lasts."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx

from tests.peers import require_program

READY_SECONDS = 120.0  # a busy machine


def free_port() -> int:
    """Return a port that nobody has at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A program with an HTTP API of Prometheus' kind."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.AsyncClient(base_url=url, timeout=30)

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples of an instant query."""
        answer = await self.client.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result


@asynccontextmanager
async def prometheus(folder: Path, configuration: str, *flags: str) -> AsyncIterator[Server]:
    """Run Prometheus with this configuration file's text; `folder` also takes its data and a log."""
    file = folder / "prometheus.yml"
    file.write_text(configuration, encoding="utf-8")
    port = free_port()
    command = [
        require_program("prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    async with _running(command, folder / "prometheus.log", f"http://127.0.0.1:{port}") as server:
        yield server


@asynccontextmanager
async def alertmanager(folder: Path, configuration: Path, authorities: Path | None = None) -> AsyncIterator[Server]:
    """Run Alertmanager with this configuration file, alone. `authorities`: the certificates that it trusts."""
    port = free_port()
    command = [
        require_program("prometheus-alertmanager"),
        f"--config.file={configuration}",
        f"--storage.path={folder / 'alertmanager-data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    trusted = {} if authorities is None else {"SSL_CERT_FILE": str(authorities)}
    async with _running(command, folder / "alertmanager.log", f"http://127.0.0.1:{port}", trusted) as server:
        yield server


@asynccontextmanager
async def _running(
    command: list[str], log: Path, url: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=output, stderr=output, env={**os.environ, **(environment or {})}
        )
        server = Server(url)
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await _is_ready(server):
                    assert process.returncode is None, log.read_text()
                    await asyncio.sleep(0.05)
            yield server
        finally:
            await server.client.aclose()
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _is_ready(server: Server) -> bool:
    try:
        return (await server.client.get("/-/ready")).status_code == 200
    except httpx.TransportError:
        return False
