"""What the daily mail tells, as plain values: one camera a row, the storage, the keys. Pure.

None: not known now. This module must not know how any of it is asked for, nor in which words it is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from kuramori.desk.custody_status import CustodyStatus
from kuramori.gap_texts import gap_text
from kuramori.messages import CameraState, CameraStatus, Coverage, RecorderStatus, SpanKind
from kuramori.site_state import SiteState
from kuramori.texts import BothLanguages

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class GapsOfADay:
    """What is missing of one camera's day. `reasons`: lower-case names, the longest first."""

    count: int
    total_ms: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """One camera."""

    name: str
    recording: bool
    paused: bool
    durable_utc_ms: int | None
    oldest_utc_ms: int | None
    promised_ms: int
    gaps: GapsOfADay | None
    next_erasure_utc_ms: int | None


@dataclass(frozen=True, slots=True)
class LivenessFacts:
    """The whole mail. `cameras` None: the recorder does not answer."""

    site: str
    utc_ms: int
    state: SiteState
    cameras: tuple[CameraFigures, ...] | None
    volumes: tuple[tuple[str, bool], ...] = ()  # path, healthy
    clock_trusted: bool | None = None
    erasure_tier: str = ""
    drill_oldest_utc_ms: int | None = None  # when the custodian who waited longest showed the key
    never_drilled: int = 0
    custodians: int = 0
    reminders: tuple[BothLanguages, ...] = ()  # what the office must not forget

    @property
    def recording(self) -> int:
        """How many cameras are recorded."""
        return sum(camera.recording for camera in self.cameras or ())


def yesterday(utc_ms: int, zone: tzinfo) -> tuple[int, int]:
    """Return the local day before, from midnight to midnight (23, 24 or 25 hours)."""
    today = datetime.fromtimestamp(utc_ms / 1000, zone).date()
    begin, end = today - timedelta(days=1), today
    return _midnight_ms(begin.isoformat(), zone), _midnight_ms(end.isoformat(), zone)


def liveness_facts(
    site: str,
    state: SiteState,
    utc_ms: int,
    recorder: RecorderStatus | None,
    coverage: Mapping[str, Coverage],
    custody: CustodyStatus | None,
    reminders: tuple[BothLanguages, ...] = (),
) -> LivenessFacts:
    """Put together what the daily mail tells."""
    people = custody.custodians if custody is not None else ()
    shown = [one.shown_utc_ms for one in people if one.shown_utc_ms > 0]
    facts = LivenessFacts(
        site,
        utc_ms,
        state,
        None,
        drill_oldest_utc_ms=min(shown, default=None),
        never_drilled=sum(not one.drilled for one in people),
        custodians=len(people),
        reminders=reminders,
    )
    if recorder is None:
        return facts
    return LivenessFacts(
        site,
        utc_ms,
        state,
        tuple(_figures(camera, coverage.get(camera.name)) for camera in recorder.cameras),
        tuple((volume.path, volume.healthy) for volume in recorder.volumes),
        recorder.clock_trusted,
        recorder.erasure_tier,
        facts.drill_oldest_utc_ms,
        facts.never_drilled,
        facts.custodians,
        reminders,
    )


def _figures(camera: CameraStatus, coverage: Coverage | None) -> CameraFigures:
    promised_ms = int(camera.retention_days * DAY_MS)
    oldest = camera.oldest_decryptable_utc_ms
    return CameraFigures(
        camera.name,
        camera.state is CameraState.RECORDING,
        camera.state is CameraState.PAUSED,
        camera.last_durable_utc_ms,
        oldest,
        promised_ms,
        _gaps(coverage) if coverage is not None else None,
        oldest + promised_ms if oldest is not None and promised_ms else None,
    )


def _gaps(coverage: Coverage) -> GapsOfADay:
    lengths: dict[str, int] = {}
    count = 0
    for span in coverage.spans:
        if span.kind is SpanKind.GAP and span.reason != "not_yet_started":
            count += 1
            lengths[span.reason] = lengths.get(span.reason, 0) + span.to_utc_ms - span.from_utc_ms
    reasons = sorted(lengths, key=lambda reason: -lengths[reason])
    return GapsOfADay(count, sum(lengths.values()), tuple(reasons))


def reason_words(reasons: Sequence[str], *, japanese: bool) -> str:
    """Return the reasons of gaps in words."""
    texts = [gap_text(reason) for reason in reasons]
    return ("、" if japanese else ", ").join(text.japanese if japanese else text.english for text in texts)


def _midnight_ms(day: str, zone: tzinfo) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=zone).timestamp() * 1000)
