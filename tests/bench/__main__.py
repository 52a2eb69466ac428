"""`make bench`: runs the benchmarks and writes their tables, with the machine named, into nvr/BENCHMARKS.md.

`python -m tests.bench --only SECTION` (repeatable) runs some of them; `--no-report` prints and writes nothing.
Environment: KURAMORI_BENCH_CAMERAS ("1,8,32,128"), KURAMORI_BENCH_SECONDS (20), KURAMORI_BENCH_ROUNDS (2).
"""

import argparse
import asyncio
import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench import (
    alarms,
    attempts,
    custody,
    masking,
    media,
    opening,
    recording,
    restart,
    rotation,
    scraping,
    scrub,
    service,
    slow_disk,
    start,
)

REPORT = Path(__file__).parents[2] / "nvr" / "BENCHMARKS.md"
OUTPUT = Path("bench-out")


def machine() -> str:
    """Name the machine: processor, cores, memory, kernel, Python."""
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return (
        f"{processor[1] if processor else 'unknown processor'}, {os.cpu_count()} cores, "
        f"{int(memory[1]) // 2**20 if memory else 0} GiB memory, Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )


def write_section(name: str, text: str) -> None:
    """Replace what stands between the markers of this section in the report."""
    report = REPORT.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, _, rest = report.partition(begin)
    _, _, after = rest.partition(end)
    if not rest or end not in report:
        sys.exit(f"{REPORT} has no section {name}")
    REPORT.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def measure_recording() -> dict[str, str]:
    """Measure recording beside others, and what the service takes."""
    counts = tuple(int(n) for n in os.environ.get("KURAMORI_BENCH_CAMERAS", "1,8,32,128").split(","))
    seconds = float(os.environ.get("KURAMORI_BENCH_SECONDS", "20"))
    rounds = int(os.environ.get("KURAMORI_BENCH_ROUNDS", "2"))
    clip = media.make(OUTPUT / "1080p30-4mbit.h264")
    rows = asyncio.run(recording.compare(clip, counts, rounds, seconds))
    with tempfile.TemporaryDirectory(prefix="kuramori-bench-") as folder:
        held = asyncio.run(service.measure_idle(Path(folder) / "idle"))
    return {
        "recording": f"{machine()}; {rounds} rounds of {seconds:.0f} s each.\n\n{recording.table(rows)}",
        "service": f"{service.idle_table(held)}\n\n{service.tick_table(rows)}",
    }


def measure_opening() -> dict[str, str]:
    """Measure the opening of a clip."""
    before = f"{machine()}; {os.getloadavg()[0]:.1f} processes waiting before; median of {opening.ROUNDS}."
    return {"opening": f"{before}\n\n{opening.measure()}"}


def named(name: str, measure: Callable[[Path], str]) -> Callable[[], dict[str, str]]:
    """Return a part that fills one section, the machine named above its tables."""
    return lambda: {name: f"{machine()}.\n\n{measure(OUTPUT)}"}


# What can be asked for with --only; each part returns its sections of the report. A new one is one line here and a pair
# of markers in the report.
PARTS: Mapping[str, Callable[[], dict[str, str]]] = {
    "recording": measure_recording,
    "opening": measure_opening,
    "masking": named("masking", masking.measure),
    "custody": named("custody", lambda _output: custody.measure()),
    "start": named("start", start.measure),
    "restart": named("restart", lambda _output: restart.measure()),
    "rotation": named("rotation", rotation.measure),
    "scrub": named("scrub", scrub.measure),
    "scraping": named("scraping", lambda _output: scraping.measure()),
    "slow disk": named("slow disk", lambda _output: slow_disk.measure()),
    "attempts": named("attempts", lambda _output: attempts.measure()),
    "alarms": named("alarms", lambda _output: alarms.measure()),
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--only", action="append", choices=sorted(PARTS), help="run this part alone; repeatable")
    parser.add_argument("--no-report", action="store_true", help="print the tables, leave the report as it is")
    asked = parser.parse_args()
    OUTPUT.mkdir(exist_ok=True)
    for name in asked.only or PARTS:
        for section, text in PARTS[name]().items():
            print(f"{section}: {text}\n", flush=True)
            if not asked.no_report:
                write_section(section, text)


if __name__ == "__main__":
    main()
