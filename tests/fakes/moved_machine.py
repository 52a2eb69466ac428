"""Another hour, another boot: moves the clocks of every Python process that is started with it.

`MovedMachine.environment` goes around a process and is inherited by its children, which find this file copied as
`sitecustomize`. Wall clock and boot clock move apart from each other, the boot's name changes, and it is said whether a
time source keeps the wall clock. Nothing else is touched. Knows nothing of the project's packages.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WALL, BOOT, NAME, TRUSTED = "MOVED_WALL_SECONDS", "MOVED_BOOT_SECONDS", "MOVED_BOOT_NAME", "MOVED_TRUSTED"
BOOT_NAME_FILE = "/proc/sys/kernel/random/boot_id"
UNSYNCHRONISED = 5  # what adjtimex(2) returns then


@dataclass(frozen=True, slots=True)
class MovedMachine:
    """How far a machine's clocks are moved. `boot`: a file with a name of its own; None: this machine's boot."""

    folder: Path
    wall_seconds: float = 0.0
    boot_seconds: float = 0.0
    trusted: bool = False
    boot: Path | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """What has to be in the environment of a process."""
        self.folder.mkdir(exist_ok=True)
        shutil.copy(__file__, self.folder / "sitecustomize.py")
        moved = {WALL: str(self.wall_seconds), BOOT: str(self.boot_seconds), TRUSTED: str(int(self.trusted))}
        moved[NAME] = str(self.boot or "")
        paths = [str(self.folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        return {"PYTHONPATH": os.pathsep.join(dict.fromkeys(filter(None, paths))), **moved}


def move() -> None:
    """Move this process's clocks as its environment says."""
    import ctypes
    import io
    import time

    wall_ns, boot_ns = (int(float(os.environ[name]) * 1_000_000_000) for name in (WALL, BOOT))
    real_time_ns, real_gettime_ns, real_open = time.time_ns, time.clock_gettime_ns, io.open
    real_function = ctypes.CDLL.__getattr__

    def gettime_ns(clock: int) -> int:
        return real_gettime_ns(clock) + (boot_ns if clock == time.CLOCK_BOOTTIME else 0)

    def opened(file: Any, *arguments: Any, **options: Any) -> Any:
        moved = os.environ[NAME] if str(file) == BOOT_NAME_FILE else ""
        return real_open(moved or file, *arguments, **options)

    def function(library: ctypes.CDLL, name: str) -> Any:
        if name == "adjtimex":
            return lambda _buffer: 0 if os.environ[TRUSTED] == "1" else UNSYNCHRONISED
        return real_function(library, name)

    time.time_ns = lambda: real_time_ns() + wall_ns
    time.time = lambda: (real_time_ns() + wall_ns) / 1_000_000_000
    time.clock_gettime_ns = gettime_ns
    io.open = opened
    ctypes.CDLL.__getattr__ = function  # type: ignore[method-assign]


if __name__ == "sitecustomize":
    move()
