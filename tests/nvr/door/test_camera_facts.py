"""What the door tells of a camera beside its stream: sound, masks, clock, card, events; and what it finds wrong."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from kuramori.camera_messages import CameraFacts, EventsState, Light, SilenceBy
from kuramori.door_messages import DoorCameraState
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.card import SimulatedCard
from kuramori.simulator.onvif.event_topics import EventKind
from kuramori.simulator.onvif_camera import OnvifCamera
from kuramori.timebase import SystemClock
from tests.nvr.door.test_door import Told, _camera, _configuration, _door, _serving, _until

HOUR_MS = 3_600_000


def _now_ms() -> int:
    return SystemClock().utc_ms()


async def _told(folder: Path, camera: OnvifCamera, keys: str = "") -> CameraFacts:
    """Return the facts that the recorder is told first of a camera that was found."""
    told = Told()
    async with _serving(camera), _door(_configuration(folder, {"gate": camera.device_url}, keys=keys), told):
        return await told.until_facts("gate", lambda facts: bool(facts.audio.chosen_profile))


def _says(facts: CameraFacts, words: str) -> bool:
    return any(words in concern for concern in facts.concerns)


async def test_of_an_ordinary_camera_nothing_is_wrong(tmp_path: Path) -> None:
    """Silent by choice, no card, no mask asked for, clock right, its time servers left alone: no concern at all."""
    camera = _camera()
    camera.time.servers = ("10.0.0.1",)
    facts = await _told(tmp_path, camera)
    assert facts.concerns == ()
    assert (facts.audio.silence, facts.audio.chosen_profile) == (SilenceBy.CHOSEN, "main")
    assert facts.audio.evidence
    assert (facts.events, facts.clock_source, facts.certificate) == (EventsState.OFF, "onvif", "")
    assert facts.card.light is Light.UNKNOWN
    assert "SetNTP" not in camera.operations
    assert facts.ntp.startswith("not asked")


async def test_sound_on_offer_is_a_concern_only_where_it_cannot_be_avoided(tmp_path: Path) -> None:
    """A silent profile is made where the camera lets us; else it is said."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    willing = _camera(audio=AudioKind.AAC)
    willing.media.refuses_profiles = False
    made = await _told(tmp_path / "a", willing)
    assert made.audio.silence is SilenceBy.MADE
    assert (made.audio.profiles_with_audio, made.audio.encodings) == (("main",), ("AAC",))
    assert not _says(made, "sound")
    stubborn = _camera(audio=AudioKind.AAC)
    stubborn.media.refuses_profiles = True
    loud = await _told(tmp_path / "b", stubborn)
    assert loud.audio.silence is SilenceBy.NOT_SILENT
    assert _says(loud, "offers sound")


@pytest.mark.parametrize(("masks", "offered", "count"), [(2, True, 2), (0, True, 0), (0, False, None)])
async def test_a_camera_that_must_have_a_mask(tmp_path: Path, masks: int, offered: bool, count: int | None) -> None:
    """Masks are counted; none, or no answer, is a concern where the configuration asks for one (R4)."""
    camera = _camera()
    camera.media.masks, camera.media.masks_offered = masks, offered
    facts = await _told(tmp_path, camera, "privacy_mask = true")
    assert (facts.masks.count, facts.masks.expected) == (count, True)
    assert _says(facts, "privacy mask") is (masks == 0)


