"""What is mounted where, as /proc/self/mountinfo says it (proc_pid_mountinfo(5)).

This module must not know why somebody asks.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")
_LEAST_FIELDS = 6


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: where, which kind of file system, from what, with which options (of mount and super block)."""

    point: str
    file_system: str
    source: str
    options: frozenset[str]

    def option(self, name: str) -> str | None:
        """Return the value of an option written name=value."""
        for option in self.options:
            if option.startswith(f"{name}="):
                return option.partition("=")[2]
        return None


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Return the mounts of a mountinfo file, in its order; lines that are none are passed over."""
    mounts: list[Mount] = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if not separator or len(left) < _LEAST_FIELDS or len(right) < 3:
            continue
        options = frozenset((*left[5].split(","), *right[2].split(",")))
        mounts.append(Mount(_plain(left[4]), right[0], _plain(right[1]), options))
    return tuple(mounts)


def mount_of(path: Path, mountinfo: Path = MOUNTINFO) -> Mount | None:
    """Return the mount that a path lies in: the longest mount point above it, the last one mounted there."""
    try:
        mounts = parse_mountinfo(mountinfo.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        return None
    real = os.path.realpath(path)
    above = [mount for mount in mounts if _contains(mount.point, real)]
    longest = max((len(mount.point) for mount in above), default=0)
    return next((mount for mount in reversed(above) if len(mount.point) == longest), None)


def _contains(point: str, path: str) -> bool:
    return point == "/" or path == point or path.startswith(point + "/")


def _plain(field: str) -> str:
    """Undo the octal spelling of blanks and backslashes."""
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), field)
