"""Runs a masking worker: starts it, hands it the order, hears how far it is, takes the sheets, and later confirms.

The worker is killed on `close`, when it says nothing for too long, and when nobody confirms for a day. It is not
believed: it reads a camera's bytes with large C libraries. Must not know media.
"""

import asyncio
import base64
import contextlib
import sys
from collections.abc import Callable
from dataclasses import asdict, replace

from kuramori.clips.extraction import WorkerStream
from kuramori.clips.job import BundleStream, ExtractionFailed, ExtractionFault
from kuramori.clips.job_codec import encode_job
from kuramori.clips.worker_answer import LINE_BYTES_MOST, WorkerGarbled, WorkerRefused, parse_answer
from kuramori.masking.masking_job import (
    Confirmation,
    MadeCopy,
    MaskingOrder,
    WaitingCopy,
    encode_part,
    parse_face,
    parse_line,
)
from kuramori.masking.strip_sheets import digest_of
from kuramori.timebase import SystemClock

WORKER_MODULE = "kuramori.masking.masking_worker"
SILENCE_SECONDS_MOST = 900.0  # between two words of a worker; a machine that is busy recording is slow
CONFIRM_SECONDS_MOST = 24 * 3600.0
PIPE_BYTES = 1 << 20


class MaskingWorker:
    """A masked copy that waits in its worker; keeps the contract of WaitingCopy."""

    def __init__(self, worker: asyncio.subprocess.Process, made: MadeCopy, sheets: tuple[bytes, ...]) -> None:
        self._worker = worker
        self._stream: WorkerStream | None = None
        self._timer = asyncio.get_running_loop().call_later(CONFIRM_SECONDS_MOST, _kill, worker)
        self.made = made
        self.sheets = sheets

    @property
    def worker_pid(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    async def confirm(self, confirmation: Confirmation) -> BundleStream:
        """See WaitingCopy."""
        try:
            async with asyncio.timeout(SILENCE_SECONDS_MOST):
                await _tell(self._worker, encode_part(asdict(confirmation)))
                ready = parse_answer(await _line(self._worker))
        except TimeoutError:
            raise _died("it took too long") from None
        except WorkerGarbled:
            raise _died("its answer cannot be read") from None
        if isinstance(ready, WorkerRefused):
            raise ExtractionFailed(ready.fault, ready.detail)
        self._timer.cancel()
        self._stream = WorkerStream(self._worker, ready, SystemClock().boot_ns())
        return self._stream

    async def close(self) -> None:
        """See WaitingCopy."""
        self._timer.cancel()
        if self._stream is not None:
            await self._stream.close()
        else:
            await _end(self._worker)


async def run_masking(order: MaskingOrder, tell: Callable[[float], None]) -> WaitingCopy:
    """Do an order in a worker of its own; return when the copy and its strips are made. Raises ExtractionFailed."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        WORKER_MODULE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        limit=PIPE_BYTES,
    )
    try:
        return await _ask(worker, order, tell)
    except TimeoutError:
        await _end(worker)
        raise _died("it said nothing for too long and was ended") from None
    except WorkerGarbled:
        await _end(worker)
        raise _died("its answer cannot be read") from None
    except BaseException:
        await _end(worker)
        raise


async def _ask(worker: asyncio.subprocess.Process, order: MaskingOrder, tell: Callable[[float], None]) -> MaskingWorker:
    rest = {
        "number": order.number,
        "drawing": base64.b64encode(order.drawing).decode("ascii"),
        "look_for_faces": order.look_for_faces,
    }
    async with asyncio.timeout(SILENCE_SECONDS_MOST):
        await _tell(worker, await asyncio.to_thread(encode_job, order.job) + encode_part(rest))
    while True:
        async with asyncio.timeout(SILENCE_SECONDS_MOST):
            said = parse_line(await _line(worker))
        if isinstance(said, WorkerRefused):
            raise ExtractionFailed(said.fault, said.detail)
        if isinstance(said, tuple):
            async with asyncio.timeout(SILENCE_SECONDS_MOST):
                return await _take(worker, *said)
        tell(said)


async def _take(worker: asyncio.subprocess.Process, made: MadeCopy, face_count: int) -> MaskingWorker:
    """Take faces and sheets; they have to be what the worker said. Raises WorkerGarbled, ExtractionFailed."""
    faces = tuple([parse_face(await _line(worker)) for _ in range(face_count)])
    sheets = []
    for length in made.sheet_bytes:
        try:
            sheets.append(await worker.stdout.readexactly(length) if worker.stdout is not None else b"")
        except asyncio.IncompleteReadError:
            raise _died("it ended before its strips") from None
    if digest_of(tuple(sheets)) != made.sheets_sha256:
        raise WorkerGarbled
    return MaskingWorker(worker, replace(made, faces=faces), tuple(sheets))


async def _tell(worker: asyncio.subprocess.Process, data: bytes) -> None:
    if worker.stdin is None:
        raise _died("it has no pipes")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # then its answer says why
        worker.stdin.write(data)
        await worker.stdin.drain()


async def _line(worker: asyncio.subprocess.Process) -> bytes:
    line = await worker.stdout.readline() if worker.stdout is not None else b""
    if not line:
        raise _died(f"it ended with status {await worker.wait()}")
    if not line.endswith(b"\n") or len(line) > LINE_BYTES_MOST:
        raise WorkerGarbled
    return line


def _died(how: str) -> ExtractionFailed:
    return ExtractionFailed(ExtractionFault.WORKER_DIED, how)


def _kill(worker: asyncio.subprocess.Process) -> None:
    if worker.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()


async def _end(worker: asyncio.subprocess.Process) -> None:
    """Kill it, wait for it, and let what is left in the pipe run out."""
    _kill(worker)
    while worker.stdout is not None and await worker.stdout.read(PIPE_BYTES):
        pass
    await worker.wait()
