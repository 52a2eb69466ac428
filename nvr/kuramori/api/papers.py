"""The office's papers over HTTP (O6): rules, notice, report to the review board, empty forms, disposal records.

Everything is asked for first, then drawn in the printer's thread. Must not know how pages are drawn, nor what they say.
"""

from contextlib import suppress
from functools import partial
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Response

from kuramori.api.complaints import within_ms
from kuramori.api.context import Context, Here, TheDesk
from kuramori.api.ending import DisposalView
from kuramori.api.health import Look, look_at
from kuramori.api.identity import Auditor, KeepingReader, PaperPrinter
from kuramori.api.printing import OF_PAPER, PaperFormat, paper_answer
from kuramori.api.register_papers import LATEST_UTC_MS, UtcMs
from kuramori.coverage_figures import CameraFigures, figures
from kuramori.desk.complaint_book import Complaint
from kuramori.desk.desk import Desk
from kuramori.desk.ending_fault import DisposalUnknown
from kuramori.desk.fault import CustodiansUnusable, RecorderAway, RecorderDeclined, RequestInvalid
from kuramori.desk.grounds import Asked, RecipientKind, Wording
from kuramori.desk.period_figures import figures_of
from kuramori.desk.recorder import asking
from kuramori.desk.register_entry import EntryKind
from kuramori.desk.signed_note import open_checkpoint
from kuramori.messages import RecorderStatus
from kuramori.paper.blank_forms import BlankForm, blank_form
from kuramori.paper.board_paper import BoardFacts, Standing, board_report
from kuramori.paper.disposal_paper import DisposalFacts, RegisterProof, disposal_paper
from kuramori.paper.document import Document
from kuramori.paper.language import Language
from kuramori.paper.notice_paper import NoticeSize, notice
from kuramori.paper.paper_facts import PaperFacts
from kuramori.paper.rules_paper import footer_of, rules

DISPOSAL_KINDS = (EntryKind.RETIREMENT_ORDERED, EntryKind.VOLUME_RETIRED, EntryKind.DISPOSAL_COMPLETED)

router = APIRouter(tags=["papers"])
Shape = Annotated[PaperFormat, Query(alias="format")]
Tongue = Annotated[Language, Query(alias="language")]


@router.get("/v1/papers/rules", response_class=Response, responses=OF_PAPER)
async def rule_book(
    here: Here,
    desk: TheDesk,
    caller: PaperPrinter,
    shape: Shape = PaperFormat.PDF,
    say: Tongue = Language.JAPANESE,
) -> Response:
    """Return the management rules (防犯カメラ管理運用要領), as the configuration in use has them."""
    facts = _facts(here, desk, (await look_at(here)).recorder)
    return await paper_answer(partial(rules, facts, say), shape, "rules", facts.printed_utc_ms)


@router.get("/v1/papers/notice", response_class=Response, responses=OF_PAPER)
async def camera_notice(
    here: Here,
    desk: TheDesk,
    caller: PaperPrinter,
    camera: Annotated[str, Query(max_length=64)] = "",
    size: NoticeSize = NoticeSize.A4,
    shape: Shape = PaperFormat.PDF,
    say: Tongue = Language.JAPANESE,
) -> Response:
    """Return the notice beside a camera (防犯カメラ作動中), or those beside all of them."""
    facts = _facts(here, desk, None)
    return await paper_answer(partial(notice, facts, say, size, camera), shape, "notice", facts.printed_utc_ms)


@router.get("/v1/papers/form", response_class=Response, responses=OF_PAPER)
async def empty_form(
    here: Here,
    desk: TheDesk,
    caller: PaperPrinter,
    which: BlankForm,
    shape: Shape = PaperFormat.PDF,
    say: Tongue = Language.JAPANESE,
) -> Response:
    """Return an empty form: application, decision, receipt, complaint."""
    facts = _facts(here, desk, None)
    return await paper_answer(partial(blank_form, facts, say, which), shape, which.value, facts.printed_utc_ms)


@router.get("/v1/papers/board-report", response_class=Response, responses=OF_PAPER)
async def report(
    here: Here,
    desk: TheDesk,
    caller: Auditor,
    from_utc_ms: UtcMs,
    to_utc_ms: UtcMs,
    shape: Shape = PaperFormat.PDF,
    say: Tongue = Language.JAPANESE,
) -> Response:
    """Return the report to the review board about a period."""
    now = desk.clock.utc_ms()
    if not from_utc_ms < to_utc_ms <= LATEST_UTC_MS or from_utc_ms >= now:
        raise RequestInvalid(
            "to_utc_ms",
            "the period has to end after it begins, and begin in the past.",
            "期間の指定が正しくありません。",
        )
    look = await look_at(here)
    facts = _facts(here, desk, look.recorder)
    coverage = await _coverage(desk, from_utc_ms, min(to_utc_ms, now))
    complaints = _complaints(desk, from_utc_ms, to_utc_ms)
    standing = _standing(desk, look, facts, say)

    def make() -> Document:
        counted = figures_of(desk.journal.register.each(), from_utc_ms, to_utc_ms)
        return board_report(facts, BoardFacts(from_utc_ms, to_utc_ms, counted, coverage, complaints, standing), say)

    return await paper_answer(make, shape, "board-report", facts.printed_utc_ms)


