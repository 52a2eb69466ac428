"""What the evidence says of a camera's own card: every row of the ladder, and every way not to know."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_onvif.card_answers import CardSummary, ConfiguredRecording, ConfiguredRecordings, JobState
from kuramori_onvif.card_models import CardLight, CardRecording, CardReport, CardTrack, TrackKind
from kuramori_onvif.card_state import STALE_MS, CardEvidence, report
from kuramori_onvif.edge_storage import CardConcern, concerns
from kuramori_onvif.event_models import EventKind, ReportedEvent
from kuramori_onvif.event_states import EventStates
from kuramori_onvif.storage_configuration import StorageConfiguration

NOW = 1_767_225_600_000
MINUTE = 60_000
NOTHING = CardEvidence(NOW)
RED, GREEN, UNKNOWN = CardLight.RED, CardLight.GREEN, CardLight.UNKNOWN
VIDEO, AUDIO = CardTrack("v", TrackKind.VIDEO), CardTrack("a", TrackKind.AUDIO)
LOCAL = StorageConfiguration("s", "LocalStorage", "/card", "", ())


def _failure(begins: bool | None, source: str = "Token=SD") -> EventStates:
    event = ReportedEvent(
        EventKind.STORAGE_FAILURE, "Device/HardwareFailure/StorageFailure", begins, True, None, source
    )
    return EventStates((event,))


def _job_event(state: str) -> EventStates:
    return EventStates(
        (ReportedEvent(EventKind.RECORDING_JOB, "RecordingConfig/JobState", None, True, None, value=state),)
    )


def _configured(*tracks: CardTrack, complete: bool = True, encrypted: bool | None = None) -> ConfiguredRecordings:
    return ConfiguredRecordings((ConfiguredRecording("r", tracks, True, encrypted),), complete)


def _summary(latest: int | None, recordings: int | None = 1) -> CardSummary:
    return CardSummary(None if latest is None else latest - 1000, latest, recordings)


def _after(evidence: CardEvidence, minutes: int, **changed: object) -> CardReport:
    """Look once, and again so many minutes later with something changed."""
    later = replace(evidence, now_utc_ms=NOW + minutes * MINUTE, earlier=report(evidence))
    return report(replace(later, **changed))  # type: ignore[arg-type]


def test_nothing_told_is_unknown() -> None:
    """In every respect; neither green nor red."""
    found = report(NOTHING)
    assert found == CardReport(evidence=found.evidence, looked_utc_ms=NOW)
    assert "tells nothing" in found.evidence


@pytest.mark.parametrize(
    ("evidence", "light"),
    [
        (CardEvidence(NOW, _failure(True)), RED),
        (CardEvidence(NOW, _failure(False)), GREEN),
        (CardEvidence(NOW, _failure(None)), UNKNOWN),
        (CardEvidence(NOW, _failure(True), jobs=(JobState("Active"),)), RED),
        (CardEvidence(NOW, _failure(None), jobs=(JobState("Active"),)), UNKNOWN),
        (CardEvidence(NOW, _failure(False), jobs=(JobState("Error"),)), RED),
        (CardEvidence(NOW, _failure(True, "disk_id=NetworkShare")), UNKNOWN),
        (CardEvidence(NOW, _failure(False, "disk_id=NetworkShare")), UNKNOWN),
        (CardEvidence(NOW, _job_event("Active")), GREEN),
        (CardEvidence(NOW, _job_event("Error")), RED),
        (CardEvidence(NOW, _job_event("Idle")), UNKNOWN),
        (CardEvidence(NOW, _job_event("")), UNKNOWN),
        (CardEvidence(NOW, jobs=(JobState("Active"), JobState("Error"))), RED),
        (CardEvidence(NOW, jobs=(JobState("PartiallyActive"),)), GREEN),
        (CardEvidence(NOW, jobs=(JobState("Active"), JobState("Sideways"))), UNKNOWN),
        (CardEvidence(NOW, jobs=(JobState("Idle"),)), UNKNOWN),
        (CardEvidence(NOW, jobs=()), UNKNOWN),
        (CardEvidence(NOW, summary=_summary(NOW)), UNKNOWN),
    ],
)
def test_the_light(evidence: CardEvidence, light: CardLight) -> None:
    """Anything wrong is red; a word not understood keeps it from green; else what is well."""
    assert report(evidence).light is light


def test_the_strongest_evidence_is_told() -> None:
    """The event before the job, the job before the movement."""
    found = report(CardEvidence(NOW, _failure(False), jobs=(JobState("Active"),)))
    assert "without failure" in found.evidence
    assert "Token=SD" in found.evidence


def test_a_recording_that_moves_on_between_two_looks_is_green() -> None:
    """Without any event or job; and it records."""
    found = _after(CardEvidence(NOW, summary=_summary(NOW)), 5, summary=_summary(NOW + MINUTE))
    assert (found.light, found.records, found.has_storage) == (GREEN, True, True)


def test_a_recording_that_stands_still_does_not_stay_green() -> None:
    """Within the hour it may be waiting for motion; after it nothing is known."""
    moved = CardEvidence(NOW, summary=_summary(NOW), earlier=report(CardEvidence(NOW - 1, summary=_summary(NOW - 9))))
    assert _after(moved, 30).light is GREEN
    assert _after(moved, 60).light is UNKNOWN


def test_a_job_that_runs_while_nothing_is_recorded_is_red() -> None:
    """After an hour; until then the job is believed."""
    running = CardEvidence(NOW, jobs=(JobState("Active"),), summary=_summary(NOW))
    assert _after(running, 59).light is GREEN
    found = _after(running, 61)
    assert found.light is RED
    assert "61 minutes" in found.evidence


def test_a_changed_card_is_looked_at_anew() -> None:
    """Its newest moment lies before the old one's: that is no movement."""
    found = _after(CardEvidence(NOW, summary=_summary(NOW)), 90, summary=_summary(NOW - STALE_MS))
    assert (found.light, found.moved_utc_ms, found.latest_seen_utc_ms) == (UNKNOWN, None, NOW + 90 * MINUTE)


