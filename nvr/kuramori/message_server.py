"""Answers the protocol of `messages` on a Unix socket: one handler, any number of callers, one line each way.

The handler gets a question (an instance of one of the question classes) and returns its answer or a Failure.
A caller that sends rubbish gets a failure or is dropped and costs nobody else anything. This module must not
know what the questions mean.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

from kuramori import messages
from kuramori.messages import BY_QUESTION, Failure, FailureCode, MessageUnreadable

QUESTION_LIMIT_BYTES = 1024 * 1024  # the longest question lists PLAN_LIMIT_SEGMENTS segments
BACKLOG = 64

Handler = Callable[[Any], Awaitable[Any]]


class MessageServer:
    """Serves `handler` on `socket_path` (mode 0600) from start() to close()."""

    def __init__(self, socket_path: Path, handler: Handler, mode: int = 0o600) -> None:
        self._socket_path = socket_path
        self._handler = handler
        self._mode = mode
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()

    async def start(self) -> Self:
        """Listen; a socket file left by a predecessor is replaced. Raises OSError."""
        listener = bind_unix_socket(self._socket_path, self._mode)
        self._server = await asyncio.start_unix_server(
            self._converse, sock=listener, limit=QUESTION_LIMIT_BYTES, backlog=BACKLOG
        )
        return self

    async def close(self) -> None:
        """Stop listening, give up running conversations, remove the socket file. May be called twice."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for task in tuple(self._conversations):
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        self._socket_path.unlink(missing_ok=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._conversations.add(task)
            task.add_done_callback(self._conversations.discard)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    line = await reader.readuntil(b"\n")
                    writer.write(await self._reply(line))
                    await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(messages.encode_failure(0, Failure(FailureCode.UNREADABLE, "the line is too long")))
        finally:
            writer.close()

    async def _reply(self, line: bytes) -> bytes:
        try:
            call = messages.decode_call(line)
        except MessageUnreadable as error:
            return messages.encode_failure(error.call_id, Failure(error.code, str(error)))
        answer = await self._handler(call.question)
        if isinstance(answer, Failure):
            return messages.encode_failure(call.call_id, answer)
        if not isinstance(answer, BY_QUESTION[type(call.question)].answer):
            raise TypeError(f"{call.method.name} is not answered by a {type(answer).__name__}")
        return messages.encode_answer(call.call_id, answer)


def bind_unix_socket(socket_path: Path, mode: int) -> socket.socket:
    """Return a bound, not yet listening Unix socket with exactly this mode. Raises OSError."""
    socket_path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(str(socket_path))
        socket_path.chmod(mode)  # before listen: nobody can connect earlier
    except OSError:
        listener.close()
        raise
    return listener
