"""Cameras that are added, changed and removed: their numbers, their share of the ring, the end of their recordings.

A real vault in a folder; what it means for streams is shown in tests/end_to_end/test_camera_life.py.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kuramori.camera_lives import CameraLives
from kuramori.camera_messages import CameraFacts, PauseCameraRequest
from kuramori.camera_roster import STREAM_KEYS, CameraRoster
from kuramori.messages import Failure, Pause
from kuramori.pausing import Pausing
from kuramori.recorder_process import RecorderRun
from kuramori_config.load import load_configuration
from kuramori_config.schema import Camera as CameraTable
from kuramori_config.schema import Configuration
from kuramori_segments.gap_reason import GapReason
from tests.fakes.house import START_UTC_MS, House, running_house

HOUR_MS = 3_600_000
NOT_IN_THE_STREAM = {
    "name",
    "place",
    "purpose",
    "retention",
    "floor",
    "expected_mbit_per_second",
    "events",
    "ntp_server",
    "privacy_mask",
    "card_recording",
    "fill_gaps",
    "retention_decision",
}


@dataclass
class Manor:
    """A house whose cameras come and go, with its heart beating."""

    house: House
    roster: CameraRoster
    pausing: Pausing
    path: Path

    async def reload(self, change: Callable[[str], str]) -> Configuration:
        """Change the configuration and bring the cameras to it."""
        self.path.write_text(change(self.path.read_text()))
        configuration = load_configuration(self.path)
        await self.roster.apply(configuration)
        return configuration

    def retention_ms(self, number: int) -> int:
        """How long that camera's pictures are kept."""
        return self.house.forgetting._rules().of(number)


@pytest.fixture
async def manor(tmp_path: Path) -> AsyncIterator[Manor]:
    """Two cameras, nowhere to be reached."""
    async with running_house(tmp_path) as house:
        run = RecorderRun(house.recorder)
        lives = CameraLives()
        pausing = Pausing(house.recorder, lives)
        pausing.start()
        stop = asyncio.Event()
        beating = asyncio.create_task(beat(run, stop))
        yield Manor(house, CameraRoster(house.recorder, lives, pausing), pausing, tmp_path / "site" / "kuramori.toml")
        await lives.end_all(1.0)
        stop.set()
        await beating


async def beat(run: RecorderRun, stop: asyncio.Event) -> None:
    """Tick, faster than once a second."""
    while not stop.is_set():
        await run._tick._beat()
        await run._tick.settle()
        await asyncio.sleep(0.02)


def without_yard(text: str) -> str:
    tables = text.split("\n[[camera]]\n")
    return "\n[[camera]]\n".join(table for table in tables if 'name = "yard"' not in table)


RETIRED = '\n[[retired_camera]]\nname = "yard"\nplace = "Yard"\nremoved = 2026-04-01\nretention = "4 hours"\n'


@pytest.mark.parametrize("retired", ["", RETIRED], ids=["table deleted", "camera remove"])
async def test_a_removed_camera_keeps_its_number_its_retention_and_its_floor(manor: Manor, retired: str) -> None:
    """Its recordings die by its own rule, not by that of the others, and nobody else gets its number."""
    recorder = manor.house.recorder
    manor.house.record("yard", 5)
    number = recorder.numbers["yard"]
    longer = 'retention = "9 hours"'
    await manor.reload(lambda text: without_yard(text).replace('retention = "4 hours"', longer) + retired)
    assert set(recorder.cameras) == {"gate"} == set(recorder.tables)
    assert manor.retention_ms(number) == 4 * HOUR_MS
    assert manor.retention_ms(recorder.numbers["gate"]) == 9 * HOUR_MS
    assert recorder.plans[number].planned_slots == 0
    assert recorder.plans[number].floor_seconds >= 3600
    (entry,) = [entry for entry in manor.house.vault.ledger.cameras() if entry.name == "yard"]
    assert (entry.camera_number, entry.retired_utc_ms) == (number, START_UTC_MS + 50_000)
    assert manor.house.forgetting.segments(number, 0, 1 << 52)[0].header.camera_name == "yard"
    assert not [camera for lane in recorder.lanes for camera in lane.cameras if camera.name == "yard"]


