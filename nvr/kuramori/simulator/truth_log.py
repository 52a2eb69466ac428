"""What a simulated camera really sent: the spans of time in which whole frames went into a client's connection.

Written apart from the recorder's own reckoning, by the same rule (R1): a run begins with a whole key frame; it ends
with the last frame before packets were missing, a spacing was longer than max(1 s, 3 x the frame interval), or the
connection ended. Its end is one frame interval behind its last frame. Pure; times are handed in.
"""

from dataclasses import dataclass, field

GAP_FLOOR_MS = 1000
GAP_SPACINGS = 3


@dataclass(frozen=True, slots=True)
class Interval:
    """From here to there, UTC milliseconds."""

    from_utc_ms: int
    to_utc_ms: int


@dataclass(slots=True)
class SessionTruth:
    """One session's runs. What was written but still lies unsent counts once it has left, never if it has not."""

    spacing_ms: float
    runs: list[Interval] = field(default_factory=list)
    _from_utc_ms: int | None = None
    _last_utc_ms: int = 0
    _unsent: list[tuple[int, bool]] = field(default_factory=list)

    def wrote(self, utc_ms: int, is_key: bool, sent: bool) -> None:
        """A whole frame was written; `sent` False: not all of it has left this process."""
        self._unsent.append((utc_ms, is_key))
        if sent:
            self.settle()

    def settle(self) -> None:
        """Everything that was written has left."""
        for utc_ms, is_key in self._unsent:
            self._count(utc_ms, is_key)
        self._unsent.clear()

    def missed(self) -> None:
        """A frame was not written, or not whole: the run ends."""
        self.settle()
        self._close()

    def ended(self, sent: bool) -> None:
        """The connection is gone; `sent` False: together with what still lay unsent."""
        if sent:
            self.settle()
        self._unsent.clear()
        self._close()

    def intervals(self) -> list[Interval]:
        """Return the runs so far, the open one included."""
        return self.runs if self._from_utc_ms is None else [*self.runs, self._open(self._from_utc_ms)]

    def _open(self, from_utc_ms: int) -> Interval:
        return Interval(from_utc_ms, round(self._last_utc_ms + self.spacing_ms))

    def _count(self, utc_ms: int, is_key: bool) -> None:
        if self._from_utc_ms is not None and utc_ms - self._last_utc_ms > max(
            GAP_FLOOR_MS, GAP_SPACINGS * self.spacing_ms
        ):
            self._close()
        if self._from_utc_ms is None:
            if not is_key:
                return
            self._from_utc_ms = utc_ms
        self._last_utc_ms = utc_ms

    def _close(self) -> None:
        if self._from_utc_ms is not None:
            self.runs.append(self._open(self._from_utc_ms))
            self._from_utc_ms = None


@dataclass(slots=True)
class TruthLog:
    """One camera's truth: all sessions of all its streams together."""

    sessions: list[SessionTruth] = field(default_factory=list)

    def session(self, spacing_ms: float) -> SessionTruth:
        """Begin to follow a session."""
        self.sessions.append(SessionTruth(spacing_ms))
        return self.sessions[-1]

    def intervals(self) -> tuple[Interval, ...]:
        """Return when frames were sent to anybody, in order, touching spans joined."""
        spans = sorted(
            (span for session in self.sessions for span in session.intervals()), key=lambda span: span.from_utc_ms
        )
        joined: list[Interval] = []
        for span in spans:
            if joined and span.from_utc_ms <= joined[-1].to_utc_ms:
                joined[-1] = Interval(joined[-1].from_utc_ms, max(joined[-1].to_utc_ms, span.to_utc_ms))
            else:
                joined.append(span)
        return tuple(joined)
