"""What happens to accounts and tokens, as the register knows it: who may sign in, who acknowledged secrecy, who left.

Frozen values; who did it and when stand beside them. Like `steps`, whose tables name them: field names are part of the
register's format (REGISTER.md). No secret is among them. Must not know how anybody is proven.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UserAdded:
    """A person gets an account, or a new start password for it; how they proved themselves before counts no more."""

    user: str
    again: bool  # there was an account before


@dataclass(frozen=True, slots=True)
class SecrecyAcknowledged:
    """A person acknowledged the duty of secrecy: at the first sign-in, or on leaving (H3)."""

    user: str
    on_leaving: bool
    statement: str  # as it was shown


@dataclass(frozen=True, slots=True)
class UserLeft:
    """A person's account ends."""

    user: str
    acknowledged: bool  # by the person's own sign-in; else a manager ended it


@dataclass(frozen=True, slots=True)
class RecoveryCodeMade:
    """A new administrator recovery code is printed for the safe; the one before is void (O4)."""


@dataclass(frozen=True, slots=True)
class RecoveryCodeUsed:
    """The administrator recovery code was used up: this person gets a new start password (O4)."""

    user: str


@dataclass(frozen=True, slots=True)
class TokenMade:
    """A machine may read with a token."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    until_utc_ms: int


@dataclass(frozen=True, slots=True)
class TokenRevoked:
    """A token is void."""

    token_id: str
    name: str


AccountStep = (
    UserAdded | SecrecyAcknowledged | UserLeft | RecoveryCodeMade | RecoveryCodeUsed | TokenMade | TokenRevoked
)
ACCOUNT_STEPS = (UserAdded, SecrecyAcknowledged, UserLeft, RecoveryCodeMade, RecoveryCodeUsed, TokenMade, TokenRevoked)
