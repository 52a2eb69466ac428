"""The dashboards, expression by expression: valid, of metrics that exist, and not empty in a real Prometheus."""

import asyncio
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from kuramori_metrics.exporter import MetricsExporter
from kuramori_metrics.latency_histogram import LatencyHistogram
from kuramori_metrics.statistics import RecorderStatistics
from tests.fakes.prometheus_server import Server, prometheus
from tests.metrics.sample import full
from tests.metrics.test_page_documented import FAMILIES
from tests.peers import require_program

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "metrics" / "dashboards").glob("*.json"))
RULES = ROOT / "metrics" / "rules" / "kuramori.rules.yml"
SHOWN_SECONDS = 100.0  # until every panel shows something, on a busy machine
CONFIGURATION = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs: [{{job_name: kuramori, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
"""

by_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def read(file: Path) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return dashboard


def expressions(file: Path) -> list[tuple[str, str]]:
    """Each panel's title and expression, with all cameras or volumes chosen."""
    targets = [
        (panel["title"], target["expr"]) for panel in read(file)["panels"] for target in panel.get("targets", ())
    ]
    return [(title, re.sub(r"\$\{?\w+\}?", ".*", expression)) for title, expression in targets]


def test_there_is_one_for_the_site_one_for_a_camera_and_one_for_storage() -> None:
    """All three can be told apart by whoever imports them."""
    assert [file.stem for file in FILES] == ["camera", "site", "storage"]
    assert len({read(file)["uid"] for file in FILES}) == len({read(file)["title"] for file in FILES}) == 3


@by_file
def test_a_dashboard_is_whole(file: Path) -> None:
    """Panels have numbers of their own, do not overlap, fit the width, and name a source that can be chosen."""
    taken: set[tuple[int, int]] = set()
    dashboard = read(file)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
        assert panel["type"] == "row" or panel["targets"]


@by_file
def test_variables_are_declared_and_ask_for_labels_that_exist(file: Path) -> None:
    """A variable that nobody declared would be sent to Prometheus as it stands."""
    dashboard = read(file)
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)\}?", json.dumps([panel.get("targets") for panel in dashboard["panels"]])))
    assert used == set(variables)
    labels = {family.name: family.labels for family in FAMILIES}
    for name, variable in variables.items():
        if name != "datasource":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]
            assert label in labels[metric]


@by_file
def test_panels_name_only_metrics_that_exist(file: Path) -> None:
    """A renamed metric would leave its panel empty."""
    known = {family.name for family in FAMILIES}
    for title, expression in expressions(file):
        named = re.findall(r"\bkuramori_[a-z0-9_]+\b", expression)
        assert {re.sub(r"(?<=commit_seconds)_(bucket|sum|count)$", "", name) for name in named} <= known, title


@by_file
def test_promtool_takes_every_expression(file: Path, tmp_path: Path) -> None:
    """Each becomes a rule, all of them one rules file."""
    rules = [
        {"record": f"panel:number{number}", "expr": expression}
        for number, (_, expression) in enumerate(expressions(file))
    ]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    command = [require_program("promtool"), "check", "rules", str(tmp_path / "panels.yml")]
    result = subprocess.run(command, capture_output=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


async def test_every_panel_shows_something_of_a_real_page(tmp_path: Path) -> None:
    """A real Prometheus scrapes the exporter's own page and answers each panel's question with at least one sample."""
    asked, latency = 0, LatencyHistogram()

    def rising() -> RecorderStatistics:
        nonlocal asked
        asked += 1
        latency.observe(0.02)
        statistics = full(3)
        return replace(
            statistics,
            cameras=tuple(replace(one, received_packets=one.received_packets + asked) for one in statistics.cameras),
            volumes=tuple(
                replace(one, data_bytes=one.data_bytes + asked, commit_latency=latency.snapshot())
                for one in statistics.volumes
            ),
        )

    shutil.copy(RULES, tmp_path)
    exporter = MetricsExporter(rising, "127.0.0.1", 0)
    await exporter.start()
    waiting = [(title, expression) for file in FILES for title, expression in expressions(file)]
    try:
        configuration = CONFIGURATION.format(rules=RULES.name, port=exporter.port)
        async with prometheus(tmp_path, configuration) as server:
            deadline = asyncio.get_running_loop().time() + SHOWN_SECONDS
            while waiting and asyncio.get_running_loop().time() < deadline:
                waiting = [panel for panel in waiting if not await _shown(server, panel[1])]
                await asyncio.sleep(0.2)
    finally:
        await exporter.stop()
    assert waiting == []


async def _shown(server: Server, expression: str) -> bool:
    return bool(await server.query(expression))
