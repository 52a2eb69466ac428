"""The life of one event subscription: what is to be sent next, and when. Pure: our time is handed in.

Subscribe; tell all states once; pull without pause, but never faster than PACE; renew at 80 % of the term, once; a
refused pull means that the camera restarted: subscribe again; any other failure: wait longer each time and go on,
until the term is over. This module must not know SOAP, sockets or a clock.
"""

from dataclasses import dataclass
from enum import StrEnum

TERM_SECONDS = 300.0  # asked for; what a killed process leaves behind lives no longer
SHORTEST_TERM_SECONDS = 10.0
LONGEST_TERM_SECONDS = 3600.0
RENEW_AT = 0.8
EMPTY_PACE_SECONDS = 1.0  # between pulls that a camera answers at once with nothing
FULL_PACE_SECONDS = 0.1
QUICK_SECONDS = 1.0
SHORT_LIFE_SECONDS = 30.0  # a subscription lost sooner counts as a failure
SYNCHRONISE_SECONDS = 60.0  # at most so often
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 120.0
REFUSED_WAIT_SECONDS = 900.0  # a refused password, or a camera without events: do not insist
_NS = 1_000_000_000


class Do(StrEnum):
    """What comes next."""

    SUBSCRIBE = "subscribe"
    SYNCHRONISE = "synchronise"
    RENEW = "renew"
    PULL = "pull"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Next:
    """What comes next; for WAIT, for how long."""

    do: Do
    wait_seconds: float = 0.0


@dataclass(slots=True)
class SubscriptionLife:
    """Ask `next` what to do, do it, and tell how it went. All times are our boot time in nanoseconds."""

    subscribed: bool = False
    _since_ns: int = 0
    _renew_ns: int = 0
    _end_ns: int = 0
    _term_ns: int = 0
    _not_before_ns: int = 0
    _failures: int = 0
    _synchronise_ns: int | None = None
    _synchronised_ns: int | None = None

    def next(self, now_ns: int) -> Next:
        """Return what is to be done now."""
        if now_ns < self._not_before_ns:
            return Next(Do.WAIT, (self._not_before_ns - now_ns) / _NS)
        if not self.subscribed or now_ns >= self._end_ns:
            return Next(Do.SUBSCRIBE)
        if self.renew_due(now_ns):
            return Next(Do.RENEW)
        if self._synchronise_ns is not None and now_ns >= self._synchronise_ns:
            return Next(Do.SYNCHRONISE)
        return Next(Do.PULL)

    def renew_due(self, now_ns: int) -> bool:
        """Tell whether the subscription is to be renewed now."""
        return self.subscribed and self._renew_ns <= now_ns < self._end_ns

    def pull_seconds(self, now_ns: int, wanted_seconds: float) -> float:
        """Return how long the camera may hold a pull that starts now, so that the renewal is not late."""
        due_ns = self._renew_ns if self._renew_ns > now_ns else self._end_ns
        return max(1.0, min(wanted_seconds, (due_ns - now_ns) / _NS))

    def subscribed_at(self, sent_ns: int, term_seconds: float | None) -> None:
        """The camera granted a subscription that was asked for at `sent_ns`."""
        self.subscribed = True
        self._since_ns = sent_ns
        self._not_before_ns = sent_ns
        self._synchronise_ns, self._synchronised_ns = sent_ns, None
        self._live(sent_ns, term_seconds)

    def renewed(self, sent_ns: int, term_seconds: float | None) -> None:
        """The camera renewed the subscription."""
        self._live(sent_ns, term_seconds)

    def renewal_refused(self) -> None:
        """It did not: pull until the term is over, then subscribe anew. It is not asked again; some break."""
        self._renew_ns = self._end_ns

    def synchronised(self, now_ns: int) -> None:
        """All states were asked for, or the camera does not know the question."""
        self._synchronise_ns, self._synchronised_ns = None, now_ns

    def missed(self, now_ns: int) -> None:
        """Messages were lost or unreadable: ask for all states again, but not too often."""
        earliest_ns = (self._synchronised_ns or 0) + int(SYNCHRONISE_SECONDS * _NS)
        self._synchronise_ns = now_ns if self._synchronised_ns is None else max(now_ns, earliest_ns)

    def pulled(
        self, asked_ns: int, now_ns: int, messages: int, term_seconds: float | None = None, *, closed: bool = False
    ) -> None:
        """A pull was answered (`closed`: by closing the connection, which says nothing new)."""
        quick = now_ns - asked_ns < QUICK_SECONDS * _NS
        if closed and quick:
            self.failed(now_ns)
            return
        self._failures = 0
        pace = EMPTY_PACE_SECONDS if quick and not messages else FULL_PACE_SECONDS
        self._not_before_ns = now_ns + int(pace * _NS) if quick else now_ns
        if term_seconds is not None:  # pulling prolongs it on most cameras; it never shortens it
            end_ns = asked_ns + int(min(term_seconds, LONGEST_TERM_SECONDS) * _NS)
            if end_ns > self._end_ns:
                renewable = self._renew_ns < self._end_ns
                self._end_ns = end_ns
                self._renew_ns = end_ns - int(self._term_ns * (1 - RENEW_AT)) if renewable else end_ns

    def lost(self, now_ns: int) -> None:
        """The camera no longer knows the subscription."""
        short = now_ns - self._since_ns < SHORT_LIFE_SECONDS * _NS
        self.subscribed = False
        if short:
            self.failed(now_ns)
        else:
            self._not_before_ns = now_ns

    def failed(self, now_ns: int, *, refused: bool = False) -> None:
        """Something could not be asked or understood. `refused`: it would not help to insist."""
        wait_seconds = min(FIRST_WAIT_SECONDS * 2 ** min(self._failures, 16), LONGEST_WAIT_SECONDS)
        self._failures += 1
        self._not_before_ns = now_ns + int((REFUSED_WAIT_SECONDS if refused else wait_seconds) * _NS)

    def ended(self) -> None:
        """We gave the subscription up."""
        self.subscribed = False

    def _live(self, sent_ns: int, term_seconds: float | None) -> None:
        term = min(max(term_seconds or TERM_SECONDS, SHORTEST_TERM_SECONDS), LONGEST_TERM_SECONDS)
        self._term_ns = int(term * _NS)
        self._end_ns = sent_ns + self._term_ns
        self._renew_ns = sent_ns + int(self._term_ns * RENEW_AT)
