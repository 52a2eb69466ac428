"""The supervisor: starts recorder, door and desk, starts each again when it dies, stops them in order.

A configuration that is refused at the start ends the service; one that is refused later costs only the process that
happened to be started then, which is tried again. No process notices the death of another but by a closed socket. The
supervisor opens no camera, ring file or key; it is small so that it does not fail.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kuramori import log
from kuramori.process import EXIT_CONFIGURATION, SUPERVISOR_VARIABLE, admit_hangups, hold_hangups

STOP_SECONDS = 1.8  # what is left to a process between SIGTERM and SIGKILL
STEADY_SECONDS = 3.0  # who lived that long is started again at once
RESTART_DELAYS_SECONDS = (0.0, 0.1, 0.2, 0.5, 1.0)  # recording comes first: never long
REPORT_NAME = "supervisor.json"
MESSENGER = "messenger"


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """One process: its name and the command that starts it."""

    name: str
    command: tuple[str, ...]
    descriptors: tuple[int, ...] = ()  # that it alone inherits
    environment: tuple[tuple[str, str], ...] = ()  # that it alone gets


@dataclass(slots=True)
class ProcessState:
    """What is known of one process, for the report."""

    pid: int | None = None
    restarts: int = 0
    last_exit: int | None = None
    served: bool = False  # it has lived steadily once: with its configuration, the service works


def with_pulse(plans: Sequence[ProcessPlan], name: str, variable: str, descriptor: int) -> tuple[ProcessPlan, ...]:
    """Return the plans, with that descriptor for the process of that name, which is told its number."""
    told = ((variable, str(descriptor)),)
    return tuple(
        replace(plan, descriptors=(descriptor,), environment=told) if plan.name == name else plan for plan in plans
    )


def plan_of(name: str, configuration_path: Path) -> ProcessPlan:
    """Return one process of the service by its name."""
    return ProcessPlan(name, (sys.executable, "-m", f"kuramori.{name}_process", "--config", str(configuration_path)))


def plans(configuration_path: Path, *, mail: bool = False) -> tuple[ProcessPlan, ...]:
    """Return the processes of the service in the order in which they start; the messenger where mail is configured."""
    names = ("recorder", "door", "desk", *((MESSENGER,) if mail else ()))
    return tuple(plan_of(name, configuration_path) for name in names)


@dataclass(slots=True)
class Supervisor:
    """Keeps the processes of `plans` running until told to stop."""

    plans: Sequence[ProcessPlan]
    runtime_directory: Path
    on_change: Callable[[str, ProcessState], None] = lambda _name, _state: None
    inherited: tuple[int, ...] = ()  # file descriptors that every process keeps open: the service's lock
    states: dict[str, ProcessState] = field(default_factory=dict)
    _keepers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _leaving: set[str] = field(default_factory=set)  # told to end while the others go on
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _refused: int | None = None

    async def run(self, stop: asyncio.Event) -> int:
        """Run until `stop` is set or a process refuses its configuration; return the exit code."""
        self._stop = stop
        for plan in self.plans:
            self._enter(plan, ProcessState())
        await stop.wait()
        self._stopping = True
        self._signal_all(signal.SIGTERM)
        _, late = await asyncio.wait(self._keepers.values(), timeout=STOP_SECONDS)
        if late:
            log.get().error("process_killed", names=sorted(task.get_name() for task in late))
            self._signal_all(signal.SIGKILL)
            await asyncio.wait(late)
        self._report()
        return self._refused or 0

    def begin(self, plan: ProcessPlan) -> None:
        """Keep this process running too, unless one of its name is; while the service ends, nothing begins."""
        if not self._stopping and plan.name not in self._keepers:
            self._enter(plan, ProcessState(served=True))  # the service works: what this one refuses does not end it

    def _enter(self, plan: ProcessPlan, state: ProcessState) -> None:
        self.states[plan.name] = state
        self._keepers[plan.name] = asyncio.create_task(self._keep(plan, self._stop), name=plan.name)

    async def finish(self, name: str) -> None:
        """End one process in order and forget it; the others go on."""
        keeper = self._keepers.get(name)
        if keeper is None or self._stopping:
            return
        self._leaving.add(name)
        self._signal(name, signal.SIGTERM)
        _, late = await asyncio.wait([keeper], timeout=STOP_SECONDS)
        if late:
            log.get().error("process_killed", names=[name])
            self._signal(name, signal.SIGKILL)
            await asyncio.wait(late)
        self._leaving.discard(name)
        del self._keepers[name], self.states[name]
        self._report()

    def reload(self) -> None:
        """Have every process read the configuration file again."""
        log.get().info("reload_asked")
        self._signal_all(signal.SIGHUP)

    def kill(self, name: str) -> None:
        """End one process at once; it is started again."""
        pid = self.states[name].pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for name in self.states:
            self._signal(name, number)

    def _signal(self, name: str, number: signal.Signals) -> None:
        pid = self.states[name].pid
        if pid is not None:
            os.kill(pid, number)

    def _ends(self, name: str) -> bool:
        return self._stopping or name in self._leaving

    async def _keep(self, plan: ProcessPlan, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        state = self.states[plan.name]
        quick_deaths = 0
        while not self._ends(plan.name):
            started = loop.time()
            try:
                process = await self._begin(plan)
            except OSError as error:  # no memory or no process number left: perhaps in a moment
                log.get().error("process_not_started", name=plan.name, detail=error.strerror or str(error))
                await self._pause(RESTART_DELAYS_SECONDS[-1], stop)
                continue
            state.pid = process.pid
            if self._ends(plan.name):  # told to stop while it was being started
                process.terminate()
            self._changed(plan.name, state)
            state.last_exit = await process.wait()
            state.pid = None
            if self._ends(plan.name):
                break
            if state.last_exit == EXIT_CONFIGURATION and not state.served:
                self._refused = EXIT_CONFIGURATION
                stop.set()
                break
            steady = loop.time() - started >= STEADY_SECONDS
            state.served = state.served or steady
            quick_deaths = 0 if steady else quick_deaths + 1
            delay = RESTART_DELAYS_SECONDS[min(max(quick_deaths - 1, 0), len(RESTART_DELAYS_SECONDS) - 1)]
            state.restarts += 1
            log.get().error("process_died", name=plan.name, exit=state.last_exit, restart_in_seconds=delay)
            self._changed(plan.name, state)
            await self._pause(delay, stop)
        self._changed(plan.name, state)

    async def _begin(self, plan: ProcessPlan) -> asyncio.subprocess.Process:
        """Start a process that is not killed by a reload before it listens to one."""
        hold_hangups()
        try:
            return await asyncio.create_subprocess_exec(
                *plan.command,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=self.inherited + plan.descriptors,
                env=os.environ | dict(plan.environment) | {SUPERVISOR_VARIABLE: str(os.getpid())},
            )
        finally:
            admit_hangups()

    @staticmethod
    async def _pause(seconds: float, stop: asyncio.Event) -> None:
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return

    def _changed(self, name: str, state: ProcessState) -> None:
        self._report()
        self.on_change(name, state)

    def _report(self) -> None:
        """Leave the facts where the desk reads them: <runtime>/supervisor.json, replaced as a whole."""
        facts = {
            name: {"pid": state.pid, "restarts": state.restarts, "last_exit": state.last_exit}
            for name, state in self.states.items()
        }
        target = self.runtime_directory / REPORT_NAME
        interim = target.with_suffix(".new")
        try:
            interim.write_text(json.dumps({"supervisor_pid": os.getpid(), "processes": facts}))
            interim.replace(target)
        except OSError as error:  # a full file system ends no recording
            log.get().error("report_not_written", path=str(target), detail=error.strerror or str(error))
