"""How long to wait before a camera is tried again: longer each time, never in step with the others.

Pure: chance is handed in. A wrong password waits much longer, because cameras lock an account after a few attempts
(five to seven in half an hour are usual limits, and the door asks too); the first wait is short, for a camera that
has just started refuses everybody. A stream that was good for a minute starts afresh.
"""

from collections.abc import Callable

from kuramori.capture.source import SourceEnded

SHORTEST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
WRONG_CREDENTIALS_SECONDS = (40.0, 600.0, 1200.0, 1800.0)  # then always the last one
GOOD_STREAM_SECONDS = 60.0
JITTER = 0.5  # a wait is between half and all of its nominal length


class Backoff:
    """The waits of one camera. `chance` returns a number in [0, 1).

    The first wait is never shorter than `first_seconds`, no wait but that for a wrong password longer than
    `most_seconds`. `refusals`: how often a wrong password was refused in a row before, as the property tells it.
    """

    def __init__(
        self,
        chance: Callable[[], float],
        first_seconds: float = SHORTEST_SECONDS,
        most_seconds: float = LONGEST_SECONDS,
        refusals: int = 0,
    ) -> None:
        self._chance = chance
        self._first_seconds = first_seconds
        self._most_seconds = max(first_seconds, most_seconds)
        self._failures = 0
        self._refusals = min(refusals, len(WRONG_CREDENTIALS_SECONDS) - 1)

    @property
    def refusals(self) -> int:
        """How often in a row a wrong password was refused, as far as that matters for the next wait."""
        return self._refusals

    def next_seconds(self, ended: SourceEnded, good_seconds: float = 0.0) -> float:
        """Return how long to wait after this end; `good_seconds` is how long pictures came before it."""
        if good_seconds >= GOOD_STREAM_SECONDS:
            self._failures = self._refusals = 0
        if ended.wrong_credentials:
            nominal = WRONG_CREDENTIALS_SECONDS[self._refusals]
            self._refusals = min(self._refusals + 1, len(WRONG_CREDENTIALS_SECONDS) - 1)
        else:
            nominal = min(self._most_seconds, 2 * self._first_seconds * (1 << self._failures))
            self._failures = min(self._failures + 1, 16)
        return nominal * (1 - JITTER * self._chance())
