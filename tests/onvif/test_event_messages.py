"""Event messages read out of XML: hand-built ones as vendors write them, and anything at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from kuramori_onvif import event_messages as messages
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.errors import OnvifError
from kuramori_onvif.event_models import EventKind, Tamper
from kuramori_onvif.soap import vet
from kuramori_onvif.transport import HttpAnswer
from tests.fakes.talking_camera import AXIS_ID, NOW_UTC_MS, created, message, pulled, said, terms


def _content(answer: bytes, operation: str) -> xml.Element:
    return vet("c", operation, HttpAnswer(200, (), answer.partition(b"\r\n\r\n")[2]))


def _pulled(*texts: str) -> messages.Pulled:
    return messages.pulled(_content(pulled(*texts), "PullMessages"))


def test_a_state_told_at_the_beginning_is_initialized() -> None:
    """With its source, its datum and the camera's time."""
    topic = "tns1:VideoSource/ImageTooDark/ImagingService"
    (event,) = _pulled(message(topic, "State=true", operation="Initialized", source="Source=v1")).events
    assert (event.kind, event.tamper, event.begins, event.initialized) == (
        EventKind.TAMPER,
        Tamper.TOO_DARK,
        True,
        True,
    )
    assert (event.topic, event.source, event.detail) == (
        "VideoSource/ImageTooDark/ImagingService",
        "Source=v1",
        "State=true",
    )
    assert event.camera_utc_ms == NOW_UTC_MS


def test_the_state_of_a_job_is_a_word() -> None:
    """Told flat, or inside the structure that ONVIF also allows."""
    flat = message("tns1:RecordingConfig/JobState", "State=Active", source="RecordingJobToken=j")
    inside = message("tns1:RecordingConfig/JobState").replace(
        "<tt:Data>",
        '<tt:Data><tt:ElementItem Name="Information"><tt:RecordingJobStateInformation><tt:State>Error</tt:State>'
        "</tt:RecordingJobStateInformation></tt:ElementItem>",
    )
    events = _pulled(flat, inside).events
    assert [(one.kind, one.value, one.begins) for one in events] == [
        (EventKind.RECORDING_JOB, "Active", None),
        (EventKind.RECORDING_JOB, "Error", None),
    ]


def test_a_message_without_its_wrapping_is_read() -> None:
    """The inner tt:Message stands directly in the notification."""
    text = message("tns1:VideoSource/MotionAlarm", "State=true", source="Source=v1", wrapped=False)
    (event,) = _pulled(text).events
    assert (event.kind, event.begins, event.camera_utc_ms) == (EventKind.MOTION, True, NOW_UTC_MS)


@pytest.mark.parametrize(
    "utc_time", ["00:61:16Z", "2010-01-01-00:00:00", "2026-01-01 00:00:00", "", "2026-13-01T00:00:00Z"]
)
def test_an_impossible_time_costs_only_the_time(utc_time: str) -> None:
    """The event is told all the same."""
    (event,) = _pulled(message("tns1:VideoSource/SignalLoss", "State=true", utc_time=utc_time)).events
    assert (event.kind, event.begins, event.camera_utc_ms) == (EventKind.SIGNAL_LOSS, True, None)


def test_a_deleted_state_is_neither_on_nor_off() -> None:
    """Whatever datum stands in it."""
    (event,) = _pulled(message("tns1:VideoSource/SignalLoss", "State=true", operation="Deleted")).events
    assert (event.begins, event.deleted) == (None, True)


def test_more_messages_than_the_limit_are_counted_and_not_read() -> None:
    """Whatever was asked for, the camera decides how many it sends."""
    one = message("tns1:VideoSource/MotionAlarm", "State=true")
    found = _pulled(*[one] * (messages.MAX_MESSAGES + 5))
    assert (len(found.events), found.missed) == (messages.MAX_MESSAGES, 5)


def test_a_message_without_topic_is_counted() -> None:
    """It never passes for silence."""
    assert _pulled(message(""), "<wsnt:NotificationMessage/>").malformed == 2


def test_long_texts_are_cut() -> None:
    """Each value, each line of values, and their number."""
    data = " ".join(f"Name{number}={'x' * 5000}" for number in range(100))
    (event,) = _pulled(message("tns1:VideoSource/MotionAlarm", data, source=data)).events
    assert len(event.detail) == len(event.source) == messages.MAX_WORDS_CHARACTERS


