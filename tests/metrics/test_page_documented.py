"""metrics/README.md and the collectors say the same; names follow the rules; Prometheus' linter agrees."""

import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kuramori_metrics.collectors import COLLECTORS
from kuramori_metrics.exposition import exposition
from kuramori_metrics.family import Family, Kind
from kuramori_metrics.statistics import RecorderStatistics
from tests.metrics.sample import full
from tests.peers import require_program

ROOM = Path(__file__).parents[2] / "metrics"
FAMILIES = [family for collector in COLLECTORS for family in collector.families]
RULES = ROOM / "rules" / "kuramori.rules.yml"


def rows() -> list[list[str]]:
    """The rows of all tables of the README that begin with a metric."""
    lines = (ROOM / "README.md").read_text(encoding="utf-8").splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `kuramori_")
    ]


def test_the_readme_lists_exactly_the_metrics_that_exist() -> None:
    """In the same order, none twice."""
    assert [row[0].strip("`") for row in rows()] == [family.name for family in FAMILIES]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_readme_says_what_the_code_says(family: Family) -> None:
    """Kind, labels, unit and meaning; and when to alert, or that there is no need."""
    (row,) = [row for row in rows() if row[0] == f"`{family.name}`"]
    _, kind, labels, unit, meaning, alert = row
    assert (kind, unit, meaning) == (family.kind.value, family.unit, family.meaning)
    assert re.findall(r"`(\w+)`", labels) == list(family.labels)
    assert alert


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_name_tells_kind_and_unit(family: Family) -> None:
    """Counters end in _total, times in _timestamp_seconds, sizes in _bytes."""
    assert re.fullmatch(r"kuramori_[a-z0-9_]+", family.name)
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
    bare = family.name.removesuffix("_total")
    assert bare.endswith("_bytes") == (family.unit == "bytes")
    assert bare.endswith("_timestamp_seconds") == (family.unit == "seconds since 1970")
    assert bare.endswith("_seconds") == family.unit.startswith("seconds")
    assert family.meaning.endswith(".")


@pytest.mark.parametrize("statistics", [RecorderStatistics(), full()], ids=["empty", "full"])
def test_a_collector_yields_its_families_and_no_others(statistics: RecorderStatistics) -> None:
    """With or without samples, in the order announced; with samples, under exactly the labels announced."""
    for collector in COLLECTORS:
        metrics = list(collector.collect(statistics))
        assert [metric.family for metric in metrics] == list(collector.families)
        for metric in metrics:
            text = metric.family.head + "".join(metric.lines)
            samples = [sample for read in text_string_to_metric_families(text) for sample in read.samples]
            assert {frozenset(sample.labels) - {"le"} for sample in samples} <= {frozenset(metric.family.labels)}
            assert samples or statistics == RecorderStatistics()


def test_rules_and_readme_name_only_metrics_that_exist() -> None:
    """A renamed metric would silence its alert."""
    known = {family.name for family in FAMILIES}
    for text in (RULES.read_text(encoding="utf-8"), (ROOM / "README.md").read_text(encoding="utf-8")):
        named = set(re.findall(r"\bkuramori_[a-z0-9_]+\b", text)) - {"kuramori_metrics"}
        assert named <= known, named - known


def test_every_alert_says_what_to_do_in_both_languages() -> None:
    """Whoever gets the mail is no programmer."""
    text = RULES.read_text(encoding="utf-8")
    alerts = re.findall(r"- alert: (\w+)", text)
    assert len(alerts) == len(set(alerts)) >= 3
    for field in ("summary:", "summary_ja:", "action:", "action_ja:", "severity:"):
        assert len(re.findall(rf"^\s+{field}", text, re.MULTILINE)) == len(alerts)


class TestPromtool:
    def run(self, *arguments: str, page: bytes = b"") -> None:
        result = subprocess.run(
            [require_program("promtool"), *arguments], cwd=RULES.parent, input=page, capture_output=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr

    @pytest.mark.parametrize("cameras", [0, 1, 3])
    def test_the_page_passes_the_linter(self, cameras: int) -> None:
        """promtool check metrics: names, help texts, types."""
        self.run("check", "metrics", page=exposition(full(cameras)))

    def test_the_rules_are_valid(self) -> None:
        """promtool check rules."""
        self.run("check", "rules", RULES.name)

    def test_the_alerts_fire_when_they_should_and_not_before(self) -> None:
        """promtool test rules."""
        self.run("test", "rules", "kuramori.rules_test.yml")