async def test_a_time_server_is_set_only_where_it_is_configured(tmp_path: Path) -> None:
    """Set by hand and read back; a camera that ignores it is a concern."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    camera, deaf = _camera(), _camera()
    deaf.time.ignores = True
    facts = await _told(tmp_path / "a", camera, 'ntp_server = "192.168.10.1"')
    assert (camera.time.servers, camera.time.from_dhcp) == (("192.168.10.1",), False)
    assert facts.ntp.startswith("set")
    ignored = await _told(tmp_path / "b", deaf, 'ntp_server = "192.168.10.1"')
    assert ignored.ntp.startswith("ignored")
    assert _says(ignored, "time server")


async def test_a_wrong_clock_is_said_once_until_it_is_right(tmp_path: Path) -> None:
    """Beyond the threshold: a concern, logged when it begins and when it is over, not in between."""
    camera, told = _camera(), Told()
    camera.clock_offset_seconds = 90
    with capture_logs() as logs:
        async with _serving(camera):
            configuration = _configuration(tmp_path, {"gate": camera.device_url})
            async with _door(configuration, told) as client:
                wrong = await told.until_facts("gate", lambda facts: _says(facts, "s ahead"))
                camera.clock_offset_seconds = -300
                await client.refresh("gate")
                await told.until_facts("gate", lambda facts: _says(facts, "s behind"))
                camera.clock_offset_seconds = 0
                await client.refresh("gate")
                await told.until_facts("gate", lambda facts: not facts.concerns)
    assert abs((wrong.clock_offset_ms or 0) - 90_000) < 2_000
    said = [entry["event"] for entry in logs if entry.get("kind") == "clock"]
    assert said == ["camera_concern", "camera_concern_over"]


async def test_a_card_that_records_uninvited_or_sound_is_a_concern(tmp_path: Path) -> None:
    """K8: recording on the card is off by default; sound on it needs a written decision."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    camera, allowed = _camera(), _camera()
    for one in (camera, allowed):
        one.card = SimulatedCard(with_audio=True)
        one.card.record(_now_ms() - HOUR_MS)
    facts = await _told(tmp_path / "a", camera)
    assert (facts.card.records, facts.card.records_audio) == (True, True)
    assert _says(facts, "does not allow")
    assert _says(facts, "contains sound")
    may = await _told(tmp_path / "b", allowed, "card_recording = true")
    assert may.card.records
    assert not _says(may, "does not allow")
    assert _says(may, "contains sound")


async def test_tampering_and_a_failed_card_are_facts_at_once(tmp_path: Path) -> None:
    """By the camera's events, long before it is asked again; each event is handed on to be sealed."""
    camera, told = _camera(), Told()
    camera.card = SimulatedCard()
    camera.card.record(_now_ms() - HOUR_MS)
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url}, keys="card_recording = true", events=True)
        async with _door(configuration, told):
            await told.until_facts("gate", lambda facts: facts.events is EventsState.SUBSCRIBED)
            camera.emit(EventKind.TOO_DARK, True, _now_ms())
            dark = await told.until_facts("gate", lambda facts: facts.tampered == ("too_dark",))
            camera.emit(EventKind.STORAGE_FAILURE, True, _now_ms())
            failed = await told.until_facts("gate", lambda facts: facts.card.light is Light.RED)
            camera.emit(EventKind.TOO_DARK, False, _now_ms())
            await told.until_facts("gate", lambda facts: facts.tampered == ())
        assert not camera.events.subscriptions
    assert _says(dark, "too dark")
    assert _says(failed, "memory card")
    assert [event.kind for event in told.events][:2] == ["tamper", "storage_failure"]


async def test_a_camera_without_events_is_found_all_the_same(tmp_path: Path) -> None:
    """It is said that it has none, and that is no concern."""
    camera, told = _camera(), Told()
    camera.events.offered = False
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url}, events=True)
        async with _door(configuration, told) as client:
            facts = await told.until_facts("gate", lambda facts: facts.events is EventsState.UNSUPPORTED)
            found = await _until(client, "gate", lambda one: one.facts is not None)
    assert facts.concerns == ()
    assert found.state is DoorCameraState.FOUND


async def test_the_recorder_hears_of_the_stream_before_anything_else_is_asked(tmp_path: Path) -> None:
    """Recording goes first: masks, card and events come when it has been asked for."""
    camera, told = _camera(), Told()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url}, events=True)
        async with _door(configuration, told):
            await told.until_facts("gate", lambda facts: facts.events is EventsState.SUBSCRIBED)
    asked = camera.operations
    stream = max(index for index, name in enumerate(asked) if name == "GetStreamUri")
    assert stream < asked.index("GetMasks") < asked.index("CreatePullPointSubscription")
    assert not told.streams.empty()
