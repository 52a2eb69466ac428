"""How each of the three processes starts and is told to stop; the same for recorder, door and desk.

A process ends with its supervisor, stops in order on SIGTERM, reads its configuration again on SIGHUP, and turns a
wrong one into one sentence. This module must not know what a process does.
"""

import argparse
import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from kuramori import log
from kuramori.reloads import Reloads
from kuramori.texts import japanese_wanted, tr
from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import load_configuration
from kuramori_config.schema import Configuration

EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h: restarting would not help
SUPERVISOR_VARIABLE = "KURAMORI_SUPERVISOR_PID"
_PR_SET_PDEATHSIG = 1

ProcessMain = Callable[[Configuration, Reloads, asyncio.Event], Awaitable[None]]


def end_with_parent() -> None:
    """Ask the kernel to send SIGTERM to this process when its parent dies (prctl(2), Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def require_supervisor() -> None:
    """End this process where its supervisor died before the kernel was asked to tell: it would never learn of it.

    Whoever starts it says who that is (SUPERVISOR_VARIABLE); its own children are not told.
    """
    named = os.environ.pop(SUPERVISOR_VARIABLE, "")
    if named.isdecimal() and int(named) != os.getppid():
        sys.exit(0)


def run_process(name: str, main: ProcessMain) -> None:
    """Run one process to its end: `main(configuration, reloads, stop)`.

    `stop` is set on SIGTERM or SIGINT; `main` then returns as soon as everything received is durable. `reloads` tells
    of each new reading of the file after SIGHUP; one that comes during the start is not lost.
    """
    hold_hangups()
    parser = argparse.ArgumentParser(prog=f"kuramori {name}")
    parser.add_argument("--config", type=Path, required=True)
    path: Path = parser.parse_args().config
    end_with_parent()
    require_supervisor()
    log.configure(name)
    try:
        configuration = load_configuration(path)
    except ConfigurationFault as fault:
        print(fault.text(japanese=japanese_wanted()), file=sys.stderr)
        sys.exit(EXIT_CONFIGURATION)
    asyncio.run(_until_stopped(main, configuration, path))


def hold_hangups() -> None:
    """Let a SIGHUP wait until somebody listens to it; a process started now inherits this."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def admit_hangups() -> None:
    """Let SIGHUP through again, one that waited first."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def unusable(error: OSError) -> str:
    """Return the sentence for a file or folder that a process needs and cannot use."""
    place, why = error.filename or "-", error.strerror or str(error)
    return tr(
        f"{place} cannot be used ({why}): restore it, or correct its owner and mode.",
        f"{place} を使用できません（{why}）。復元するか、所有者とモードを確認してください。",
    )


async def _until_stopped(main: ProcessMain, configuration: Configuration, path: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reloads = Reloads(configuration, path)
    loop.add_signal_handler(signal.SIGHUP, reloads.ask)
    admit_hangups()
    await main(configuration, reloads, stop)
