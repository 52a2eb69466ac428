"""THREATS.md, "Where promises collide": each row names a test, and the test is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECTION = "## Where promises collide"
ROWS_AT_LEAST = 15


def rows() -> list[list[str]]:
    """The rows of the table, cell by cell."""
    text = (ROOT / "segments" / "THREATS.md").read_text(encoding="utf-8")
    section = text.split(SECTION, 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_table_has_its_rows() -> None:
    """Each says what collides, what wins, and how it is noticed."""
    assert len(rows()) >= ROWS_AT_LEAST
    assert all(len(row) == 4 and all(row) for row in rows())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_row_has_its_test(row: list[str]) -> None:
    """By file and name, as pytest takes it."""
    place, *names = row[3].strip("`").split("::")
    body: list[ast.stmt] = ast.parse((ROOT / place).read_text(encoding="utf-8")).body
    for name in names:
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        found = [node for node in body if isinstance(node, kinds) and node.name == name]
        assert found, f"{place} has no {name}"
        body = found[0].body


def test_alerts_that_are_named_exist() -> None:
    """What is said beforehand is a rule of Prometheus."""
    rules = (ROOT / "metrics" / "rules" / "kuramori.rules.yml").read_text(encoding="utf-8")
    named = {alert for row in rows() for alert in re.findall(r"Kuramori[A-Z]\w+", row[2])}
    assert named <= set(re.findall(r"- alert: (\w+)", rules))
