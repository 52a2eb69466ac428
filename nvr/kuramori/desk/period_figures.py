"""What happened in a period, in numbers: for the report to the review board (O6).

Counted from the register's entries alone. Where a body was deleted after its time the entry still counts, without its
details. Pure. Must not know papers.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kuramori.desk.audit import ErasureSummary
from kuramori.desk.register import Record
from kuramori.desk.register_entry import EntryKind
from kuramori.desk.steps import Outcome

NO_REASON = ""


@dataclass(slots=True)
class PeriodFigures:
    """Numbers of a period. `refused_outright` and `filed_on` count by reason and by ground."""

    entries: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    filed_on: Counter[str] = field(default_factory=Counter)
    refused_outright: Counter[str] = field(default_factory=Counter)
    erasures: ErasureSummary = field(default_factory=ErasureSummary)

    def of(self, kind: EntryKind) -> int:
        """Return how many entries of a kind there are."""
        return self.kinds[kind.value]

    @property
    def refusals(self) -> int:
        """Return how often pictures were refused: by the rules, or by decision."""
        return self.of(EntryKind.REFUSED) + self.outcomes[Outcome.REFUSED.value]

    @property
    def viewings(self) -> int:
        """Return how often recordings were looked at, nothing handed over."""
        return self.of(EntryKind.VIEWING_BEGUN)

    @property
    def broken_glass(self) -> int:
        """Return how often the recovery key was used instead of custodians."""
        return self.of(EntryKind.RECOVERY_OPENED)


def figures_of(records: Iterable[Record], from_utc_ms: int, to_utc_ms: int) -> PeriodFigures:
    """Count the entries of a period, half open."""
    figures = PeriodFigures()
    for record in records:
        if from_utc_ms <= record.entry.utc_ms < to_utc_ms:
            _count(figures, record)
    return figures


def _count(figures: PeriodFigures, record: Record) -> None:
    kind, body = record.entry.kind, record.content or {}
    figures.entries += 1
    figures.kinds[kind] += 1
    if kind == EntryKind.DECIDED:
        figures.outcomes[str(body.get("outcome", NO_REASON))] += 1
    elif kind == EntryKind.FILED:
        figures.filed_on[str(_document(body).get("ground", NO_REASON))] += 1
    elif kind == EntryKind.REFUSED:
        figures.refused_outright[str(body.get("reason", NO_REASON))] += 1
    elif kind == EntryKind.ERASED and record.content is not None:
        figures.erasures.add(body["receipt"], record.entry.utc_ms)


def _document(body: dict[str, Any]) -> dict[str, Any]:
    document = body.get("document")
    return document if isinstance(document, dict) else {}