@pytest.mark.parametrize(
    ("evidence", "records"),
    [
        (CardEvidence(NOW, jobs=(JobState("Active"),)), True),
        (CardEvidence(NOW, _job_event("PartiallyActive")), True),
        (CardEvidence(NOW, recordings=(CardRecording("r", (VIDEO,), (), recording_now=True),)), True),
        (CardEvidence(NOW, jobs=(), summary=_summary(None, 0)), False),
        (CardEvidence(NOW, jobs=(JobState("Idle"),), summary=_summary(None, 0)), False),
        (CardEvidence(NOW, jobs=(JobState("Idle"),), summary=_summary(NOW)), None),
        (CardEvidence(NOW, jobs=(JobState("Idle"),)), None),
        (CardEvidence(NOW, jobs=(JobState("Error"),), summary=_summary(None, 0)), None),
        (CardEvidence(NOW, summary=_summary(None, 0)), None),
        (CardEvidence(NOW, jobs=(), summary=_summary(NOW)), None),
    ],
)
def test_whether_it_records(evidence: CardEvidence, records: bool | None) -> None:
    """Yes as soon as anything shows it; no only where jobs and card say so together."""
    assert report(evidence).records is records


def test_a_resting_job_and_a_recording_that_stood_still_mean_that_it_does_not_record() -> None:
    """Seen over two looks."""
    assert _after(CardEvidence(NOW, jobs=(JobState("Idle"),), summary=_summary(NOW)), 5).records is False


