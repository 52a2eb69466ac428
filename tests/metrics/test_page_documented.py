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
    """Kind, labels, unit and meaning."""
    (row,) = [row for row in rows() if row[0] == f"`{family.name}`"]
    _, kind, labels, unit, meaning, _ = row
    assert (kind, unit, meaning) == (family.kind.value, family.unit, family.meaning)
    assert re.findall(r"`(\w+)`", labels) == list(family.labels)


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


@pytest.mark.parametrize("cameras", [0, 1, 3])
def test_the_page_passes_the_linter(cameras: int) -> None:
    """promtool check metrics: names, help texts, types."""
    command = [require_program("promtool"), "check", "metrics"]
    result = subprocess.run(command, input=exposition(full(cameras)), capture_output=True, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, b"")
