"""What the evidence says of a camera's own card: light, records or not, with sound or not. Pure.

ONVIF has no question for the health of a card. The evidence, strongest first: the event StorageFailure; a recording
job's state, by event or asked; the newest recording moving on between two looks. Anything seen to be wrong makes it
red; a word that is not understood keeps it from green; where nothing is told it stays unknown. This module must not
know SOAP, nor what is allowed on a card.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from kuramori_onvif.card_answers import CardSummary, ConfiguredRecordings, JobState
from kuramori_onvif.card_models import CardLight, CardRecording, CardReport, TrackKind
from kuramori_onvif.errors import quoted
from kuramori_onvif.event_models import EventKind, ReportedEvent
from kuramori_onvif.event_states import EventStates
from kuramori_onvif.storage_configuration import StorageConfiguration

STALE_MS = 60 * 60 * 1000  # a recording that should run and has not moved for so long does not
_RUNNING = frozenset({"active", "partiallyactive"})
_RESTING = frozenset({"idle"})
_NOT_ITS_CARD = ("networkshare", "network_share")  # a network share that was never set up reads as failed


@dataclass(frozen=True, slots=True)
class CardEvidence:
    """All that was asked and heard. None: not told, or not understood; it proves nothing."""

    now_utc_ms: int  # our clock
    events: EventStates = field(default_factory=EventStates)
    jobs: tuple[JobState, ...] | None = None  # None unless every job told its state
    summary: CardSummary | None = None
    configured: ConfiguredRecordings | None = None
    recordings: tuple[CardRecording, ...] = ()  # what GetRecordingInformation told of those with a sound track
    storages: tuple[StorageConfiguration, ...] | None = None
    earlier: CardReport | None = None
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Word:
    """One piece of evidence: what it makes of the light, None where it only keeps it from green."""

    light: CardLight | None
    sentence: str


def report(evidence: CardEvidence) -> CardReport:
    """Conclude. Nothing raises; what is not told is None or unknown."""
    latest = evidence.summary.latest_utc_ms if evidence.summary is not None else None
    seen, moved = _movement(evidence, latest)
    light, sentence = _light(tuple(_words(evidence, latest, seen, moved)))
    return CardReport(
        light=light,
        evidence=sentence,
        has_storage=_has_storage(evidence),
        records=_records(evidence, moved),
        records_audio=_records_audio(evidence),
        encrypted=_encrypted(evidence),
        oldest_utc_ms=evidence.summary.oldest_utc_ms if evidence.summary is not None else None,
        latest_utc_ms=latest,
        looked_utc_ms=evidence.now_utc_ms,
        latest_seen_utc_ms=seen,
        moved_utc_ms=moved,
        oddities=evidence.oddities,
    )


def _movement(evidence: CardEvidence, latest: int | None) -> tuple[int | None, int | None]:
    """Return when the newest moment was first seen as it is, and when it was last seen to have moved on."""
    earlier, now = evidence.earlier, evidence.now_utc_ms
    if latest is None:
        return None, None
    if earlier is None or earlier.latest_utc_ms is None or latest < earlier.latest_utc_ms:
        return now, None  # first look, or the card was changed or emptied
    if latest > earlier.latest_utc_ms:
        return now, now
    return earlier.latest_seen_utc_ms or now, earlier.moved_utc_ms


def _recently(moved: int | None, now: int) -> bool:
    return moved is not None and 0 <= now - moved < STALE_MS


def _light(words: tuple[_Word, ...]) -> tuple[CardLight, str]:
    for wanted in (CardLight.RED, None, CardLight.GREEN):
        for word in words:
            if word.light is wanted:
                return word.light or CardLight.UNKNOWN, word.sentence
    return CardLight.UNKNOWN, "The camera tells nothing from which the state of its card would follow."


def _words(evidence: CardEvidence, latest: int | None, seen: int | None, moved: int | None) -> Iterator[_Word]:
    """Yield what each piece of evidence says, strongest first."""
    yield from (_failure(one) for one in _storage_events(evidence))
    for event in evidence.events.of_kind(EventKind.RECORDING_JOB):
        yield from _job(event.value, "reports by event")
    for job in evidence.jobs or ():
        yield from _job(job.state, "answers")
    now = evidence.now_utc_ms
    if latest is not None and _recently(moved, now):
        yield _Word(CardLight.GREEN, "Its newest recording has moved on between two looks.")
    elif latest is not None and seen is not None and now - seen >= STALE_MS and _job_runs(evidence):
        minutes = (now - seen) // 60_000
        yield _Word(CardLight.RED, f"It says that it records, but nothing newer has come for {minutes} minutes.")


def _storage_events(evidence: CardEvidence) -> Iterator[ReportedEvent]:
    for event in evidence.events.of_kind(EventKind.STORAGE_FAILURE):
        if not any(word in event.source.lower() for word in _NOT_ITS_CARD):
            yield event


def _failure(event: ReportedEvent) -> _Word:
    where = f" ({quoted(event.source)})" if event.source else ""
    if event.begins is None:
        return _Word(None, f"It reports on its storage in words that are not understood{where}.")
    if event.begins:
        return _Word(CardLight.RED, f"It reports that its storage has failed, or that no card is in it{where}.")
    return _Word(CardLight.GREEN, f"It reports its storage to be without failure{where}.")


def _job(state: str, how: str) -> Iterator[_Word]:
    word = state.lower()
    if word == "error":
        yield _Word(CardLight.RED, f"It {how} that a recording job on its card is in error.")
    elif word in _RUNNING:
        yield _Word(CardLight.GREEN, f"It {how} that a recording job on its card is running.")
    elif word not in _RESTING:
        yield _Word(None, f"It {how} a state of a recording job that is not understood ({quoted(state) or 'none'}).")


def _job_states(evidence: CardEvidence) -> set[str]:
    states = {one.value.lower() for one in evidence.events.of_kind(EventKind.RECORDING_JOB)}
    return states | {one.state.lower() for one in evidence.jobs or ()}


def _job_runs(evidence: CardEvidence) -> bool:
    return bool(_RUNNING & _job_states(evidence))


def _records(evidence: CardEvidence, moved: int | None) -> bool | None:
    """True as soon as anything shows it. False only where every job rests and nothing lies on the card or moves."""
    if _job_runs(evidence) or _recently(moved, evidence.now_utc_ms):
        return True
    if any(one.recording_now for one in evidence.recordings):
        return True
    if evidence.jobs is None or not _job_states(evidence) <= _RESTING or evidence.summary is None:
        return None
    if evidence.summary.recordings == 0:
        return False
    watched = evidence.earlier is not None and evidence.earlier.latest_utc_ms == evidence.summary.latest_utc_ms
    return False if evidence.jobs and watched else None


def _records_audio(evidence: CardEvidence) -> bool | None:
    """Any sound track counts unless the camera says that it is empty; only whole lists without one say no (R3)."""
    configured = evidence.configured
    if configured is None:
        return True if any(one.has_audio for one in evidence.recordings) else None
    empty = {(one.token, track.token) for one in evidence.recordings for track in one.tracks if track.empty}
    unsure = not configured.complete
    for recording in configured.recordings:
        unsure = unsure or not recording.complete
        for track in recording.tracks:
            if track.kind is TrackKind.AUDIO and (recording.token, track.token) not in empty:
                return True
            unsure = unsure or track.kind in (TrackKind.AUDIO, TrackKind.OTHER)
    if any(one.has_audio for one in evidence.recordings):
        return True
    held = evidence.summary.recordings if evidence.summary is not None else None
    if not configured.recordings and held != 0:  # it keeps its recordings elsewhere than where we may look
        return None
    return None if unsure else False


def _has_storage(evidence: CardEvidence) -> bool | None:
    local = evidence.storages is not None and any(one.is_local for one in evidence.storages)
    held = evidence.summary.recordings if evidence.summary is not None else None
    well = any(one.begins is False for one in _storage_events(evidence))
    if local or held or well or _job_runs(evidence):
        return True
    return False if evidence.storages is not None and held == 0 else None


def _encrypted(evidence: CardEvidence) -> bool | None:
    """True only where every recording is told to be; ONVIF has no way to say no."""
    configured = evidence.configured
    if configured is None or not configured.complete or not configured.recordings:
        return None
    return True if all(one.encrypted for one in configured.recordings) else None
