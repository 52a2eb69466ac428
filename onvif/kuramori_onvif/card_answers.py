"""Reads what a camera says of its own recordings out of vetted XML, and writes the questions. Pure.

ONVIF Recording Control, Recording Search and Replay. By local names, bounded in number and length. A list that was cut
or holds something unreadable is not `complete`, so that nobody concludes from it what is not there. This module must
not know connections, nor what a card's state is made of.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from kuramori_onvif import answers
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.address import MAX_ADDRESS_CHARACTERS
from kuramori_onvif.camera_times import MAX_TIME_CHARACTERS, duration_text, utc_ms_of_text, utc_text
from kuramori_onvif.card_models import CardRecording, CardSpan, CardTrack, TrackKind
from kuramori_onvif.event_messages import NS_NOTIFICATION, event_of

NS_RECORDING = "http://www.onvif.org/ver10/recording/wsdl"
NS_SEARCH = "http://www.onvif.org/ver10/search/wsdl"
NS_REPLAY = "http://www.onvif.org/ver10/replay/wsdl"
NS_SCHEMA = "http://www.onvif.org/ver10/schema"
NS_TOPICS = "http://www.onvif.org/ver10/topics"
CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
MAX_RECORDINGS = 256
MAX_TRACKS = 32
MAX_JOBS = 64
MAX_MARKS = 4096
_KINDS = {"video": TrackKind.VIDEO, "audio": TrackKind.AUDIO, "metadata": TrackKind.METADATA}


@dataclass(frozen=True, slots=True)
class CardSummary:
    """GetRecordingSummary. None: not told, or not a time."""

    oldest_utc_ms: int | None
    latest_utc_ms: int | None
    recordings: int | None


@dataclass(frozen=True, slots=True)
class ConfiguredRecording:
    """One item of GetRecordings: a place to record to, whether or not anything is in it."""

    token: str
    tracks: tuple[CardTrack, ...]
    complete: bool
    encrypted: bool | None


@dataclass(frozen=True, slots=True)
class ConfiguredRecordings:
    """GetRecordings."""

    recordings: tuple[ConfiguredRecording, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class JobTokens:
    """GetRecordingJobs: tokens only; their state is asked for one by one."""

    tokens: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class JobState:
    """GetRecordingJobState: "Idle", "Active", "PartiallyActive", "Error" or another word; "" where none stands."""

    state: str


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of GetRecordingSearchResults."""

    recordings: tuple[CardRecording, ...]
    completed: bool
    readable: bool  # every item had a token


