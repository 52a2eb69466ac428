"""`kuramori plan`: what people and programs read, from the running recorder or from the configuration alone."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from kuramori.capacity.capacity_texts import capacity_problems, plan_lines
from kuramori.capacity.survey import plan_of_configuration
from kuramori.capacity_messages import CameraCapacity, CapacityPlan, HoldBudget, VolumeCapacity
from kuramori.cli.main import build
from kuramori_config.load import parse_configuration
from tests.end_to_end.installation import CameraAt, Installation

NOW = 1_790_000_000_000
DAY = 86_400
DAY_MS = DAY * 1000
TOKYO = ZoneInfo("Asia/Tokyo")


def camera(name: str, reached_days: float, *, measured: bool = True, slots: float = 2570.0) -> CameraCapacity:
    return CameraCapacity(name, slots, 4.0, 2570.0, 7 * DAY if measured else 0.0, 14 * DAY, 7 * DAY, reached_days * DAY)


def plan(*cameras: CameraCapacity, loss: int | None = None, floor: int | None = None) -> CapacityPlan:
    volume = VolumeCapacity(
        "/srv/volume0", 1 << 40, 65_000, 100, 12, 72_000, 1200 << 30, NOW + DAY_MS, loss, floor, cameras
    )
    return CapacityPlan(NOW, True, (volume,), HoldBudget(25.0, 16_250, 12))


def run(config: Path, *arguments: str, language: str = "en_US.UTF-8") -> Result:
    return CliRunner().invoke(build(), ["plan", "--config", str(config), *arguments], env={"LANG": language})


@pytest.fixture
def site(tmp_path: Path) -> Installation:
    """A configuration; nothing is set up, nothing runs."""
    return Installation(tmp_path / "site", [CameraAt("gate", "rtsp://127.0.0.1:1/x", mbit_per_second=4)]).draft()


def test_without_a_service_the_configuration_speaks_and_says_so(site: Installation) -> None:
    """Two gibibytes hold a good hour of 4 Mbit/s: short of three, so exit code 1."""
    result = run(site.config_path)
    assert result.exit_code == 1
    assert "nothing of this was measured" in result.stdout
    assert "gate" in result.stdout
    assert "SHORT" in result.stdout
    assert "expected, not measured" in result.stdout


def test_what_fits_ends_with_code_0(site: Installation) -> None:
    """A larger volume: nothing is ever lost at these rates."""
    site.config_path.write_text(site.config_path.read_text().replace("2 GiB", "20 GiB"))
    result = run(site.config_path)
    assert result.exit_code == 0
    assert "first overwrite within retention: never at these rates" in result.stdout


def test_a_program_gets_numbers(site: Installation) -> None:
    """The same as one JSON document."""
    document = json.loads(run(site.config_path, "--json").stdout)
    assert document["running"] is False
    (volume,) = document["volumes"]
    assert volume["cameras"][0]["measured_seconds"] == 0
    assert volume["needed_bytes"] > volume["size_bytes"]
    assert document["holds"]["percent"] == 25.0


def test_an_unusable_configuration_is_one_sentence_and_code_2(site: Installation) -> None:
    """Nothing can be said without it."""
    site.config_path.write_text(site.config_path.read_text().replace("retention", "retentoin"))
    result = run(site.config_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "retentoin" in result.stderr


def test_the_size_that_would_do_does(site: Installation) -> None:
    """Asked again with that size, everything fits."""
    text = site.config_path.read_text()
    short = plan_of_configuration(parse_configuration(text, site.config_path), NOW)
    enough = text.replace("2 GiB", f"{short.volumes[0].needed_bytes} B")
    found = plan_of_configuration(parse_configuration(enough, site.config_path), NOW)
    assert found.volumes[0].first_loss_utc_ms is None
    assert not list(capacity_problems(found))


def test_people_read_days_dates_and_what_was_measured() -> None:
    """Measured and expected are told apart, and what sends more than planned is named."""
    found = plan(camera("gate", 12.3, slots=5000.0), camera("yard", 14, measured=False), loss=NOW + 3 * DAY_MS)
    lines = "\n".join(plan_lines(found, TOKYO))
    assert "gate: 12.3 of 14.0 days, 4.00 Mbit/s (measured over 7.0 days)  SHORT" in lines
    assert "raise expected_mbit_per_second" in lines
    assert "yard: 14.0 of 14.0 days, 4.00 Mbit/s (expected, not measured)" in lines
    assert "first overwrite within retention: 2026-09-24" in lines
    assert "(in 3.0 days)" in lines
    assert "size that would do: 1200 GiB" in lines
    assert "Holds: 12 of 16250 slots" in lines


def test_the_problem_names_the_worst_camera_the_floor_and_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence for each volume, in both languages; none where all is well."""
    found = plan(camera("gate", 5), camera("yard", 14), loss=NOW + 3 * DAY_MS, floor=NOW + 4 * DAY_MS)
    (english,) = capacity_problems(found, TOKYO)
    assert "5.0 of 14.0 days of camera gate (measured), below the floor of: gate" in english
    assert "a size of 1200 GiB would do" in english
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    (japanese,) = capacity_problems(found, TOKYO)
    assert "保存期間の下限を下回るカメラ: gate" in japanese
    assert not list(capacity_problems(plan(camera("gate", 13.9)), TOKYO))
