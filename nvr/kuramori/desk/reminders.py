"""What the office must not forget: hand-overs whose end was not reported, holds about to end, documents still owed.

One pure function from requests and holds to reminders; mails, metrics and the status show the same. No reminder names
a person. Must not know mails, metrics or HTTP.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from kuramori.desk.request import Request, RequestState
from kuramori.messages import PlaceHoldRequest
from kuramori.texts import tr
from kuramori_config.requests_table import Requests

DAY_MS = 24 * 3600 * 1000
_UNFINISHED = (RequestState.FILED, RequestState.GRANTED, RequestState.APPROVED)


class ReminderKind(StrEnum):
    """What is to be done."""

    DOCUMENT = "urgent-not-documented"  # H2
    HOLD = "hold-ending"  # H10, K5
    HANDOVER = "handover-not-reported"  # H6


@dataclass(frozen=True, slots=True)
class Reminder:
    """One thing. `late`: its time is over; a hold that is late has ended while its request waits."""

    kind: ReminderKind
    request_id: str  # "" of a hold that no request placed
    hold_id: str  # "" of anything but a hold
    due_utc_ms: int
    late: bool


def reminders(
    requests: Iterable[Request], holds: Sequence[PlaceHoldRequest], terms: Requests, utc_ms: int
) -> tuple[Reminder, ...]:
    """Return what is due, what is late first, then by its time."""
    known = {request.request_id: request for request in requests}
    found = [reminder for request in known.values() for reminder in _of_request(request, terms, utc_ms)]
    found += _of_holds(holds, known, terms.remind_before_hold_ends_days * DAY_MS, utc_ms)
    return tuple(sorted(found, key=lambda one: (not one.late, one.due_utc_ms, one.request_id, one.hold_id)))


def _of_request(request: Request, terms: Requests, utc_ms: int) -> Iterator[Reminder]:
    if request.owes_document:
        due = request.document_due_utc_ms
        yield Reminder(ReminderKind.DOCUMENT, request.request_id, "", due, utc_ms > due)
    if request.waits_for_return:
        usual = request.handovers[0].utc_ms + terms.handover_reported_within_days * DAY_MS
        due = request.document.erase_by_utc_ms or usual
        if utc_ms > due:
            yield Reminder(ReminderKind.HANDOVER, request.request_id, "", due, True)


def _of_holds(
    holds: Sequence[PlaceHoldRequest], known: dict[str, Request], before_ms: int, utc_ms: int
) -> Iterator[Reminder]:
    """Of a request only its longest hold counts; one that nobody waits for any more may end in silence."""
    longest: dict[str, PlaceHoldRequest] = {}
    for hold in holds:
        key = hold.request_id or hold.hold_id
        if key not in longest or longest[key].until_utc_ms < hold.until_utc_ms:
            longest[key] = hold
    for hold in longest.values():
        late = utc_ms >= hold.until_utc_ms
        request = known.get(hold.request_id)
        waits = request is not None and request.state in _UNFINISHED
        if (late and waits) or (not late and hold.until_utc_ms - utc_ms <= before_ms):
            yield Reminder(ReminderKind.HOLD, hold.request_id, hold.hold_id, hold.until_utc_ms, late)


def reminder_text(reminder: Reminder, zone: tzinfo) -> str:
    """Return one sentence, in the reader's language."""
    due = datetime.fromtimestamp(reminder.due_utc_ms / 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")
    number = reminder.request_id
    if reminder.kind is ReminderKind.DOCUMENT:
        if reminder.late:
            return tr(
                f"Request {number} was granted in urgency and is not documented, since {due} too late (kuramori "
                "document).",
                f"緊急に許可した請求 {number} の文書が、期限 {due} を過ぎても登録されていません(kuramori document)。",
            )
        return tr(
            f"Request {number} was granted in urgency: its document is due by {due} (kuramori document).",
            f"緊急に許可した請求 {number} の文書の期限は {due} です(kuramori document)。",
        )
    if reminder.kind is ReminderKind.HANDOVER:
        return tr(
            f"Nobody has reported the pictures of request {number} erased or returned, which was due by {due} "
            "(kuramori returned).",
            f"請求 {number} の提供画像の消去・返却が、期限 {due} を過ぎても報告されていません(kuramori returned)。",
        )
    return _hold_text(reminder, due)


def _hold_text(reminder: Reminder, due: str) -> str:
    number = reminder.request_id
    if not number:
        return tr(
            f"The hold {reminder.hold_id[:8]} ends at {due} (kuramori hold list).",
            f"保存期間の延長 {reminder.hold_id[:8]} は {due} に終了します(kuramori hold list)。",
        )
    if reminder.late:
        return tr(
            f"The hold of request {number} ended at {due}, and the request still waits: its minutes may be erased "
            "(kuramori hold extend).",
            f"請求 {number} の保存期間の延長は {due} に終了しました。請求は未完了です。該当時間が消去されるおそれが"
            "あります(kuramori hold extend)。",
        )
    return tr(
        f"The hold of request {number} ends at {due} (kuramori hold extend).",
        f"請求 {number} の保存期間の延長は {due} に終了します(kuramori hold extend)。",
    )


def reminder_problems(found: Iterable[Reminder]) -> list[str]:
    """Return what of them makes the light red: a document that is late, a hold that ended under a waiting request."""
    late: dict[ReminderKind, list[str]] = {}
    for one in found:
        if one.late and one.kind is not ReminderKind.HANDOVER:
            late.setdefault(one.kind, []).append(one.request_id)
    said: list[str] = []
    if numbers := late.get(ReminderKind.DOCUMENT):
        said.append(
            tr(
                f"Granted in urgency and not documented in time: {', '.join(numbers)} (kuramori document).",
                f"緊急に許可した請求の文書が期限までに登録されていません: {'、'.join(numbers)}(kuramori document)。",
            )
        )
    if numbers := late.get(ReminderKind.HOLD):
        said.append(
            tr(
                f"The hold has ended while the request still waits: {', '.join(numbers)} (kuramori hold extend).",
                f"未完了の請求の保存期間の延長が終了しています: {'、'.join(numbers)}(kuramori hold extend)。",
            )
        )
    return said
