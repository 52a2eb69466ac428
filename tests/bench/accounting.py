"""What a process tree cost: CPU seconds and proportional memory, read from /proc. Knows nothing of recorders."""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
NS_PER_SECOND = 1e9
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a tree of processes has used so far, and holds now."""

    cpu_seconds: float
    pss_bytes: int
    written_bytes: int  # handed to the block layer, /proc/PID/io write_bytes
    processes: int


def tree(root_pid: int) -> list[int]:
    """Return the process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
    found, waiting = [], [root_pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _cpu_seconds(pid: int) -> float:
    fields = (PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    reaped_children = (int(fields[13]) + int(fields[14])) / TICKS_PER_SECOND
    on_cpu_ns = sum(int((task / "schedstat").read_text().split()[0]) for task in (PROC / str(pid) / "task").iterdir())
    return on_cpu_ns / NS_PER_SECOND + reaped_children


def own_pss_bytes(pid: int) -> int:
    """Return the proportional memory of this process alone."""
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _written_bytes(pid: int) -> int:
    for line in (PROC / str(pid) / "io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def cost(*root_pids: int) -> Cost:
    """Add up what these processes and their descendants cost. A process that ends meanwhile is left out."""
    cpu_seconds, pss_bytes, written_bytes, processes = 0.0, 0, 0, 0
    for root_pid in root_pids:
        for pid in tree(root_pid):
            try:
                cpu_seconds += _cpu_seconds(pid)
                pss_bytes += own_pss_bytes(pid)
                written_bytes += _written_bytes(pid)
            except OSError:
                continue
            processes += 1
    return Cost(cpu_seconds, pss_bytes, written_bytes, processes)
