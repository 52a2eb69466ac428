"""The recording search service of a simulated camera (ONVIF Recording Search): summary, recordings, their history.

Pure: a call in, the content of the answer out. This module must not know RTSP.
"""

import secrets

from kuramori.simulator.card import CardSpan, CardState, SimulatedCard
from kuramori.simulator.onvif.camera_state import CameraState, Search
from kuramori.simulator.onvif.envelope import Call, Fault
from kuramori.simulator.onvif.event_desk import topic_matches
from kuramori.simulator.onvif.event_topics import CONCRETE, notification_message
from kuramori.simulator.onvif.recording import SOURCE, VIDEO_TRACK, tracks
from kuramori.simulator.onvif.time_text import moment, written
from kuramori_onvif import hardened_xml as xml

SEARCHES_MOST = 8
HISTORY_TOPIC = "tns1:RecordingHistory/Recording/State"
TRACK_TOPIC = "tns1:RecordingHistory/Track/State"


def answer(camera: CameraState, call: Call) -> str | None:
    """Return the content of the answer, or None for an operation that the camera does not know."""
    card = camera.card
    if card is None:
        return None
    match call.operation:
        case "GetRecordingSummary":
            items = _summary(card, call.utc_ms)
        case "GetRecordingInformation":
            token = xml.text(call.request, "RecordingToken")
            items = _information(card, token, _spans(card, token, call.utc_ms), "tse:RecordingInformation")
        case "FindRecordings" | "FindEvents":
            items = f"<tse:SearchToken>{_begin(camera, card, call)}</tse:SearchToken>"
        case "GetRecordingSearchResults" | "GetEventSearchResults":
            items = _results(camera, card, call)
        case "EndSearch":
            camera.searches.pop(xml.text(call.request, "SearchToken"), None)
            items = f"<tse:Endpoint>{written(call.camera_utc_ms)}</tse:Endpoint>"
        case "GetServiceCapabilities":
            items = '<tse:Capabilities MetadataSearch="false" GeneralStartEvents="false"/>'
        case _:
            return None
    return f"<tse:{call.operation}Response>{items}</tse:{call.operation}Response>"


def _spans(card: SimulatedCard, token: str, utc_ms: int) -> tuple[CardSpan, ...]:
    found = card.recordings(utc_ms).get(token)
    if found is None:
        raise Fault("InvalidArgVal/InvalidToken", "no such recording")
    return found


def _summary(card: SimulatedCard, utc_ms: int) -> str:
    spans = card.spans(utc_ms)
    first = min((span.from_camera_utc_ms for span in spans), default=0)
    last = max((span.to_camera_utc_ms for span in spans), default=0)
    return (
        f"<tse:Summary><tt:DataFrom>{written(first)}</tt:DataFrom><tt:DataUntil>{written(last)}</tt:DataUntil>"
        f"<tt:NumberRecordings>{len(card.recordings(utc_ms))}</tt:NumberRecordings></tse:Summary>"
    )


def _information(card: SimulatedCard, token: str, spans: tuple[CardSpan, ...], element: str) -> str:
    times = items = ""
    if spans:
        first = written(min(span.from_camera_utc_ms for span in spans))
        last = written(max(span.to_camera_utc_ms for span in spans))
        times = f"<tt:EarliestRecording>{first}</tt:EarliestRecording><tt:LatestRecording>{last}</tt:LatestRecording>"
        items = "".join(
            f"<tt:Track><tt:TrackToken>{track}</tt:TrackToken><tt:TrackType>{kind}</tt:TrackType><tt:Description/>"
            f"<tt:DataFrom>{first}</tt:DataFrom><tt:DataTo>{last}</tt:DataTo></tt:Track>"
            for track, kind in tracks(card)
        )
    status = "Recording" if card.state is CardState.RECORDING else "Stopped"
    return (
        f"<{element}><tt:RecordingToken>{token}</tt:RecordingToken>{SOURCE}{times}<tt:Content>everything</tt:Content>"
        f"{items}<tt:RecordingStatus>{status}</tt:RecordingStatus></{element}>"
    )


def _begin(camera: CameraState, card: SimulatedCard, call: Call) -> str:
    if card.state is CardState.FAILED:
        raise Fault("Action/NoStorage", "the card cannot be read", code="Receiver", status=500)
    if len(camera.searches) >= SEARCHES_MOST:
        raise Fault("Action/ResourceProblem", "too many searches", code="Receiver", status=500)
    results = _recordings(card, call) if call.operation == "FindRecordings" else _events(camera, card, call)
    token = f"search-{secrets.randbelow(1 << 30)}"
    most = xml.text(call.request, "MaxMatches")
    kept = results[: int(most)] if most.isdecimal() else results
    camera.searches[token] = Search(list(kept), card.replay.search_rounds)
    return token


