"""Which faults of the desk a route can end in, read from the code: what it calls, and what that calls.

Follows names, attributes of known classes and annotated results; a fault's name in a reached function counts, but not
where it is caught. A branch for a step of the register counts where that step is made. What it cannot follow it leaves
out: answers in the tests are compared with the document too. For whoever makes the document, never for a running desk.
Must not know HTTP.
"""

import ast
import functools
import importlib
import inspect
import textwrap
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from kuramori.desk.fault import DeskFault
from kuramori.desk.merkle_log import ProofImpossible
from kuramori.desk.steps import KINDS

OURS = "kuramori."
FAULTS = (DeskFault, ProofImpossible)


Steps = frozenset[type]
_NOT_DONE = ("type", "annotation", "returns")  # of a handler, an argument, a function


def faults_of(function: Callable[..., Any]) -> frozenset[type[Exception]]:
    """Return the faults that a call of this function can end in."""
    steps: Steps = frozenset()
    while True:
        found, made = _follow(function, steps)
        if made <= steps:
            return found
        steps |= made


def _follow(function: Callable[..., Any], steps: Steps) -> tuple[frozenset[type[Exception]], Steps]:
    """Return the faults in reach where these steps are taken, and the steps that are made on the way."""
    found: set[type[Exception]] = set()
    made: set[type] = set()
    seen: set[FunctionType] = set()
    waiting = [one for one in [_plain(function)] if one is not None]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        read = _reads(one, steps)
        found |= read.faults
        made |= read.steps
        waiting += read.called
    return frozenset(found), frozenset(made)


@dataclass(frozen=True, slots=True)
class _Read:
    """What stands in a function: faults that it names, functions of ours that it may call, steps that it makes."""

    faults: frozenset[type[Exception]]
    called: tuple[FunctionType, ...]
    steps: Steps


@functools.cache
def _reads(function: FunctionType, steps: Steps) -> _Read:
    tree = _tree(function)
    if tree is None:
        return _Read(frozenset(), (), frozenset())
    scope = _Scope(function, tree)
    faults: set[type[Exception]] = set()
    made: set[type] = set()
    called: list[FunctionType] = []
    for node in _acting(tree, scope, steps):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        value = scope.value(node)
        if isinstance(value, type) and issubclass(value, FAULTS) and value is not DeskFault:
            faults.add(value)
        elif isinstance(value, type) and value in KINDS:
            made.add(value)
        elif isinstance(value, type) and value.__module__.startswith(OURS):
            called += [held for name in ("__init__", "__call__") if (held := _plain(vars(value).get(name)))]
        elif (plain := _plain(value)) is not None:
            called.append(plain)
    return _Read(frozenset(faults), tuple(called), frozenset(made))


def _acting(tree: ast.AST, scope: "_Scope", steps: Steps) -> Iterator[ast.AST]:
    """Yield every node but what is caught, annotated, asked about with isinstance, or of a step that is not taken."""
    if isinstance(tree, ast.If) and not _may_be_taken(tree.test, scope, steps):
        for other in tree.orelse:
            yield from _acting(other, scope, steps)
        return
    yield tree
    for child in ast.iter_child_nodes(tree):
        if any(child is getattr(tree, part, None) for part in _NOT_DONE):
            continue
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id == "isinstance":
            yield from _acting(child.args[0], scope, steps)
            continue
        yield from _acting(child, scope, steps)


