"""The rules: each metric they use exists; each alert is documented, said in two languages, seen to fire and to end."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kuramori_metrics.collectors import COLLECTORS
from kuramori_metrics.family import Family, Kind
from tests.metrics.test_page_documented import FAMILIES, rows
from tests.peers import require_program

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "metrics" / "rules"
README = (ROOT / "metrics" / "README.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "kuramori.rules.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]
ALWAYS_FIRES = "KuramoriWatchdog"
TEXTS = ("summary", "summary_ja", "description", "description_ja", "runbook")
REQUIRED = (
    *("NotRecording", "CameraGap", "StorageFailing", "StorageWear", "StorageUnknownTooLong", "RetentionShort"),
    *("RetentionExceeded", "ErasureLate", "ClockDrift", "Tamper", "AudioPresent", "CardSwapped", "CustodyUntested"),
    *("RecorderDown", "Watchdog"),
)

by_name = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def metrics_of(rule: dict[str, Any]) -> set[str]:
    """The metrics that a rule's expression names, a histogram's buckets as the histogram."""
    return {name.removesuffix("_bucket") for name in re.findall(r"\bkuramori_[a-z0-9_]+\b", rule["expr"])}


def labels_of(family: Family) -> set[str]:
    return {*family.labels, "instance", "job", *(["le"] if family.kind is Kind.HISTOGRAM else [])}


def test_alerts_have_names_of_their_own() -> None:
    """All begin with Kuramori, none twice, and none that an office needs is missing."""
    assert len(NAMES) == len(set(NAMES))
    assert all(re.fullmatch(r"Kuramori[A-Z][A-Za-z]+", name) for name in NAMES)
    assert {f"Kuramori{name}" for name in REQUIRED} <= set(NAMES)


@by_name
def test_a_rule_names_only_metrics_that_exist(rule: dict[str, Any]) -> None:
    """A renamed metric would silence its alert."""
    known = {family.name for collector in COLLECTORS for family in collector.families}
    assert metrics_of(rule) <= known
    assert metrics_of(rule) or rule["alert"] == ALWAYS_FIRES


@by_name
def test_a_rule_selects_and_shows_only_labels_that_exist(rule: dict[str, Any]) -> None:
    """A text with an empty camera name helps nobody."""
    there = {label for family in FAMILIES if family.name in metrics_of(rule) for label in labels_of(family)}
    selected = {
        label for inside in re.findall(r"\{([^}]*)\}", rule["expr"]) for label in re.findall(r"(\w+)!?=", inside)
    }
    shown = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    assert selected <= there | {"job"}
    assert shown <= there


@by_name
def test_an_alert_says_what_it_means_and_what_to_do_in_both_languages(rule: dict[str, Any]) -> None:
    """Whoever gets the mail is no programmer; the page to read on is named."""
    texts = rule["annotations"]
    assert set(texts) == set(TEXTS)
    assert rule["labels"]["severity"] in ({"none"} if rule["alert"] == ALWAYS_FIRES else {"critical", "warning"})
    for name in ("summary", "description"):
        assert not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", texts[name])
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", texts[f"{name}_ja"])
        assert (
            re.findall(r"`[^`]+`", texts[name]) == re.findall(r"`[^`]+`", texts[f"{name}_ja"]) or name == "description"
        )
    assert texts["runbook"] == f"nvr/TROUBLESHOOTING.md#{rule['alert'].lower()}"


def test_the_readme_lists_each_alert_as_it_is() -> None:
    """In the same order, with its severity and how long it waits."""
    told = re.findall(r"^\| `(Kuramori\w+)` \| (\w+) \| ([\w ]+) \| \S.* \|$", README, re.MULTILINE)
    assert told == [(rule["alert"], rule["labels"]["severity"], rule.get("for", "at once")) for rule in RULES]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0].strip("`"))
def test_the_readme_names_the_alerts_that_use_a_metric(row: list[str]) -> None:
    """Exactly those; or it says that there is none, and what the metric is for."""
    using = [rule["alert"] for rule in RULES if row[0].strip("`") in metrics_of(rule)]
    assert re.findall(r"`(Kuramori\w+)`", row[5]) == using
    assert using or re.match(r"none(: \S.*)?$", row[5])


def test_the_readme_names_only_metrics_and_alerts_that_exist() -> None:
    """Whatever it says of them."""
    known = {family.name for family in FAMILIES}
    assert set(re.findall(r"\bkuramori_[a-z0-9_]+\b", README)) - {"kuramori_metrics"} <= known
    assert set(re.findall(r"\bKuramori[A-Z]\w+\b", README)) <= set(NAMES)


def test_each_alert_is_seen_to_be_quiet_to_fire_and_to_end() -> None:
    """One test of its own for each, of exactly these three moments; the dead-man's switch never ends."""
    tests = [
        test
        for file in FOLDER.glob("kuramori.alerts*_test.yml")
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]
    ]
    assert sorted(test["name"] for test in tests) == sorted(NAMES)
    for test in tests:
        name, checks = test["name"], test["promql_expr_test"]
        assert {check["expr"] for check in checks} == {f'ALERTS{{alertname="{name}",alertstate="firing"}}'}
        fires = [bool(check["exp_samples"]) for check in checks]
        assert fires == ([True, True] if name == ALWAYS_FIRES else [False, True, False]), name


class TestPromtool:
    def run(self, *arguments: str) -> None:
        command = [require_program("promtool"), *arguments]
        result = subprocess.run(command, cwd=FOLDER, capture_output=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr

    def test_the_rules_are_valid(self) -> None:
        """promtool check rules."""
        self.run("check", "rules", "kuramori.rules.yml")

    @pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.glob("*_test.yml")))
    def test_the_alerts_fire_when_they_should_and_not_before(self, file: str) -> None:
        """promtool test rules."""
        self.run("test", "rules", file)
