"""The report to the review board (O6): what boards ask, answered from configuration, register and recorder.

Each answer says no more than is known; what could not be found out is said to be so. Pure. Must not know pages, nor how
anything is counted.
"""

from dataclasses import dataclass

from kuramori.coverage_figures import CameraFigures, format_percent
from kuramori.desk.complaint_book import Complaint
from kuramori.desk.complaint_steps import ComplaintKind
from kuramori.desk.period_figures import PeriodFigures
from kuramori.desk.register_entry import EntryKind
from kuramori.desk.steps import Outcome
from kuramori.paper.board_answers import answers
from kuramori.paper.document import Block, Document, Form, Grid, Heading, Paragraph, Row
from kuramori.paper.event_texts import gap_words
from kuramori.paper.language import Language
from kuramori.paper.office_texts import camera_rows, claim_of
from kuramori.paper.paper_facts import PaperFacts, require
from kuramori.paper.rules_paper import footer_of

HOUR_MS = 3_600_000
GAPS_NAMED = 4  # reasons of gaps for each camera
_CAUSES = {
    "retention": ("end of retention", "保存期間の満了"),
    "request": ("ordered", "指示による消去"),
    "hold_ended": ("end of a hold", "延長の終了"),
}
_REASONS = {
    "private-person": ("private person", "個人からの請求"),
    "lawyer-alone": ("lawyer who asks directly", "弁護士個人からの請求"),
    "ground-missing": ("no ground", "根拠なし"),
    "ground-unknown": ("unknown ground", "該当しない根拠"),
    "recipient-unfit": ("ground does not cover the recipient", "提供先が根拠に該当しない"),
    "document-missing": ("document missing", "文書なし"),
    "output-unfit": ("output not allowed", "認められない提供方法"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand when the report is printed."""

    holds: int  # in force
    not_returned: int  # hand-overs whose erasure was not reported
    open_disposals: int
    complaints_overdue: int
    recorder: bool  # it answers
    clock_trusted: bool
    read_back: str  # how far the check of what is stored has come, a sentence; "" where nobody knows
    problems: tuple[str, ...]
    custodians: tuple[str, ...]
    keys_not_shown: int  # custodians who have not shown their key for too long


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """The report's period (half open) and what is reported of it. `coverage` is empty where nobody could say."""

    from_utc_ms: int
    to_utc_ms: int
    figures: PeriodFigures
    coverage: tuple[CameraFigures, ...]
    complaints: tuple[Complaint, ...]  # received or answered in the period
    standing: Standing


def board_report(facts: PaperFacts, board: BoardFacts, say: Language) -> Document:
    """Return the report. Raises PaperOptionMissing."""
    require({"papers.review_board": facts.office.review_board})
    blocks: list[Block] = [
        Paragraph(say.time(facts.printed_utc_ms, facts.zone), right=True),
        Paragraph(say(f"To {facts.office.review_board}", f"{facts.office.review_board}\u3000様")),
        Paragraph(f"{facts.operator}\n{facts.titled(facts.office.manager)}", right=True),
        Form(_head(facts, board, say)),
        Heading(say("1. Cameras and retention", "1 設置状況及び保存期間")),
        Grid(
            (say("camera", "カメラ"), say("place", "設置場所"), say("purpose", "目的"), say("retention", "保存期間")),
            camera_rows(facts, say),
            (2, 5, 4, 2),
        ),
        Heading(say("2. Questions and answers", "2 取扱いに関する事項")),
    ]
    for question, texts in answers(facts, board.standing, say):
        blocks.append(Heading(question, 3))
        blocks += map(Paragraph, texts)
    blocks += [
        Heading(say("3. Numbers of the period", "3 期間中の件数")),
        _numbers(board, say),
        Heading(say("4. How much was recorded", "4 録画の状況")),
        *_coverage(board, say),
        Heading(say("5. Erasure", "5 消去の状況")),
        *_erasures(facts, board, say),
        Heading(say("6. Complaints and questions", "6 苦情及び問合せ")),
        *_complaints(facts, board, say),
    ]
    title = say("Report on the security cameras", "防犯カメラ運用状況報告書")
    return Document(title, say, tuple(blocks), footer_of(facts, say))


def _head(facts: PaperFacts, board: BoardFacts, say: Language) -> tuple[Row, ...]:
    begin, end = say.time(board.from_utc_ms, facts.zone), say.time(board.to_utc_ms, facts.zone)
    rows = [
        Row(say("site", "設置区域"), facts.site),
        Row(say("period", "対象期間"), say(f"{begin} to {end}", f"{begin} から {end} まで")),
        Row(say("rules", "準拠する基準"), say(facts.office.rule_source_english, facts.office.rule_source)),
        Row(say("recorder", "録画機識別番号"), facts.recorder_id),
    ]
    if facts.office.legal_basis:
        rows.append(Row(say("basis", "設置根拠"), facts.office.legal_basis))
    return tuple(rows)


def _numbers(board: BoardFacts, say: Language) -> Grid:
    figures, standing = board.figures, board.standing
    rows = [
        (say("requests filed", "請求の受付"), figures.of(EntryKind.FILED)),
        (say("granted", "承認"), figures.outcomes[Outcome.GRANTED.value]),
        (say("granted in part", "一部承認"), figures.outcomes[Outcome.PARTLY.value]),
        (say("refused by decision", "不承認"), figures.outcomes[Outcome.REFUSED.value]),
        (say("refused outright by the rules", "受付拒否"), figures.of(EntryKind.REFUSED)),
        *(
            (say("\u3000of these: ", "\u3000うち ") + say(*_REASONS.get(reason, (reason, reason))), count)
            for reason, count in sorted(figures.refused_outright.items())
        ),
        (say("viewings", "閲覧"), figures.viewings),
        (say("masked copies confirmed", "マスキングした複製の確認"), figures.of(EntryKind.MASKED_COPY_CONFIRMED)),
        (say("openings for a hand-over", "提供のための開封"), figures.of(EntryKind.OPENED)),
        (say("hand-overs", "提供"), figures.of(EntryKind.RELEASED)),
        (say("erased or returned by the recipient", "消去・返却の報告"), figures.of(EntryKind.RETURNED)),
        (say("not reported yet (now)", "消去・返却の未報告(現在)"), standing.not_returned),
        (say("holds placed", "保存期間の延長"), figures.of(EntryKind.HOLD_PLACED)),
        (say("holds in force (now)", "延長中(現在)"), standing.holds),
        (say("openings with the recovery key", "復旧鍵による開封"), figures.broken_glass),
        (say("changes of custodians", "鍵管理者の変更"), figures.of(EntryKind.CUSTODY_CHANGED)),
        (say("media retired", "記録媒体の廃止"), figures.of(EntryKind.VOLUME_RETIRED)),
        (say("disposal records open (now)", "未完了の廃棄記録(現在)"), standing.open_disposals),
        (say("media missed without permission or away", "記録媒体の不在"), figures.of(EntryKind.MEDIUM_MISSED)),
        (say("stills for aiming", "画角調整の静止画"), figures.of(EntryKind.AIMED)),
        (say("complaints and questions", "苦情・問合せ"), figures.of(EntryKind.COMPLAINT_RECEIVED)),
    ]
    return Grid(
        (say("what", "事項"), say("number", "件数")), tuple((name, say.many(count)) for name, count in rows), (5, 1)
    )


def _coverage(board: BoardFacts, say: Language) -> list[Block]:
    if not board.coverage:
        return [
            Paragraph(
                say("Nobody can say now: the recorder does not answer.", "録画機が応答しないため、現在確認できない。")
            )
        ]
    rows = tuple(
        (
            one.camera,
            format_percent(one.recorded_ms, one.known_ms),
            _hours(one.missing_ms, say),
            "\n".join(
                f"{gap_words(reason, say)}: {_hours(missing_ms, say)} ({say.many(count, '回')})"
                for reason, missing_ms, count in one.by_reason[:GAPS_NAMED]
            )
            or say("none", "なし"),
        )
        for one in board.coverage
    )
    head = (say("camera", "カメラ"), say("recorded", "録画率"), say("missing", "欠落"), say("why", "欠落の理由"))
    return [Grid(head, rows, (2, 1.5, 2, 5))]


def _hours(duration_ms: int, say: Language) -> str:
    minutes, seconds = divmod(duration_ms // 1000, 60)
    if duration_ms and not minutes and not seconds:
        return say("under 1 s", "1秒未満")
    hours, minutes = divmod(minutes, 60)
    return say(f"{hours}:{minutes:02}:{seconds:02}", f"{hours}時間{minutes:02}分{seconds:02}秒")


def _erasures(facts: PaperFacts, board: BoardFacts, say: Language) -> list[Block]:
    summary = board.figures.erasures
    tiers = say.joined(summary.tiers) or facts.tier or "-"
    rows = [
        (say("receipts of destruction", "消去の記録"), say.many(summary.receipts)),
        (say("keys destroyed", "破棄した鍵"), say.many(summary.keys, "個")),
        *(
            (say("\u3000of these: ", "\u3000うち ") + say(*_CAUSES.get(cause, (cause, cause))), say.many(keys, "個"))
            for cause, keys in sorted(summary.by_cause.items())
        ),
        (say("keys kept for holds", "延長のため残した鍵"), say.many(summary.kept_for_holds, "個")),
        (say("tier claimed", "消去保証区分"), tiers),
    ]
    claims = [claim_of(tier, say) for tier in (summary.tiers or [facts.tier])]
    return [Grid((say("what", "事項"), say("number", "件数等")), tuple(rows), (3, 2)), *map(Paragraph, claims)]


def _complaints(facts: PaperFacts, board: BoardFacts, say: Language) -> list[Block]:
    if not board.complaints:
        return [Paragraph(say("There were none.", "なし。"))]
    kinds = {ComplaintKind.COMPLAINT: say("complaint", "苦情"), ComplaintKind.QUESTION: say("question", "問合せ")}
    rows = tuple(
        (
            one.number,
            kinds[one.received.kind],
            say.time(one.received.received_utc_ms, facts.zone),
            one.received.subject,
            say.time(one.answer.answered_utc_ms, facts.zone) if one.answer else say("not answered", "未回答"),
            one.answer.measures if one.answer else "",
        )
        for one in board.complaints
    )
    head = (
        say("number", "受付番号"),
        say("kind", "区分"),
        say("received", "受付日時"),
        say("subject", "件名"),
        say("answered", "回答日時"),
        say("measures", "講じた措置"),
    )
    late = say.many(board.standing.complaints_overdue)
    closing = say(f"Overdue now: {late}.", f"回答期限を超過しているもの(現在): {late}")
    return [Grid(head, rows, (2, 1, 2.2, 3, 2.2, 2.6)), Paragraph(closing)]
