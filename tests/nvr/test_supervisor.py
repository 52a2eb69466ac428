"""The supervisor with real processes: starts, restarts, and stops them in time."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kuramori.process import EXIT_CONFIGURATION, SUPERVISOR_VARIABLE
from kuramori.supervisor import REPORT_NAME, STEADY_SECONDS, STOP_SECONDS, ProcessPlan, ProcessState, Supervisor

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


async def test_a_configuration_that_is_refused_later_costs_only_who_was_started_then(tmp_path: Path) -> None:
    """Once it has served, a process that refuses its configuration is tried again; the others live on."""
    watcher, stop = Watcher(), asyncio.Event()
    seen = tmp_path / "seen"
    program = (
        f"import os,signal,sys,time\nif os.path.exists({str(seen)!r}): sys.exit({EXIT_CONFIGURATION})\n"
        f"open({str(seen)!r},'w').close()\ntime.sleep({STEADY_SECONDS + 0.5})"
    )
    supervisor = Supervisor([plan("recorder", SLEEPER), plan("door", program)], tmp_path, watcher)
    running = asyncio.create_task(supervisor.run(stop))
    recorder_pid = await watcher.started("recorder")
    await watcher.started("door", restarts=3)
    assert supervisor.states["door"].last_exit == EXIT_CONFIGURATION
    assert supervisor.states["recorder"].pid == recorder_pid
    stop.set()
    assert await running == 0


async def test_a_reload_reaches_every_process(tmp_path: Path) -> None:
    """SIGHUP is passed on, also to a process that was started a moment ago, and kills nobody."""
    watcher, stop = Watcher(), asyncio.Event()
    listener = (
        "import signal,sys\nsignal.signal(1,lambda *_: print('read again',file=open(sys.argv[1],'w'),flush=True))\n"
        "signal.signal(15,lambda *_: sys.exit(0))\nsignal.pthread_sigmask(signal.SIG_UNBLOCK,{1})\n"
        "while True: signal.pause()"
    )
    notes = [tmp_path / name for name in ("recorder", "desk")]
    plans = [ProcessPlan(note.name, (*plan(note.name, listener).command, str(note))) for note in notes]
    supervisor = Supervisor(plans, tmp_path, watcher)
    running = asyncio.create_task(supervisor.run(stop))
    for note in notes:
        await watcher.started(note.name)
    supervisor.reload()
    async with asyncio.timeout(20):
        while not all(note.exists() for note in notes):
            await asyncio.sleep(0.02)
    assert [state.restarts for state in supervisor.states.values()] == [0, 0]
    stop.set()
    assert await running == 0


async def test_a_process_comes_and_goes_while_the_others_live_on(tmp_path: Path) -> None:
    """Begun later, ended in order, gone from the report; begun again; twice is once; refusing costs nobody else."""
    watcher, stop = Watcher(), asyncio.Event()
    supervisor = Supervisor([plan("recorder", SLEEPER)], tmp_path, watcher)
    running = asyncio.create_task(supervisor.run(stop))
    recorder_pid = await watcher.started("recorder")
    for _round in range(2):
        supervisor.begin(plan("messenger", SLEEPER))
        supervisor.begin(plan("messenger", SLEEPER))
        messenger_pid = await watcher.started("messenger")
        assert set(json.loads((tmp_path / REPORT_NAME).read_text())["processes"]) == {"recorder", "messenger"}
        await supervisor.finish("messenger")
        assert not Path(f"/proc/{messenger_pid}").exists()
        assert set(json.loads((tmp_path / REPORT_NAME).read_text())["processes"]) == {"recorder"}
    supervisor.begin(plan("messenger", f"raise SystemExit({EXIT_CONFIGURATION})"))
    await watcher.started("messenger", restarts=2)
    assert supervisor.states["recorder"].pid == recorder_pid
    stop.set()
    assert await running == 0


async def test_a_deaf_process_that_is_to_go_is_killed(tmp_path: Path) -> None:
    """SIGTERM ignored: it is gone all the same, and the other lives on."""
    watcher, stop = Watcher(), asyncio.Event()
    supervisor = Supervisor([plan("recorder", SLEEPER), plan("messenger", DEAF)], tmp_path, watcher)
    running = asyncio.create_task(supervisor.run(stop))
    recorder_pid = await watcher.started("recorder")
    deaf_pid = await watcher.started("messenger")
    await supervisor.finish("messenger")
    assert not Path(f"/proc/{deaf_pid}").exists()
    assert supervisor.states["recorder"].pid == recorder_pid
    stop.set()
    assert await running == 0


ORPHAN = "from kuramori.process import require_supervisor; require_supervisor(); print('goes on')"


@pytest.mark.parametrize(("supervisor", "goes_on"), [("ours", True), ("dead", False), ("nobody", True)])
def test_a_process_whose_supervisor_died_while_it_started_ends(supervisor: str, goes_on: bool) -> None:
    """It asked the kernel too late to be told, and would hold the service's lock for good."""
    named = {"ours": str(os.getpid()), "dead": "1", "nobody": ""}[supervisor]
    environment = os.environ | {SUPERVISOR_VARIABLE: named}
    done = subprocess.run([sys.executable, "-c", ORPHAN], env=environment, capture_output=True, check=True)
    assert done.stdout == (b"goes on\n" if goes_on else b"")


async def test_each_process_is_told_who_its_supervisor_is(tmp_path: Path) -> None:
    """By its number, so that it can tell an adopted process from one of ours."""
    told = tmp_path / "told"
    program = (
        f"import os,pathlib;pathlib.Path({str(told)!r}).write_text(os.environ[{SUPERVISOR_VARIABLE!r}])\n" + SLEEPER
    )
    watcher, stop = Watcher(), asyncio.Event()
    supervisor = Supervisor([plan("desk", program)], tmp_path, watcher)
    running = asyncio.create_task(supervisor.run(stop))
    await watcher.started("desk")
    async with asyncio.timeout(60):
        while not told.exists() or not told.read_text():
            await asyncio.sleep(0.01)
    assert told.read_text() == str(os.getpid())
    stop.set()
    await running
