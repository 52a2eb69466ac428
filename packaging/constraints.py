"""Writes `constraints.txt`: the exact version of every library that Kuramori runs with, as installed here.

Run it with the Python of an environment that has passed the tests, then with the newest Python's, and commit the
result: a release is built from these versions and from nothing newer. Must not know how a package is built.
"""

import importlib.metadata
import re
import sys
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement

FILE = Path(__file__).with_name("constraints.txt")
DISTRIBUTION = "kuramori"
HEAD = "# Written by packaging/constraints.py from environments that passed the tests; do not edit.\n"


def canonical(name: str) -> str:
    """Return a distribution's name as indexes spell it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(distribution: str) -> dict[str, str]:
    """Return the installed versions of everything that a distribution needs to run, by canonical name."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(distribution, ("",))]
    while waiting:
        name, extras = waiting.pop()
        if canonical(name) in found:
            continue
        installed = importlib.metadata.distribution(name)
        found[canonical(name)] = installed.version
        for line in installed.requires or ():
            requirement = Requirement(line)
            if _applies(requirement.marker, extras):
                waiting.append((requirement.name, tuple(requirement.extras) or ("",)))
    del found[canonical(distribution)]
    return found


def _applies(marker: Marker | None, extras: tuple[str, ...]) -> bool:
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def read(text: str) -> dict[str, str]:
    """Return the versions for this Python that a file of constraints names."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            if _applies(requirement.marker, ("",)):
                found[canonical(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return found


def merged(text: str, here: dict[str, str], older: bool) -> str:
    """Return the file with this Python's versions, keeping the other's where they differ.

    `older` says that this Python is older than 3.12; the two kinds differ where a library dropped the older one.
    """
    kept = [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
    other = "<" if not older else ">="
    others = {
        canonical(one.name): str(one.specifier)
        for one in kept
        if one.marker is None or str(one.marker).startswith(f"python_version {other}")
    }
    lines = []
    for name, version in sorted(here.items()):
        own = f"=={version}"
        known = others.get(name, own)
        if known == own:
            lines.append(f"{name}{own}")
        else:
            low, high = (own, known) if older else (known, own)
            lines += [f'{name}{low}; python_version < "3.12"', f'{name}{high}; python_version >= "3.12"']
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    before = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    after = merged(before, closure(DISTRIBUTION), sys.version_info < (3, 12))
    FILE.write_text(after, encoding="utf-8")
