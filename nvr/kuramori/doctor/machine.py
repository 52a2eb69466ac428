"""What the doctor reads from the machine, as plain values, so that checks can be tried with any machine.

It must not judge.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from kuramori.clock_trust import clock_synchronised


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine as the checks see it."""

    utc_ms: int
    account: int  # user id that runs the doctor
    clock_synchronised: bool
    swap: tuple[str, ...]  # devices or files in use as swap
    running: frozenset[int]  # process ids

    @classmethod
    def look(cls, utc_ms: int, proc: Path = Path("/proc")) -> "Machine":
        """Look at this machine."""
        return cls(utc_ms, os.geteuid(), clock_synchronised(), _swap(proc), _running(proc))


def _swap(proc: Path) -> tuple[str, ...]:
    try:
        lines = (proc / "swaps").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return ()
    return tuple(line.split()[0] for line in lines if line.split())


def _running(proc: Path) -> frozenset[int]:
    return frozenset(int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal())
