"""How many mails on changes may still go this hour: so that a camera that comes and goes floods nobody.

Counted in boot time. Two mails an hour are kept for what puts more than one camera's pictures at stake. Pure.
"""

from collections.abc import Sequence

HOUR_MS = 3600 * 1000
URGENT_EXTRA = 2


class Allowance:
    """Remembers when mails went."""

    def __init__(self, most_per_hour: int, sent_boot_ms: Sequence[int] = ()) -> None:
        self.most_per_hour = most_per_hour
        self._sent = list(sent_boot_ms)

    @property
    def sent_boot_ms(self) -> tuple[int, ...]:
        """When the mails of the last hour went, for whoever writes it down."""
        return tuple(self._sent)

    def permits(self, boot_ms: int, *, urgent: bool) -> bool:
        """Tell whether one more may go now."""
        self._sent = [sent for sent in self._sent if boot_ms - sent < HOUR_MS]
        return len(self._sent) < self.most_per_hour + (URGENT_EXTRA if urgent else 0)

    def note(self, boot_ms: int) -> None:
        """One goes now."""
        self._sent.append(boot_ms)
