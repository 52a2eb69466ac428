"""No command gives pictures without a granted request, aiming excepted: every command of the program, by its code.

A command has two ways to a picture: code on its own machine that opens recordings or asks cameras, or an answer of the
desk that is no JSON. Both are read from the source, whatever a command imports and wherever. What may is listed here
with the test that shows what it needs first; anything else that could fails, also a command that does not exist yet.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Any

import typer

from kuramori.cli.main import build

HOUSE = Path(__file__).resolve().parents[3]
OURS = {
    "kuramori": HOUSE / "nvr" / "kuramori",
    **{f"kuramori_{name}": HOUSE / name / f"kuramori_{name}" for name in ("config", "metrics", "onvif", "segments")},
}
# Only these modules turn a recording, or a camera, into a picture; whoever wants one has to import one of them.
PICTURE_MAKERS = {
    "kuramori_segments.segment_reader",
    "kuramori.clips.extraction",
    "kuramori.clips.mux",
    "kuramori.masking.running",
    "kuramori.stills.taking",
    "kuramori.viewing.viewer",
}
MAKES_PICTURES = {
    "open-offline": "the desk itself, with all its rules: tests/end_to_end/test_open_offline.py",
    "verify": "reads what was handed over, by whoever has it: tests/nvr/clips",
}
# Besides lists and papers, the desk answers with pictures; the client has these ways to take what is no JSON.
RAW_ANSWERS = {"download", "get_file", "get_answer"}
TAKES_RAW_ANSWERS = {
    "audit": "a table",
    "bundle open": "JSON; its file collects the whole group",
    "bundle write": "an opened bundle of a granted request: test_bundle_command.py",
    "camera aim": "aiming, counted and registered: test_cameras.py",
    "camera list": "JSON; its file collects the whole group",
    "clip": "a granted request: test_request_path.py",
    "mask confirm": "JSON; its file collects the whole group",
    "mask list": "JSON; its file collects the whole group",
    "mask make": "JSON; its file collects the whole group",
    "mask reject": "JSON; its file collects the whole group",
    "mask release": "JSON; its file collects the whole group",
    "mask sheets": "masked pictures of a granted request: test_masked_copies.py",
    "print board-report": "a paper",
    "print disposal": "a paper",
    "print form": "a paper",
    "print notice": "a paper",
    "print rules": "a paper",
    "refusal": "a letter",
    "register": "the form",
    "view": "a granted request: tests/nvr/viewing",
}
NO_COMMAND_OF_THE_OFFICE = {"simulate": "cameras that film nothing but their own clock"}


def leaves(command: Any, path: str = "") -> dict[str, str]:
    """Every command of the program by its words, with the module that it is written in."""
    if hasattr(command, "commands"):
        return {
            name: module
            for word, inner in command.commands.items()
            for name, module in leaves(inner, f"{path} {word}".strip()).items()
        }
    return {path: command.callback.__module__}


COMMANDS = leaves(typer.main.get_command(build()))


@cache
def file_of(module: str) -> Path | None:
    """The file of a module of ours; None for any other, and for a name inside a module."""
    top, *inner = module.split(".")
    if top not in OURS:
        return None
    place = OURS[top].joinpath(*inner)
    found = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in found if inner and file.is_file()), None)


@cache
def source(module: str) -> ast.Module | None:
    """A module of ours as a tree, without what is imported for its types only; None for any other."""
    file = file_of(module)
    if file is None:
        return None
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return tree


@cache
def imported(module: str) -> frozenset[str]:
    """What a module of ours imports of ours, at its top or inside a function."""
    tree, found = source(module), set()
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in found if file_of(name) is not None)


@cache
def reached(module: str) -> frozenset[str]:
    """Everything of ours that a module can reach by importing."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imported(name)
    return frozenset(found)


@cache
def raw_answers(module: str) -> frozenset[str]:
    """By which ways a module takes answers that are no JSON."""
    tree = source(module)
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call)) if tree is not None else ()
    return frozenset(call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in RAW_ANSWERS)


def test_there_are_commands() -> None:
    """The list is read from the program, groups and all."""
    assert {"clip", "camera aim", "hold extend", "refusal"} <= COMMANDS.keys()
    assert all(file_of(maker) is not None for maker in PICTURE_MAKERS)


def test_no_command_but_these_reaches_code_that_makes_pictures() -> None:
    """Not by any import, of its own or of what it imports."""
    found = {name for name, module in COMMANDS.items() if reached(module) & PICTURE_MAKERS}
    assert found - NO_COMMAND_OF_THE_OFFICE.keys() <= MAKES_PICTURES.keys()
    assert "verify" in found


def test_no_command_but_these_takes_an_answer_that_could_be_a_picture() -> None:
    """Everything else reads JSON."""
    found = set()
    for name, module in COMMANDS.items():
        reachable = (one for one in reached(module) if one.startswith("kuramori.cli.") and one != "kuramori.cli.client")
        if any(raw_answers(one) for one in reachable):
            found.add(name)
    assert found <= TAKES_RAW_ANSWERS.keys() | sharing_a_module(TAKES_RAW_ANSWERS)
    assert {"clip", "camera aim"} <= found


def sharing_a_module(names: Any) -> set[str]:
    """Commands written beside one of these, in the same file."""
    modules = {COMMANDS[name] for name in names if name in COMMANDS}
    return {name for name, module in COMMANDS.items() if module in modules}


def test_only_the_client_speaks_to_the_desk() -> None:
    """No command has a way around it to an answer."""
    around = {"httpx", "urllib.request", "http.client", "aiohttp", "requests"}
    allowed = {"kuramori.cli.client", "kuramori.cli.desk_address"}
    guilty = set()
    for name in {one for module in COMMANDS.values() for one in reached(module)}:
        tree = source(name)
        if tree is None or not name.startswith("kuramori.cli.") or name in allowed:
            continue
        words = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        words |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        if words & around:
            guilty.add(name)
    assert guilty == set()
