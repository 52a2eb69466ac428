"""Status, coverage and grounds: what concerns no request and names no person.

Must not know how anything is recorded.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request

from kuramori.api.context import Context, Here
from kuramori.api.identity import Anybody
from kuramori.api.problems import japanese
from kuramori.api.views import (
    DeskStatus,
    GroundList,
    GroundView,
    OpenDisposal,
    ReminderView,
    StateProblem,
    StateView,
    StatusView,
)
from kuramori.capacity_messages import CapacityPlan
from kuramori.coverage_report import COVERAGE_PATH, CoverageReport
from kuramori.desk.camera_book import CameraBook
from kuramori.desk.complaint_book import ComplaintBook
from kuramori.desk.custody_status import CustodyStatus, custody_problems
from kuramori.desk.desk import desk_reminders
from kuramori.desk.fault import CustodiansUnusable, RecorderAway, RequestInvalid
from kuramori.desk.recorder import asking
from kuramori.desk.reminders import reminder_problems, reminder_text
from kuramori.desk.request import RequestState
from kuramori.mail.mail_report import mail_trouble, read_report
from kuramori.messages import Coverage, RecorderStatus
from kuramori.metrics_window import supervised
from kuramori.site_state import SiteFacts, SiteState, site_state
from kuramori.texts import both, japanese_wanted, tr

SUPERVISOR_REPORT = "supervisor.json"
REPORT_LIMIT_BYTES = 65536
OPEN_STATES = (RequestState.FILED, RequestState.GRANTED, RequestState.APPROVED)

router = APIRouter(tags=["health"])


@router.get("/v1/state")
async def state(here: Here, caller: Anybody, http: Request) -> StateView:
    """Return the light and everything that is wrong; the same judgement as in status, mails and metrics."""
    found = (await look_at(here)).state
    shown = tuple(
        StateProblem(
            problem.key, problem.text(japanese=japanese(http)), problem.urgent, problem.english, problem.japanese
        )
        for problem in found.problems
    )
    return StateView(here.clock.utc_ms(), found.light, shown)


@router.get("/v1/status")
async def status(here: Here, caller: Anybody) -> StatusView:
    """Return the desk, the recorder and the three processes at a glance. Answers also while the recorder is away."""
    look = await look_at(here)
    return StatusView(
        _desk_status(here),
        look.recorder,
        _processes(here),
        tuple(problem.text(japanese=japanese_wanted()) for problem in look.state.problems),
        _views_not_confirmed(here),
        look.custody,
        _open_disposals(here),
        look.state.light,
        tuple(str(sentence) for sentence in look.spoken),
        tuple(both(sentence) for sentence in look.spoken),
        _reminders(here),
    )


@dataclass(frozen=True, slots=True)
class Look:
    """What is found at one look: the judged state and what it rests on."""

    state: SiteState
    recorder: RecorderStatus | None
    spoken: tuple[str, ...]
    custody: CustodyStatus | None


async def look_at(here: Context) -> Look:
    recorder = None
    with suppress(RecorderAway):
        async with asking():
            recorder = await here.recorder.status()
    spoken: list[str] = []
    custody = None
    if here.desk is None:
        spoken.append(here.trouble)
    else:
        spoken += here.desk.keeping.waiting_orders()
        spoken += here.desk.journal.accounts.problems()
        spoken += reminder_problems(desk_reminders(here.desk))
        try:
            custody = here.desk.custody_status()
            spoken += custody_problems(custody, here.clock.utc_ms())
        except CustodiansUnusable as unusable:
            spoken.append(tr(unusable.english, unusable.japanese))
    if here.network_trouble:
        spoken.append(here.network_trouble)
    mail = mail_trouble(read_report(here.runtime_directory), here.clock.utc_ms())
    down = tuple(process.name for process in supervised(here.runtime_directory) if not process.up)
    found = site_state(SiteFacts(recorder, "", down, (*spoken, *((mail,) if mail else ()))))
    return Look(found, recorder, tuple(spoken), custody)


@router.get(COVERAGE_PATH)
async def coverage(
    here: Here,
    from_utc_ms: Annotated[int, Query(ge=0)],
    to_utc_ms: Annotated[int, Query(ge=0)],
    caller: Anybody,
    camera: str | None = None,
) -> CoverageReport:
    """Return what is recorded of one camera, or of all, in [from, to)."""
    if from_utc_ms >= to_utc_ms:
        raise RequestInvalid("to_utc_ms", "the range has to end after it begins.", "終了は開始より後にしてください。")
    names = [known.name for known in here.site.cameras] if camera is None else [camera]
    if camera is not None and here.site.camera(camera) is None:
        raise RequestInvalid("camera", "there is no such camera.", "そのカメラはありません。")
    found: list[Coverage] = []
    for name in names:
        async with asking(name):
            found.append(await here.recorder.coverage(name, from_utc_ms, to_utc_ms))
    return CoverageReport(here.clock.utc_ms(), tuple(found))


@router.get("/v1/capacity")
async def capacity(here: Here, caller: Anybody) -> CapacityPlan:
    """Return how long each camera's pictures will stay at the present rates, and what holds may keep."""
    async with asking():
        return await here.recorder.capacity()


