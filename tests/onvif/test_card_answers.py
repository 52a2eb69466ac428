"""What a camera says of its recordings, read out of XML: hand-built answers, and anything at all."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_onvif import card_answers
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.card_models import CardSpan, CardTrack, TrackKind
from kuramori_onvif.errors import OnvifError
from kuramori_onvif.soap import vet
from kuramori_onvif.transport import HttpAnswer
from tests.fakes.card_texts import information, listed, page, result, summary
from tests.fakes.talking_camera import NOW_UTC_MS, message, said

HOUR = 3_600_000


def _content(answer: bytes, operation: str) -> xml.Element:
    return vet("c", operation, HttpAnswer(200, (), answer.partition(b"\r\n\r\n")[2]))


def test_a_summary_is_read() -> None:
    """From when to when, and how many."""
    found = card_answers.summary(
        _content(summary("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", 3), "GetRecordingSummary")
    )
    assert found == card_answers.CardSummary(NOW_UTC_MS, NOW_UTC_MS + HOUR, 3)


@pytest.mark.parametrize(
    ("oldest", "latest", "count"),
    [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 1),
        ("2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z", 2),
        ("00:61:16Z", "soon", 2),
    ],
)
def test_an_empty_or_impossible_extent_is_unknown(oldest: str, latest: str, count: int) -> None:
    """Nothing is counted from 1970."""
    found = card_answers.summary(_content(summary(oldest, latest, count), "GetRecordingSummary"))
    assert found == card_answers.CardSummary(None, None, count)


def test_an_answer_without_a_summary_is_none() -> None:
    """It does not read as an empty card."""
    assert card_answers.summary(_content(said("tse:GetRecordingSummaryResponse"), "GetRecordingSummary")) is None


def test_configured_recordings_are_read_with_their_tracks() -> None:
    """Kinds by word; one that is not known may be anything."""
    answer = said("trc:GetRecordingsResponse", listed("r1", "Video", "Audio") + listed("r2", "Video", "Extended"))
    found = card_answers.configured_recordings(_content(answer, "GetRecordings"))
    assert found.complete
    assert [[track.kind for track in one.tracks] for one in found.recordings] == [
        [TrackKind.VIDEO, TrackKind.AUDIO],
        [TrackKind.VIDEO, TrackKind.OTHER],
    ]


@pytest.mark.parametrize(
    "item", ["<trc:RecordingItem/>", "<trc:RecordingItem><tt:RecordingToken> </tt:RecordingToken></trc:RecordingItem>"]
)
def test_a_list_with_something_unreadable_is_not_complete(item: str) -> None:
    """So that nobody concludes from it that there is no sound."""
    answer = said("trc:GetRecordingsResponse", listed("r1", "Video") + item)
    assert not card_answers.configured_recordings(_content(answer, "GetRecordings")).complete


def test_a_recording_without_a_list_of_tracks_is_not_complete() -> None:
    """Missing is not empty."""
    bare = "<trc:RecordingItem><tt:RecordingToken>r</tt:RecordingToken></trc:RecordingItem>"
    (found,) = card_answers.configured_recordings(
        _content(said("trc:GetRecordingsResponse", bare), "GetRecordings")
    ).recordings
    assert not found.complete


def test_the_information_of_a_recording_is_read() -> None:
    """Extent, tracks with their data, whether it is being written."""
    video, audio = ("Video", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"), ("Audio", "", "")
    found = card_answers.recording(
        xml.child(
            _content(page(information("r1", video, audio)), "GetRecordingSearchResults"),
            "ResultList",
            "RecordingInformation",
        )
    )
    assert found is not None
    assert found.spans == (CardSpan(NOW_UTC_MS, NOW_UTC_MS + HOUR),)
    assert found.tracks == (
        CardTrack("Video0", TrackKind.VIDEO, CardSpan(NOW_UTC_MS, NOW_UTC_MS + HOUR)),
        CardTrack("Audio1", TrackKind.AUDIO),
    )
    assert (found.has_audio, found.recording_now) == (True, True)


@pytest.mark.parametrize(
    ("tracks", "complete", "sound"),
    [
        ((CardTrack("v", TrackKind.VIDEO),), True, False),
        ((CardTrack("v", TrackKind.VIDEO),), False, None),
        ((CardTrack("v", TrackKind.VIDEO), CardTrack("a", TrackKind.AUDIO)), False, True),
        ((CardTrack("a", TrackKind.AUDIO, empty=True),), True, None),
        ((CardTrack("x", TrackKind.OTHER),), True, None),
        ((), False, None),
    ],
)
def test_only_a_whole_understood_list_says_that_there_is_no_sound(
    tracks: tuple[CardTrack, ...], complete: bool, sound: bool | None
) -> None:
    """Fail closed (R3)."""
    assert card_answers.has_audio(tracks, complete=complete) is sound


def test_history_is_read_as_marks() -> None:
    """Of tracks and of whole recordings; other events are passed over, unreadable ones noted."""
    answer = said(
        "tse:GetEventSearchResultsResponse",
        "<tse:ResultList><tt:SearchState>Completed</tt:SearchState>"
        + result("r1", "t1", "2026-01-01T00:00:00Z", message("tns1:RecordingHistory/Track/State", "IsDataPresent=true"))
        + result(
            "r1", "", "2026-01-01T01:00:00Z", message("tns1:RecordingHistory/Recording/State", "IsRecording=false")
        )
        + result("r1", "", "2026-01-01T01:00:00Z", message("tns1:VideoSource/MotionAlarm", "State=true"))
        + "</tse:ResultList>",
    )
    found = card_answers.history_page(_content(answer, "GetEventSearchResults"))
    assert found.marks == (
        card_answers.Mark("r1", "t1", NOW_UTC_MS, True),
        card_answers.Mark("r1", "", NOW_UTC_MS + HOUR, False),
    )
    assert found.completed
    assert found.readable


def test_a_mark_that_cannot_be_read_spoils_the_page() -> None:
    """A span computed without it would be wrong."""
    told = message("tns1:RecordingHistory/Track/State", "IsDataPresent=perhaps")
    inner = f"<tse:ResultList>{result('r1', 't1', '2026-01-01T00:00:00Z', told)}</tse:ResultList>"
    assert not card_answers.history_page(
        _content(said("tse:GetEventSearchResultsResponse", inner), "GetEventSearchResults")
    ).readable


READERS: dict[str, tuple[str, Callable[[xml.Element], object]]] = {
    "GetRecordingSummary": ("tse", card_answers.summary),
    "GetRecordings": ("trc", card_answers.configured_recordings),
    "GetRecordingJobs": ("trc", card_answers.job_tokens),
    "GetRecordingJobState": ("trc", card_answers.job_state),
    "GetRecordingSearchResults": ("tse", card_answers.search_page),
    "GetEventSearchResults": ("tse", card_answers.history_page),
    "FindRecordings": ("tse", card_answers.search_token),
    "GetReplayUri": ("trp", card_answers.replay_uri),
}
NAMES = (
    "tse:Summary", "tt:DataFrom", "tt:DataUntil", "tt:NumberRecordings", "trc:RecordingItem", "tt:RecordingToken",
    "tt:Tracks", "tt:Track", "tt:TrackToken", "tt:TrackType", "tt:Configuration", "tt:DataTo", "trc:JobItem",
    "tt:JobToken", "trc:State", "tt:State", "tse:ResultList", "tt:SearchState", "tt:RecordingInformation", "tt:Result",
    "tt:Event", "wsnt:NotificationMessage", "wsnt:Topic", "tt:Message", "tt:Time", "tse:SearchToken", "trp:Uri",
    "tt:EarliestRecording", "tt:LatestRecording", "tt:RecordingStatus", "tt:Target", "tt:Encryption",
)  # fmt: skip
TEXTS = st.sampled_from(
    ("", "r1", "2026-01-01T00:00:00Z", "00:61:16Z", "Video", "Audio", "-1", "99999999999999", "Completed", "true",
     "tns1:RecordingHistory/Track/State", "x" * 2000)
)  # fmt: skip
NODE = st.recursive(
    st.tuples(st.sampled_from(NAMES), TEXTS),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=5)),
    max_leaves=16,
)


def _written(node: tuple[str, object]) -> str:
    name, content = node
    inner = "".join(_written(one) for one in content) if isinstance(content, list) else str(content)
    return f"<{name}>{inner}</{name}>"


@pytest.mark.parametrize("operation", READERS)
@given(nodes=st.lists(NODE, max_size=5), noise=st.binary(max_size=8), at=st.integers(0, 2000))
def test_any_answer_gives_a_value_or_our_error(
    operation: str, nodes: list[tuple[str, object]], noise: bytes, at: int
) -> None:
    """Trees of anything, with anything written over them."""
    prefix, read = READERS[operation]
    body = said(f"{prefix}:{operation}Response", "".join(_written(node) for node in nodes)).partition(b"\r\n\r\n")[2]
    for one in (body, body[:at] + noise + body[at + len(noise) :]):
        try:
            read(vet("c", operation, HttpAnswer(200, (), one)))
        except OnvifError:
            continue
