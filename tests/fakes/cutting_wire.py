"""A Unix socket before the desk's own that cuts answers off after so many bytes, so many times."""

import asyncio
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PIECE_BYTES = 4096


class CuttingWire:
    """An async context manager. `cuts` is how many connections are still to be cut."""

    def __init__(self, desk: Path, socket: Path, *, after_bytes: int, cuts: int, dead_then: bool = False) -> None:
        self._desk = desk
        self._after_bytes = after_bytes
        self._tasks: set[asyncio.Task[None]] = set()
        self._dead_then = dead_then  # after the first cut nothing comes any more
        self.socket = socket
        self.cuts = cuts
        self.ranges: list[str] = []  # what was asked for, of those that asked for a part

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._carry, self.socket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, with every connection."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        if own is not None:
            self._tasks.add(own)
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._desk)
        up = asyncio.create_task(self._up(reader, inner_writer))
        try:
            await self._down(inner_reader, writer)
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            for end in (writer, inner_writer):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE_BYTES):
            lines = piece.decode("latin-1").split("\r\n")
            self.ranges += [line.partition(": ")[2] for line in lines if line.lower().startswith("range: ")]
            writer.write(piece)
        writer.write_eof()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carried = 0
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                carried += len(piece)
                if self.cuts and carried > self._after_bytes:
                    self.cuts -= 1
                    self._after_bytes = 0 if self._dead_then else self._after_bytes
                    return
                writer.write(piece)
                await writer.drain()
