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
TICK_SECONDS = 1.0


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
    listener = bind_unix_socket(socket_path, SOCKET_MODE)
    try:
        await _Server(config, stop).serve(sockets=[listener])
    finally:
        socket_path.unlink(missing_ok=True)
