"""A mail's subject and body, in one or two languages, and the message that goes over the wire (RFC 5322).

Foreign texts (camera names, sentences, the site's name) are one printable line each before they come near a header; the
library refuses what is not. Pure; must not know SMTP, nor what is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from kuramori.mail.outbox import WaitingMail
from kuramori.mail.speech import Speech
from kuramori.site_state import one_line

SUBJECT_CHARACTERS_MOST = 160  # of one language
PARTING = "-" * 40


@dataclass(frozen=True, slots=True)
class Letter:
    """What is read."""

    subject: str
    body: str


def bilingual(speeches: Sequence[Speech], write: Callable[[Speech], Letter]) -> Letter:
    """Return one letter that says the same in every language."""
    letters = [write(speech) for speech in speeches]
    subject = " / ".join(one_line(letter.subject, SUBJECT_CHARACTERS_MOST) for letter in letters)
    return Letter(subject, f"\n{PARTING}\n\n".join(letter.body for letter in letters))


def message_of(mail: WaitingMail, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Return the message of a waiting mail. Its date is that of its writing, not of its sending."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = one_line(mail.subject, 2 * SUBJECT_CHARACTERS_MOST + 8)
    message["Date"] = datetime.fromtimestamp(mail.created_utc_ms / 1000, UTC)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers
    body = _printable(mail.body)
    message.set_content(body, charset="utf-8", cte="7bit" if body.isascii() else "base64")
    return message


def _printable(body: str) -> str:
    return "".join(sign if sign == "\n" or sign.isprintable() else " " for sign in body)
