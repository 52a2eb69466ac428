"""Long work at the desk: started by a person, watched by that person, stopped if it must be.

    job = jobs.start(JobKind.BUNDLE, caller.person, work)      # work(progress) -> reference of its result
    ...progress.at(0.4)...                                     # inside the work, from the desk's event loop

A job is a note in memory, never the effect itself: what must outlast the desk stands in the register before the work
says it is done, and a desk that starts anew knows no jobs. Who did not start a job is told that there is none. Bounded:
so many run at once, so many that ended are remembered, and each for a day. Must not know HTTP, or what any work does.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from kuramori import log
from kuramori.desk.call_fault import JobsFull, JobUnknown
from kuramori.desk.fault import DeskFault
from kuramori.timebase import Clock

RUNNING_MOST = 16  # of the whole desk; the work has tighter bounds of its own
RUNNING_MOST_EACH = 4  # of one person
ENDED_MOST = 256
ENDED_KEPT_MS = 24 * 3600 * 1000
CANCEL_SECONDS = 10.0  # how long whoever stops a job waits for its end
ID_BYTES = 16


class JobKind(StrEnum):
    """What is being done."""

    BACKUP = "backup"
    BUNDLE = "bundle"
    STORYBOARD = "storyboard"
    MASKED_COPY = "masked-copy"


class JobState(StrEnum):
    """How it stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it stands. `progress` is 0 to 1; `result` says where the result is, of a job that is done."""

    job_id: str
    kind: JobKind
    owner: str
    state: JobState
    progress: float
    started_utc_ms: int
    ended_utc_ms: int | None = None
    result: str = ""
    code: str = ""  # of the fault, of a job that failed
    english: str = ""
    japanese: str = ""


class Progress:
    """How a work tells how far it is."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell = tell

    def at(self, share: float) -> None:
        """Say how much is done, 0 to 1. It never goes back."""
        self._tell(min(1.0, max(0.0, share)))


Work = Callable[[Progress], Awaitable[str]]


class Jobs:
    """The desk's jobs. Use from one event loop; `close` stops what runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[str, Job] = {}  # the oldest first
        self._running: dict[str, asyncio.Task[str]] = {}

    def start(self, kind: JobKind, owner: str, work: Work) -> str:
        """Begin a work and return its job's id. Raises JobsFull."""
        mine = sum(self._jobs[running].owner == owner for running in self._running)
        if len(self._running) >= RUNNING_MOST or mine >= RUNNING_MOST_EACH:
            raise JobsFull
        self._forget()
        job_id = secrets.token_hex(ID_BYTES)
        self._jobs[job_id] = Job(job_id, kind, owner, JobState.RUNNING, 0.0, self._clock.utc_ms())
        progress = Progress(lambda share: self._advance(job_id, share))
        task: asyncio.Task[str] = asyncio.ensure_future(_run(work, progress))
        self._running[job_id] = task
        task.add_done_callback(lambda ended: self._end(job_id, ended))
        return job_id

    def of(self, owner: str) -> tuple[Job, ...]:
        """Return a person's jobs, the newest first."""
        self._forget()
        return tuple(job for job in reversed(self._jobs.values()) if job.owner == owner)

    def job(self, job_id: str, owner: str) -> Job:
        """Return a person's job. Raises JobUnknown, also for another's."""
        self._forget()
        found = self._jobs.get(job_id)
        if found is None or found.owner != owner:
            raise JobUnknown
        return found

    async def cancel(self, job_id: str, owner: str) -> Job:
        """Stop a person's job and return it as it is then. Raises JobUnknown.

        One that ended before stays as it was; one that must finish a step first is still running after a while.
        """
        self.job(job_id, owner)
        task = self._running.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_SECONDS)
            await asyncio.sleep(0)  # its end is noted by a callback
        return self.job(job_id, owner)

    async def close(self) -> None:
        """Stop everything that runs and wait for it. May be called twice."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def _advance(self, job_id: str, share: float) -> None:
        job = self._jobs.get(job_id)
        if job is not None and job.state is JobState.RUNNING and share > job.progress:
            self._jobs[job_id] = replace(job, progress=share)

    def _end(self, job_id: str, task: asyncio.Task[str]) -> None:
        self._running.pop(job_id, None)
        job = replace(self._jobs[job_id], ended_utc_ms=self._clock.utc_ms())
        if task.cancelled():
            ended = replace(job, state=JobState.CANCELLED)
        elif (fault := task.exception()) is None:
            ended = replace(job, state=JobState.DONE, progress=1.0, result=task.result())
        elif isinstance(fault, DeskFault):
            ended = replace(job, state=JobState.FAILED, code=fault.code, english=fault.english, japanese=fault.japanese)
        else:
            log.get().error("job_broke", job=job_id, kind=job.kind.value, error=type(fault).__name__)
            english, japanese = "The desk failed on this; its log says why.", "内部エラーが発生しました。"
            ended = replace(job, state=JobState.FAILED, code="internal", english=english, japanese=japanese)
        self._jobs[job_id] = ended

    def _forget(self) -> None:
        """Let go of what ended long ago, and of the oldest where too many have ended."""
        before = self._clock.utc_ms() - ENDED_KEPT_MS
        ended = [job for job in self._jobs.values() if job.ended_utc_ms is not None]
        many = max(0, len(ended) - ENDED_MOST)
        for place, job in enumerate(ended):
            if place < many or (job.ended_utc_ms or 0) < before:
                del self._jobs[job.job_id]


async def _run(work: Work, progress: Progress) -> str:
    return await work(progress)
