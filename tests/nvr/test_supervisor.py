"""The supervisor with real processes: starts, restarts, and stops them in time."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from kuramori.process import EXIT_CONFIGURATION
from kuramori.supervisor import REPORT_NAME, STOP_SECONDS, ProcessPlan, ProcessState, Supervisor

SLEEPER = "import signal,sys\nsignal.signal(15,lambda *_: sys.exit(0))\nsignal.pause()"
DEAF = "import signal\nsignal.signal(15,signal.SIG_IGN)\nprint('deaf',flush=True)\nwhile True: signal.pause()"


class Watcher:
    """Collects the supervisor's changes and lets a test wait for one."""

    def __init__(self) -> None:
        self.changes: asyncio.Queue[tuple[str, int | None, int]] = asyncio.Queue()

    def __call__(self, name: str, state: ProcessState) -> None:
        self.changes.put_nowait((name, state.pid, state.restarts))

    async def started(self, name: str, restarts: int = 0) -> int:
        while True:
            changed, pid, count = await asyncio.wait_for(self.changes.get(), 20)
            if changed == name and pid is not None and count >= restarts:
                return pid


def plan(name: str, program: str) -> ProcessPlan:
    return ProcessPlan(name, (sys.executable, "-c", program))


async def test_a_killed_process_is_started_again_and_the_other_lives_on(tmp_path: Path) -> None:
    """kill -9 of one: it comes back with a new pid; the other keeps its own."""
    watcher, stop = Watcher(), asyncio.Event()
    supervisor = Supervisor([plan("recorder", SLEEPER), plan("desk", SLEEPER)], tmp_path, watcher)
    running = asyncio.create_task(supervisor.run(stop))
    first_pid = await watcher.started("recorder")
    desk_pid = await watcher.started("desk")
    os.kill(first_pid, signal.SIGKILL)
    second_pid = await watcher.started("recorder", restarts=1)
    assert second_pid != first_pid
    assert supervisor.states["desk"].pid == desk_pid
    report = json.loads((tmp_path / REPORT_NAME).read_text())["processes"]
    assert report["recorder"]["restarts"] == 1
    assert report["recorder"]["last_exit"] == -signal.SIGKILL
    stop.set()
    assert await running == 0


async def test_a_process_that_does_not_listen_is_killed_in_time(tmp_path: Path) -> None:
    """SIGTERM ignored: the stop still ends within its limit."""
    watcher, stop = Watcher(), asyncio.Event()
    supervisor = Supervisor([plan("door", DEAF)], tmp_path, watcher)
    running = asyncio.create_task(supervisor.run(stop))
    await watcher.started("door")
    started = asyncio.get_running_loop().time()
    stop.set()
    await running
    assert asyncio.get_running_loop().time() - started < STOP_SECONDS + 3
    assert supervisor.states["door"].pid is None


async def test_a_refused_configuration_is_not_tried_again(tmp_path: Path) -> None:
    """A process that ends with the configuration exit code ends the service with that code."""
    watcher, stop = Watcher(), asyncio.Event()
    refusing = plan("recorder", f"raise SystemExit({EXIT_CONFIGURATION})")
    supervisor = Supervisor([refusing, plan("desk", SLEEPER)], tmp_path, watcher)
    assert await asyncio.wait_for(supervisor.run(stop), 20) == EXIT_CONFIGURATION
    assert supervisor.states["recorder"].restarts == 0