def test_the_term_is_told_by_the_two_times_of_the_camera() -> None:
    """So that a wrong clock does not matter; nonsense is not told."""
    content = _content(pulled(times=terms("2001-01-01T00:00:00Z", "2001-01-01T00:02:00Z")), "PullMessages")
    assert messages.term_seconds(content) == 120
    for end in ("2001-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "soon"):
        assert messages.term_seconds(_content(pulled(times=terms("2001-01-01T00:00:00Z", end)), "PullMessages")) is None


def test_reference_parameters_are_kept_for_the_echo() -> None:
    """Without the thirty namespaces around them, marked as parameters where headers are wanted."""
    granted = messages.granted(_content(created("http://h/x", AXIS_ID), "CreatePullPointSubscription"))
    (plain,) = messages.echoed(granted.parameters, marked=False)
    assert (xml.local_name(plain), xml.namespace(plain), plain.text) == (
        "SubscriptionId",
        "http://www.axis.com/2009/event",
        "7",
    )
    (marked,) = messages.echoed(granted.parameters, marked=True)
    assert marked.get(f"{{{messages.NS_ADDRESSING}}}IsReferenceParameter") == "true"


@pytest.mark.parametrize("name", ["s:Header", "s:Body", "wsa:To", "wsa:Action", "x:Security"])
def test_parameters_that_would_change_our_message_are_not_echoed(name: str) -> None:
    """A camera cannot put a header of SOAP, addressing or security into our mouth."""
    parameter = f'<{name} xmlns:x="http://evil">y</{name}>'
    granted = messages.granted(_content(created("http://h/x", parameter), "CreatePullPointSubscription"))
    assert granted.parameters == ()


@pytest.mark.parametrize("parameter", ["<a>" + "x" * 4000 + "</a>", "<a/>" * 20])
def test_too_many_or_too_long_parameters_are_refused(parameter: str) -> None:
    """They would be sent back with every pull."""
    with pytest.raises(messages.TooManyParameters):
        messages.granted(_content(created("http://h/x", parameter), "CreatePullPointSubscription"))


def test_an_anonymous_address_means_the_service_itself() -> None:
    """As WS-Addressing defines it; nothing is connected to under that name."""
    address = "http://www.w3.org/2005/08/addressing/anonymous"
    assert messages.granted(_content(created(address), "CreatePullPointSubscription")).address == ""


NAMES = (
    "wsnt:NotificationMessage", "wsnt:Topic", "wsnt:Message", "tt:Message", "tt:Source", "tt:Data", "tt:Key",
    "tt:SimpleItem", "tt:ElementItem", "tt:State", "wsnt:CurrentTime", "wsnt:TerminationTime",
    "tev:SubscriptionReference", "wsa:Address", "wsa:ReferenceParameters", "x:Thing",
)  # fmt: skip
TEXTS = st.sampled_from(
    ("", "true", "tns1:VideoSource/SignalLoss", "tns1:Device/HardwareFailure/StorageFailure", "2026-01-01T00:00:00Z",
     "00:61:16Z", "http://h/", "&#10;", "\u3042" * 700)
)  # fmt: skip
NODE = st.recursive(
    st.tuples(st.sampled_from(NAMES), TEXTS, TEXTS),
    lambda inner: st.tuples(st.sampled_from(NAMES), TEXTS, st.lists(inner, max_size=5)),
    max_leaves=16,
)


def _written(node: tuple[str, str, object]) -> str:
    name, attribute, content = node
    inner = "".join(_written(one) for one in content) if isinstance(content, list) else str(content)
    words = f'UtcTime="{attribute}" PropertyOperation="{attribute}" Name="{attribute}" Value="{attribute}"'
    return f'<{name} {words} xmlns:x="a">{inner}</{name}>'


@given(st.lists(NODE, max_size=5))
def test_any_tree_gives_bounded_values(nodes: list[tuple[str, str, object]]) -> None:
    """Elements in wrong places, doubled, with texts that nobody expects; and what is echoed can be written."""
    inner = "".join(_written(node) for node in nodes)
    found = messages.pulled(_content(said("tev:PullMessagesResponse", inner), "PullMessages"))
    for event in found.events:
        assert 0 < len(event.topic) <= 256
        assert max(len(event.source), len(event.detail)) <= messages.MAX_WORDS_CHARACTERS
    content = _content(said("tev:CreatePullPointSubscriptionResponse", inner), "CreatePullPointSubscription")
    try:
        granted = messages.granted(content)
    except messages.TooManyParameters:
        return
    for header in messages.echoed(granted.parameters, marked=True):
        etree.tostring(header)


WHOLE = pulled(message("tns1:VideoSource/SignalLoss", "State=true", source="Source=v1")).partition(b"\r\n\r\n")[2]


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_any_bytes_give_events_or_our_error(noise: bytes, start: int, end: int) -> None:
    """A message cut and overwritten anywhere; a broken one is never an empty list of events."""
    body = WHOLE[:start] + noise + WHOLE[max(start, end) :]
    try:
        content = vet("c", "PullMessages", HttpAnswer(200, (), body))
    except OnvifError:
        return
    found = messages.pulled(content)
    assert found.events or found.malformed or b"NotificationMessage>" not in body
