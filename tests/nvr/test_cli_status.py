"""`kuramori status` tells of each camera its pause, its card, tampering and concerns, in the reader's language."""

from datetime import UTC
from typing import Any

import pytest

from kuramori.camera_messages import CameraFacts, CardFacts, EventsState, Light, MaskFacts, Pause
from kuramori.camera_texts import LIGHT_TEXTS, TAMPER_TEXTS, camera_troubles
from kuramori.cli.status import STATES_JAPANESE, camera_notes, scrub_note
from kuramori.fact_book import STALE_MS
from kuramori.messages import CameraState, CameraStatus
from kuramori.wire import to_plain
from kuramori_metrics.statistics import TAMPER_KINDS
from kuramori_onvif.event_models import Tamper

NOW = 1_790_000_000_000
CARD = CardFacts(Light.RED, "StorageFailure", True, True, True, False)
FACTS = CameraFacts(
    camera="gate",
    utc_ms=NOW,
    card=CARD,
    masks=MaskFacts(0, True),
    events=EventsState.LOST,
    tampered=("too_dark", "of a vendor"),
    clock_offset_ms=-90_000,
    certificate="changed: sha256:00",
    concerns=("the profile carries sound",),
)


def shown(**changes: Any) -> list[str]:
    """What is said of a camera in this state."""
    status = to_plain(CameraStatus("gate", 1, CameraState.PAUSED, NOW, **changes))
    return camera_notes(status, NOW, UTC)


@pytest.fixture(params=["C", "ja_JP.UTF-8"])
def japanese(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both languages."""
    monkeypatch.setenv("LC_ALL", str(request.param))
    return str(request.param).startswith("ja")


def test_a_camera_of_which_nothing_is_told_has_no_notes() -> None:
    """A camera by its stream's address alone stays one line."""
    assert shown() == []


def test_a_pause_says_until_when_by_whom_and_why(japanese: bool) -> None:
    """So that whoever finds it knows whom to ask."""
    (note,) = shown(pause=Pause("gate", NOW, NOW + 3_600_000, "Sato Hanako", "new lens"))
    assert "Sato Hanako" in note
    assert "new lens" in note
    assert "2026-09-21" in note
    assert ("一時停止" in note) == japanese


def test_card_tampering_events_and_concerns_are_told(japanese: bool) -> None:
    """One line each; red, with sound, not encrypted; a kind without a text as the camera calls it."""
    card, tamper, events, concern = shown(facts=FACTS)
    assert all(word in card for word in (("赤", "音声あり") if japanese else ("RED", "WITH SOUND", "not encrypted")))
    assert "StorageFailure" in card
    assert ("映像が暗すぎる" if japanese else "the picture is too dark") in tamper
    assert "of a vendor" in tamper
    assert ("通知" if japanese else "not heard") in events
    assert "the profile carries sound" in concern


def test_a_green_light_of_long_ago_is_shown_as_unknown() -> None:
    """What nobody asked for an hour nobody knows."""
    facts = CameraFacts("gate", NOW - STALE_MS - 1, card=CardFacts(Light.GREEN, "data grows"))
    assert "unknown" in shown(facts=facts)[0]


def test_events_that_were_not_kept_are_told() -> None:
    """A storm is seen."""
    assert "17" in shown(events_received=1000, events_dropped=17)[0]
    assert shown(events_received=1000) == []


def test_everything_wrong_is_a_problem_of_its_own(japanese: bool) -> None:
    """Card, tampering, certificate, mask, clock; each names the camera."""
    troubles = camera_troubles(FACTS, NOW, 5000)
    assert len(troubles) == 5
    assert all(trouble.startswith("gate: ") for trouble in troubles)
    assert camera_troubles(CameraFacts("gate", NOW, clock_offset_ms=4999), NOW, 5000) == ()


def test_every_kind_and_state_has_its_words() -> None:
    """What the camera's events can be called, and what a camera can be doing."""
    assert set(TAMPER_TEXTS) == {kind.value for kind in Tamper if kind.value} == set(TAMPER_KINDS) - {"other"}
    assert set(LIGHT_TEXTS) == set(Light)
    assert set(STATES_JAPANESE) == {state.value for state in CameraState}


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("C.UTF-8", "read back: 7 of 10 segments, the oldest of the others is of 2026-09-21 14:13:20, DAMAGED: 2"),
        (
            "ja_JP.UTF-8",
            "読み返し検査: 10 区間のうち 7 区間が済み、未検査で最も古いもの 2026-09-21 14:13:20、破損 2 区間",
        ),
    ],
)
def test_how_far_reading_back_has_come_is_one_line(
    language: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many segments, the oldest that was never read back, and what was found damaged, in either language."""
    monkeypatch.setenv("LC_ALL", language)
    monkeypatch.setenv("LANG", language)
    told = {
        "segments": 10,
        "unverified": 3,
        "damaged": 2,
        "oldest_unverified_utc_ms": 1_790_000_000_000,
        "last_pass_utc_ms": None,
        "fault": "",
    }
    assert scrub_note(told, UTC) == expected
