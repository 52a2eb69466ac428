"""`kuramori grow` and `kuramori volume add`: a longer ring, one ring more, and everything that was kept still opens."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kuramori.cli.main import build
from kuramori.forgetting import Forgetting
from kuramori.recorder import Recorder
from kuramori.recorder_process import build as build_recorder
from kuramori.vault import open_vault
from kuramori_config.load import load_configuration
from kuramori_segments.volume import Volume
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.clock import ToldClock
from tests.fakes.house import FRAMES_PER_SLOT, START_UTC_MS, House, running_house

GROWN = "900 MiB"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site in which two cameras were recorded and which is stopped; each test takes a copy of it."""
    folder = tmp_path_factory.mktemp("recorded")

    async def record() -> None:
        async with running_house(folder) as house:
            house.record("gate", 3 * FRAMES_PER_SLOT)
            house.record("yard", 2 * FRAMES_PER_SLOT)

    asyncio.run(record())
    return folder / "site"


@pytest.fixture
def site(recorded: Path, tmp_path: Path) -> Path:
    """A stopped site of one's own."""
    import subprocess

    subprocess.run(["/bin/cp", "-a", "--sparse=always", str(recorded), str(tmp_path / "site")], check=True)
    return tmp_path / "site"


@contextmanager
def opened(site: Path) -> Iterator[House]:
    """Start the recorder's vault again, without streams."""
    configuration = load_configuration(site / "kuramori.toml")
    clock = ToldClock(START_UTC_MS + 3_600_000)
    vault = open_vault(configuration, clock.utc_ms())
    recorder: Recorder = build_recorder(configuration, vault, clock)
    try:
        yield House(recorder, vault, Forgetting(recorder), clock)
    finally:
        for thread in (recorder.books, recorder.commits):
            thread.close()
        vault.close()


def run(site: Path, *arguments: str) -> Result:
    return CliRunner().invoke(build(), [*arguments, "--config", str(site / "kuramori.toml")])


def grow(site: Path, size: str = GROWN, volume: str = "volume0") -> Result:
    return run(site, "grow", str(site / volume), "--size", size)


def test_a_grown_volume_keeps_what_it_held_and_says_its_size(site: Path) -> None:
    """Everything opens; the configuration has the new size; the new slots are there to be used."""
    with opened(site) as before:
        was = before.openable("gate"), before.openable("yard")
        slots = before.vault.volumes[0].superblock.slot_count
    result = grow(site)
    assert result.exit_code == 0, result.output
    assert f'size = "{GROWN}"' in (site / "kuramori.toml").read_text()
    with opened(site) as after:
        volume = after.vault.volumes[0]
        assert (after.openable("gate"), after.openable("yard")) == was
        assert slots + 12 <= volume.superblock.slot_count <= slots + 13
        after.record("gate", 2 * FRAMES_PER_SLOT)
        assert after.openable("gate").count(True) >= 5
    assert (site / "volume0").stat().st_size <= 900 << 20
    result = run(site, "check", "--volume", str(site / "volume0"))
    assert result.exit_code == 0, result.output


def test_a_stop_before_the_configuration_was_written_is_made_good_by_asking_again(site: Path) -> None:
    """The volume has grown, its table says the old size: the same command writes it."""
    text = (site / "kuramori.toml").read_text()
    assert grow(site).exit_code == 0
    (site / "kuramori.toml").write_text(text)
    again = grow(site)
    assert again.exit_code == 0, again.output
    assert f'size = "{GROWN}"' in (site / "kuramori.toml").read_text()


@pytest.mark.parametrize(
    ("size", "volume", "said"),
    [
        ("100 MiB", "volume0", "never shrinks"),
        ("900 parrots", "volume0", "--size"),
        ("900 MiB", "elsewhere", "no volume of this recorder"),
        ("8000 TiB", "volume0", "free"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(site: Path, size: str, volume: str, said: str) -> None:
    """Exit code 2, and configuration and volume are as they were."""
    before = (site / "kuramori.toml").read_bytes(), (site / "volume0").stat().st_size
    result = grow(site, size, volume)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert ((site / "kuramori.toml").read_bytes(), (site / "volume0").stat().st_size) == before


def test_a_volume_that_is_recorded_into_is_refused(site: Path) -> None:
    """The service has to be stopped; the sentence says so."""
    volume = Volume.open_file(site / "volume0")
    try:
        result = grow(site)
    finally:
        volume.close()
    assert (result.exit_code, "stop the service first" in result.stderr) == (2, True)


def test_an_added_volume_takes_cameras_and_what_was_kept_stays(site: Path) -> None:
    """The second camera goes to the new volume with its numbers; its old minutes open from the old one."""
    result = run(site, "volume", "add", str(site / "volume1"), "--size", "200 MiB", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["slots"] == 12
    with opened(site) as house:
        lanes = {camera.name: lane.name for lane in house.recorder.lanes for camera in lane.cameras}
        assert lanes == {"gate": str(site / "volume0"), "yard": str(site / "volume1")}
        before = house.openable("yard")
        assert all(before)
        house.record("yard", FRAMES_PER_SLOT + 1)
        number = house.recorder.numbers["yard"]
        found = house.forgetting.segments(number, 0, 1 << 52)
        sequences = [item.header.sequence for item in found]
        assert sequences == sorted(set(sequences))
        assert {item.volume for item in found} == set(house.vault.volumes)
        assert all(house.openable("yard"))


def test_adding_again_after_a_stop_takes_the_volume_that_was_made(site: Path) -> None:
    """Empty, and the recorder's own; one that holds something is refused."""
    text = (site / "kuramori.toml").read_text()
    assert run(site, "volume", "add", str(site / "volume1"), "--size", "200 MiB").exit_code == 0
    (site / "kuramori.toml").write_text(text)
    assert run(site, "volume", "add", str(site / "volume1"), "--size", "200 MiB").exit_code == 0
    again = run(site, "volume", "add", str(site / "volume1"), "--size", "200 MiB")
    assert (again.exit_code, "kuramori grow" in again.stderr) == (2, True)


def test_another_recorders_volume_is_left_alone(site: Path, tmp_path: Path) -> None:
    """Neither grown nor added."""
    other = Installation(tmp_path / "other", [CameraAt("gate", "rtsp://127.0.0.1:1/x")], volume_size="200 MiB").make()
    foreign = other.folder / "volume0"
    result = run(site, "volume", "add", str(foreign), "--size", "200 MiB")
    assert (result.exit_code, "another recorder" in result.stderr) == (2, True)
    foreign.rename(site / "volume0")
    result = grow(site)
    assert (result.exit_code, "another recorder" in result.stderr) == (2, True)
