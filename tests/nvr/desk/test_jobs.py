"""Long work as jobs: progress, result, failure, stopping; seen by who started it only; bounded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from kuramori.desk.call_fault import JobsFull, JobUnknown
from kuramori.desk.fault import CameraUnknown
from kuramori.desk.jobs import (
    ENDED_KEPT_MS,
    ENDED_MOST,
    RUNNING_MOST,
    RUNNING_MOST_EACH,
    Job,
    JobKind,
    Jobs,
    JobState,
    Progress,
)
from tests.fakes.clock import ToldClock
from tests.fakes.desk_room import HANDLER, INSTALLER, SECOND_HANDLER, DeskRoom
from tests.fakes.desk_steps import content

NOW_UTC_MS = 1_700_000_000_000


@pytest.fixture
async def jobs() -> AsyncIterator[Jobs]:
    """Jobs that are stopped in the end."""
    made = Jobs(ToldClock(NOW_UTC_MS))
    yield made
    await made.close()


async def endless(progress: Progress) -> str:
    """Never end."""
    progress.at(0.25)
    await asyncio.Event().wait()
    return "never"


async def quick(_progress: Progress) -> str:
    """End at once."""
    return "/v1/there"


async def until_ended(jobs: Jobs, job_id: str, owner: str = HANDLER) -> Job:
    """Wait for the end of a job."""
    async with asyncio.timeout(60):
        while jobs.job(job_id, owner).state is JobState.RUNNING:
            await asyncio.sleep(0)
    return jobs.job(job_id, owner)


async def test_a_job_tells_how_far_it_is_and_where_its_result_is(jobs: Jobs) -> None:
    """Progress never goes back nor beyond one; a job that is done is whole and names its result."""
    seen = []
    go_on = asyncio.Event()

    async def work(progress: Progress) -> str:
        for share in (0.5, 0.2, 7.0, -1.0):
            progress.at(share)
            seen.append(jobs.job(job_id, HANDLER).progress)
        await go_on.wait()
        return "/v1/somewhere"

    job_id = jobs.start(JobKind.BUNDLE, HANDLER, work)
    assert jobs.job(job_id, HANDLER).state is JobState.RUNNING
    go_on.set()
    done = await until_ended(jobs, job_id)
    assert seen == [0.5, 0.5, 1.0, 1.0]
    assert (done.state, done.progress, done.result) == (JobState.DONE, 1.0, "/v1/somewhere")
    assert done.ended_utc_ms == NOW_UTC_MS


async def fails_with_a_fault(_progress: Progress) -> str:
    """Fail as the desk fails."""
    raise CameraUnknown("gate")


async def breaks(_progress: Progress) -> str:
    """Fail as nobody foresaw."""
    raise ZeroDivisionError("a secret")


@pytest.mark.parametrize(("work", "code"), [(fails_with_a_fault, "camera-unknown"), (breaks, "internal")])
async def test_a_failed_job_says_why_and_shows_no_inside(
    jobs: Jobs, work: Callable[[Progress], Awaitable[str]], code: str
) -> None:
    """The desk's own faults with their code and sentences; anything else as internal."""
    failed = await until_ended(jobs, jobs.start(JobKind.BACKUP, HANDLER, work))
    assert (failed.state, failed.code) == (JobState.FAILED, code)
    assert failed.english
    assert failed.japanese
    assert "secret" not in failed.english


async def test_a_stopped_job_is_cancelled_and_one_that_ended_stays(jobs: Jobs) -> None:
    """Stopping waits for the work's own end."""
    running, done = jobs.start(JobKind.BUNDLE, HANDLER, endless), jobs.start(JobKind.BUNDLE, HANDLER, quick)
    await until_ended(jobs, done)
    assert (await jobs.cancel(running, HANDLER)).state is JobState.CANCELLED
    assert (await jobs.cancel(done, HANDLER)).state is JobState.DONE


async def test_a_job_is_there_for_who_started_it_only(jobs: Jobs) -> None:
    """Others neither see nor stop it; to them it is not there."""
    job_id = jobs.start(JobKind.BUNDLE, HANDLER, endless)
    assert jobs.of(SECOND_HANDLER) == ()
    with pytest.raises(JobUnknown):
        jobs.job(job_id, SECOND_HANDLER)
    with pytest.raises(JobUnknown):
        await jobs.cancel(job_id, SECOND_HANDLER)
    assert [job.job_id for job in jobs.of(HANDLER)] == [job_id]


async def test_so_many_jobs_run_at_once(jobs: Jobs) -> None:
    """A person's and the whole desk's; an ended one makes room."""
    for _ in range(RUNNING_MOST_EACH):
        last = jobs.start(JobKind.BUNDLE, HANDLER, endless)
    with pytest.raises(JobsFull):
        jobs.start(JobKind.BUNDLE, HANDLER, endless)
    for number in range(RUNNING_MOST - RUNNING_MOST_EACH):
        jobs.start(JobKind.BUNDLE, f"person {number // RUNNING_MOST_EACH}", endless)
    with pytest.raises(JobsFull):
        jobs.start(JobKind.BUNDLE, SECOND_HANDLER, endless)
    await jobs.cancel(last, HANDLER)
    jobs.start(JobKind.BUNDLE, SECOND_HANDLER, endless)


async def test_ended_jobs_are_remembered_in_bounds() -> None:
    """The oldest go where there are too many, all go after a day; what runs stays."""
    clock = ToldClock(NOW_UTC_MS)
    jobs = Jobs(clock)
    first = jobs.start(JobKind.BACKUP, HANDLER, endless)
    for _ in range(ENDED_MOST + 5):
        await until_ended(jobs, jobs.start(JobKind.BACKUP, HANDLER, quick))
    kept = jobs.of(HANDLER)
    assert len(kept) == ENDED_MOST + 1
    assert kept[-1].job_id == first
    clock.pass_ms(ENDED_KEPT_MS + 1)
    assert [job.job_id for job in jobs.of(HANDLER)] == [first]
    await jobs.close()
    assert jobs.job(first, HANDLER).state is JobState.CANCELLED


async def test_jobs_over_http(tmp_path: Path) -> None:
    """Listed, shown, stopped by who started them; for anybody else there is none."""
    async with DeskRoom(tmp_path) as room:
        job_id = room.open_desk.jobs.start(JobKind.BUNDLE, HANDLER, endless)
        listed = content(await room.call("GET", "/v1/jobs", HANDLER))["jobs"]
        assert [(one["job_id"], one["kind"], one["state"]) for one in listed] == [(job_id, "bundle", "running")]
        assert content(await room.call("GET", f"/v1/jobs/{job_id}", HANDLER))["progress"] == 0.25
        for person in (SECOND_HANDLER, INSTALLER):
            assert content(await room.call("GET", "/v1/jobs", person))["jobs"] == []
            for method, path in (("GET", f"/v1/jobs/{job_id}"), ("POST", f"/v1/jobs/{job_id}/cancellation")):
                answer = await room.call(method, path, person)
                assert (answer.status_code, answer.json()["code"]) == (404, "job-unknown")
        stopped = content(await room.call("POST", f"/v1/jobs/{job_id}/cancellation", HANDLER))
        assert stopped["state"] == "cancelled"
