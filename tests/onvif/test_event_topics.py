"""What an event is about, whatever its topic is called by the vendor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_onvif.event_models import EventKind, Tamper
from kuramori_onvif.event_topics import MAX_TOPIC_CHARACTERS, begins, deciding_value, kind_of, path_of

TOPICS = [
    ("tns1:Device/HardwareFailure/StorageFailure", EventKind.STORAGE_FAILURE, Tamper.NONE),
    ("tns1:Device/tnsaxis:HardwareFailure/tnsaxis:StorageFailure", EventKind.STORAGE_FAILURE, Tamper.NONE),
    ("tnsaxis:Storage/tnsaxis:Disruption", EventKind.STORAGE_FAILURE, Tamper.NONE),
    ("tns1:RecordingConfig/JobState", EventKind.RECORDING_JOB, Tamper.NONE),
    ("tns1:VideoSource/GlobalSceneChange/ImagingService", EventKind.TAMPER, Tamper.SCENE_CHANGE),
    ("tns1:VideoSource/GlobalSceneChange/AnalyticsService", EventKind.TAMPER, Tamper.SCENE_CHANGE),
    ("tns1:VideoSource/ImageTooDark/ImagingService", EventKind.TAMPER, Tamper.TOO_DARK),
    ("tns1:VideoSource/ImageTooBright", EventKind.TAMPER, Tamper.TOO_BRIGHT),
    ("tns1:VideoSource/ImageTooBlurry/RecordingService", EventKind.TAMPER, Tamper.BLURRED),
    ("tns1:VideoSource/GlobalSceneChange/ImageTooBlurry", EventKind.TAMPER, Tamper.BLURRED),
    ("tns1:VideoSource/SignalLoss", EventKind.SIGNAL_LOSS, Tamper.SIGNAL_LOSS),
    ("tns1:VideoSource/tnsaxis:Tampering", EventKind.TAMPER, Tamper.TAMPERING),
    ("tns1:RuleEngine/TamperDetector/Tamper", EventKind.TAMPER, Tamper.TAMPERING),
    ("tns1:Monitoring/OperatingTime/LastReboot", EventKind.REBOOT, Tamper.NONE),
    ("tns1:VideoSource/MotionAlarm", EventKind.MOTION, Tamper.NONE),
    ("tns1:RuleEngine/CellMotionDetector/Motion", EventKind.MOTION, Tamper.NONE),
    ("tns1:RuleEngine/tnsaxis:VMD3/vmd3_video_1_motion", EventKind.MOTION, Tamper.NONE),
    ("tns1:Device/Trigger/DigitalInput", EventKind.OTHER, Tamper.NONE),
    ("tns1:RuleEngine/MyRuleDetector/PeopleDetect", EventKind.OTHER, Tamper.NONE),
    ("tns1:Monitoring/ProcessorUsage", EventKind.OTHER, Tamper.NONE),
]


@pytest.mark.parametrize(("topic", "kind", "tamper"), TOPICS)
def test_kinds(topic: str, kind: EventKind, tamper: Tamper) -> None:
    """Prefixes, capitals and the last part do not decide."""
    assert kind_of(path_of(topic)) == (kind, tamper)
    assert kind_of(path_of(topic.upper())) == (kind, tamper)


def test_a_topic_is_told_without_prefixes() -> None:
    """Spaces and empty parts go too."""
    assert path_of(" tns1:VideoSource//tnsaxis:Tampering \n") == "VideoSource/Tampering"


@pytest.mark.parametrize(
    ("kind", "data", "state"),
    [
        (EventKind.TAMPER, [("State", "true")], True),
        (EventKind.TAMPER, [("State", "1")], True),
        (EventKind.MOTION, [("IsMotion", "false")], False),
        (EventKind.MOTION, [("Reason", "7"), ("State", "true")], True),
        (EventKind.STORAGE_FAILURE, [("disruption", "1")], True),
        (EventKind.STORAGE_FAILURE, [("Failed", "false")], False),
        (EventKind.STORAGE_FAILURE, [("Failed", "")], None),
        (EventKind.STORAGE_FAILURE, [("Failed", "no idea")], None),
        (EventKind.STORAGE_FAILURE, [], None),
        (EventKind.MOTION, [("Alpha", "true"), ("Beta", "false")], None),
        (EventKind.RECORDING_JOB, [("State", "Active")], None),
    ],
)
def test_began_or_ended(kind: EventKind, data: list[tuple[str, str]], state: bool | None) -> None:
    """By the usual name, else by the only datum; what is not clear is neither."""
    assert begins(kind, deciding_value(kind, data)) is state


@given(st.text(max_size=3000))
def test_any_topic_has_a_kind_and_a_bounded_path(topic: str) -> None:
    """Nothing raises."""
    path = path_of(topic)
    assert len(path) <= MAX_TOPIC_CHARACTERS
    kind, tamper = kind_of(path)
    assert (tamper is not Tamper.NONE) == (kind in (EventKind.TAMPER, EventKind.SIGNAL_LOSS))
