"""The vault as a whole: opened again it goes on behind everything it holds, and repairs what is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori.identity import NotSetUp
from kuramori.vault import DeviceKeyUnusable, open_vault, recording_state, time_is_known
from kuramori_config.load import load_configuration
from kuramori_config.schema import Configuration
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.house import START_UTC_MS, House, running_house

HOUR_MS = 3_600_000


@pytest.fixture
def configuration(house: House) -> Configuration:
    """The configuration of the house."""
    return house.recorder.configuration


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Two cameras, nothing recorded yet."""
    async with running_house(tmp_path) as made:
        yield made


def shut(house: House) -> None:
    for lane in house.recorder.lanes:
        lane.volume.flush()
    house.vault.close()


async def test_numbering_goes_on_behind_a_segment_that_was_torn(house: House, configuration: Configuration) -> None:
    """Ten units, no orderly end: opened again, the eleventh comes next and the chain goes on."""
    house.record("gate", 10)
    shut(house)
    vault = open_vault(configuration, house.clock.utc_ms())
    try:
        assert vault.recovered_segments == 1
        number = vault.ledger.camera_number("gate", house.clock.utc_ms())
        state = recording_state(vault, number)
        assert (state.next_sequence, state.next_access_unit) == (2, 11)
        assert state.previous_digest != bytes(32)
    finally:
        vault.close()


async def test_a_lost_ledger_costs_no_recording(house: House, configuration: Configuration) -> None:
    """Ledger and mirror gone: a new one, with the cameras' old numbers, and the pictures still there."""
    house.record("yard", 5)
    number = house.recorder.cameras["yard"].recording.camera_number
    shut(house)
    for path in house.recorder.configuration.storage.state_directory.glob("ledger.db*"):
        path.unlink()
    vault = open_vault(configuration, house.clock.utc_ms())
    try:
        assert vault.ledger.camera_number("yard", house.clock.utc_ms()) == number
        assert recording_state(vault, number).next_access_unit == 6
    finally:
        vault.close()


async def test_a_clock_behind_the_recordings_is_not_believed(house: House, configuration: Configuration) -> None:
    """After a power cut without a clock battery it is 1970: what is recorded then is marked."""
    house.record("gate", 5)
    shut(house)
    vault = open_vault(configuration, house.clock.utc_ms())
    try:
        assert time_is_known(vault, house.clock.utc_ms(), synchronised=False)
        assert not time_is_known(vault, START_UTC_MS - HOUR_MS, synchronised=False)
        assert time_is_known(vault, START_UTC_MS - HOUR_MS, synchronised=True)
    finally:
        vault.close()


def test_nothing_is_opened_where_nothing_is_set_up(tmp_path: Path) -> None:
    """One sentence says what to do."""
    site = Installation(tmp_path / "site", [CameraAt("gate", "rtsp://127.0.0.1:1/x")], "400 MiB").make()
    site.places.identity.unlink()
    with pytest.raises(NotSetUp, match="kuramori init"):
        open_vault(load_configuration(site.config_path), START_UTC_MS)


def test_a_device_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A damaged or foreign key signs nothing."""
    site = Installation(tmp_path / "site", [CameraAt("gate", "rtsp://127.0.0.1:1/x")], "400 MiB").make()
    site.places.device_key.write_text("not a key")
    with pytest.raises(DeviceKeyUnusable):
        open_vault(load_configuration(site.config_path), START_UTC_MS)
