"""The events that a simulated camera reports: their topics, and how a notification is written (ONVIF Core 9.5).

Pure. This module must not know subscriptions.
"""

from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape, quoteattr

from kuramori.simulator.onvif.time_text import written

CONCRETE = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
VIDEO_SOURCE = "sensor"
CARD = "card"
JOB = "job-1"
RECORDING = "recording-1"


class EventKind(StrEnum):
    """What can happen. Each is a property with a state, except the reboot."""

    MOTION = "motion"
    CELL_MOTION = "cell_motion"  # motion as reported by a rule
    SCENE_CHANGE = "scene_change"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TOO_BLURRY = "too_blurry"
    SIGNAL_LOSS = "signal_loss"
    TAMPERING = "tampering"  # a vendor's own topic
    STORAGE_FAILURE = "storage_failure"
    JOB_STATE = "job_state"
    REBOOT = "reboot"


@dataclass(frozen=True, slots=True)
class Topic:
    """Where a kind stands in the tree, whose it is, what its datum is called. `ends`: a service's name may follow."""

    path: str
    source: tuple[tuple[str, str], ...]
    datum: str
    ends: bool = False
    is_property: bool = True


_SENSOR = (("Source", VIDEO_SOURCE),)
TOPICS = {
    EventKind.MOTION: Topic("tns1:VideoSource/MotionAlarm", _SENSOR, "State"),
    EventKind.CELL_MOTION: Topic(
        "tns1:RuleEngine/CellMotionDetector/Motion",
        (("VideoSourceConfigurationToken", "source"), ("Rule", "MyMotionDetectorRule")),
        "IsMotion",
    ),
    EventKind.SCENE_CHANGE: Topic("tns1:VideoSource/GlobalSceneChange", _SENSOR, "State", ends=True),
    EventKind.TOO_DARK: Topic("tns1:VideoSource/ImageTooDark", _SENSOR, "State", ends=True),
    EventKind.TOO_BRIGHT: Topic("tns1:VideoSource/ImageTooBright", _SENSOR, "State", ends=True),
    EventKind.TOO_BLURRY: Topic("tns1:VideoSource/ImageTooBlurry", _SENSOR, "State", ends=True),
    EventKind.SIGNAL_LOSS: Topic("tns1:VideoSource/SignalLoss", _SENSOR, "State"),
    EventKind.TAMPERING: Topic("tns1:VideoSource/tnsvendor:Tampering", (("channel", "1"),), "tampering"),
    EventKind.STORAGE_FAILURE: Topic("tns1:Device/HardwareFailure/StorageFailure", (("Token", CARD),), "Failed"),
    EventKind.JOB_STATE: Topic("tns1:RecordingConfig/JobState", (("RecordingJobToken", JOB),), "State"),
    EventKind.REBOOT: Topic("tns1:Monitoring/OperatingTime/LastReboot", (), "Status", is_property=False),
}


@dataclass(frozen=True, slots=True)
class Notification:
    """One event as it will be told. `operation`: "Initialized", "Changed" or "" for what is no property."""

    kind: EventKind
    topic: str
    operation: str
    value: str
    camera_utc_ms: int


def topic_path(kind: EventKind, ending: str) -> str:
    """Return the topic of a kind; `ending`, such as "ImagingService", follows where firmwares let one follow."""
    topic = TOPICS[kind]
    return f"{topic.path}/{ending}" if ending and topic.ends else topic.path


def message(notification: Notification) -> str:
    """Write the tt:Message of a notification."""
    topic = TOPICS[notification.kind]
    operation = f' PropertyOperation="{notification.operation}"' if notification.operation else ""
    source = "".join(f'<tt:SimpleItem Name="{name}" Value="{value}"/>' for name, value in topic.source)
    datum = f'<tt:SimpleItem Name="{topic.datum}" Value={quoteattr(notification.value)}/>'
    if notification.kind is EventKind.JOB_STATE:
        datum += f'<tt:ElementItem Name="Information">{job_state(notification.value)}</tt:ElementItem>'
    return (
        f'<tt:Message UtcTime="{written(notification.camera_utc_ms)}"{operation}>'
        f"<tt:Source>{source}</tt:Source><tt:Data>{datum}</tt:Data></tt:Message>"
    )


def job_state(state: str) -> str:
    """Write the state of the one recording job (tt:RecordingJobStateInformation)."""
    words = escape(state)
    return f"<tt:RecordingJobStateInformation>{job_state_fields(words)}</tt:RecordingJobStateInformation>"


def job_state_fields(state: str) -> str:
    """Write what stands inside a job's state."""
    return (
        f"<tt:RecordingToken>{RECORDING}</tt:RecordingToken><tt:State>{state}</tt:State><tt:Sources>"
        '<tt:SourceToken Type="http://www.onvif.org/ver10/schema/Profile"><tt:Token>main</tt:Token></tt:SourceToken>'
        f"<tt:State>{state}</tt:State><tt:Tracks><tt:Track><tt:SourceTag>video</tt:SourceTag>"
        f"<tt:Destination>video-1</tt:Destination><tt:State>{state}</tt:State></tt:Track></tt:Tracks></tt:Sources>"
    )


def notification_message(notification: Notification) -> str:
    """Write a notification as PullMessages and search results carry it (wsnt:NotificationMessage)."""
    return (
        f'<wsnt:Topic Dialect="{CONCRETE}">{notification.topic}</wsnt:Topic>'
        f"<wsnt:Message>{message(notification)}</wsnt:Message>"
    )
