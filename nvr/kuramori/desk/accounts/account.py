"""What the desk keeps of a person who signs in, of a token for a machine, and of the recovery code. Pure values.

No secret stands in any repr. Must not know how they are stored.
"""

from dataclasses import dataclass, field
from enum import StrEnum

START_PASSWORD_LIFETIME_MS = 7 * 24 * 3600 * 1000
DEVICES_MOST = 10  # per person; the oldest is forgotten


class Scope(StrEnum):
    """What a machine's token may read. Nothing that decides, opens or shows a request or a picture is among them."""

    HEALTH = "health"
    KEEPING = "keeping"
    CUSTODY = "custody"
    REGISTER = "register"


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account. Without a `totp_secret` the password is a start password, good for the first sign-in only."""

    person: str
    password: str = field(repr=False)
    made_utc_ms: int
    totp_secret: bytes = field(default=b"", repr=False)
    last_step: int = 0
    acknowledged_utc_ms: int = 0  # the duty of secrecy, at the first sign-in
    left_utc_ms: int = 0

    @property
    def is_enrolled(self) -> bool:
        """Tell whether the first sign-in is finished."""
        return bool(self.totp_secret)

    def start_is_over(self, utc_ms: int) -> bool:
        """Tell whether the start password has waited too long."""
        return not self.is_enrolled and utc_ms - self.made_utc_ms > START_PASSWORD_LIFETIME_MS


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token for a machine."""

    token_id: str
    name: str
    digest: str = field(repr=False)
    scopes: tuple[Scope, ...]
    made_by: str
    made_utc_ms: int
    until_utc_ms: int
