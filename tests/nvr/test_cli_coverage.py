"""`kuramori coverage` against a desk on a Unix socket: what is asked, shown and refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
from typer.testing import CliRunner

from kuramori.cli import coverage
from kuramori.cli.zone import zone_of_site
from tests.fakes.desk import fake_desk

DAY = "2026-11-23"
FROM_UTC_MS = 1_795_410_000_000  # 14:00 in Tokyo
TO_UTC_MS = FROM_UTC_MS + 600_000


class Desk:
    """What the desk was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.status = 200
        self.value: Any = None

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        assert path == "/v1/coverage"
        self.asked.append(query)
        if self.value is not None:
            return self.status, self.value
        name = query.get("camera", "gate")
        begin, end = int(query["from_utc_ms"]), int(query["to_utc_ms"])
        half = (begin + end) // 2
        spans = [
            {"from_utc_ms": begin, "to_utc_ms": half, "kind": "recorded", "reason": ""},
            {"from_utc_ms": half, "to_utc_ms": end, "kind": "gap", "reason": "camera_offline"},
        ]
        return 200, {
            "utc_ms": end,
            "cameras": [{"camera": name, "from_utc_ms": begin, "to_utc_ms": end, "spans": spans}],
        }


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    configuration = tmp_path / "kuramori.toml"
    configuration.write_text('[site]\ntime_zone = "Asia/Tokyo"\n', encoding="utf-8")
    monkeypatch.setenv("KURAMORI_CONFIG", str(configuration))
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(tmp_path / "desk.sock"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    made = Desk()
    with fake_desk(tmp_path / "desk.sock", made.answer):
        yield made


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    coverage.register(app)
    return CliRunner().invoke(app, ["coverage", *arguments])


def test_local_times_of_the_site_are_asked_in_utc(desk: Desk) -> None:
    """14:00 to 14:10 in Tokyo, whatever the machine's zone is."""
    result = run("--from", f"{DAY} 14:00", "--to", f"{DAY} 14:10")
    assert result.exit_code == 0, result.output
    assert desk.asked == [{"from_utc_ms": str(FROM_UTC_MS), "to_utc_ms": str(TO_UTC_MS)}]
    assert "2026-11-23 14:00:00 – 2026-11-23 14:10:00 (Asia/Tokyo)" in result.output
    assert "50.00 %" in result.output
    assert "camera not reachable" in result.output


def test_a_distance_from_now_may_begin_with_a_hyphen(desk: Desk) -> None:
    """It is not taken for an option."""
    assert run("--from", "-10m").exit_code == 0
    (asked,) = desk.asked
    assert int(asked["to_utc_ms"]) - int(asked["from_utc_ms"]) == 600_000


def test_named_cameras_are_asked_for_one_by_one(desk: Desk) -> None:
    """Each once, in the order given."""
    result = run("--camera", "yard", "--camera", "gate", "--camera", "yard")
    assert [asked["camera"] for asked in desk.asked] == ["yard", "gate"]
    assert result.output.index("yard") < result.output.index("gate")


def test_json_is_the_report_itself(desk: Desk) -> None:
    """For programs: the same document as the desk's."""
    result = run("--from", f"{DAY} 14:00", "--to", f"{DAY} 14:10", "--json")
    document = json.loads(result.output)
    assert document["utc_ms"] == TO_UTC_MS
    assert [span["kind"] for span in document["cameras"][0]["spans"]] == ["recorded", "gap"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "soon"], "is not a time"),
        (["--from", "14:00", "--to", "13:00"], "is not after"),
    ],
)
def test_a_wrong_time_is_one_sentence_and_nothing_is_asked(desk: Desk, arguments: list[str], words: str) -> None:
    """Exit code 1, and no trace of Python."""
    result = run(*arguments)
    assert result.exit_code == 1
    assert words in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert desk.asked == []


def test_the_desks_refusal_is_its_own_sentence(desk: Desk) -> None:
    """An unknown camera, for example."""
    desk.status, desk.value = 404, {"code": "unknown-camera", "detail": "there is no camera 'gaet'"}
    result = run("--camera", "gaet")
    assert (result.exit_code, result.output.strip()) == (1, "there is no camera 'gaet'")


@pytest.mark.parametrize("value", [[], {"utc_ms": 1}, {"utc_ms": 1, "cameras": [{"camera": 5}]}, "text"])
def test_an_answer_that_is_no_report_is_said(desk: Desk, value: Any) -> None:
    """A desk of another version gives a sentence, not a traceback."""
    desk.value = value
    result = run()
    assert result.exit_code == 1
    assert "not a coverage report" in result.output


def test_the_zone_comes_from_the_configuration_then_from_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site that names no zone has the configuration's default."""
    monkeypatch.delenv("KURAMORI_CONFIG", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    file = tmp_path / "kuramori.toml"
    file.write_text('[site]\ntime_zone = "Europe/Berlin"\n', encoding="utf-8")
    assert zone_of_site(file) == ZoneInfo("Europe/Berlin")
    file.write_text('[site]\nname = "Kita"\n', encoding="utf-8")
    assert zone_of_site(file) == ZoneInfo("Asia/Tokyo")
    assert str(zone_of_site(tmp_path / "missing.toml")) == "UTC"
