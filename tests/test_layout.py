"""The layout of the house and the rules of its style, as far as a test can see them."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE_ROOTS = {
    "nvr": "kuramori",
    "onvif": "kuramori_onvif",
    "segments": "kuramori_segments",
    "metrics": "kuramori_metrics",
    "config": "kuramori_config",
}
FILE_LINES_MOST = 500
FUNCTION_LINES_MOST = 70
# The only place that may catch everything: what it supervises may die in any way.
MAY_CATCH_EVERYTHING = {"nvr/kuramori/supervisor.py"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")


def sources() -> list[Path]:
    """Return every Python file of the five rooms."""
    found = [path for room, package in SOURCE_ROOTS.items() for path in (ROOT / room / package).rglob("*.py")]
    return sorted(found)


def proofs() -> list[Path]:
    """Return every Python file of the tests."""
    return sorted((ROOT / "tests").rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a path as it stands in a message: from the top of the repository."""
    return str(path.relative_to(ROOT))


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a file, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_top_folder_is_a_package() -> None:
    """No `__init__.py` directly in a top folder: it would shadow the installed library of that name."""
    shadows = [path.name for path in ROOT.iterdir() if path.name != "tests" and (path / "__init__.py").exists()]
    assert shadows == []


@pytest.mark.parametrize(("room", "package"), SOURCE_ROOTS.items())
def test_each_room_holds_one_package(room: str, package: str) -> None:
    """Each source root holds exactly one typed import package."""
    packages = [path.parent.name for path in (ROOT / room).glob("*/__init__.py")]
    assert packages == [package]
    assert (ROOT / room / package / "py.typed").exists()


def test_tests_are_packages_at_every_level() -> None:
    """Every folder of tests that holds Python is a package, so that equal file names do not collide."""
    folders = {path.parent for path in proofs()}
    assert sorted(name_of(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_every_folder_of_a_room_is_a_package() -> None:
    """A folder of a room without `__init__.py` would be left out of the type check."""
    folders = {path.parent for path in sources()}
    assert sorted(name_of(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_every_file_says_first_what_it_is_for() -> None:
    """The first lines of each file are a docstring that ends a sentence."""
    silent = [name_of(path) for path in sources() + proofs() if not is_said(path)]
    assert silent == []


def is_said(path: Path) -> bool:
    """Tell whether a file begins with a docstring; an empty `__init__.py` of the tests needs none."""
    if path.name == "__init__.py" and not path.read_text(encoding="utf-8").strip():
        return path.is_relative_to(ROOT / "tests")
    text = ast.get_docstring(tree_of(path)) or ""
    return "." in text or ":" in text


def test_files_are_short() -> None:
    """No file is longer than 500 lines."""
    counts = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources() + proofs()}
    assert {name: lines for name, lines in counts.items() if lines > FILE_LINES_MOST} == {}


def test_functions_fit_a_screen() -> None:
    """No function is longer than 70 lines."""
    long = {
        f"{name_of(path)}:{function.name}": length
        for path in sources() + proofs()
        for function in functions(tree_of(path))
        if (length := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES_MOST
    }
    assert long == {}


def test_nothing_swallows_everything() -> None:
    """Only the supervisor takes every exception; elsewhere an unknown one is our bug, and is passed on."""
    broad = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources()
        if name_of(path) not in MAY_CATCH_EVERYTHING
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and swallows_everything(node)
    ]
    assert broad == []


def swallows_everything(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler takes Exception, BaseException or anything, and does not end by passing it on."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(one, ast.Name) and one.id in ("Exception", "BaseException") for one in caught)


def test_nothing_is_left_unfinished() -> None:
    """No file carries a note to finish it later."""
    here = Path(__file__)
    marked = [
        name_of(path)
        for path in sources() + proofs()
        if path != here and UNFINISHED.search(path.read_text(encoding="utf-8"))
    ]
    assert marked == []
