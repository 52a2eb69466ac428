"""Runs an extraction worker: starts it, hands it the job, waits for its answer, passes the archive on.

The worker is killed on `close`, when it takes too long, and when its bundle is not taken in time. It is not believed:
it reads a camera's bytes with a large C library. Must not know media.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from kuramori.clips.job import BundleStream, ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.clips.job_codec import encode_job
from kuramori.clips.worker_answer import (
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
TAKE_SECONDS_MOST = 6 * 3600.0  # how long a bundle waits until it is taken whole
PIECE_BYTES = 1 << 20
PIPE_BYTES = 1 << 20


class WorkerStream:
    """The archive of a worker; keeps the contract of BundleStream."""

    def __init__(self, worker: asyncio.subprocess.Process, ready: WorkerReady, started_boot_ns: int) -> None:
        self._worker = worker
        self._started_boot_ns = started_boot_ns
        self._ready = ready
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

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the archive. Raises ExtractionFailed where the worker ends before it."""
        pipe, missing = self._worker.stdout, self._ready.size_bytes
        while pipe is not None and missing:
            piece = await pipe.read(min(PIECE_BYTES, missing))
            if not piece:
                raise _died(await self._worker.wait())
            missing -= len(piece)
            yield piece

    async def close(self) -> None:
        """End the worker; its spool goes with it."""
        self._timer.cancel()
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
        worker.stdin.close()
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