@dataclass(frozen=True, slots=True)
class Mark:
    """One point of a recording's history: from here data is there, or not any more."""

    recording_token: str
    track_token: str  # "" where it is about the whole recording
    utc_ms: int
    present: bool


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of GetEventSearchResults, what concerns recording history."""

    marks: tuple[Mark, ...]
    completed: bool
    readable: bool


def token_text(parent: xml.Element | None, name: str) -> str:
    """Return a token that stands as text, as the camera can be asked with it; "" where none does."""
    token = xml.whole_text(parent, name, limit=answers.MAX_TOKEN_CHARACTERS)
    return token if token.isprintable() else ""


def _time(parent: xml.Element | None, name: str) -> int | None:
    return utc_ms_of_text(xml.whole_text(parent, name, limit=MAX_TIME_CHARACTERS))


def summary(content: xml.Element) -> CardSummary | None:
    """Read GetRecordingSummaryResponse; None where there is no summary in it."""
    found = xml.child(content, "Summary")
    if found is None:
        return None
    count = answers.number(xml.text(found, "NumberRecordings"))
    oldest, latest = _time(found, "DataFrom"), _time(found, "DataUntil")
    if count == 0 or (oldest is not None and latest is not None and latest <= oldest):
        return CardSummary(None, None, count)  # an empty card is told as a moment, often in 1970
    return CardSummary(oldest, latest, count)


def configured_recordings(content: xml.Element) -> ConfiguredRecordings:
    """Read GetRecordingsResponse."""
    found: list[ConfiguredRecording] = []
    complete = True
    for item in xml.children(content, "RecordingItem"):
        token = token_text(item, "RecordingToken")
        if not token or len(found) == MAX_RECORDINGS:
            complete = False
            continue
        listed = xml.child(item, "Tracks")
        tracks, readable = _tracks(iter(()) if listed is None else xml.children(listed, "Track"))
        target = xml.child(item, "Configuration", "Target")
        named = target is not None and any(xml.local_name(one).startswith("Encryption") for one in target.iter())
        found.append(ConfiguredRecording(token, tracks, listed is not None and readable, True if named else None))
    return ConfiguredRecordings(tuple(found), complete)


def _tracks(elements: Iterator[xml.Element]) -> tuple[tuple[CardTrack, ...], bool]:
    """Read tracks of either service; the second value tells whether all of them could be read."""
    found: list[CardTrack] = []
    readable = True
    for element in elements:
        token = token_text(element, "TrackToken")
        if len(found) == MAX_TRACKS:
            return tuple(found), False
        if not token:
            readable = False
        word = (xml.text(element, "TrackType") or xml.text(element, "Configuration", "TrackType")).lower()
        first, last = _time(element, "DataFrom"), _time(element, "DataTo")
        data = CardSpan(first, last) if first is not None and last is not None and first < last else None
        empty = first is not None and first == last
        found.append(CardTrack(token, _KINDS.get(word, TrackKind.OTHER), data, empty))
    return tuple(found), readable


def job_tokens(content: xml.Element) -> JobTokens:
    """Read GetRecordingJobsResponse."""
    tokens = [token_text(item, "JobToken") for item in xml.children(content, "JobItem")]
    return JobTokens(tuple(one for one in tokens if one)[:MAX_JOBS], all(tokens) and len(tokens) <= MAX_JOBS)


def job_state(content: xml.Element) -> JobState:
    """Read GetRecordingJobStateResponse."""
    return JobState(xml.text(content, "State", "State")[: answers.MAX_NAME_CHARACTERS])


def recording(element: xml.Element | None) -> CardRecording | None:
    """Read a RecordingInformation: its whole extent as one span. None where it has no token."""
    token = token_text(element, "RecordingToken")
    if element is None or not token:
        return None
    tracks, readable = _tracks(xml.children(element, "Track"))
    status = xml.text(element, "RecordingStatus").lower()
    extent = _extent(element, tracks)
    return CardRecording(
        token=token,
        tracks=tracks,
        spans=(extent,) if extent is not None else (),
        has_audio=has_audio(tracks, complete=readable and bool(tracks)),
        recording_now=None if status in ("", "unknown") else status == "recording",
    )


def _extent(element: xml.Element, tracks: tuple[CardTrack, ...]) -> CardSpan | None:
    """From first to last moment: of the recording, else of its tracks."""
    known = [track.data for track in tracks if track.data is not None]
    first, last = _time(element, "EarliestRecording"), _time(element, "LatestRecording")
    if first is None:
        first = min((one.from_utc_ms for one in known), default=None)
    if last is None:
        last = max((one.until_utc_ms for one in known), default=None)
    return CardSpan(first, last) if first is not None and last is not None and first < last else None


def has_audio(tracks: tuple[CardTrack, ...], *, complete: bool) -> bool | None:
    """Tell whether sound is in a recording; only a whole, understood list without a sound track says no (R3)."""
    if any(track.kind is TrackKind.AUDIO and not track.empty for track in tracks):
        return True
    silent = all(track.kind in (TrackKind.VIDEO, TrackKind.METADATA) for track in tracks)
    return False if complete and silent else None


def search_token(content: xml.Element) -> str:
    """Read FindRecordingsResponse or FindEventsResponse; "" where no token stands."""
    return token_text(content, "SearchToken")


def _completed(results: xml.Element | None) -> bool:
    return xml.text(results, "SearchState").lower() == "completed"


def search_page(content: xml.Element) -> SearchPage:
    """Read GetRecordingSearchResultsResponse."""
    results = xml.child(content, "ResultList")
    found: list[CardRecording] = []
    readable = results is not None
    for element in () if results is None else xml.children(results, "RecordingInformation"):
        one = recording(element) if len(found) < MAX_RECORDINGS else None
        if one is None:
            readable = False
        else:
            found.append(one)
    return SearchPage(tuple(found), _completed(results), readable)


def history_page(content: xml.Element) -> HistoryPage:
    """Read GetEventSearchResultsResponse; events about anything but recording history are passed over."""
    results = xml.child(content, "ResultList")
    marks: list[Mark] = []
    readable = results is not None
    for element in () if results is None else xml.children(results, "Result"):
        if len(marks) == MAX_MARKS:
            readable = False
            break
        event = xml.child(element, "Event")
        if event is None:
            readable = False
            continue
        holder = xml.child(event, "NotificationMessage")
        told = event_of(holder if holder is not None else event)
        if told is None or "RecordingHistory/" not in told.topic:
            readable = readable and told is not None
            continue
        token, utc_ms = token_text(element, "RecordingToken"), _time(element, "Time")
        if utc_ms is None:
            utc_ms = told.camera_utc_ms
        if not token or utc_ms is None or told.begins is None:
            readable = False
            continue
        track = token_text(element, "TrackToken") if "/Track/" in told.topic else ""
        marks.append(Mark(token, track, utc_ms, told.begins))
    return HistoryPage(tuple(marks), _completed(results), readable)


def replay_uri(content: xml.Element) -> str:
    """Read GetReplayUriResponse; "" where no address stands."""
    return xml.whole_text(content, "Uri", limit=MAX_ADDRESS_CHARACTERS)


def find_recordings_request(keep_seconds: float) -> xml.Element:
    """Ask for every recording. A filter by time would be XPath, which few cameras read."""
    request = answers.request(NS_SEARCH, "FindRecordings")
    etree.SubElement(request, etree.QName(NS_SEARCH, "Scope"))
    etree.SubElement(request, etree.QName(NS_SEARCH, "MaxMatches")).text = str(MAX_RECORDINGS)
    etree.SubElement(request, etree.QName(NS_SEARCH, "KeepAliveTime")).text = duration_text(keep_seconds)
    return request


def find_history_request(from_utc_ms: int, to_utc_ms: int, tokens: tuple[str, ...], keep_seconds: float) -> xml.Element:
    """Ask when these recordings held data, by their events `RecordingHistory`."""
    name = etree.QName(NS_SEARCH, "FindEvents")
    namespaces = {"q": NS_SEARCH, "tt": NS_SCHEMA, "wsnt": NS_NOTIFICATION, "tns1": NS_TOPICS}
    request = etree.Element(name, nsmap=namespaces)
    etree.SubElement(request, etree.QName(NS_SEARCH, "StartPoint")).text = utc_text(from_utc_ms)
    etree.SubElement(request, etree.QName(NS_SEARCH, "EndPoint")).text = utc_text(to_utc_ms + 999)
    scope = etree.SubElement(request, etree.QName(NS_SEARCH, "Scope"))
    for token in tokens:
        etree.SubElement(scope, etree.QName(NS_SCHEMA, "IncludedRecordings")).text = token
    chosen = etree.SubElement(request, etree.QName(NS_SEARCH, "SearchFilter"))
    topic = etree.SubElement(chosen, etree.QName(NS_NOTIFICATION, "TopicExpression"), Dialect=CONCRETE_SET)
    topic.text = "tns1:RecordingHistory//."
    etree.SubElement(request, etree.QName(NS_SEARCH, "IncludeStartState")).text = "true"
    etree.SubElement(request, etree.QName(NS_SEARCH, "MaxMatches")).text = str(MAX_MARKS)
    etree.SubElement(request, etree.QName(NS_SEARCH, "KeepAliveTime")).text = duration_text(keep_seconds)
    return request


def results_request(operation: str, token: str, limit: int, wait_seconds: float) -> xml.Element:
    """Ask for the next page of a search."""
    fields = (("SearchToken", token), ("MinResults", "1"), ("MaxResults", str(limit)))
    return answers.request(NS_SEARCH, operation, *fields, ("WaitTime", duration_text(wait_seconds)))


def replay_request(recording_token: str) -> xml.Element:
    """Ask for the address at which a recording is replayed by RTSP over TCP."""
    request = etree.Element(etree.QName(NS_REPLAY, "GetReplayUri"), nsmap={"q": NS_REPLAY, "tt": NS_SCHEMA})
    setup = etree.SubElement(request, etree.QName(NS_REPLAY, "StreamSetup"))
    etree.SubElement(setup, etree.QName(NS_SCHEMA, "Stream")).text = "RTP-Unicast"
    transport = etree.SubElement(setup, etree.QName(NS_SCHEMA, "Transport"))
    etree.SubElement(transport, etree.QName(NS_SCHEMA, "Protocol")).text = "RTSP"
    etree.SubElement(request, etree.QName(NS_REPLAY, "RecordingToken")).text = recording_token
    return request
