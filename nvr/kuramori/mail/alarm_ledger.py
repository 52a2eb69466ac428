"""Which problems stand, which have been told, which are mended: so that each is told once, and its end too.

What comes and goes within `red_after` is not told; what keeps coming is. Everything is ordered by boot time, so a clock
that steps neither tells twice nor forgets. Pure; must not know mail.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kuramori.site_state import RECORDER, SiteProblem

STANDING_MOST = 2000
PASSED_MOST = 100
RECORDER_SILENT_MS = 10_000  # a recorder that does not answer waits no longer than this


@dataclass(frozen=True, slots=True)
class Standing:
    """A problem as it stands. `gone_boot_ms`: since when it is not seen; None: it is there."""

    problem: SiteProblem
    since_boot_ms: int
    since_utc_ms: int
    gone_boot_ms: int | None = None
    told: bool = False
    due: bool = False  # it has stood long enough to be told


@dataclass(frozen=True, slots=True)
class Told:
    """A problem with the time since when it stands, or stood."""

    problem: SiteProblem
    since_utc_ms: int


@dataclass(frozen=True, slots=True)
class News:
    """What has changed since the last mail. `standing`: how many stand now, those told before included."""

    red: tuple[Told, ...]
    mended: tuple[Told, ...]
    passed: tuple[Told, ...]  # came and went while mails were held back
    standing: int
    uncounted: int = 0  # problems beyond STANDING_MOST, and passed ones beyond PASSED_MOST

    @property
    def urgent(self) -> bool:
        """Tell whether something new puts more than one camera's pictures at stake."""
        return any(told.problem.urgent for told in self.red)


class AlarmLedger:
    """Keeps the books. `observe` what is wrong now, ask for `news`, `tell` them once they are on their way."""

    def __init__(self, red_after_ms: int, standing: Sequence[Standing] = (), passed: Sequence[Told] = ()) -> None:
        self.red_after_ms = red_after_ms
        self._standing = {one.problem.key: one for one in standing}
        self._passed = list(passed)
        self._uncounted = 0
        self._uncounted_passed = 0

    @property
    def standing(self) -> tuple[Standing, ...]:
        """Everything that is kept, for whoever writes it down."""
        return tuple(self._standing.values())

    @property
    def passed(self) -> tuple[Told, ...]:
        """What came and went untold."""
        return tuple(self._passed)

    def observe(self, problems: Sequence[SiteProblem], boot_ms: int, utc_ms: int, *, blind: bool = False) -> None:
        """Take over what is wrong at this moment. `blind`: what is not seen now may still be there."""
        seen = {problem.key: problem for problem in problems}
        self._uncounted = 0
        for key, problem in seen.items():
            known = self._standing.get(key)
            if known is None and len(self._standing) >= STANDING_MOST:
                self._uncounted += 1
                continue
            if known is None:
                known = Standing(problem, boot_ms, utc_ms)
            due = known.due or boot_ms - known.since_boot_ms >= self._patience_ms(key)
            self._standing[key] = replace(known, problem=problem, gone_boot_ms=None, due=due)
        for key in [key for key in self._standing if key not in seen and not blind]:
            self._absent(key, boot_ms)

    def news(self) -> News | None:
        """Return what is to be told, or None. Asking changes nothing."""
        red = tuple(_told(one) for one in self._standing.values() if one.due and not one.told and _is_there(one))
        mended = tuple(_told(one) for one in self._standing.values() if one.told and one.gone_boot_ms == _MENDED)
        if not red and not mended and not self._passed:
            return None
        there = sum(one.due and one.gone_boot_ms != _MENDED for one in self._standing.values())
        uncounted = self._uncounted + self._uncounted_passed
        return News(red, mended, tuple(self._passed), there + self._uncounted, uncounted)

    def tell(self, news: News) -> None:
        """Note that these news are on their way."""
        for told in news.red:
            self._standing[told.problem.key] = replace(self._standing[told.problem.key], told=True)
        for told in news.mended:
            self._standing.pop(told.problem.key, None)
        self._passed.clear()
        self._uncounted_passed = 0

    def _patience_ms(self, key: str) -> int:
        return min(self.red_after_ms, RECORDER_SILENT_MS) if key == RECORDER else self.red_after_ms

    def _absent(self, key: str, boot_ms: int) -> None:
        known = self._standing[key]
        if known.gone_boot_ms == _MENDED:
            return
        if known.gone_boot_ms is None:
            known = self._standing[key] = replace(known, gone_boot_ms=boot_ms)
        if known.gone_boot_ms is None or boot_ms - known.gone_boot_ms < self.red_after_ms:
            return
        if known.told:
            self._standing[key] = replace(known, gone_boot_ms=_MENDED)
            return
        del self._standing[key]
        if known.due and len(self._passed) < PASSED_MOST:
            self._passed.append(_told(known))
        elif known.due:
            self._uncounted_passed += 1


_MENDED = -1  # gone for long enough


def _is_there(one: Standing) -> bool:
    return one.gone_boot_ms is None


def _told(one: Standing) -> Told:
    return Told(one.problem, one.since_utc_ms)
