"""The documents: links lead somewhere, commands and options they name exist, they speak of the project only."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main
from typer.core import TyperGroup

from kuramori.cli.main import build

ROOT = Path(__file__).parents[1]
SKIPPED_FOLDERS = {".venv", ".git", "node_modules", ".pytest_cache", ".hypothesis", "dist", "demo-out", "bench-out"}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
COMMAND = re.compile(r"(?<![\w./-])kuramori((?: [a-z][a-z-]*)+)((?: [^\s|&;`]+)*)")
MODULE = re.compile(r"(?<![\w./-])kuramori(?:_[a-z]+)?(?:\.[A-Za-z_]\w*)+(?!\.(?:toml|db|json|md|sock))\b")
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)\b")
DECISION_PARTS = ("## Context", "## Decision", "## Consequences", "Date: ", "Status: ")

# Words that promise a finish later or only praise.
FORBIDDEN_WORDS = re.compile(
    r"\b(todo|fixme|tbd|lorem ipsum|military[- ]grade|state[- ]of[- ]the[- ]art|unhackable|bullet[- ]?proof|"
    r"best[- ]in[- ]class|cutting[- ]edge|world[- ]class|seamless(ly)?|revolutionary)\b",
    re.IGNORECASE,
)
# Places that exist on every Linux system, and the root of the desk's API; any other would be one person's machine.
ABSOLUTE_PATH = re.compile(r"(?:^|[^\w./:>}-])/([a-z]+)(?:/[\w.{}-]+)+", re.MULTILINE)
COMMON_PLACES = {"dev", "etc", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr", "v1", "var"}


def documents() -> list[Path]:
    """Return every Markdown file of the repository."""
    found = (path for path in ROOT.rglob("*.md") if not SKIPPED_FOLDERS.intersection(path.relative_to(ROOT).parts))
    return sorted(path for path in found if not any(part.startswith(".venv") for part in path.parts))


def name_of(path: Path) -> str:
    """Return a document's name as the test's id."""
    return str(path.relative_to(ROOT))


DOCUMENTS = pytest.mark.parametrize("document", documents(), ids=name_of)


def anchors(document: Path) -> set[str]:
    """Return the anchors that a document's headings make: small letters, no punctuation, blanks as dashes."""
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in HEADING.findall(text):
        plain = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
        anchor, number = plain.strip().replace(" ", "-"), 0
        while anchor in found:
            number += 1
            anchor = f"{plain.strip().replace(' ', '-')}-{number}"
        found.add(anchor)
    return found


def links(document: Path) -> Iterator[str]:
    """Yield the targets of a document's links, those in code left out."""
    text = CODE.sub("", FENCE.sub("", document.read_text(encoding="utf-8")))
    for match in LINK.finditer(text):
        yield match[1] or match[2]


@DOCUMENTS
def test_links_lead_somewhere(document: Path) -> None:
    """Each relative link names a file that exists, and each anchor a heading in it."""
    broken = []
    for link in links(document):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        target, _, anchor = unquote(link).partition("#")
        path = (document.parent / target) if target else document
        if not path.exists() or (anchor and path.is_file() and anchor not in anchors(path)):
            broken.append(link)
    assert broken == []


@DOCUMENTS
def test_documents_speak_of_the_project_only(document: Path) -> None:
    """No path of one machine, no note to finish later, no word that only praises."""
    text = document.read_text(encoding="utf-8")
    assert [match[0] for match in FORBIDDEN_WORDS.finditer(text)] == []
    assert set(ABSOLUTE_PATH.findall(text)) - COMMON_PLACES == set()


def command_at(words: list[str]) -> tuple[Any, list[str]] | None:
    """Return the command that words name, and the words behind it; None where the first word names none."""
    command: Any = typer.main.get_command(build())
    taken = 0
    for word in words:
        inner = command.commands.get(word) if isinstance(command, TyperGroup) else None
        if inner is None:
            break
        command, taken = inner, taken + 1
    return (command, words[taken:]) if taken else None


def mentions(document: Path) -> Iterator[str]:
    """Yield each use of the command line in a document: in code, fenced or not."""
    text = document.read_text(encoding="utf-8")
    pieces = [match[0] for match in FENCE.finditer(text)] + CODE.findall(FENCE.sub("", text))
    for piece in pieces:
        for match in COMMAND.finditer(piece):
            yield match[0]


