"""Runs a viewing worker: starts it, hands it the job, asks it for pictures one piece at a time, ends it.

The worker is killed on `close`, when it takes too long and when it answers what it must not. It is not believed: it
reads a camera's bytes with a large C library. Must not know media or requests.
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from typing import Protocol

from kuramori.clips.job import ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.clips.job_codec import encode_job
from kuramori.viewing.picture_wire import (
    LINE_BYTES_MOST,
    Ask,
    Detail,
    Fault,
    PictureRefused,
    Piece,
    cell_of,
    check_piece,
    encode_ask,
    parse_piece_line,
    parse_ready,
)

WORKER_COMMAND = ("-I", "-m", "kuramori.viewing.viewing_worker")
START_SECONDS_MOST = 120.0
PIECE_SECONDS_MOST = 120.0
PIPE_BYTES = 1 << 20


class Viewer(Protocol):
    """Somebody who shows the pictures of one job until closed."""

    async def show(self, ask: Ask) -> Piece:
        """Return the pictures of an ask, checked. Raises ExtractionFailed."""

    async def close(self) -> None:
        """End the worker; its keys go with it. May be called twice, also while it shows."""


StartViewer = Callable[[ExtractionJob], Awaitable[Viewer]]


class WorkerViewer:
    """A worker that shows; keeps the contract of Viewer."""

    def __init__(self, worker: asyncio.subprocess.Process) -> None:
        self._worker = worker
        self._turn = asyncio.Lock()
        self._shown: dict[tuple[int, int], int] = {}  # of the storyboard: camera and ten seconds → which moment

    @property
    def worker_pid(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    async def show(self, ask: Ask) -> Piece:
        """Return the pictures of an ask. Raises ExtractionFailed; a worker that is not to be believed is ended."""
        async with self._turn:
            try:
                async with asyncio.timeout(PIECE_SECONDS_MOST):
                    found = await self._ask(ask)
            except (PictureRefused, OSError, asyncio.IncompleteReadError) as fault:
                await self.close()
                detail = str(fault) if isinstance(fault, PictureRefused) else "it ended"
                raise ExtractionFailed(ExtractionFault.WORKER_DIED, detail) from fault
            except TimeoutError:
                await self.close()
                raise ExtractionFailed(ExtractionFault.WORKER_DIED, "it took too long and was ended") from None
            except asyncio.CancelledError:
                await self.close()  # nobody would take what it still says
                raise
        if isinstance(found, Fault):
            raise _failed(found)
        return found

    async def close(self) -> None:
        """Kill it, wait for it, and let what is left in the pipe run out."""
        if self._worker.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._worker.kill()
        await self._worker.wait()

    async def _ask(self, ask: Ask) -> Piece | Fault:
        worker = self._worker
        if worker.stdin is None or worker.stdout is None:
            raise PictureRefused("it has no pipes")
        worker.stdin.write(encode_ask(ask))
        await worker.stdin.drain()
        line = await worker.stdout.readuntil(b"\n")
        told = parse_piece_line(line)
        if isinstance(told, Fault):
            return told
        count, size_bytes, next_utc_ms = told
        piece = check_piece(ask, count, next_utc_ms, await worker.stdout.readexactly(size_bytes))
        if ask.detail is Detail.STORYBOARD:
            self._require_coarse(ask, piece)
        return piece

    def _require_coarse(self, ask: Ask, piece: Piece) -> None:
        """However often it is asked, ten seconds have one picture: always the same one."""
        for picture in piece.pictures:
            known = self._shown.setdefault((ask.camera, cell_of(picture.utc_us)), picture.utc_us)
            if known != picture.utc_us:
                raise PictureRefused("a storyboard with two pictures within ten seconds")


async def start_viewer(job: ExtractionJob) -> Viewer:
    """Start a worker for a job; return once it has checked grant and keys. Raises ExtractionFailed."""
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, *WORKER_COMMAND),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        limit=PIPE_BYTES,
    )
    viewer = WorkerViewer(worker)
    try:
        async with asyncio.timeout(START_SECONDS_MOST):
            fault = await _begin(worker, job)
    except (PictureRefused, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        await viewer.close()
        detail = str(error) if isinstance(error, PictureRefused) else "it ended"
        raise ExtractionFailed(ExtractionFault.WORKER_DIED, detail) from error
    except TimeoutError:
        await viewer.close()
        raise ExtractionFailed(ExtractionFault.WORKER_DIED, "it took too long and was ended") from None
    except BaseException:
        await viewer.close()
        raise
    if fault is not None:
        await viewer.close()
        raise _failed(fault)
    return viewer


async def _begin(worker: asyncio.subprocess.Process, job: ExtractionJob) -> Fault | None:
    if worker.stdin is None or worker.stdout is None:
        raise PictureRefused("it has no pipes")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # then its answer says why
        worker.stdin.write(await asyncio.to_thread(encode_job, job))
        await worker.stdin.drain()
    line = await worker.stdout.readuntil(b"\n")
    if len(line) > LINE_BYTES_MOST:
        raise PictureRefused("its answer cannot be read")
    return parse_ready(line)


def _failed(fault: Fault) -> ExtractionFailed:
    known = {one.value: one for one in ExtractionFault}
    return ExtractionFailed(known.get(fault.reason, ExtractionFault.WORKER_DIED), fault.detail)
