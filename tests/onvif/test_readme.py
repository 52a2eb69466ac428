"""The table of quirks in `onvif/README.md`: every row names its test, every named test and recorded answer exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
README = HERE.parents[1] / "onvif" / "README.md"
QUIRKS = HERE / "quirks"


def _section(title: str) -> str:
    text = README.read_text()
    start = text.index(f"\n## {title}\n")
    end = text.find("\n## ", start + 1)
    return text[start : end if end > 0 else len(text)]


def _rows() -> list[tuple[str, str, str]]:
    """Return quirk, what we do, and tests of each row."""
    rows = []
    for line in _section("Quirks").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[0] != "quirk":
            assert len(cells) == 3, line
            rows.append((cells[0], cells[1], cells[2].rstrip("|").strip()))
    return rows


@cache
def _tests_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, functions) and node.name.startswith("test_"))


def _problem(name: str) -> str:
    """Return why a name of the third column is no test, "" where it is one."""
    if name.startswith("quirks/"):
        return "" if (HERE / f"{name}.xml").is_file() else f"no recorded answer {name}"
    file, _, function = name.partition("::")
    places = [folder / f"{file}.py" for folder in (HERE, HERE.parent)]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return f"no file {file}"
    return "" if function in _tests_in(path) else f"no test {function} in {file}"


ROWS = _rows()


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:40] for row in ROWS])
def test_each_quirk_names_a_test_that_exists(row: tuple[str, str, str]) -> None:
    """As `test_file::test_name` in tests/onvif, with a folder before it elsewhere, or as `quirks/name`."""
    names = re.findall(r"`([^`]+)`", row[2])
    assert names, row[0]
    assert [problem for name in names if (problem := _problem(name))] == []


def test_each_recorded_answer_stands_in_the_table() -> None:
    """Nobody has to look into the folder to know what is covered."""
    named = {name for row in ROWS for name in re.findall(r"`quirks/([^`]+)`", row[2])}
    assert named == {path.stem for path in QUIRKS.glob("*.xml")}


def test_a_test_that_does_not_exist_is_noticed() -> None:
    """The check itself can fail."""
    assert _problem("test_readme::test_nothing")
    assert _problem("test_nowhere::test_x")
    assert _problem("quirks/nothing")
    assert _problem("test_readme::test_a_test_that_does_not_exist_is_noticed") == ""


def test_the_room_names_each_of_its_files() -> None:
    """A new module has its line in the table of files."""
    listed = set(
        re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in _section("Files").splitlines() if "|" in line))
    )
    modules = {path.stem for path in (README.parent / "kuramori_onvif").glob("*.py")} - {"__init__"}
    assert modules - listed == set()
