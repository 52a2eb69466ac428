"""Answers about a camera's own recordings, built by hand. No peer offers these services."""

from tests.fakes.talking_camera import said


def summary(oldest: str, latest: str, count: int) -> bytes:
    """Return GetRecordingSummaryResponse."""
    inner = f"<tt:DataFrom>{oldest}</tt:DataFrom><tt:DataUntil>{latest}</tt:DataUntil>"
    whole = f"<tse:Summary>{inner}<tt:NumberRecordings>{count}</tt:NumberRecordings></tse:Summary>"
    return said("tse:GetRecordingSummaryResponse", whole)


def listed(token: str, *kinds: str, target: str = "") -> str:
    """Return one item of GetRecordings, tracks named by kind and place."""
    tracks = "".join(
        f"<tt:Track><tt:TrackToken>{kind}{place}</tt:TrackToken><tt:Configuration><tt:TrackType>{kind}</tt:TrackType>"
        "</tt:Configuration></tt:Track>"
        for place, kind in enumerate(kinds)
    )
    return (
        f"<trc:RecordingItem><tt:RecordingToken>{token}</tt:RecordingToken><tt:Configuration>{target}</tt:Configuration>"
        f"<tt:Tracks>{tracks}</tt:Tracks></trc:RecordingItem>"
    )


def information(
    token: str, *tracks: tuple[str, str, str], extent: tuple[str, str] | None = None, status: str = "Recording"
) -> str:
    """Return a RecordingInformation; each track is kind, first and last moment."""
    told = "".join(
        f"<tt:Track><tt:TrackToken>{kind}{place}</tt:TrackToken><tt:TrackType>{kind}</tt:TrackType>"
        f"<tt:DataFrom>{first}</tt:DataFrom><tt:DataTo>{last}</tt:DataTo></tt:Track>"
        for place, (kind, first, last) in enumerate(tracks)
    )
    times = (
        f"<tt:EarliestRecording>{extent[0]}</tt:EarliestRecording><tt:LatestRecording>{extent[1]}</tt:LatestRecording>"
        if extent
        else ""
    )
    return (
        f"<tt:RecordingInformation><tt:RecordingToken>{token}</tt:RecordingToken>{times}{told}"
        f"<tt:RecordingStatus>{status}</tt:RecordingStatus></tt:RecordingInformation>"
    )


def page(*informations: str, state: str = "Completed") -> bytes:
    """Return GetRecordingSearchResultsResponse."""
    inner = f"<tse:ResultList><tt:SearchState>{state}</tt:SearchState>{''.join(informations)}</tse:ResultList>"
    return said("tse:GetRecordingSearchResultsResponse", inner)


def result(recording: str, track: str, time: str, notification: str) -> str:
    """Return one result of an event search."""
    return (
        f"<tt:Result><tt:RecordingToken>{recording}</tt:RecordingToken><tt:TrackToken>{track}</tt:TrackToken>"
        f"<tt:Time>{time}</tt:Time><tt:Event>{notification}</tt:Event></tt:Result>"
    )


def history(*results: str, state: str = "Completed") -> bytes:
    """Return GetEventSearchResultsResponse."""
    inner = f"<tse:ResultList><tt:SearchState>{state}</tt:SearchState>{''.join(results)}</tse:ResultList>"
    return said("tse:GetEventSearchResultsResponse", inner)


def jobs(*tokens: str) -> bytes:
    """Return GetRecordingJobsResponse."""
    return said(
        "trc:GetRecordingJobsResponse",
        "".join(f"<trc:JobItem><tt:JobToken>{one}</tt:JobToken></trc:JobItem>" for one in tokens),
    )


def job_state(state: str) -> bytes:
    """Return GetRecordingJobStateResponse."""
    return said(
        "trc:GetRecordingJobStateResponse",
        f"<trc:State><tt:RecordingToken>r1</tt:RecordingToken><tt:State>{state}</tt:State></trc:State>",
    )
