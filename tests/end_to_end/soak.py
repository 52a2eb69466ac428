"""Weather for simulated cameras: random cuts, freezes, reboots, moves, clock steps and event storms, and what is true.

The comparison takes the simulator's own log of what it sent and the recorder's coverage, and goes through time second
by second. Near an edge the two may differ by what lies between two clocks that read it: a third of a second.
"""

import asyncio
import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kuramori.messages import CoverageSpan, SpanKind
from kuramori.simulator.live_camera import LiveCamera
from kuramori.simulator.truth_log import Interval

SECOND_MS = 1000
EDGE_MS = 350
RECORDED = (SpanKind.RECORDED, SpanKind.UNPROVEN)


async def weather(camera: LiveCamera, chance: random.Random, stop: asyncio.Event, calm_seconds: float) -> None:
    """Let things happen to a camera until `stop`; it is whole again when this returns."""
    while not stop.is_set():
        try:
            async with asyncio.timeout(chance.uniform(0.3, 1.7) * calm_seconds):
                await stop.wait()
        except TimeoutError:
            await _happen(camera, chance)


async def _happen(camera: LiveCamera, chance: random.Random) -> None:
    match chance.choice(("cut", "cut", "freeze", "reboot", "move", "clock", "storm")):
        case "cut":
            await camera.cut()
            await asyncio.sleep(chance.uniform(0.1, 6))
            await camera.restore()
        case "freeze":
            camera.freeze()
            await asyncio.sleep(chance.uniform(0.5, 6))
            camera.freeze(False)
        case "reboot":
            await camera.reboot(chance.uniform(0.5, 5))
        case "move":
            await camera.move()
        case "clock":
            camera.step_clock(chance.choice((-7200, -60, -3, 2, 45, 3600)))
        case _:
            await camera.storm(chance.uniform(20, 300), chance.uniform(0.5, 3))


def disagreements(
    sent: Sequence[Interval], spans: Sequence[CoverageSpan], from_utc_ms: int, to_utc_ms: int
) -> list[str]:
    """Compare second by second; return a sentence for each second in which truth and coverage differ."""
    recorded = [(span.from_utc_ms, span.to_utc_ms) for span in spans if span.kind in RECORDED]
    truth = [(one.from_utc_ms, one.to_utc_ms) for one in sent]
    found = []
    for second in range(-(-from_utc_ms // SECOND_MS), to_utc_ms // SECOND_MS):
        begin, end = second * SECOND_MS, (second + 1) * SECOND_MS
        if _whole(truth, begin - EDGE_MS, end + EDGE_MS) and not _whole(recorded, begin, end):
            found.append(f"{second}: was sent and is not recorded")
        if _whole(recorded, begin - EDGE_MS, end + EDGE_MS) and not _whole(truth, begin, end):
            found.append(f"{second}: is recorded and was not sent")
        if not _any(truth, begin - EDGE_MS, end + EDGE_MS) and _any(recorded, begin, end):
            found.append(f"{second}: nothing was sent and something is recorded")
        if not _any(recorded, begin - EDGE_MS, end + EDGE_MS) and _any(truth, begin, end):
            found.append(f"{second}: something was sent and nothing is recorded")
    return found


def _whole(spans: Sequence[tuple[int, int]], begin: int, end: int) -> bool:
    return any(first <= begin and end <= last for first, last in spans)


def _any(spans: Sequence[tuple[int, int]], begin: int, end: int) -> bool:
    return any(first < end and begin < last for first, last in spans)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a process holds."""

    descriptors: int
    threads: int
    children: int
    resident_bytes: int

    @classmethod
    def of(cls, pid: int) -> "Holdings":
        """Count what /proc says of a process."""
        process = Path("/proc") / str(pid)
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        children = (process / "task" / str(pid) / "children").read_text().split()
        return cls(
            len(os.listdir(process / "fd")),
            int(status["Threads"]),
            len(children),
            int(status["VmRSS"].split()[0]) * 1024,
        )


def processes(runtime: Path) -> dict[str, int]:
    """Return the pids of the service's processes."""
    report = json.loads((runtime / "supervisor.json").read_text())
    return {name: int(one["pid"]) for name, one in report["processes"].items()}