@pytest.mark.parametrize(
    ("evidence", "sound"),
    [
        (CardEvidence(NOW, configured=_configured(VIDEO, AUDIO)), True),
        (CardEvidence(NOW, configured=_configured(VIDEO)), False),
        (CardEvidence(NOW, configured=_configured(VIDEO, complete=False)), None),
        (CardEvidence(NOW, configured=_configured(VIDEO, CardTrack("x", TrackKind.OTHER))), None),
        (CardEvidence(NOW, configured=ConfiguredRecordings((), True), summary=_summary(None, 0)), False),
        (CardEvidence(NOW, configured=ConfiguredRecordings((), True), summary=_summary(NOW, 3)), None),
        (CardEvidence(NOW, configured=ConfiguredRecordings((), True)), None),
        (NOTHING, None),
        (
            CardEvidence(
                NOW,
                configured=_configured(VIDEO, AUDIO),
                recordings=(CardRecording("r", (VIDEO, replace(AUDIO, empty=True)), ()),),
            ),
            None,
        ),
        (CardEvidence(NOW, recordings=(CardRecording("r", (AUDIO,), (), has_audio=True),)), True),
    ],
)
def test_whether_it_records_sound(evidence: CardEvidence, sound: bool | None) -> None:
    """Only whole lists without a sound track say no (R3)."""
    assert report(evidence).records_audio is sound


@pytest.mark.parametrize(
    ("evidence", "storage"),
    [
        (CardEvidence(NOW, storages=(LOCAL,)), True),
        (CardEvidence(NOW, summary=_summary(NOW, 2)), True),
        (CardEvidence(NOW, _failure(False)), True),
        (CardEvidence(NOW, storages=(), summary=_summary(None, 0)), False),
        (CardEvidence(NOW, storages=()), None),
        (CardEvidence(NOW, summary=_summary(None, 0)), None),
    ],
)
def test_whether_there_is_a_card(evidence: CardEvidence, storage: bool | None) -> None:
    """No only where it names no local storage and holds no recording."""
    assert report(evidence).has_storage is storage


@pytest.mark.parametrize(
    ("evidence", "encrypted"),
    [
        (CardEvidence(NOW, configured=_configured(VIDEO, encrypted=True)), True),
        (CardEvidence(NOW, configured=_configured(VIDEO)), None),
        (CardEvidence(NOW, configured=_configured(VIDEO, encrypted=True, complete=False)), None),
        (CardEvidence(NOW, configured=ConfiguredRecordings((), True)), None),
    ],
)
def test_encryption_is_told_or_unknown(evidence: CardEvidence, encrypted: bool | None) -> None:
    """ONVIF has no way to say no."""
    assert report(evidence).encrypted is encrypted


def test_a_card_that_records_uninvited_or_sound_is_told() -> None:
    """As facts, whatever its light (K8)."""
    loud = CardReport(GREEN, records=True, records_audio=True)
    assert concerns(loud, allowed=False) == (
        CardConcern.RECORDS_UNINVITED,
        CardConcern.RECORDS_AUDIO,
        CardConcern.NOT_ENCRYPTED_AS_FAR_AS_TOLD,
    )
    assert concerns(replace(loud, encrypted=True), allowed=True, audio_allowed=True) == ()
    assert concerns(CardReport(has_storage=True), allowed=False) == (CardConcern.MAY_RECORD_UNINVITED,)
    assert concerns(CardReport(), allowed=False) == ()
    assert concerns(CardReport(records=False, has_storage=True, records_audio=False), allowed=False) == ()


WORDS = st.sampled_from(["", "Idle", "idle", "Sideways", "x" * 200])
MAYBE = st.one_of(st.none(), st.integers(0, NOW))


@given(
    st.lists(WORDS, max_size=3),
    st.booleans(),
    st.one_of(st.none(), st.builds(CardSummary, MAYBE, MAYBE, st.one_of(st.none(), st.integers(0, 9)))),
    st.sampled_from([None, True]),
)
def test_without_a_word_of_health_it_is_never_green(
    words: list[str], told: bool, summary: CardSummary | None, begins: bool | None
) -> None:
    """Whatever else stands in the answers."""
    states = tuple(JobState(word) for word in words) if told else None
    found = report(CardEvidence(NOW, _failure(begins), jobs=states, summary=summary))
    assert found.light is (RED if begins else UNKNOWN)
    assert found.evidence
