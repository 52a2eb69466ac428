"""`kuramori config`: one clear sentence per mistake and a non-zero exit; the reference and the example are printed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kuramori.cli.main import build
from kuramori_config.generate import example, reference
from tests.fakes.configuration import CAMERA, configuration_text

runner = CliRunner()


def check(tmp_path: Path, text: str) -> tuple[int, str]:
    """Write a configuration, check it, return exit code and everything said."""
    file = tmp_path / "kuramori.toml"
    file.write_text(text, encoding="utf-8")
    result = runner.invoke(build(), ["config", "check", str(file)])
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_a_valid_file_is_said_to_be_valid(tmp_path: Path) -> None:
    """A file without mistakes ends with 0."""
    code, output = check(tmp_path, configuration_text())
    assert (code, "valid" in output) == (0, True)


def test_a_typo_names_file_key_and_the_key_meant(tmp_path: Path) -> None:
    """A mistyped key ends with 1 and one line."""
    code, output = check(tmp_path, configuration_text().replace("rule_set", "ruleset") + "x = 1\n")
    assert code == 1
    assert f"{tmp_path / 'kuramori.toml'}: site.ruleset: found an unknown key" in output
    assert 'did you mean "rule_set"' in output


def test_a_volume_that_is_too_small_is_said_in_days(tmp_path: Path) -> None:
    """A ring that is too short ends with 1, in days, with the size that would do."""
    code, output = check(tmp_path, configuration_text(CAMERA).replace('"64 MiB"', '"130 GiB"'))
    assert code == 1
    assert "days of the 14 days asked for" in output
    assert "570 GiB would do" in output


def test_mistakes_are_said_in_japanese_where_lang_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG decides the language."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    code, output = check(tmp_path, configuration_text().replace('"HOK"', '"XYZ"'))
    assert code == 1
    assert "正しい記載" in output


DECISION = '[camera.audio]\nwho = "Sato"\ndate = 2026-04-01\nreason = "incidents"\n'


@pytest.mark.parametrize(("language", "words"), [("C.UTF-8", "SOUND IS RECORDED"), ("ja_JP.UTF-8", "録音します")])
def test_a_decision_on_sound_is_said_with_who_when_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    """A written decision on sound is legal, and nobody checks the file without reading of it (R3)."""
    monkeypatch.setenv("LC_ALL", language)
    text = configuration_text(CAMERA, DECISION).replace('"64 MiB"', '"600 GiB"')
    code, output = check(tmp_path, text)
    assert code == 0
    assert words in output
    assert all(said in output for said in ("gate", "Sato", "2026-04-01", "incidents"))


@pytest.mark.parametrize(("language", "words"), [("C.UTF-8", "is NOT recorded"), ("ja_JP.UTF-8", "記録できません")])
def test_a_decision_that_has_no_effect_is_said_to_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    """The compatibility source takes pictures only."""
    monkeypatch.setenv("LC_ALL", language)
    text = configuration_text(CAMERA, 'transport = "av"\n', DECISION).replace('"64 MiB"', '"600 GiB"')
    code, output = check(tmp_path, text)
    assert code == 0
    assert words in output


def test_without_a_decision_nothing_is_said_of_sound(tmp_path: Path) -> None:
    """Silence is the rule, not news."""
    _, output = check(tmp_path, configuration_text(CAMERA).replace('"64 MiB"', '"600 GiB"'))
    assert "sound" not in output.lower()


def test_reference_and_example_are_printed_as_committed() -> None:
    """What is printed is what the schema generates."""
    assert runner.invoke(build(), ["config", "reference"]).output == reference()
    assert runner.invoke(build(), ["config", "example"]).output == example()
