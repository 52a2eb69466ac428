"""That a second member of staff was there, as the register knows it.

Frozen; who confirmed, and by which sign-in, stands beside it. Like `steps`, whose tables name it: field names are part
of the register's format (REGISTER.md). Must not know how anybody is proven.
"""

from dataclasses import dataclass

from kuramori.wire import WireBytes


@dataclass(frozen=True, slots=True)
class PresenceConfirmed:
    """The acting person confirms, by an own sign-in, to be present beside the requester (H4)."""

    act: str  # Act: view, release, recovery
    requester: str
    granted_digest: WireBytes
