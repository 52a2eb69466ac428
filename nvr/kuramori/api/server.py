"""Serves the app on the desk's Unix socket: who may connect, how it ends. The only module that knows uvicorn's life.

The socket is mode 0660: the recorder's group. Must not know resources.
"""

import asyncio
import contextlib
from collections.abc import Generator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from kuramori.api.identity import PeerProtocol
from kuramori.message_server import bind_unix_socket

SOCKET_MODE = 0o660
KEEP_ALIVE_SECONDS = 5


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process decides when it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to the process."""
        yield


async def serve(app: FastAPI, socket_path: Path, stop: asyncio.Event) -> None:
    """Serve until `stop`; then give running answers a moment and end. Raises OSError where it cannot listen."""
    config = uvicorn.Config(
        app,
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=0,  # a caller that is cut off asks again; recording and register are elsewhere
    )
    server = _Server(config)
    listener = bind_unix_socket(socket_path, SOCKET_MODE)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
        socket_path.unlink(missing_ok=True)
