"""Takes one still: a child captures a key frame, another decodes it confined, the picture comes back in memory.

Both children are killed when they take too long, answer too much, or whoever asked has gone. The bytes between them
pass through here unread. This module must not know video, the API or the register.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from kuramori.stills.still_wire import (
    FRAME_BYTES_MOST,
    JPEG_BYTES_MOST,
    LINE_BYTES_MOST,
    Still,
    StillFailed,
    StillOrder,
    encode_frame,
    encode_order,
    parse_frame,
    parse_still,
)

CAPTURE_MODULE = "kuramori.stills.capture_child"
DECODER_MODULE = "kuramori.stills.decoder_child"
CAPTURE_SECONDS_MOST = 30.0
DECODE_SECONDS_MOST = 20.0
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"  # where systemd puts secrets; a folder, no secret

TakeStill = Callable[[str], Awaitable[Still]]  # by the camera's name; raises StillFailed


def still_taker(configuration: Path) -> TakeStill:
    """Return what takes stills of the cameras of a configuration file."""

    async def take(camera: str) -> Still:
        return await take_still(configuration, camera)

    return take


async def take_still(configuration: Path, camera: str) -> Still:
    """Return one still of a camera. Raises StillFailed; then nothing of it is left anywhere."""
    order = encode_order(StillOrder(str(configuration.absolute()), camera))
    credentials = os.environ.get(CREDENTIALS_VARIABLE)
    environment = {CREDENTIALS_VARIABLE: credentials} if credentials else {}
    captured = await _run(CAPTURE_MODULE, order, LINE_BYTES_MOST + FRAME_BYTES_MOST, CAPTURE_SECONDS_MOST, environment)
    frame = encode_frame(parse_frame(captured))
    return parse_still(await _run(DECODER_MODULE, frame, LINE_BYTES_MOST + JPEG_BYTES_MOST, DECODE_SECONDS_MOST, {}))


async def _run(module: str, given: bytes, answer_bytes_most: int, seconds: float, environment: dict[str, str]) -> bytes:
    """Return all that a child answers. Raises StillFailed."""
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
    except OSError as error:
        raise StillFailed("no-process", f"no process could be started ({error.strerror})") from None
    try:
        async with asyncio.timeout(seconds):
            _, answer = await asyncio.gather(_give(child, given), _all_of(child, answer_bytes_most))
            await child.wait()
    except TimeoutError:
        raise StillFailed("too-slow", f"it took longer than {seconds:g} s and was ended") from None
    finally:
        await _end(child)
    if not answer:
        raise StillFailed("died", "the process that worked on it ended without an answer")
    return answer


async def _give(child: asyncio.subprocess.Process, given: bytes) -> None:
    if child.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its answer, or none, says why
        child.stdin.write(given)
        await child.stdin.drain()
        child.stdin.close()


async def _all_of(child: asyncio.subprocess.Process, bytes_most: int) -> bytes:
    pieces: list[bytes] = []
    size_bytes = 0
    while child.stdout is not None and (piece := await child.stdout.read(1 << 16)):
        size_bytes += len(piece)
        if size_bytes > bytes_most:
            raise StillFailed("garbled", "a process of ours answered without end")
        pieces.append(piece)
    return b"".join(pieces)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Kill it where it lives, and let what is left in the pipe run out."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
    while child.stdout is not None and await child.stdout.read(1 << 16):
        pass
    await child.wait()
