"""Long work over HTTP: how far the own jobs are, and stopping one.

Whoever starts long work gets its job's address at once (202) and looks here. Must not know what is being done.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request

from kuramori.api.context import TheDesk
from kuramori.api.identity import JobOwner
from kuramori.api.paging import ThePage, page_of
from kuramori.api.problems import japanese
from kuramori.desk.jobs import Job

JOBS_PATH = "/v1/jobs"

router = APIRouter(prefix=JOBS_PATH, tags=["jobs"])
JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


@dataclass(frozen=True, slots=True)
class JobView:
    """A job. `result` is the address of what it made; `code` and `detail` say why it failed."""

    job_id: str
    kind: str
    state: str
    progress: float
    started_utc_ms: int
    ended_utc_ms: int | None
    result: str
    code: str
    detail: str

    @classmethod
    def of(cls, job: Job, http: Request) -> "JobView":
        """Return the view of a job in the caller's language."""
        return cls(
            job.job_id,
            job.kind.value,
            job.state.value,
            round(job.progress, 4),
            job.started_utc_ms,
            job.ended_utc_ms,
            job.result,
            job.code,
            job.japanese if japanese(http) else job.english,
        )


@dataclass(frozen=True, slots=True)
class JobList:
    """A page of the caller's jobs, the newest first. `next` is null on the last page."""

    jobs: tuple[JobView, ...]
    next: str | None


@router.get("")
async def jobs(desk: TheDesk, caller: JobOwner, http: Request, asked: ThePage) -> JobList:
    """Return the own jobs of the last day."""
    page = page_of("jobs", desk.jobs.of(caller.person), _started, asked, newest_first=True)
    return JobList(tuple(JobView.of(job, http) for job in page.rows), page.next)


@router.get("/{job_id}")
async def job(job_id: JobId, desk: TheDesk, caller: JobOwner, http: Request) -> JobView:
    """Return one of the own jobs."""
    return JobView.of(desk.jobs.job(job_id, caller.person), http)


@router.post("/{job_id}/cancellation")
async def cancel(job_id: JobId, desk: TheDesk, caller: JobOwner, http: Request) -> JobView:
    """Stop one of the own jobs; one that has ended stays as it is."""
    return JobView.of(await desk.jobs.cancel(job_id, caller.person), http)


def _started(job: Job) -> tuple[int, str]:
    return job.started_utc_ms, job.job_id
