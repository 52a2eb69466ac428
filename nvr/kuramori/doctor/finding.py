"""One thing that the doctor found: how bad, what, and what to do about it.

This module must not know what is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from kuramori.texts import tr


class Severity(IntEnum):
    """How bad; the number is the exit code when nothing is worse."""

    FINE = 0
    WARNING = 1  # it records, but somebody should act
    ERROR = 2  # it does not record, does not erase, or could not be opened

    @property
    def mark(self) -> str:
        """Return the word that stands before a finding."""
        if self is Severity.FINE:
            return tr("ok", "良好")
        return tr("warning", "注意") if self is Severity.WARNING else tr("ERROR", "異常")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found. Texts are in the reader's language and hold no secret."""

    code: str  # stable, for programs: "clock-not-synchronised"
    severity: Severity
    text: str
    advice: str = ""


def fine(code: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(code, Severity.FINE, text)


def warning(code: str, text: str, advice: str) -> Finding:
    """Return a finding that somebody should act on."""
    return Finding(code, Severity.WARNING, text, advice)


def error(code: str, text: str, advice: str) -> Finding:
    """Return a finding that keeps the recorder from its work."""
    return Finding(code, Severity.ERROR, text, advice)


def worst(findings: Iterable[Finding]) -> Severity:
    """Return the worst severity; FINE for none."""
    return max((finding.severity for finding in findings), default=Severity.FINE)