def _may_be_taken(test: ast.expr, scope: "_Scope", steps: Steps) -> bool:
    """Tell whether a branch may be taken: one for other steps only is not."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return all(_may_be_taken(part, scope, steps) for part in test.values)
    if not (isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "isinstance"):
        return True
    asked = _classes(test.args[1], scope)
    return not asked or not asked <= KINDS.keys() or bool(asked & steps)


def _classes(node: ast.expr, scope: "_Scope") -> set[type]:
    if isinstance(node, ast.BinOp):
        return _classes(node.left, scope) | _classes(node.right, scope)
    value = scope.value(node)
    if isinstance(value, tuple):
        return set(value)
    return {value} if isinstance(value, type) else set()


class _Scope:
    """What the names in a function stand for, as far as annotations and assignments tell."""

    def __init__(self, function: FunctionType, tree: ast.AST) -> None:
        self._globals = {**function.__globals__, **_imported(tree)}
        self._kinds: dict[str, Any] = {name: kind for name, kind in _hints(function).items() if name != "return"}
        owner = _owner(function)
        if owner is not None:
            self._kinds.setdefault("self", owner)
            self._kinds.setdefault("cls", owner)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                kind = self.kind(node.value)
                if kind is not None:
                    self._kinds.setdefault(node.targets[0].id, kind)

    def value(self, node: ast.expr) -> Any:
        """Return the class or function that an expression names; None for anything else."""
        if isinstance(node, ast.Name):
            return None if node.id in self._kinds else self._globals.get(node.id)
        if isinstance(node, ast.Attribute):
            kind = self.kind(node.value)
            if kind is not None:
                found = inspect.getattr_static(kind, node.attr, None)
                return found.fget if isinstance(found, property) else found
            named = self.value(node.value)
            return getattr(named, node.attr, None) if inspect.ismodule(named) or inspect.isclass(named) else None
        return None

    def kind(self, node: ast.expr) -> Any:
        """Return the class of what an expression gives, where that is told."""
        if isinstance(node, ast.Await):
            return self.kind(node.value)
        if isinstance(node, ast.Name):
            return self._kinds.get(node.id)
        if isinstance(node, ast.Attribute):
            kind = self.kind(node.value)
            return None if kind is None else _attribute_kind(kind, node.attr)
        if isinstance(node, ast.Call):
            made = self.value(node.func)
            if isinstance(made, type):
                return made if made.__module__.startswith(OURS) else None
            plain = _plain(made)
            return _class(_hints(plain).get("return")) if plain is not None else None
        return None


@functools.cache
def _attribute_kind(kind: type, name: str) -> Any:
    """Return the class of an attribute: annotated, a property's result, or assigned in one of the methods."""
    annotated = _class(_hints(kind).get(name))
    if annotated is not None:
        return annotated
    found = inspect.getattr_static(kind, name, None)
    if isinstance(found, property) and isinstance(found.fget, FunctionType):
        return _class(_hints(found.fget).get("return"))
    for method in vars(kind).values():
        tree = _tree(method) if isinstance(method, FunctionType) else None
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Assign) and _is_own(node.targets[0], name):
                return _Scope(method, node).kind(node.value)
    return None


def _is_own(node: ast.expr, name: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _class(annotation: Any) -> Any:
    """Return the class of ours in an annotation; of several the first."""
    if isinstance(annotation, type) and annotation.__module__.startswith(OURS):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _class(part)) is not None), None)


def _plain(value: Any) -> FunctionType | None:
    """Return the function of ours behind a function, method, class method or decorated one."""
    value = getattr(value, "__func__", value)
    value = inspect.unwrap(value) if callable(value) else value
    return value if isinstance(value, FunctionType) and value.__module__.startswith(OURS) else None


@functools.cache
def _owner(function: FunctionType) -> type | None:
    place: Any = inspect.getmodule(function)
    for name in function.__qualname__.split(".")[:-1]:
        place = getattr(place, name, None)
    return place if isinstance(place, type) else None


def _imported(tree: ast.AST) -> dict[str, Any]:
    """Return what is imported inside: late, or for the type checker only."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS):
            module = importlib.import_module(str(node.module))
            found.update({one.asname or one.name: getattr(module, one.name, None) for one in node.names})
    return found


@functools.cache
def _imported_by(module: Any) -> dict[str, Any]:
    return _imported(ast.parse(inspect.getsource(module)))


@functools.cache
def _hints(thing: Any) -> dict[str, Any]:
    module = inspect.getmodule(thing)
    ours = _imported_by(module) if module is not None and module.__name__.startswith(OURS) else {}
    try:
        return {name: _stripped(kind) for name, kind in typing.get_type_hints(thing, localns=ours).items()}
    except (NameError, TypeError, AttributeError):  # annotations for the type checker only
        return {}


def _stripped(kind: Any) -> Any:
    return _class(kind) if not isinstance(kind, type) else kind


@functools.cache
def _tree(function: FunctionType) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
