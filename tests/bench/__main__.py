"""`make bench`: runs the benchmarks and writes their tables, with the machine named, into nvr/BENCHMARKS.md.

Environment: KURAMORI_BENCH_CAMERAS ("1,8,32,128"), KURAMORI_BENCH_SECONDS (20), KURAMORI_BENCH_ROUNDS (2).
"""

import asyncio
import os
import platform
import re
import sys
import tempfile
from pathlib import Path

from tests.bench import custody, media, opening, recording, service

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


def main() -> None:
    """Measure and report."""
    counts = tuple(int(n) for n in os.environ.get("KURAMORI_BENCH_CAMERAS", "1,8,32,128").split(","))
    seconds = float(os.environ.get("KURAMORI_BENCH_SECONDS", "20"))
    rounds = int(os.environ.get("KURAMORI_BENCH_ROUNDS", "2"))
    OUTPUT.mkdir(exist_ok=True)
    clip = media.make(OUTPUT / "1080p30-4mbit.h264")
    rows = asyncio.run(recording.compare(clip, counts, rounds, seconds))
    with tempfile.TemporaryDirectory(prefix="kuramori-bench-") as folder:
        held = asyncio.run(service.measure_idle(Path(folder) / "idle"))
    tables = {
        "recording": f"{machine()}; {rounds} rounds of {seconds:.0f} s each.\n\n{recording.table(rows)}",
        "service": f"{service.idle_table(held)}\n\n{service.tick_table(rows)}",
        "custody": f"{machine()}.\n\n{custody.measure()}",
        "opening": f"{machine()}; median of {opening.ROUNDS}.\n\n{opening.measure()}",
    }
    for name, text in tables.items():
        print(f"{name}: {text}\n")
        if "--no-report" not in sys.argv:
            write_section(name, text)


if __name__ == "__main__":
    main()
