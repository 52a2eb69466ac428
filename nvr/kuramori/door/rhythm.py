"""When a camera is asked next. Pure: chance is handed in.

Found: again in the next round, every ten minutes, all cameras in the same round, so that who asks them need not
live in between. Not found: soon, then ever later. Refused: much later, because each try sends a wrong password
twice (by either method), the recorder tries too, and cameras lock the account after five to seven attempts in half an
hour; an operator can ask for a try at any time, and a configuration that is read again does.
"""

from collections.abc import Callable

from kuramori.door_messages import DoorCameraState

ROUND_SECONDS = 600.0
SPREAD_SECONDS = 10.0  # of the cameras within a round
FIRST_SECONDS = 2.0
LONGEST_SECONDS = 120.0
REFUSED_FIRST_SECONDS = 2400.0
REFUSED_LONGEST_SECONDS = 3600.0
JITTER = 0.25  # a wait is between three quarters and all of its nominal length
_MOST_DOUBLINGS = 16


class Rhythm:
    """The waits of one camera. `chance` returns a number in [0, 1)."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._failures = 0
        self._refusals = 0

    def next_seconds(self, state: DoorCameraState, now_seconds: float) -> float:
        """Return how long to wait after the camera was asked and found in this state.

        `now_seconds` is any clock that all cameras share and that never steps.
        """
        if state is DoorCameraState.FOUND:
            self._failures = self._refusals = 0
            return ROUND_SECONDS - now_seconds % ROUND_SECONDS + SPREAD_SECONDS * self._chance()
        if state is DoorCameraState.REFUSED:
            nominal = min(REFUSED_LONGEST_SECONDS, REFUSED_FIRST_SECONDS * (1 << self._refusals))
            self._refusals = min(self._refusals + 1, _MOST_DOUBLINGS)
        else:
            nominal = min(LONGEST_SECONDS, FIRST_SECONDS * (1 << self._failures))
            self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return nominal * (1 - JITTER * self._chance())