@router.get("/v1/disposals/{record}/paper", response_class=Response, responses=OF_PAPER)
async def disposal(
    here: Here,
    desk: TheDesk,
    caller: KeepingReader,
    record: Annotated[int, Path(ge=1)],
    shape: Shape = PaperFormat.PDF,
    say: Tongue = Language.JAPANESE,
) -> Response:
    """Return a disposal record with the certificate that the medium's keys are destroyed (K6)."""
    known = desk.media.book.disposals.get(record)
    if known is None:
        raise DisposalUnknown(record)
    view = DisposalView.of(known, desk.site.name, desk.site.recorder_id)
    told = DisposalFacts(**{name: getattr(view, name) for name in DisposalFacts.__slots__})
    facts = _facts(here, desk, None)

    def make() -> Document:
        return disposal_paper(told, say, facts.zone, _proof(desk, record), footer_of(facts, say))

    return await paper_answer(make, shape, f"disposal-{record}", facts.printed_utc_ms)


def _facts(here: Context, desk: Desk, recorder: RecorderStatus | None) -> PaperFacts:
    site = desk.site
    k, n = site.office.threshold, 0
    with suppress(CustodiansUnusable):
        current = desk.custodians()
        k, n = current.k, current.n
    refusal = site.rules.assess(Asked("", "", RecipientKind.PRIVATE))
    return PaperFacts(
        site=site.name,
        recorder_id=site.recorder_id.hex(),
        rule_set=site.rule_set,
        zone=ZoneInfo(site.time_zone),
        printed_utc_ms=here.clock.utc_ms(),
        office=site.office,
        people=site.people,
        k=k,
        n=n,
        tier=recorder.erasure_tier if recorder is not None else "",
        grounds=site.rules.grounds,
        private=refusal.text if refusal is not None else Wording("", ""),
    )


async def _coverage(desk: Desk, from_utc_ms: int, to_utc_ms: int) -> tuple[CameraFigures, ...]:
    """Return how much of each camera was recorded; nothing where the recorder does not answer."""
    found = []
    with suppress(RecorderAway, RecorderDeclined):
        for camera in desk.site.cameras:
            async with asking(camera.name):
                found.append(figures(await desk.recorder.coverage(camera.name, from_utc_ms, to_utc_ms)))
    return tuple(found)


def _complaints(desk: Desk, from_utc_ms: int, to_utc_ms: int) -> tuple[Complaint, ...]:
    """Return those received or answered in the period, and those that wait still."""
    return tuple(
        one
        for one in desk.journal.complaints.complaints.values()
        if from_utc_ms <= one.received.received_utc_ms < to_utc_ms
        or (one.answer is not None and from_utc_ms <= one.answer.answered_utc_ms < to_utc_ms)
        or (one.answer is None and one.received.received_utc_ms < to_utc_ms)
    )


def _standing(desk: Desk, look: Look, facts: PaperFacts, say: Language) -> Standing:
    journal, now = desk.journal, desk.clock.utc_ms()
    names: tuple[str, ...] = ()
    with suppress(CustodiansUnusable):
        names = tuple(card.name for card in desk.custodians().custodians)
    return Standing(
        holds=len(journal.holds.in_force(now)),
        not_returned=sum(request.waits_for_return for request in journal.requests.values()),
        open_disposals=len(desk.media.book.open_disposals()),
        complaints_overdue=len(journal.complaints.overdue(now, within_ms(desk))),
        recorder=look.recorder is not None,
        clock_trusted=look.recorder is not None and look.recorder.clock_trusted,
        read_back=_read_back(look.recorder, facts, say),
        problems=tuple(problem.text(japanese=say is Language.JAPANESE) for problem in look.state.problems),
        custodians=names,
        keys_not_shown=sum(one.overdue for one in look.custody.custodians) if look.custody is not None else 0,
    )


def _read_back(recorder: RecorderStatus | None, facts: PaperFacts, say: Language) -> str:
    checks = [volume.scrub for volume in recorder.volumes if volume.scrub is not None] if recorder is not None else []
    if not checks:
        return ""
    segments, damaged = sum(one.segments for one in checks), sum(one.damaged for one in checks)
    verified = segments - sum(one.unverified for one in checks)
    passes = [one.last_pass_utc_ms for one in checks if one.last_pass_utc_ms is not None]
    last = say.time(min(passes), facts.zone) if passes else say("not finished once yet", "一巡していない")
    return say(
        f"Read back: {verified} of {segments} segments verified, {damaged} damaged; whole pass last at: {last}.",
        f"読み返し検査: {segments}区間のうち{verified}区間を検証済み、破損{damaged}区間、直近の一巡: {last}",
    )


def _proof(desk: Desk, record: int) -> RegisterProof:
    """Return where the register tells of a disposal record. Reads all of it: in the printer's thread."""
    register = desk.journal.register
    checkpoint = open_checkpoint(register.checkpoint, register.verifier)
    entries = tuple(
        one.entry.index
        for one in register.each()
        if one.entry.kind in DISPOSAL_KINDS and (one.content or {}).get("record") == record
    )
    return RegisterProof(entries, checkpoint.size, checkpoint.root.hex())
