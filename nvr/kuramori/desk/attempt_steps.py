"""A custodian's approval that was refused, as the register knows it: every attempt can be asked about later.

Frozen; who handed it in, as far as the desk knows, stands beside it. Like `steps`, whose tables name it: field names
are part of the register's format (REGISTER.md). Nothing that a stranger wrote is among them but digests and ids.
"""

from dataclasses import dataclass

from kuramori.wire import WireBytes


@dataclass(frozen=True, slots=True)
class ApprovalTurnedDown:
    """An approval was handed in and does not count."""

    reason: str  # stable: as `reason` or `code` of the problem
    custodian_id: WireBytes  # as the approval claims, proven by nothing; empty where it cannot be read
    document_digest: WireBytes  # SHA-256 of the bytes handed in
    last: bool  # this request has as many as are registered: further ones are only logged
