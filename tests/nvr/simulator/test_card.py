"""The simulated camera's memory card as its services tell of it: what it holds, whether it records, how it is found."""

from kuramori.capture.source import Codec
from kuramori.simulator.card import CardState, SimulatedCard, card_frames
from kuramori.simulator.material import synthetic_material
from kuramori.simulator.onvif.event_topics import EventKind
from kuramori.simulator.onvif.time_text import written
from kuramori.simulator.onvif_camera import OnvifCamera
from tests.fakes.onvif_questions import NOW_UTC_MS, ask, attributes, camera, conforms, texts

HOUR_MS = 3_600_000
GRID = synthetic_material(Codec.H264, bits_per_second=50_000, frames_per_second=10, gop_frames=10)


def with_card(*, audio: bool = False, per_span: bool = False) -> OnvifCamera:
    """A camera whose card recorded from three hours to two hours ago, and again since one hour ago."""
    its = camera()
    its.card = SimulatedCard(with_audio=audio)
    its.card.replay.recording_per_span = per_span
    its.card.record(NOW_UTC_MS - 3 * HOUR_MS)
    its.card.stop(NOW_UTC_MS - 2 * HOUR_MS)
    its.card.record(NOW_UTC_MS - HOUR_MS)
    return its


def found(its: OnvifCamera, operation: str, inside: str, results: str) -> list[str]:
    """Search to the end; return the answers."""
    (token,) = texts(ask(its, operation, inside), "SearchToken")
    field = f"<tse:SearchToken>{token}</tse:SearchToken><tse:MaxResults>1</tse:MaxResults>"
    answers = []
    while True:
        reply = ask(its, results, field)
        if operation == "tse:FindRecordings":
            conforms(results, reply)
        answers.append(reply.body)
        if texts(reply, "SearchState") == ["Completed"]:
            ask(its, "tse:EndSearch", field)
            assert its.searches == {}
            return answers


def test_a_camera_without_a_card_has_no_such_services() -> None:
    """Nothing listed, nothing stored; with one, all three are listed in both ways."""
    its = camera()
    assert "recording_service" not in ask(its, "tds:GetServices").body
    assert "ActionNotSupported" in ask(its, "tse:GetRecordingSummary").body
    assert attributes(ask(its, "tds:GetStorageConfigurations"), "StorageConfigurations", "token") == []
    its.card = SimulatedCard()
    for service in ("recording_service", "search_service", "replay_service"):
        assert service in ask(its, "tds:GetServices").body
        assert service in ask(its, "tds:GetCapabilities").body
    assert conforms("tds:GetCapabilities", ask(its, "tds:GetCapabilities")).Extension is not None
    assert attributes(ask(its, "tds:GetStorageConfigurations"), "StorageConfigurations", "token") == ["card"]


def test_what_the_card_does_is_told() -> None:
    """Job state idle, active or in error; tracks with and without sound."""
    its = with_card(audio=True)
    job = "<trc:JobToken>job-1</trc:JobToken>"
    assert its.card is not None
    (recording,) = conforms("trc:GetRecordings", ask(its, "trc:GetRecordings"))
    assert [track.Configuration.TrackType for track in recording.Tracks.Track] == ["Video", "Audio"]
    (told,) = conforms("trc:GetRecordingJobs", ask(its, "trc:GetRecordingJobs"))
    assert (told.JobToken, told.JobConfiguration.Mode) == ("job-1", "Active")
    for state, word in ((CardState.OFF, "Idle"), (CardState.RECORDING, "Active"), (CardState.FAILED, "Error")):
        its.card.state = state
        assert conforms("trc:GetRecordingJobState", ask(its, "trc:GetRecordingJobState", job)).State == word


def test_the_summary_advances_while_the_card_records_and_no_longer() -> None:
    """By the camera's own clock; what is older than the card keeps is gone."""
    its = with_card()
    assert its.card is not None
    later = NOW_UTC_MS + 60_000
    told = texts(ask(its, "tse:GetRecordingSummary", utc_ms=later), "DataUntil")
    assert told == [written(later)]
    its.card.fail(later)
    assert texts(ask(its, "tse:GetRecordingSummary", utc_ms=later + 60_000), "DataUntil") == told
    its.card.retention_seconds = 3600
    assert texts(ask(its, "tse:GetRecordingSummary", utc_ms=later), "DataFrom") == [written(later - HOUR_MS)]
    summary = conforms("tse:GetRecordingSummary", ask(its, "tse:GetRecordingSummary"))
    assert summary.NumberRecordings == 1


