"""The letter that tells whoever asked that their request was refused: why, by which rule, and where to turn.

It says nothing of whether anything was recorded, and names no camera: who is refused learns nothing about pictures.
Pure but for the font. Must not know the register or HTTP.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from kuramori.desk.request import Request, RequestState
from kuramori.desk.request_fault import NotRefused
from kuramori.desk.site import Site
from kuramori.paper.document import Document, Form, Paragraph, Row
from kuramori.paper.document_pdf import to_pdf
from kuramori.paper.language import Language
from kuramori.paper.markdown import to_markdown


@dataclass(frozen=True, slots=True)
class RefusalFacts:
    """What the letter says. `reason_english` and `reason_japanese` are the same where a person wrote the reason."""

    request_id: str
    site: str
    sender: str
    contact: str
    address: str
    organisation: str
    name: str  # title and name
    document_number: str
    purpose: str
    reason_english: str
    reason_japanese: str
    signed_by: str  # who decided; "" where the rules themselves refused it
    filed_utc_ms: int
    refused_utc_ms: int
    printed_utc_ms: int
    time_zone: str


def refusal_facts(request: Request, site: Site, now_utc_ms: int) -> RefusalFacts:
    """Return the facts of a letter. Raises NotRefused."""
    if request.state is not RequestState.REFUSED:
        raise NotRefused(request.request_id)
    document, office = request.document, site.office
    recipient = document.recipient
    outright = bool(request.refusal)
    return RefusalFacts(
        request.request_id,
        site.name,
        office.operator or office.installer or site.name,
        office.contact,
        office.address,
        recipient.organisation,
        f"{recipient.title} {recipient.name}".strip(),
        document.document_number,
        document.purpose,
        request.refusal_english if outright else request.decision_reason,
        (request.refusal_japanese or request.refusal_english) if outright else request.decision_reason,
        request.decided_by,
        request.filed_utc_ms,
        request.filed_utc_ms if outright else request.decided_utc_ms,
        now_utc_ms,
        site.time_zone,
    )


def refusal_markdown(facts: RefusalFacts, *, japanese: bool) -> bytes:
    """Return the letter as Markdown, UTF-8."""
    return to_markdown(refusal_document(facts, japanese=japanese)).encode("utf-8")


def refusal_pdf(facts: RefusalFacts, *, japanese: bool) -> bytes:
    """Return the letter as a page to print, sign and send."""
    return to_pdf(refusal_document(facts, japanese=japanese), datetime.fromtimestamp(facts.printed_utc_ms / 1000, UTC))


def refusal_document(facts: RefusalFacts, *, japanese: bool) -> Document:
    """Return the letter."""
    say = Language.JAPANESE if japanese else Language.ENGLISH
    zone = ZoneInfo(facts.time_zone)
    to = "\n".join(line for line in (facts.organisation, say(facts.name, f"{facts.name} 様")) if line)
    sender = "\n".join(line for line in (facts.sender, facts.address, facts.contact) if line)
    rows = [
        Row(say("Number", "受付番号"), facts.request_id),
        Row(say("Received", "受付日時"), say.time(facts.filed_utc_ms, zone)),
        *([Row(say("Your document", "文書番号"), facts.document_number)] if facts.document_number else []),
        Row(say("Purpose", "目的"), facts.purpose),
        Row(say("Decision", "決定"), say("refused", "不許可")),
        Row(say("Decided", "決定日時"), say.time(facts.refused_utc_ms, zone)),
        Row(say("Reason", "理由"), say(facts.reason_english, facts.reason_japanese)),
        *([Row(say("Decided by", "決裁者"), facts.signed_by)] if facts.signed_by else []),
    ]
    return Document(
        say("Refusal of a request for recordings", "防犯カメラ画像の閲覧・提供について（不許可の通知）"),
        say,
        (
            Paragraph(say.day(datetime.fromtimestamp(facts.printed_utc_ms / 1000, zone).date()), right=True),
            Paragraph(to),
            Paragraph(sender, right=True),
            Paragraph(
                say(
                    f"The request for recordings of the security cameras of {facts.site} was decided as follows.",
                    f"{facts.site}の防犯カメラの画像に係る請求について、次のとおり決定したので通知します。",
                )
            ),
            Form(tuple(rows)),
            Paragraph(
                say(
                    "This letter does not say whether anything was recorded. The request and its refusal stand in the "
                    "register.",
                    "この通知は、画像の有無を示すものではありません。請求及び決定の内容は記録簿に登録されています。",
                )
            ),
            Paragraph(
                say(
                    "For questions and complaints turn to the office named above.",
                    "この決定に関する問合せ及び苦情は、上記の連絡先で受け付けます。",
                )
            ),
        ),
    )