@DOCUMENTS
def test_commands_and_options_exist(document: Path) -> None:
    """Each `kuramori …` in code names a command that there is, with options that it has."""
    unknown = []
    for mention in mentions(document):
        found = command_at(mention.split()[1:])
        if found is None or (isinstance(found[0], TyperGroup) and found[1] and found[1][0][0] != "-"):
            unknown.append(mention)
            continue
        command, rest = found
        known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
        named = {word.split("=")[0].rstrip(".,;:)") for word in rest if word.startswith("--")}
        if not named <= known | {"--help"}:
            unknown.append(mention)
    assert unknown == []


def is_there(dotted: str) -> bool:
    """Tell whether a dotted name is a module of ours, or something in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if length > 1 and importlib.util.find_spec(".".join(parts[: length - 1])) is None:
            continue
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute, None)
        return found is not None
    return False


@DOCUMENTS
def test_modules_exist(document: Path) -> None:
    """Each dotted name of ours in code is a module or something in one."""
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    named = {match[0] for code in CODE.findall(text) for match in MODULE.finditer(code)}
    assert {name for name in named if not is_there(name)} == set()


def leaf_commands(command: Any, path: str) -> Iterator[str]:
    """Yield every command that does something, with the words before it."""
    if not isinstance(command, TyperGroup):
        yield path
        return
    for name, inner in command.commands.items():
        yield from leaf_commands(inner, f"{path} {name}")


def test_every_command_is_named_in_a_document() -> None:
    """No command of the program is left for the reader to guess."""
    texts = [path.read_text(encoding="utf-8") for path in documents()]
    commands = leaf_commands(typer.main.get_command(build()), "kuramori")
    assert [command for command in commands if not any(command in text for text in texts)] == []


@DOCUMENTS
def test_make_targets_exist(document: Path) -> None:
    """Each `make …` in code is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = document.read_text(encoding="utf-8")
    pieces = [match[0] for match in FENCE.finditer(text)] + CODE.findall(FENCE.sub("", text))
    named = {target for piece in pieces for target in MAKE.findall(piece) if piece.lstrip("`\n ").find("apt") != 0}
    assert named - targets - {"git"} == set()


def readme_commands(name: str) -> list[str]:
    """Return the code pieces of a README in their order, fenced ones last."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return CODE.findall(FENCE.sub("", text)) + [match[0] for match in FENCE.finditer(text) if "mermaid" not in match[0]]


def test_both_readmes_give_the_same_commands() -> None:
    """The Japanese README names the same commands in the same order as the English one."""
    assert readme_commands("README.md") == readme_commands("README.ja.md")


def test_both_readmes_link_to_the_same_documents() -> None:
    """Neither README leaves a document out."""
    english, japanese = (set(links(ROOT / name)) for name in ("README.md", "README.ja.md"))
    assert english - {"README.ja.md"} == japanese - {"README.md"}


def test_the_readme_links_every_decision_and_room_document() -> None:
    """Whoever starts at the README finds the main documents."""
    linked = {unquote(link).split("#")[0] for link in links(ROOT / "README.md")}
    wanted = {name_of(path) for path in (ROOT / "nvr" / "decisions").glob("000[1-6]-*.md")}
    wanted |= {"nvr/ARCHITECTURE.md", "nvr/GLOSSARY.md", "segments/THREATS.md", "segments/FORMAT.md"}
    assert wanted - linked == set()


@pytest.mark.parametrize("record", sorted((ROOT / "nvr" / "decisions").glob("*.md")), ids=lambda path: path.name)
def test_a_decision_record_has_its_parts(record: Path) -> None:
    """Context, decision, consequences, date, status; numbered, one page."""
    text = record.read_text(encoding="utf-8")
    assert text.startswith(f"# {record.name[:4]}: ")
    assert [part for part in DECISION_PARTS if part not in text] == []
    assert len(text.splitlines()) <= 80


def test_decision_numbers_are_used_once() -> None:
    """Each number stands for one record."""
    numbers = [path.name[:4] for path in (ROOT / "nvr" / "decisions").glob("*.md")]
    assert len(numbers) == len(set(numbers))


def test_every_word_of_the_glossary_stands_once() -> None:
    """One word, one meaning: no term has two rows."""
    rows = re.findall(r"^\| ([^|]+?) \|", (ROOT / "nvr" / "GLOSSARY.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == len(set(rows))