def test_recordings_are_searched() -> None:
    """One recording with its gaps, or one for each; a search takes its time; a broken card finds nothing."""
    its = with_card(per_span=True)
    assert its.card is not None
    its.card.replay.search_rounds = 2
    answers = found(its, "tse:FindRecordings", "<tse:Scope/>", "tse:GetRecordingSearchResults")
    assert [answer.count("<tt:RecordingToken>") for answer in answers] == [0, 0, 1, 1]
    one = "<tse:Scope><tt:IncludedRecordings>recording-2</tt:IncludedRecordings></tse:Scope>"
    (*_, last) = found(its, "tse:FindRecordings", one, "tse:GetRecordingSearchResults")
    assert written(NOW_UTC_MS - HOUR_MS) in last
    its.card.fail(NOW_UTC_MS)
    assert ask(its, "tse:FindRecordings", "<tse:Scope/>").status == 500


def test_the_history_tells_where_recordings_begin_and_end() -> None:
    """RecordingHistory for recording and track, in the asked direction; other events lie between them."""
    its = with_card()
    its.emit(EventKind.MOTION, True, NOW_UTC_MS - 150 * 60_000)
    range_of = (
        f"<tse:StartPoint>{written(NOW_UTC_MS - 4 * HOUR_MS)}</tse:StartPoint><tse:EndPoint>{written(NOW_UTC_MS)}"
        "</tse:EndPoint><tse:Scope/><tse:SearchFilter/><tse:IncludeStartState>false</tse:IncludeStartState>"
    )
    answers = "".join(found(its, "tse:FindEvents", range_of, "tse:GetEventSearchResults"))
    recorded = answers.count('Name="IsRecording" Value="true"'), answers.count('Name="IsRecording" Value="false"')
    assert recorded == (2, 1)
    assert answers.count("MotionAlarm") == 1
    wanted = "<tse:SearchFilter><wsnt:TopicExpression>x:RecordingHistory//.</wsnt:TopicExpression></tse:SearchFilter>"
    only = "".join(
        found(its, "tse:FindEvents", range_of.replace("<tse:SearchFilter/>", wanted), "tse:GetEventSearchResults")
    )
    assert ("MotionAlarm" in only, only.count("IsDataPresent")) == (False, 3)


def test_replay_is_found_by_its_token() -> None:
    """An address beside the stream's; unknown recordings are refused, and all of a broken card."""
    its = with_card()
    assert its.card is not None
    wish = (
        "<trp:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol>"
        "</tt:Transport></trp:StreamSetup><trp:RecordingToken>recording-1</trp:RecordingToken>"
    )
    uri = conforms("trp:GetReplayUri", ask(its, "trp:GetReplayUri", wish))
    assert uri == "rtsp://127.0.0.1:8554/main/recording/recording-1"
    assert ask(its, "trp:GetReplayUri", wish.replace("recording-1", "other")).status == 400
    its.card.fail(NOW_UTC_MS)
    assert ask(its, "trp:GetReplayUri", wish).status == 400


def test_pictures_lie_on_a_grid_of_time() -> None:
    """From the key frame at or before the beginning; the last before a gap and the first behind it are marked."""
    card = SimulatedCard()
    card.record(1_000_050)
    card.stop(1_010_000)
    card.record(1_020_000)
    spans = card.spans(1_030_000)
    pictures = list(card_frames(spans, GRID, 1_004_500, 1_022_000))
    assert (pictures[0].camera_utc_ms, pictures[0].frame.is_key) == (1_004_000, True)
    ends = [one.camera_utc_ms for one in pictures if one.ends]
    follows = [one for one in pictures if one.follows_gap]
    assert ends == [1_009_900]
    assert [(one.camera_utc_ms, one.frame.is_key) for one in follows] == [(1_020_000, True)]
    assert pictures[-1].camera_utc_ms == 1_022_000
    assert [one.camera_utc_ms for one in card_frames(spans, GRID, 0, 1_001_000)] == [1_001_000]


def test_a_clock_step_lets_times_overlap() -> None:
    """A camera whose clock is set back records the same camera time twice, one after the other."""
    its = camera()
    its.card = SimulatedCard()
    its.card.record(NOW_UTC_MS)
    its.set_clock(-5, NOW_UTC_MS + 10_000)
    spans = its.card.spans(NOW_UTC_MS + 20_000)
    assert [(span.from_camera_utc_ms - NOW_UTC_MS, span.to_camera_utc_ms - NOW_UTC_MS) for span in spans] == [
        (0, 10_000),
        (5_000, 15_000),
    ]
