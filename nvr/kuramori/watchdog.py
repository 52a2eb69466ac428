"""Whether the service manager's watchdog is fed, judged by the recorder's pulses. Pure: no process, no clock.

It is withheld only when frames arrive and none becomes durable for ten seconds without a known storage fault: then a
restart may help. Cameras that are offline and media that fail are told otherwise, and a restart would mend neither.
A recorder that gives no sign although it lives is taken to receive what it received before; where it received nothing,
only the recorder is ended after a while, and begun again by the supervisor.
"""

from dataclasses import dataclass
from enum import Enum, auto

from kuramori.pulse import Pulse

NOT_DURABLE_SECONDS = 10.0  # so long frames may arrive and none become durable
ARRIVING_SECONDS = 10.0  # frames arrive as long as the last one is not older
SILENT_SECONDS = 3.0  # three ticks without a pulse
REPLACE_SECONDS = 30.0  # a recorder that is silent for so long, and received nothing, is ended


class Verdict(Enum):
    """What follows."""

    FEED = auto()
    WITHHOLD = auto()  # the service manager ends the service and starts it again
    REPLACE = auto()  # feed, but end the recorder


@dataclass(slots=True)
class Watchdog:
    """Judges one recorder after another. Times are seconds of one clock that never steps."""

    _pulse: Pulse | None = None
    _pulse_at: float = 0.0
    _arrived_at: float | None = None  # the last frame
    _waiting_since: float | None = None  # the first frame since the last that became durable

    def begin(self) -> None:
        """The recorder was started, or ended: nothing is known of it. Starting may take as long as it takes."""
        self._pulse = self._arrived_at = self._waiting_since = None

    def observe(self, pulse: Pulse, now: float) -> None:
        """Take in a pulse."""
        before, self._pulse, self._pulse_at = self._pulse, pulse, now
        if before is None:
            return
        if pulse.durable != before.durable or pulse.storage_fault:
            self._waiting_since = None
        if pulse.arrived != before.arrived:
            self._arrived_at = now
            if self._waiting_since is None and not pulse.storage_fault:
                self._waiting_since = now

    def is_silent(self, now: float) -> bool:
        """Tell whether a pulse is overdue."""
        return self._pulse is not None and now - self._pulse_at >= SILENT_SECONDS

    def verdict(self, now: float, *, waits_for_medium: bool = False) -> Verdict:
        """Judge. `waits_for_medium`: the kernel says that the recorder waits for a disk and cannot be interrupted."""
        if self._pulse is None or self._pulse.storage_fault or waits_for_medium:
            return Verdict.FEED
        silent = self.is_silent(now)
        seen_at = self._pulse_at if silent else now  # what could be known of frames
        arriving = self._arrived_at is not None and seen_at - self._arrived_at < ARRIVING_SECONDS
        since = self._waiting_since
        if silent and since is None:
            since = self._pulse_at
        if arriving and since is not None and now - since >= NOT_DURABLE_SECONDS:
            return Verdict.WITHHOLD
        if silent and now - self._pulse_at >= REPLACE_SECONDS:
            return Verdict.REPLACE
        return Verdict.FEED
