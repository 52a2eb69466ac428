"""Serves the app: on the desk's Unix socket, and over TCP where that is configured. Alone knows uvicorn's life.

The socket is mode 0660: the recorder's group. A port is TLS 1.3, or plain on loopback. Must not know resources.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Generator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from kuramori.api.identity import PeerProtocol
from kuramori.api.patience import CONNECTIONS_MOST, PatientProtocol
from kuramori.message_server import bind_unix_socket

SOCKET_MODE = 0o660
KEEP_ALIVE_SECONDS = 5
TICK_SECONDS = 1.0
BACKLOG = 128


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers, and asleep between its ticks: the process decides when it ends."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to the process."""
        yield

    async def main_loop(self) -> None:
        """Keep the date of the answers right, once a second, until told to stop."""
        while not self._stop.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), TICK_SECONDS)


async def serve(app: FastAPI, socket_path: Path, stop: asyncio.Event) -> None:
    """Serve until `stop`; then give running answers a moment and end. Raises OSError where it cannot listen."""
    config = _config(app, PeerProtocol)
    listener = bind_unix_socket(socket_path, SOCKET_MODE)
    try:
        await _Server(config, stop).serve(sockets=[listener])
    finally:
        socket_path.unlink(missing_ok=True)


class PlainBeyondLoopback(Exception):
    """Plain HTTP was asked for on an address that others can reach."""


def bind_tcp(listen: str) -> socket.socket:
    """Return a listening socket of "address:port". Raises OSError."""
    host, _, port = listen.rpartition(":")
    address = ipaddress.ip_address(host.strip("[]"))
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(address), int(port)))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


async def serve_tcp(app: FastAPI, listener: socket.socket, tls: ssl.SSLContext | None, stop: asyncio.Event) -> None:
    """Serve on a listening socket until `stop`; without TLS on loopback only. Raises PlainBeyondLoopback."""
    if tls is None and not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
        listener.close()
        raise PlainBeyondLoopback(listener)
    config = _config(app, PatientProtocol)
    config.load()
    config.ssl = tls
    await _Server(config, stop).serve(sockets=[listener])


def _config(app: FastAPI, protocol: type[PatientProtocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS_MOST,  # beyond it a caller is told to come later
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=0,  # a caller that is cut off asks again; recording and register are elsewhere
    )
