"""Sessions: short, in memory only, known by the digest of a token. Pure but for the tokens' randomness; boot time.

A stopped desk has none: everybody signs in again. Must not know how anybody was proven.
"""

import hashlib
import secrets
from dataclasses import dataclass, field

TOKEN_BYTES = 32
LONGEST_SECONDS = 8 * 3600  # a working day
ENROLMENT_SECONDS = 15 * 60
OF_ONE_PERSON_MOST = 8
SESSION_PREFIX = "ks_"
_SECOND_NS = 10**9


def new_token(prefix: str) -> str:
    """Return a fresh token: 256 random bits behind a prefix that says what it is."""
    return prefix + secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> str:
    """Return what is kept of a token. It is random and long: no salt, no stretching."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class Session:
    """One sign-in. `new_secret` stands while the first sign-in is not finished: then nothing else is allowed."""

    person: str
    opened_ns: int
    ends_ns: int
    idle_ns: int
    seen_ns: int
    new_secret: bytes | None = field(default=None, repr=False)
    device: str = field(default="", repr=False)  # digest of the device's secret

    def is_over(self, now_ns: int) -> bool:
        """Tell whether it has ended: by age, or because nothing was asked for so long."""
        return now_ns >= self.ends_ns or now_ns - self.seen_ns >= self.idle_ns


class Sessions:
    """The open sessions. A person who signs in once too often loses the oldest one."""

    def __init__(self, idle_seconds: int) -> None:
        self._idle_ns = idle_seconds * _SECOND_NS
        self._open: dict[str, Session] = {}

    def open(self, person: str, now_ns: int, new_secret: bytes | None = None) -> tuple[str, Session]:
        """Open one and return its token, which is nowhere else."""
        self._drop_over(now_ns)
        own = sorted((one.opened_ns, key) for key, one in self._open.items() if one.person == person)
        for _, key in own[: max(0, len(own) - OF_ONE_PERSON_MOST + 1)]:
            del self._open[key]
        longest = ENROLMENT_SECONDS if new_secret is not None else LONGEST_SECONDS
        session = Session(person, now_ns, now_ns + longest * _SECOND_NS, self._idle_ns, now_ns, new_secret)
        token = new_token(SESSION_PREFIX)
        self._open[digest_of(token)] = session
        return token, session

    def of(self, token: str, now_ns: int) -> Session | None:
        """Return the session of a token, and note that it is used; None where there is none, or it is over."""
        key = digest_of(token)
        session = self._open.get(key)
        if session is None:
            return None
        if session.is_over(now_ns):
            del self._open[key]
            return None
        session.seen_ns = now_ns
        return session

    def close(self, token: str) -> None:
        """End one; one that is not there is ended."""
        self._open.pop(digest_of(token), None)

    def close_all(self, person: str) -> None:
        """End every session of a person."""
        self._open = {key: one for key, one in self._open.items() if one.person != person}

    def _drop_over(self, now_ns: int) -> None:
        self._open = {key: one for key, one in self._open.items() if not one.is_over(now_ns)}