async def test_a_removed_camera_leaves_in_order(manor: Manor) -> None:
    """Its gap has the reason maintenance, its segment a footer, its reserved slot is free again."""
    recorder = manor.house.recorder
    manor.house.record("yard", 5)
    number = recorder.numbers["yard"]
    await manor.reload(without_yard)
    ledger = manor.house.vault.ledger
    assert [outage.reason for outage in ledger.outages(number, 0, 1 << 52)][-1] is GapReason.MAINTENANCE
    volume = manor.house.vault.volumes[0]
    assert volume.usage().open == 0
    assert {event.kind for event in ledger.events(0, 1 << 52, camera_number=number)} >= {"camera_removed"}


async def test_an_added_camera_gets_a_number_and_a_share_of_the_ring(manor: Manor) -> None:
    """As if it had been there at the start."""
    recorder = manor.house.recorder
    before = dict(recorder.cameras)
    table = manor.path.read_text().split("\n[[camera]]\n")[-1].replace('name = "yard"', 'name = "roof"')
    await manor.reload(lambda text: text + "\n[[camera]]\n" + table)
    assert recorder.numbers["roof"] == 3
    assert recorder.plans[3].planned_slots > 0
    assert {name: recorder.cameras[name] for name in before} == before
    assert manor.retention_ms(3) == 4 * HOUR_MS


async def test_the_facts_of_a_device_do_not_pass_to_the_next(manor: Manor) -> None:
    """Another address is another device: its card is unknown; of a camera that stays they stay."""
    recorder = manor.house.recorder
    for name in ("gate", "yard"):
        recorder.facts.note(CameraFacts(name, START_UTC_MS))
    await manor.reload(lambda text: text.replace("rtsp://127.0.0.1:1/x", "rtsp://127.0.0.1:2/x", 1))
    assert recorder.facts.of("gate") is None
    assert recorder.facts.of("yard") is not None


@pytest.mark.parametrize(
    ("now", "kept"),
    [
        ("http://127.0.0.1:8000/onvif/device_service", True),
        ("http://127.0.0.2/onvif/device_service", False),
    ],
)
async def test_where_a_camera_streamed_is_forgotten_when_it_is_another_device(
    manor: Manor, now: str, kept: bool
) -> None:
    """The old address would be connected to until the door finds the new one; the same host may stay."""
    recorder = manor.house.recorder

    def asked_at(address: str) -> Callable[[str], str]:
        return lambda text: text.replace('rtsp = "rtsp://127.0.0.1:1/x"', f'onvif = "{address}"', 1)

    await manor.reload(asked_at("http://127.0.0.1/onvif/device_service"))
    recorder.stream_book.note("gate", "rtsp://127.0.0.1:554/stream")
    old = 'onvif = "http://127.0.0.1/onvif/device_service"'
    await manor.reload(lambda text: text.replace(old, f'onvif = "{now}"'))
    assert (recorder.stream_book.address_of("gate") is not None) == kept


async def test_a_pause_goes_with_its_camera(manor: Manor) -> None:
    """Removed while it was paused, then added again: it is recorded."""
    recorder = manor.house.recorder
    until = recorder.now_utc_ms() + HOUR_MS
    assert isinstance(await manor.pausing.pause(PauseCameraRequest("yard", until, "Sato", "paint")), Pause)
    text = manor.path.read_text()
    await manor.reload(without_yard)
    assert isinstance(await manor.pausing.pause(PauseCameraRequest("yard", until, "Sato", "paint")), Failure)
    await manor.reload(lambda _text: text)
    assert recorder.pause_of("yard") is None
    assert recorder.numbers["yard"] == 2


async def test_a_pause_that_cannot_be_written_down_does_not_begin(manor: Manor) -> None:
    """A restart would not know of it: the camera goes on."""
    recorder = manor.house.recorder
    recorder.pauses._path = manor.path / "no folder" / "pauses.json"
    until = recorder.now_utc_ms() + HOUR_MS
    answer = await manor.pausing.pause(PauseCameraRequest("gate", until, "Sato", "paint"))
    assert isinstance(answer, Failure)
    assert recorder.pause_of("gate") is None


def test_every_key_of_a_camera_is_known_to_lie_in_its_stream_or_not() -> None:
    """A new key of the configuration must be placed, or a change of it would be overlooked."""
    assert set(STREAM_KEYS) | NOT_IN_THE_STREAM == set(CameraTable.model_fields)
    assert not set(STREAM_KEYS) & NOT_IN_THE_STREAM