def _recordings(card: SimulatedCard, call: Call) -> list[str]:
    wanted = [(one.text or "").strip() for one in _scope(call.request, "IncludedRecordings")]
    return [
        _information(card, token, spans, "tt:RecordingInformation")
        for token, spans in card.recordings(call.utc_ms).items()
        if not wanted or token in wanted
    ]


def _scope(request: xml.Element, name: str) -> list[xml.Element]:
    scope = xml.child(request, "Scope")
    return list(xml.children(scope, name)) if scope is not None else []


def _results(camera: CameraState, card: SimulatedCard, call: Call) -> str:
    search = camera.searches.get(xml.text(call.request, "SearchToken"))
    if search is None:
        raise Fault("InvalidArgVal/InvalidToken", "no such search")
    if search.rounds:
        search.rounds -= 1
        return "<tse:ResultList><tt:SearchState>Searching</tt:SearchState></tse:ResultList>"
    most = xml.text(call.request, "MaxResults")
    count = int(most) if most.isdecimal() and int(most) else len(search.results)
    told, search.results = search.results[:count], search.results[count:]
    state = "Searching" if search.results else "Completed"
    return f"<tse:ResultList><tt:SearchState>{state}</tt:SearchState>{''.join(told)}</tse:ResultList>"


def _events(camera: CameraState, card: SimulatedCard, call: Call) -> list[str]:
    """Return the history between two moments, in the direction that was asked for (ONVIF Recording Search 5.13)."""
    start = moment(xml.text(call.request, "StartPoint"))
    if start is None:
        raise Fault("InvalidArgVal", "no start point")
    end = moment(xml.text(call.request, "EndPoint"))
    first, last = sorted((start, call.camera_utc_ms if end is None else end))
    wanted = [
        word.strip()
        for element in call.request.iter()
        if xml.local_name(element) == "TopicExpression"
        for word in (element.text or "").split("|")
        if word.strip()
    ]
    found = [
        (when, result)
        for when, topic, result in (*_history(card, call.utc_ms), *_told(camera))
        if first <= when <= last and (not wanted or any(topic_matches(topic, word) for word in wanted))
    ]
    found.sort(key=lambda one: one[0], reverse=end is not None and end < start)
    return [result for _, result in found]


def _history(card: SimulatedCard, utc_ms: int) -> list[tuple[int, str, str]]:
    if not card.replay.history_told:
        return []
    told = []
    for token, spans in card.recordings(utc_ms).items():
        for span in spans:
            told += _state(token, span.from_camera_utc_ms, "true")
            if span.to_utc_ms != utc_ms:
                told += _state(token, span.to_camera_utc_ms, "false")
    return told


def _state(token: str, when: int, value: str) -> list[tuple[int, str, str]]:
    recording = f'<tt:SimpleItem Name="RecordingToken" Value="{token}"/>'
    track = f'{recording}<tt:SimpleItem Name="Track" Value="{VIDEO_TRACK}"/>'
    shapes = ((HISTORY_TOPIC, recording, "IsRecording"), (TRACK_TOPIC, track, "IsDataPresent"))
    return [
        (
            when,
            topic,
            _result(
                token,
                when,
                f'<wsnt:Topic Dialect="{CONCRETE}">{topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime='
                f'"{written(when)}" PropertyOperation="Changed"><tt:Source>{source}</tt:Source><tt:Data>'
                f'<tt:SimpleItem Name="{name}" Value="{value}"/></tt:Data></tt:Message></wsnt:Message>',
            ),
        )
        for topic, source, name in shapes
    ]


def _told(camera: CameraState) -> list[tuple[int, str, str]]:
    return [
        (one.camera_utc_ms, one.topic, _result("recording-1", one.camera_utc_ms, notification_message(one)))
        for one in camera.events.history
    ]


def _result(token: str, when: int, event: str) -> str:
    return (
        f"<tt:Result><tt:RecordingToken>{token}</tt:RecordingToken><tt:TrackToken>{VIDEO_TRACK}</tt:TrackToken>"
        f"<tt:Time>{written(when)}</tt:Time><tt:Event>{event}</tt:Event>"
        "<tt:StartStateEvent>false</tt:StartStateEvent></tt:Result>"
    )
