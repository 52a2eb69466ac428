"""What can happen to a request beside its course: the missing document arrives, whoever receives is identified.

Frozen, one value each: like `steps`, whose tables name them, field names are part of the register's format
(REGISTER.md). Must not know states.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Documented:
    """The document of an urgent request is there, after it was granted (H2)."""

    document_number: str
    received_utc_ms: int


@dataclass(frozen=True, slots=True)
class IdentityChecked:
    """Who receives the pictures in person, and how the office made sure of it (H5, H9)."""

    name: str
    identity_check: str


RequestNote = Documented | IdentityChecked
