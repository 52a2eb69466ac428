"""Which reported states hold now."""

from kuramori_onvif.event_models import EventKind, ReportedEvent, Tamper
from kuramori_onvif.event_states import MAX_STATES, EventStates


def _dark(begins: bool | None, source: str = "v1", *, deleted: bool = False) -> ReportedEvent:
    return ReportedEvent(
        EventKind.TAMPER,
        "VideoSource/ImageTooDark",
        begins,
        False,
        None,
        source,
        tamper=Tamper.TOO_DARK,
        deleted=deleted,
    )


def test_the_newest_message_counts() -> None:
    """Began, then ended: it is off."""
    states = EventStates().after([_dark(True)])
    assert states.tampers() == (Tamper.TOO_DARK,)
    assert states.after([_dark(False)]).tampers() == ()


def test_two_sources_are_two_states() -> None:
    """One lens is free again, the other is not."""
    assert EventStates().after([_dark(True, "v1"), _dark(True, "v2"), _dark(False, "v1")]).tampers() == (
        Tamper.TOO_DARK,
    )


def test_a_deleted_state_is_forgotten() -> None:
    """It is neither on nor off."""
    assert EventStates().after([_dark(True), _dark(None, deleted=True)]).latest == ()


def test_motion_is_not_kept() -> None:
    """Nothing here needs it."""
    motion = ReportedEvent(EventKind.MOTION, "VideoSource/MotionAlarm", True, False, None)
    assert EventStates().after([motion]).latest == ()


def test_a_flood_of_states_does_not_hide_one_that_is_on() -> None:
    """Beyond the limit those that are off go first."""
    states = EventStates().after(
        [_dark(True, "real"), *(_dark(False, f"v{number}") for number in range(2 * MAX_STATES))]
    )
    assert len(states.latest) == MAX_STATES
    assert states.tampers() == (Tamper.TOO_DARK,)
