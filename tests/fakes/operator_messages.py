"""Every sentence by which the code tells an operator of trouble, read from the source: English and Japanese each.

A text in two languages is any two neighbouring texts of a call or a tuple of which the second is Japanese and the first
is not; what is filled in is shown as an ellipsis. It tells of trouble where it is raised, stands in an exception, is an
error or warning of the doctor, or in one of the modules that hold nothing else. This module must not know the pages.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "nvr" / "kuramori"
ELLIPSIS = "…"
NO_OPERATOR = ("demo/", "simulator/", "cli/simulate")  # a show and a tool for tests
TROUBLE_ONLY = (  # modules, folders, or functions of a module all of whose sentences tell of trouble
    "backup",
    "camera_fault_texts.py",
    "camera_texts.py:camera_troubles",
    "capacity/capacity_texts.py:_short",
    "capacity/hold_budget.py",
    "cli/bundle_download.py",
    "cli/bundle_folder.py",
    "cli/bundle_stream.py",
    "cli/medium_fault.py",
    "configuration_change.py",
    "custodian_cards.py",
    "custodian_office.py",
    "dating.py",
    "desk/reminders.py",
    "door/concerns.py",
    "erasure_texts.py",
    "finding_texts.py",
    "gap_texts.py",
    "key_texts.py",
    "media_watch.py",
    "offline",
    "process.py",
    "recorder_process.py",
    "scrubbing/damage_texts.py",
    "service_lock.py",
    "setup_faults.py",
    "site_state.py",
    "sound.py",
    "storage_fault_texts.py",
    "storage_health/medium_texts.py",
    "storage_texts.py",
    "volume_growth.py",
    "volume_return.py",
)
NO_TROUBLE = {  # what stands among them all the same, by its English heading
    "ahead",
    "behind",
    "not asked yet",
    "pre_eol_info …: enough reserved blocks",
    "the drive passes its own check",
    "a commit takes … ms, as usual",
    "system",
    "drive",
    "recorder",
    "reading back",
    "configuration",
    "SD card",
    "SATA drive",
    "NVMe drive",
    "other",
    "no disk known",
    "camera …",
    "since …: …",
    "planned maintenance",
    "recording had not yet started",
    "Erasure tier E2: the cell is a device of its own, apart from the recordings",
    "Its cameras are recorded on another volume",
    "Nothing was done",
    "Nothing was written",
    "… confirms being present",
    "… is present; good for … minutes, once",
    "another member of staff",
}
ENDINGS = ("fail", "_end", "_bad")  # functions that say the sentence and end the command
DOCTOR = ("error", "warning")  # their second argument is the finding, their third what to do
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
_MARKS_ONLY = re.compile(r"[\s…:;,.()/%]*")


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence of trouble in both languages, and where the code says it."""

    english: str
    japanese: str
    place: str

    @property
    def headings(self) -> tuple[str, str]:
        """What a reader looks for: the first sentence of it, in both languages."""
        return heading(self.english), heading(self.japanese)


def heading(text: str) -> str:
    """Return the first sentence of a message, without its end mark."""
    text = re.sub(r"\{\w+\}", ELLIPSIS, text)  # templates that are filled in later
    first = re.split(r"(?<!\.)(?<!\bno)\.(?:\s|$)|。", text.lstrip("; ").strip(), maxsplit=1)[0]
    return first.strip().removesuffix(":").removesuffix(".").strip()


def all_messages() -> Iterator[Message]:
    """Yield the messages of the whole program, file by file."""
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(NO_OPERATOR):
            yield from messages_of(path.read_text(encoding="utf-8"), name)


def messages_of(source: str, name: str) -> Iterator[Message]:
    """Yield the messages of one module, by the order of its lines."""
    tree = ast.parse(source)
    everything = any(name == one or name.startswith(f"{one}/") for one in TROUBLE_ONLY)
    roots = [tree] if everything else [*_places_of_trouble(tree), *_functions_of_trouble(tree, name)]
    nodes = {node for root in roots for node in ast.walk(root) if isinstance(node, ast.Call | ast.Tuple)}
    for node in sorted(nodes, key=lambda one: (one.lineno, one.col_offset)):
        texts = [_text(value) for value in (node.args if isinstance(node, ast.Call) else node.elts)]
        for english, japanese in itertools.pairwise(texts):
            if _is_pair(english, japanese):
                found = Message(english, japanese, f"{name}:{node.lineno}")
                if found.headings[0] not in NO_TROUBLE:
                    yield found


def _functions_of_trouble(tree: ast.Module, name: str) -> Iterator[ast.AST]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and f"{name}:{node.name}" in TROUBLE_ONLY:
            yield node


def _places_of_trouble(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what is raised, exceptions, what a command ends with, findings; and functions that make such a text."""
    places: list[ast.AST] = []
    for node in ast.walk(tree):
        match node:
            case ast.Raise():
                places.append(node)
            case ast.ClassDef(name=name) if name in _fault_names():
                places.append(node)
            case ast.Call(func=ast.Name(id=name)) if name in ENDINGS:
                places.append(node)
            case ast.Call(func=ast.Attribute(attr="echo"), keywords=[*_, ast.keyword(arg="err")]):
                places.append(node)
            case ast.Call(func=ast.Name(id=name), args=[_, found, *_]) if name in DOCTOR:
                places.append(found)
    yield from places
    asked = {
        node.func.id
        for place in places
        for node in ast.walk(place)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in asked and _returns_text(node):
            yield node


def _returns_text(function: ast.FunctionDef) -> bool:
    return isinstance(function.returns, ast.Name) and function.returns.id == "str"


@cache
def _fault_names() -> frozenset[str]:
    """Return the names of all classes that are exceptions, by their bases."""
    bases: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                named = {one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in node.bases}
                bases.setdefault(node.name, set()).update(named)
    found = {"Exception", "ValueError", "OSError", "RuntimeError", "DeskFault"}
    while more := {name for name, over in bases.items() if over & found} - found:
        found |= more
    return frozenset(found)


def _is_pair(english: str, japanese: str) -> bool:
    if not _JAPANESE.search(japanese) or _JAPANESE.search(english):
        return False
    return not _MARKS_ONLY.fullmatch(english)


def _text(node: ast.expr) -> str:
    """Return a text as it is written, with an ellipsis for what is filled in; "" of anything else."""
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            return "".join(_text(value) for value in values)
        case ast.FormattedValue():
            return ELLIPSIS
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return (_text(left) or ELLIPSIS) + (_text(right) or ELLIPSIS)
        case _:
            return ""
