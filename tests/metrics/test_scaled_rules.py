"""The shipped rules with shorter times: what changes, what stays, and that Prometheus takes them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kuramori_metrics.scaled_rules import DurationInvalid, main, scaled, seconds_of
from tests.peers import require_program

RULES = Path(__file__).parents[2] / "metrics" / "rules" / "kuramori.rules.yml"
EXAMPLE = Path(__file__).parents[2] / "packaging" / "prometheus" / "alertmanager.example.yml"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("2m", 120), ("1h30m", 5400), ("1d", 86_400), ("250ms", 0.25), ("1w", 604_800)]
)
def test_durations_are_those_of_prometheus(text: str, seconds: float) -> None:
    """Units may follow one another."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "1.5h", "-1s", "5y"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """With the text, and how to write it."""
    with pytest.raises(DurationInvalid, match="90s, 5m, 1h30m"):
        seconds_of(text)


def test_pauses_and_ranges_are_divided_and_nothing_else() -> None:
    """A range keeps five scrapes, thresholds and texts stay."""
    rules = """# for: 10m
      - alert: A
        expr: rate(x[10m]) > 600 or changes(y{z="[5s"}[1m]) == 0
        for: 1h30m
        annotations: {summary: "for 10m"}
"""
    assert (
        scaled(rules, 60, 1)
        == """# for: 10m
      - alert: A
        expr: rate(x[10s]) > 600 or changes(y{z="[5s"}[5s]) == 0
        for: 90s
        annotations: {summary: "for 10m"}
"""
    )
    assert "for: 5400ms" in scaled(rules, 1000, 0.1)
    assert scaled(rules, 1, 1).replace("600s", "10m").replace("60s", "1m").replace("5400s", "1h30m") == rules


@pytest.mark.parametrize(("factor", "scrape"), [(0, 1), (-1, 1), (60, 0)])
def test_nonsense_is_refused(factor: float, scrape: float) -> None:
    """Times must stay times."""
    with pytest.raises(ValueError, match="positive"):
        scaled("", factor, scrape)


def test_the_shipped_rules_are_scaled_whole(tmp_path: Path) -> None:
    """As a program: every alert is still there, none waits longer than its share, and promtool takes the file."""
    command = [sys.executable, "-m", "kuramori_metrics.scaled_rules", "--factor", "120", "--scrape-interval", "1s"]
    made = subprocess.run([*command, str(RULES)], capture_output=True, check=True).stdout.decode()
    before, after = (
        [r for g in yaml.safe_load(text)["groups"] for r in g["rules"]] for text in (RULES.read_text(), made)
    )
    assert [rule["alert"] for rule in after] == [rule["alert"] for rule in before]
    for old, new in zip(before, after, strict=True):
        assert ("for" in old) == ("for" in new)
        assert seconds_of(new.get("for", "0s")) == pytest.approx(seconds_of(old.get("for", "0s")) / 120, abs=0.001)
        assert new["annotations"] == old["annotations"]
    (tmp_path / "trial.rules.yml").write_text(made)
    check = [require_program("promtool"), "check", "rules", str(tmp_path / "trial.rules.yml")]
    result = subprocess.run(check, capture_output=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_shipped_example_of_alertmanager_is_scaled_too() -> None:
    """How long it gathers and when it repeats; nothing else of it changes."""
    shipped = EXAMPLE.read_text("utf-8")
    made = scaled(shipped, 60, 1)
    before, after = yaml.safe_load(shipped), yaml.safe_load(made)
    assert after["global"]["resolve_timeout"] == "5s"
    assert (after["route"]["group_wait"], after["route"]["group_interval"]) == ("167ms", "1s")
    assert [one["repeat_interval"] for one in after["route"]["routes"]][-1] == "120s"
    assert after["receivers"] == before["receivers"]
    changed = [line for line in shipped.splitlines() if line not in made.splitlines()]
    assert all(line.split(":")[0].strip().endswith(("_wait", "_interval", "_timeout")) for line in changed), changed


def test_a_fault_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there, an interval that is none."""
    assert main([str(tmp_path / "none.yml")]) == 2
    assert main(["--scrape-interval", "soon", str(RULES)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 2