@router.get("/v1/grounds")
async def ground_list(here: Here, caller: Anybody) -> GroundList:
    """Return the grounds of the site's rule set, with source and the document each needs (H2)."""
    found = []
    for ground in here.site.rules.grounds:
        document = ground.document
        found.append(
            GroundView(
                ground.code,
                ground.name.english,
                ground.name.japanese,
                ground.source.english,
                ground.source.japanese,
                document.english if document else "",
                document.japanese if document else "",
                ground.usual_recipient.value,
                ground.hand_over,
                tuple(sorted(kind.value for kind in ground.recipients)),
                tuple(output.value for output in ground.outputs),
                ground.document_later,
                ground.referral.value if ground.referral is not None else "",
            )
        )
    return GroundList(here.site.rule_set, tuple(found))


def _reminders(here: Context) -> tuple[ReminderView, ...]:
    """What the office must not forget; nothing while the register cannot be used, which the light tells."""
    zone = ZoneInfo(here.site.time_zone)
    found = desk_reminders(here.desk) if here.desk is not None else ()
    return tuple(
        ReminderView(
            one.kind.value, one.request_id, one.hold_id, one.due_utc_ms, one.late, both(reminder_text(one, zone))
        )
        for one in found
    )


def _desk_status(here: Context) -> DeskStatus:
    requests = list(here.desk.journal.requests.values()) if here.desk else []
    complaints = here.desk.journal.complaints if here.desk else ComplaintBook()
    return DeskStatus(
        utc_ms=here.clock.utc_ms(),
        site=here.site.name,
        recorder_id=here.site.recorder_id.hex(),
        rule_set=here.site.rule_set,
        time_zone=here.site.time_zone,
        register_size=here.desk.journal.register.size if here.desk else 0,
        register_verifier=here.desk.journal.register.verifier.encode() if here.desk else "",
        open_requests=sum(request.state in OPEN_STATES for request in requests),
        waiting_for_return=sum(request.waits_for_return for request in requests),
        complaints_waiting=len(complaints.waiting()),
        complaints_overdue=len(complaints.overdue(here.clock.utc_ms(), here.site.office.answer_within.seconds * 1000)),
    )


def _views_not_confirmed(here: Context) -> tuple[str, ...]:
    """Name the cameras that nobody has confirmed yet; all of them where the register cannot be used."""
    book = here.desk.cameras.book if here.desk is not None else CameraBook()
    lives = ((camera.name, book.of(camera.name)) for camera in here.site.cameras)
    return tuple(name for name, life in lives if life is None or life.confirmed_utc_ms is None)


def _open_disposals(here: Context) -> tuple[OpenDisposal, ...]:
    found = here.desk.media.book.open_disposals() if here.desk is not None else ()
    return tuple(OpenDisposal(one.record, one.volume, one.retired_utc_ms) for one in found)


def _processes(here: Context) -> dict[str, Any]:
    """What the supervisor last said of the three processes; empty where there is none."""
    try:
        with (here.runtime_directory / SUPERVISOR_REPORT).open("rb") as file:
            document = json.loads(file.read(REPORT_LIMIT_BYTES))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
