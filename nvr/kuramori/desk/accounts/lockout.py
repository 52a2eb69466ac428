"""Slows guessing down, and cannot be used to lock the office out. Pure: times are arguments, boot time.

Every try counts before it is judged, so that two hundred at once are not two hundred free ones; a sign-in that succeeds
takes its count back. Counts stand apart for three ways in, and failures on one never slow another:

- a *device* on which this person has signed in before (a secret that only it holds);
- the local socket, by the uid that the kernel names;
- strangers: all other places together for one person, and each address for all persons.

So whoever guesses from outside only slows outsiders: the person's own machine and the recorder itself stay open. No
delay is longer than LONGEST_SECONDS. Must not know how anybody is proven.
"""

from collections import OrderedDict
from dataclasses import dataclass

FREE_TRIES = 5  # of one person, by one way
FREE_TRIES_OF_ADDRESS = 20  # several staff behind one address may mistype
FIRST_SECONDS = 2
LONGEST_SECONDS = 900
FORGET_SECONDS = 24 * 3600
ADDRESSES_MOST = 4096  # remembered; the one seen longest ago is forgotten first
_SECOND_NS = 10**9


@dataclass(frozen=True, slots=True)
class Way:
    """By which way somebody tries: exactly one of device, uid and address counts, in this order."""

    person: str  # a person of the configuration; "" for a name that nobody has
    address: str = ""
    uid: int | None = None
    device: str = ""  # digest of the secret of a device of this person

    @property
    def is_known(self) -> bool:
        """Tell whether it is one that no outsider can use up."""
        return bool(self.device) or self.uid is not None


@dataclass(slots=True)
class _Count:
    tries: int = 0
    until_ns: int = 0
    seen_ns: int = 0


class Lockout:
    """The counts. Bounded: persons are those of the configuration, addresses are forgotten."""

    def __init__(self) -> None:
        self._own: dict[tuple[str, str], _Count] = {}
        self._addresses: OrderedDict[str, _Count] = OrderedDict()

    def attempt(self, way: Way, now_ns: int) -> int:
        """Count a try and return 0, or return after how many seconds one is taken again; then it does not count."""
        counts = self._counts(way)
        wait_ns = max((count.until_ns - now_ns for count, _ in counts), default=0)
        if wait_ns > 0:
            return -(-wait_ns // _SECOND_NS)
        for count, free in counts:
            if now_ns - count.seen_ns > FORGET_SECONDS * _SECOND_NS:
                count.tries = 0
            count.tries += 1
            count.seen_ns = now_ns
            count.until_ns = now_ns + _delay_seconds(count.tries - free) * _SECOND_NS
        return 0

    def succeeded(self, way: Way) -> None:
        """Take the try back: of the person all of them, of the address this one (others there may be guessing)."""
        for count, free in self._counts(way):
            count.tries = 0 if free == FREE_TRIES else max(0, count.tries - 1)
            count.until_ns = 0 if count.tries < free else count.until_ns

    def _counts(self, way: Way) -> list[tuple[_Count, int]]:
        if way.device:
            return [(self._own.setdefault(("device " + way.device, way.person), _Count()), FREE_TRIES)]
        if way.uid is not None:
            return [(self._own.setdefault((f"uid {way.uid}", way.person), _Count()), FREE_TRIES)]
        address = self._addresses.setdefault(way.address, _Count())
        self._addresses.move_to_end(way.address)
        while len(self._addresses) > ADDRESSES_MOST:
            self._addresses.popitem(last=False)
        found = [(address, FREE_TRIES_OF_ADDRESS)]
        if way.person:
            found.append((self._own.setdefault(("stranger", way.person), _Count()), FREE_TRIES))
        return found


def _delay_seconds(beyond: int) -> int:
    if beyond < 0:
        return 0
    return int(min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(beyond, 16)))
