"""How long the register keeps who and why: five years from the end of the fiscal year, then the bodies go (H5).

What is over is computed; that it goes is a named person's confirmation of exactly these requests. The entries and the
tree stay. Must not know HTTP.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from kuramori.desk.fault import RequestInvalid
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.register import Record

KEPT_YEARS = 5
FISCAL_YEAR_BEGINS = (4, 1)  # month and day (Local Autonomy Act, article 208)


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request whose time is over. `waits` says why its bodies have to stay all the same, or is empty."""

    request: str
    newest_utc_ms: int  # of its entries
    over_since: str  # the first day on which they may go, ISO 8601
    entries: tuple[int, ...]  # indices
    waits: str


def first_day_without(newest_utc_ms: int, zone: tzinfo) -> date:
    """Return the day from which on bodies of a request with this newest entry may be deleted."""
    day = datetime.fromtimestamp(newest_utc_ms / 1000, UTC).astimezone(zone).date()
    fiscal_year = day.year if (day.month, day.day) >= FISCAL_YEAR_BEGINS else day.year - 1
    return date(fiscal_year + 1 + KEPT_YEARS, *FISCAL_YEAR_BEGINS)


def requests_over(records: Iterable[Record], journal: Journal, utc_ms: int, zone: tzinfo) -> list[KeptRequest]:
    """Return the requests whose bodies may go by now, oldest first."""
    entries: dict[str, list[int]] = {}
    newest: dict[str, int] = {}
    for record in records:
        number = record.entry.request
        if number is not None and record.body is not None:
            entries.setdefault(number, []).append(record.entry.index)
            newest[number] = max(newest.get(number, 0), record.entry.utc_ms)
    today = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(zone).date()
    held = {hold.request_id for hold in journal.holds.in_force(utc_ms)}
    return [
        KeptRequest(
            number, newest[number], over_since.isoformat(), tuple(indices), _why_it_waits(number, journal, held)
        )
        for number, indices in entries.items()
        if (over_since := first_day_without(newest[number], zone)) <= today
    ]


def _why_it_waits(number: str, journal: Journal, held: set[str]) -> str:
    complaint = journal.complaints.complaints.get(number)
    if complaint is not None and complaint.answer is None:
        return "not-answered"
    request = journal.requests.get(number)
    if number in held:
        return "held"
    if request is not None and request.waits_for_return:
        return "not-returned"
    return ""


class BodyKeeping:
    """Deletes bodies whose time is over. Use from one event loop."""

    def __init__(self, journal: Journal, zone: tzinfo) -> None:
        self._journal = journal
        self._zone = zone

    def over(self, utc_ms: int) -> list[KeptRequest]:
        """Return the requests whose time is over. Reads the whole register: call it in a thread."""
        return requests_over(self._journal.register.each(), self._journal, utc_ms, self._zone)

    async def delete(self, over: list[KeptRequest], confirmed: tuple[str, ...], actor: Actor, utc_ms: int) -> Record:
        """Delete the bodies of exactly the confirmed requests, and register that. Raises DeskFault."""
        free = {kept.request: kept for kept in over if not kept.waits}
        for number in confirmed:
            if number not in free:
                raise RequestInvalid(
                    "requests",
                    f"the entries of {number[:20]} have to stay: its five years are not over, or it is not finished.",
                    f"{number[:20]} の記録はまだ廃棄できません。保存期間内であるか、処理が完了していません。",
                )
        indices = [index for number in confirmed for index in free[number].entries]
        return await self._journal.forget(confirmed, indices, actor, utc_ms)
