"""Runs an extraction worker: starts it, hands it the job, waits for its answer, passes the archive on.

The worker is killed on `close`, when it takes too long, and when its bundle has waited for a week. It is not believed:
it reads a camera's bytes with a large C library. Must not know media.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from kuramori.clips.job import BundleStream, ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.clips.job_codec import encode_job
from kuramori.clips.worker_answer import (
    ASK,
    ASK_BYTES_MOST,
    LINE_BYTES_MOST,
    WorkerGarbled,
    WorkerReady,
    WorkerRefused,
    parse_answer,
)
from kuramori.timebase import SystemClock

WORKER_MODULE = "kuramori.clips.extraction_worker"
START_SECONDS_MOST = 120.0
SLOWEST_BYTES_PER_SECOND = 2 << 20  # a worker that opens less than this hangs
TAKE_SECONDS_MOST = 7 * 24 * 3600.0  # how long a bundle waits to be taken (K7)
PIECE_BYTES = 1 << 20
PIPE_BYTES = 1 << 20


class WorkerStream:
    """The archive of a worker; keeps the contract of BundleStream."""

    def __init__(self, worker: asyncio.subprocess.Process, ready: WorkerReady, started_boot_ns: int) -> None:
        self._worker = worker
        self._started_boot_ns = started_boot_ns
        self._ready = ready
        self._turn = asyncio.Lock()
        self._at = self._asked_to = 0  # up to where the archive was read, and asked for
        self._timer = asyncio.get_running_loop().call_later(TAKE_SECONDS_MOST, _kill, worker)

    @property
    def manifest_digest(self) -> bytes:
        """SHA-256 of manifest.json."""
        return self._ready.manifest_digest

    @property
    def size_bytes(self) -> int | None:
        """Length of the archive."""
        return self._ready.size_bytes

    @property
    def first_picture_seconds(self) -> float:
        """From starting the worker until the first verified picture was in the muxer."""
        return (self._ready.first_picture_boot_ns - self._started_boot_ns) / 1e9

    @property
    def worker_pid(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    def __aiter__(self) -> AsyncIterator[bytes]:
        """See `pieces`."""
        return self.pieces()

    async def pieces(self, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the archive from a place on. Raises ExtractionFailed where the worker ends before it."""
        while start < self._ready.size_bytes:
            for piece in await self._part(start):
                start += len(piece)
                yield piece

    async def _part(self, start: int) -> list[bytes]:
        """Return the part of the archive that begins there; the next one is asked for meanwhile."""
        size_bytes, found = self._ready.size_bytes, list[bytes]()
        async with self._turn:
            if start != self._at:
                while self._at < self._asked_to:  # what a taker asked for and did not wait for
                    await self._read(self._asked_to - self._at)
                self._at = self._asked_to = start
            while self._asked_to < min(start + 2 * ASK_BYTES_MOST, size_bytes):
                self._ask_more(min(ASK_BYTES_MOST, size_bytes - self._asked_to))
            end = min(start + ASK_BYTES_MOST, size_bytes)
            while self._at < end:
                found.append(await self._read(end - self._at))
        return found

    def _ask_more(self, length: int) -> None:
        if self._worker.stdin is not None:  # where the worker is gone, reading says so
            self._worker.stdin.write(ASK.pack(self._asked_to, length))
        self._asked_to += length

    async def _read(self, most: int) -> bytes:
        piece = await self._worker.stdout.read(min(PIECE_BYTES, most)) if self._worker.stdout is not None else b""
        if not piece:
            raise _died(await self._worker.wait())
        self._at += len(piece)
        return piece

    async def close(self) -> None:
        """End the worker; its spool and the spool's key go with it."""
        self._timer.cancel()
        _kill(self._worker)
        async with self._turn:
            await _end(self._worker)


async def run_worker(job: ExtractionJob) -> BundleStream:
    """Do a job in a worker of its own; return when everything is verified and packed. Raises ExtractionFailed."""
    started_boot_ns = SystemClock().boot_ns()
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
        async with asyncio.timeout(_seconds_most(job)):
            answer = await _ask(worker, job)
    except TimeoutError:
        await _end(worker)
        raise ExtractionFailed(ExtractionFault.WORKER_DIED, "it took too long and was ended") from None
    except BaseException:
        await _end(worker)
        raise
    if isinstance(answer, WorkerReady):
        return WorkerStream(worker, answer, started_boot_ns)
    await _end(worker)
    raise ExtractionFailed(answer.fault, answer.detail)


async def _ask(worker: asyncio.subprocess.Process, job: ExtractionJob) -> WorkerReady | WorkerRefused:
    if worker.stdin is None or worker.stdout is None:
        raise ExtractionFailed(ExtractionFault.WORKER_DIED, "it has no pipes")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # then its answer says why
        worker.stdin.write(await asyncio.to_thread(encode_job, job))
        await worker.stdin.drain()
    line = await worker.stdout.readline()
    if not line.endswith(b"\n") or len(line) > LINE_BYTES_MOST:
        raise _died(await worker.wait() if not line else None)
    try:
        return parse_answer(line)
    except WorkerGarbled:
        raise ExtractionFailed(ExtractionFault.WORKER_DIED, "its answer cannot be read") from None


def _seconds_most(job: ExtractionJob) -> float:
    extents = sum(segment.extent_bytes for camera in job.cameras for segment in camera.segments)
    return START_SECONDS_MOST + extents / SLOWEST_BYTES_PER_SECOND


def _died(status: int | None) -> ExtractionFailed:
    how = "its answer cannot be read" if status is None else f"it ended with status {status}"
    return ExtractionFailed(ExtractionFault.WORKER_DIED, how)


def _kill(worker: asyncio.subprocess.Process) -> None:
    if worker.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()


async def _end(worker: asyncio.subprocess.Process) -> None:
    """Kill it, wait for it, and let what is left in the pipe run out."""
    _kill(worker)
    while worker.stdout is not None and await worker.stdout.read(PIECE_BYTES):
        pass
    await worker.wait()
