"""Mails that wait until a server takes them: few, the oldest given up first, and each that is given up is counted.

Pure; must not know files or SMTP. Each mail keeps its Message-ID however often it is tried, so that one that arrived
twice shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

WAITING_MOST = 48
BODY_CHARACTERS_MOST = 32_768
REFUSALS_MOST = 5  # so often may a server refuse one mail for good before it is given up
FIRST_WAIT_MS = 10_000
LONGEST_WAIT_MS = 10 * 60 * 1000


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """One mail as it will be sent."""

    message_id: str
    created_utc_ms: int
    subject: str
    body: str
    refusals: int = 0


class Outbox:
    """The queue. `given_up` counts mails dropped since a mail last told so."""

    def __init__(self, waiting: Sequence[WaitingMail] = (), given_up: int = 0) -> None:
        self._waiting = list(waiting)
        self.given_up = given_up
        self.failures_in_a_row = 0
        self._not_before_boot_ms: int | None = None

    @property
    def waiting(self) -> tuple[WaitingMail, ...]:
        """All that wait, oldest first."""
        return tuple(self._waiting)

    def put(self, mail: WaitingMail) -> None:
        """Add a mail; where there are too many, the oldest is given up."""
        self._waiting.append(replace(mail, body=mail.body[:BODY_CHARACTERS_MOST]))
        while len(self._waiting) > WAITING_MOST:
            self._waiting.pop(0)
            self.given_up += 1

    def next(self, boot_ms: int) -> WaitingMail | None:
        """Return the mail to try now; None where nothing waits, or the server is left alone for a while."""
        if not self._waiting or (self._not_before_boot_ms is not None and boot_ms < self._not_before_boot_ms):
            return None
        return self._waiting[0]

    def taken(self, mail: WaitingMail) -> None:
        """The server has it."""
        self._waiting = [one for one in self._waiting if one.message_id != mail.message_id]
        self.failures_in_a_row, self._not_before_boot_ms = 0, None

    def failed(self, mail: WaitingMail, boot_ms: int, *, refused: bool) -> None:
        """It was not taken; try again later, each time later. One refused again and again is given up."""
        wait_ms = min(FIRST_WAIT_MS << min(self.failures_in_a_row, 10), LONGEST_WAIT_MS)
        self._not_before_boot_ms = boot_ms + wait_ms
        self.failures_in_a_row += 1
        if not refused:
            return
        if mail.refusals + 1 >= REFUSALS_MOST:
            self._waiting = [one for one in self._waiting if one.message_id != mail.message_id]
            self.given_up += 1
            return
        worse = replace(mail, refusals=mail.refusals + 1)
        self._waiting = [worse if one.message_id == mail.message_id else one for one in self._waiting]

    def try_now(self) -> None:
        """Forget the waiting: something has changed, such as the password."""
        self._not_before_boot_ms = None
