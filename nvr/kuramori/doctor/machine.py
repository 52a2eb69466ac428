"""What the doctor reads from the machine, as plain values, so that checks can be tried with any machine.

Only this file of the doctor asks the kernel. It must not judge.
"""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_STA_UNSYNC = 0x0040


class _Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2)), and room for the rest, which is about 170 bytes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),  # microseconds
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


@dataclass(frozen=True, slots=True)
class ClockState:
    """Whether the kernel believes that its clock is kept right by something, and how far off it may be."""

    synchronised: bool
    most_wrong_seconds: float


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine as the checks see it."""

    utc_ms: int
    account: int  # user id that runs the doctor
    clock: ClockState
    swap: tuple[str, ...]  # devices or files in use as swap
    running: frozenset[int]  # process ids

    @classmethod
    def look(cls, utc_ms: int, proc: Path = Path("/proc")) -> "Machine":
        """Look at this machine."""
        return cls(utc_ms, os.geteuid(), clock_state(), _swap(proc), _running(proc))


def clock_state() -> ClockState:
    """Ask adjtimex(2), changing nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    timex = _Timex()  # modes = 0: only read
    state = libc.adjtimex(ctypes.byref(timex))
    synchronised = state not in (-1, _TIME_ERROR) and not timex.status & _STA_UNSYNC
    return ClockState(synchronised, timex.maxerror / 1e6)


def _swap(proc: Path) -> tuple[str, ...]:
    try:
        lines = (proc / "swaps").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return ()
    return tuple(line.split()[0] for line in lines if line.split())


def _running(proc: Path) -> frozenset[int]:
    return frozenset(int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal())
