"""Taking complaints and questions, and answering them (O8): what may be written down, and that it is.

Must not know HTTP.
"""

from kuramori.desk.complaint_book import NUMBER_PREFIX, Complaint
from kuramori.desk.complaint_steps import ComplaintAnswered, ComplaintReceived
from kuramori.desk.fault import RequestInvalid
from kuramori.desk.granted import one_line
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.site import Site
from kuramori.timebase import Clock

CLOCK_SLACK_MS = 60_000  # the caller's clock may be so much ahead
_LINES = frozenset("\n\t")


class Complaining:
    """Writes them into the register. Use from one event loop."""

    def __init__(self, site: Site, journal: Journal, clock: Clock) -> None:
        self._site = site
        self._journal = journal
        self._clock = clock

    async def receive(self, step: ComplaintReceived, actor: Actor) -> Complaint:
        """Write one down and give it its number. Raises DeskFault."""
        now = self._clock.utc_ms()
        for field in ("received_by", "subject"):
            _require_line(getattr(step, field), field)
        for field in ("from_whom", "contact"):
            _require_line(getattr(step, field), field, may_be_empty=True)
        _require_text(step.content, "content")
        if step.camera and self._site.camera(step.camera) is None:
            raise RequestInvalid("camera", "there is no such camera.", "そのカメラはありません。")
        if step.received_utc_ms > now + CLOCK_SLACK_MS:
            raise RequestInvalid("received_utc_ms", "it cannot come in the future.", "受付日時が未来の日時です。")
        number = NUMBER_PREFIX + self._journal.next_request_id(now, NUMBER_PREFIX)
        await self._journal.write(step, actor, now, number)
        return self._journal.complaints.complaint(number)

    async def answer(self, number: str, step: ComplaintAnswered, actor: Actor) -> Complaint:
        """Write the answer down. Raises DeskFault."""
        known, now = self._journal.complaints.complaint(number), self._clock.utc_ms()
        _require_text(step.answer, "answer")
        _require_text(step.measures, "measures", may_be_empty=True)
        if not known.received.received_utc_ms <= step.answered_utc_ms <= now + CLOCK_SLACK_MS:
            raise RequestInvalid(
                "answered_utc_ms",
                "an answer comes after the complaint and not in the future.",
                "回答日時は受付日時以後、現在以前としてください。",
            )
        await self._journal.write(step, actor, now, number)
        return self._journal.complaints.complaint(number)


def _require_line(text: str, field: str, *, may_be_empty: bool = False) -> None:
    if not (text.strip() or may_be_empty) or not one_line(text):
        raise RequestInvalid(field, "one line of text is needed.", "1行の文字列を入力してください。")


def _require_text(text: str, field: str, *, may_be_empty: bool = False) -> None:
    if not (text.strip() or may_be_empty) or not all(sign.isprintable() or sign in _LINES for sign in text):
        raise RequestInvalid(field, "a text is needed.", "文章を入力してください。")
